"""The order of signing: approvals first, then groups of signers, one group after the other."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

ALL_AT_ONCE = "parallel"


@dataclass(frozen=True)
class Seat:
    """A signer's place in the order. `together`: asked at the same time as the place before."""

    slot_id: str
    position: int
    person_id: str
    name: str
    signed_at: datetime | None = None
    together: bool = False

    @property
    def is_signed(self) -> bool:
        """Whether this place is signed."""
        return self.signed_at is not None


def groups(seats: Iterable[Seat], *, all_at_once: bool = False) -> list[list[Seat]]:
    """Return the seats in groups that are asked together, in the order of signing."""
    found: list[list[Seat]] = []
    for seat in sorted(seats, key=lambda seat: seat.position):
        if found and (seat.together or all_at_once):
            found[-1].append(seat)
        else:
            found.append([seat])
    return found


def open_seats(
    seats: Sequence[Seat], *, all_at_once: bool = False, approvals_missing: int = 0
) -> list[Seat]:
    """Return the seats whose turn it is: the unsigned ones of the first group that has any."""
    if approvals_missing:
        return []
    for group in groups(seats, all_at_once=all_at_once):
        waiting = [seat for seat in group if not seat.is_signed]
        if waiting:
            return waiting
    return []


def seat_of(seats: Iterable[Seat], person_id: str) -> Seat | None:
    """Return the seat of a person, if they sign at all."""
    return next((seat for seat in seats if seat.person_id == person_id), None)


def is_reached(seat: Seat, open_now: Sequence[Seat]) -> bool:
    """Return whether a seat was signed or asked for: from then on only its signer gives it."""
    return seat.is_signed or seat in open_now


def listed(names: Sequence[str]) -> str:
    """Return names as people say them: "Ada, Nia and Lena"."""
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"
