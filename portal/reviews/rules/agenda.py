"""The agenda of a review, written from the facts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from portal.renewals.rules.working import counted, in_words


@dataclass(frozen=True)
class Seen:
    """What happened since the last review, and what lies ahead."""

    since: date
    today: date
    attainment: Decimal | None = None
    targets: int = 0
    missed_targets: int = 0
    breached: Sequence[int] = ()
    credits: int = 0
    actions: Sequence[tuple[str, str, str]] = ()
    measures: Sequence[tuple[str, str, date]] = ()
    changes: Sequence[tuple[str, date]] = ()
    contacts: int = 0
    contacts_every: int | None = None
    peaks: Sequence[tuple[str, date]] = ()
    notice_by: date | None = None


@dataclass(frozen=True)
class Item:
    """One point of the agenda: its heading, and the facts it rests on."""

    heading: str
    facts: tuple[str, ...]


def agenda_of(seen: Seen, *, why: str, called: bool) -> list[Item]:
    """Return the agenda in the order it is worked through; a point without facts says so."""
    items = [Item("Why we meet", (why,))] if called else []
    items += [
        Item("Targets", _targets(seen)),
        Item("Credits", (_credits(seen),)),
        Item("Actions still open", _actions(seen) or ("None.",)),
        Item("Actions from root causes", _measures(seen) or ("None is open.",)),
        Item("Changes ahead", _changes(seen) or ("None is announced.",)),
        Item("Contacts to confirm again", (_contacts(seen),)),
    ]
    if seen.peaks:
        items.append(Item("Peaks and their targets", _peaks(seen)))
    if seen.notice_by is not None and 0 <= (seen.notice_by - seen.today).days <= 120:
        days = counted((seen.notice_by - seen.today).days, "day")
        items.append(Item("Renewal", (f"Notice by {in_words(seen.notice_by)}: {days} left.",)))
    return items


def _targets(seen: Seen) -> tuple[str, ...]:
    if seen.attainment is None:
        return (f"No target fell due since {in_words(seen.since)}.",)
    told = [
        f"{seen.attainment} % of {counted(seen.targets, 'target')} met since "
        f"{in_words(seen.since)}, {seen.missed_targets} missed."
    ]
    if seen.breached:
        numbers = ", ".join(str(number) for number in seen.breached[:20])
        told.append(f"Incidents with a missed target: {numbers}.")
    return tuple(told)


def _credits(seen: Seen) -> str:
    return f"{counted(seen.credits, 'credit')} not settled." if seen.credits else "All are settled."


def _actions(seen: Seen) -> tuple[str, ...]:
    return tuple(
        _owed(text, owner, date.fromisoformat(due), seen.today) for text, owner, due in seen.actions
    )


def _measures(seen: Seen) -> tuple[str, ...]:
    return tuple(_owed(text, owner, due, seen.today) for text, owner, due in seen.measures[:20])


def _owed(text: str, owner: str, due: date, today: date) -> str:
    return f"{text} ({owner}, due {in_words(due)}" + (", overdue)" if due < today else ")")


def _changes(seen: Seen) -> tuple[str, ...]:
    return tuple(f"{ref} on {in_words(on)}." for ref, on in seen.changes[:20])


def _contacts(seen: Seen) -> str:
    if not seen.contacts:
        return "Nobody is named yet: the customer names who may open incidents."
    every = f", every {counted(seen.contacts_every, 'month')}" if seen.contacts_every else ""
    return f"{counted(seen.contacts, 'named contact')}: confirm each again{every}."


def _peaks(seen: Seen) -> tuple[str, ...]:
    return tuple(f"{name}, from {in_words(on)}: set targets for it." for name, on in seen.peaks)
