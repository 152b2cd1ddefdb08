"""The agenda of a review, written from the facts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from portal.kit.words import day, percent, say, say_n
from portal.renewals.rules.working import months


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
    items = [Item(say("Why we meet"), (why,))] if called else []
    items += [
        Item(say("Targets"), _targets(seen)),
        Item(say("Credits"), (_credits(seen),)),
        Item(say("Actions still open"), _actions(seen) or (say("None."),)),
        Item(say("Actions from root causes"), _measures(seen) or (say("None is open."),)),
        Item(say("Changes ahead"), _changes(seen) or (say("None is announced."),)),
        Item(say("Contacts to confirm again"), (_contacts(seen),)),
    ]
    if seen.peaks:
        items.append(Item(say("Peaks and their targets"), _peaks(seen)))
    if seen.notice_by is not None and 0 <= (seen.notice_by - seen.today).days <= 120:
        text = say_n(
            "Notice by %(day)s: %(num)s day left.",
            "Notice by %(day)s: %(num)s days left.",
            (seen.notice_by - seen.today).days,
            day=day(seen.notice_by),
        )
        items.append(Item(say("Renewal"), (text,)))
    return items


def _targets(seen: Seen) -> tuple[str, ...]:
    if seen.attainment is None:
        return (say("No target fell due since %(day)s.", day=day(seen.since)),)
    told = [
        say_n(
            "%(share)s of %(num)s target met since %(day)s, %(missed)s missed.",
            "%(share)s of %(num)s targets met since %(day)s, %(missed)s missed.",
            seen.targets,
            share=percent(seen.attainment),
            day=day(seen.since),
            missed=seen.missed_targets,
        )
    ]
    if seen.breached:
        numbers = ", ".join(str(number) for number in seen.breached[:20])
        told.append(say("Incidents with a missed target: %(numbers)s.", numbers=numbers))
    return tuple(told)


def _credits(seen: Seen) -> str:
    if not seen.credits:
        return say("All are settled.")
    return say_n("%(num)s credit not settled.", "%(num)s credits not settled.", seen.credits)


def _actions(seen: Seen) -> tuple[str, ...]:
    return tuple(
        _owed(text, owner, date.fromisoformat(due), seen.today) for text, owner, due in seen.actions
    )


def _measures(seen: Seen) -> tuple[str, ...]:
    return tuple(_owed(text, owner, due, seen.today) for text, owner, due in seen.measures[:20])


def _owed(text: str, owner: str, due: date, today: date) -> str:
    values = {"text": text, "owner": owner, "due": day(due)}
    if due < today:
        return say("%(text)s (%(owner)s, due %(due)s, overdue)", **values)
    return say("%(text)s (%(owner)s, due %(due)s)", **values)


def _changes(seen: Seen) -> tuple[str, ...]:
    return tuple(say("%(ref)s on %(day)s.", ref=ref, day=day(on)) for ref, on in seen.changes[:20])


def _contacts(seen: Seen) -> str:
    if not seen.contacts:
        return say("Nobody is named yet: the customer names who may open incidents.")
    if not seen.contacts_every:
        return say_n(
            "%(num)s named contact: confirm each again.",
            "%(num)s named contacts: confirm each again.",
            seen.contacts,
        )
    return say_n(
        "%(num)s named contact: confirm each again, every %(months)s.",
        "%(num)s named contacts: confirm each again, every %(months)s.",
        seen.contacts,
        months=months(seen.contacts_every),
    )


def _peaks(seen: Seen) -> tuple[str, ...]:
    return tuple(
        say("%(name)s, from %(day)s: set targets for it.", name=name, day=day(on))
        for name, on in seen.peaks
    )
