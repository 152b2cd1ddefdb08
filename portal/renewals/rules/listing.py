"""The list of renewals: what is shown, the swim-lane drawn from it, and its rows as CSV."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Protocol, TypeVar

from portal.contracts.rules.life import Side
from portal.kit.words import month_name, say
from portal.renewals.rules.dates import add_months
from portal.renewals.rules.notices import CHOICE_WORDS, Choice
from portal.renewals.rules.reading import MODE_WORDS, Mode

Word = TypeVar("Word", bound=StrEnum)


class Show(StrEnum):
    """Which notice dates are listed."""

    NEXT = "next"
    LATER = "later"
    PASSED = "passed"
    OVERDUE = "overdue"


SHOW_WORDS = {
    Show.NEXT: say("Next twelve months"),
    Show.LATER: say("Later"),
    Show.PASSED: say("Notice date passed"),
}


@dataclass(frozen=True)
class Filter:
    """What the address asks for."""

    show: Show = Show.NEXT
    side: Side | None = None
    mode: Mode | None = None
    month: str | None = None
    decided: bool | None = None

    def address(self, **changes: str | None) -> dict[str, str | None]:
        """Return the values of the address of this filter with some of them changed."""
        told: dict[str, str | None] = {
            "show": None if self.show is Show.NEXT else self.show.value,
            "side": self.side.value if self.side else None,
            "mode": self.mode.value if self.mode else None,
            "month": self.month,
            "decision": None if self.decided is None else ("made" if self.decided else "open"),
        }
        return told | changes


def read_filter(asked: Mapping[str, str]) -> Filter:
    """Read a filter from an address; what it does not know is passed over."""
    month = asked.get("month", "")
    return Filter(
        show=_known(Show, asked.get("show")) or Show.NEXT,
        side=_known(Side, asked.get("side")),
        mode=_known(Mode, asked.get("mode")),
        month=month if _is_month(month) else None,
        decided={"made": True, "open": False}.get(asked.get("decision", "")),
    )


def _known(kind: type[Word], text: str | None) -> Word | None:
    return kind(text) if text in set(kind) else None


def _is_month(text: str) -> bool:
    if len(text) != 7 or not text.isascii():
        return False
    try:
        date.fromisoformat(f"{text}-01")
    except ValueError:
        return False
    return True


@dataclass(frozen=True)
class Mark:
    """A place in the list: a notice date and a contract."""

    notice_by: str
    ref: str

    @property
    def text(self) -> str:
        """This mark as it stands in an address."""
        return f"{self.notice_by}.{self.ref}"


def read_mark(text: str | None) -> Mark | None:
    """Read a mark from an address; anything else is the beginning of the list."""
    day, dot, ref = (text or "").partition(".")
    try:
        date.fromisoformat(day)
    except ValueError:
        return None
    return Mark(day, ref) if dot and len(ref) <= 24 else None


# ---- the swim-lane -------------------------------------------------------------------------------

LEFT, RIGHT, TOP, LANE = 220, 960, 34, 30
MONTHS = 13


class Dated(Protocol):
    """What a lane is drawn from."""

    @property
    def ref(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def ends(self) -> date: ...
    @property
    def notice_by(self) -> date: ...
    @property
    def price_by(self) -> date | None: ...
    @property
    def decision(self) -> str | None: ...


@dataclass(frozen=True)
class Lane:
    """One contract's lane: its name, the bar until its end date, and its marks by x."""

    ref: str
    label: str
    y: int
    bar: int
    ends: int | None
    notice: int | None
    price: int | None
    kind: str


@dataclass(frozen=True)
class Picture:
    """The swim-lane of twelve months: its size, the months on top, and the lanes."""

    width: int
    height: int
    left: int
    months: list[tuple[int, str]]
    lanes: list[Lane]


def picture(rows: Sequence[Dated], *, today: date) -> Picture:
    """Return where everything stands in the picture of the next twelve months."""
    first = today.replace(day=1)
    last = add_months(first, MONTHS)
    days = (last - first).days

    def x(day: date | None) -> int | None:
        if day is None or not first <= day <= last:
            return None
        return LEFT + round((RIGHT - LEFT) * (day - first).days / days)

    months = [add_months(first, n) for n in range(MONTHS)]
    lanes = [
        Lane(
            ref=row.ref,
            label=row.title if len(row.title) <= 28 else f"{row.title[:27]}…",
            y=TOP + number * LANE,
            bar=(x(row.ends) or (RIGHT if row.ends > last else LEFT)) - LEFT,
            ends=x(row.ends),
            notice=x(row.notice_by),
            price=x(row.price_by),
            kind=_kind(row, today=today),
        )
        for number, row in enumerate(rows)
    ]
    named = [(x(month) or LEFT, _named(month, first)) for month in months]
    return Picture(RIGHT + 20, TOP + len(rows) * LANE + 6, LEFT, named, lanes)


def _named(month: date, first: date) -> str:
    if month == first or month.month == 1:
        return say("%(month)s ’%(year)s", month=month_name(month), year=f"{month:%y}")
    return month_name(month)


def _kind(row: Dated, *, today: date) -> str:
    """The colour of a lane's notice mark: settled, decided, soon, or far away."""
    if row.state == "leaving":
        return "is-bad"
    if row.decision:
        return "is-good"
    return "is-warn" if (row.notice_by - today).days < 60 else "is-accent"


# ---- words and CSV -------------------------------------------------------------------------------

COLUMNS = (
    "Contract", "Reference", "With", "We are", "Notice by", "Term ends", "At the end",
    "Decide by", "Our decision", "Value a year", "Next term at most", "Currency", "Owner",
    "Targets met in twelve months (%)", "Open credits",
)  # fmt: skip
_RISKY = ("=", "+", "-", "@", "\t", "\r", "\n")


def plain_cell(text: str) -> str:
    """Return a cell that no spreadsheet runs as a formula."""
    return f"'{text}" if text.startswith(_RISKY) else text


def decision_words(choice: str | None) -> str:
    """Return a side's own decision in words."""
    return CHOICE_WORDS[Choice(choice)] if choice else say("Not decided")


def mode_words(mode: str, state: str) -> str:
    """Return what happens at the end of the term in words."""
    return say("ends, settled") if state == "leaving" else MODE_WORDS[Mode(mode)]
