"""Checks 1, 9 and 11: targets, escalation, and what a missed commitment costs."""

from collections.abc import Iterator
from itertools import pairwise

from portal.kit.words import say
from portal.terms.rules.checks.facts import SEVERITIES, Facts, Finding, error, warning
from portal.terms.rules.durations import DAY, is_length
from portal.terms.rules.shape import Value
from portal.terms.rules.tables import write_cell

UPDATES_BEFORE_RESPONSE = 1
"""A first response must come no later than this many progress updates would."""

_TARGETS = ("first_response", "peak_first_response", "update_every", "workaround", "resolution")
_LEVELS = ("L2", "L3", "L4")
_LEAST_LEVELS = ("L1", "L2", "L3")


def check_targets(facts: Facts) -> Iterator[Finding]:
    """Check 1: a graver fault is never served later, and each target leaves room for the next."""
    for target in _TARGETS:
        known = [s for s in SEVERITIES if facts.knows(f"C4.{s}.{target}")]
        for graver, lighter in pairwise(known):
            yield from _in_order(facts, target, graver, lighter)
    for severity in SEVERITIES:
        yield from _steps(facts, severity)
        yield from _peak(facts, severity)


def _in_order(facts: Facts, target: str, graver: str, lighter: str) -> Iterator[Finding]:
    first, second = f"C4.{graver}.{target}", f"C4.{lighter}.{target}"
    if facts.minutes(_or_ordinary(facts, first)) > facts.minutes(_or_ordinary(facts, second)):
        yield error(
            1,
            (first, second),
            say(
                "%(second_label)s (%(second)s) is sooner than %(first_label)s "
                "(%(first)s): the graver fault must not wait longer.",
                second_label=facts.label(second),
                second=_said(facts, second),
                first_label=facts.label(first),
                first=_said(facts, first),
            ),
        )


def _or_ordinary(facts: Facts, term_id: str) -> Value:
    """In peaks, none means the ordinary first response."""
    return facts.get(_told(facts, term_id))


def _told(facts: Facts, term_id: str) -> str:
    if facts.get(term_id) is None and term_id.endswith(".peak_first_response"):
        return term_id.replace("peak_first_response", "first_response")
    return term_id


def _said(facts: Facts, term_id: str) -> str:
    return facts.told(_told(facts, term_id))


def _steps(facts: Facts, severity: str) -> Iterator[Finding]:
    """First response before update, before workaround, before resolution."""
    response, update, workaround, resolution = (
        f"C4.{severity}.{name}"
        for name in ("first_response", "update_every", "workaround", "resolution")
    )
    pairs = [(response, update, UPDATES_BEFORE_RESPONSE), (response, workaround, 1)]
    pairs.append((workaround if facts.has(workaround) else response, resolution, 1))
    for sooner, later, times in pairs:
        known = is_length(facts.get(sooner)) and is_length(facts.get(later))
        if known and facts.minutes(facts.get(sooner)) > times * facts.minutes(facts.get(later)):
            yield error(
                1,
                (sooner, later),
                say(
                    "%(sooner_label)s (%(sooner)s) can take longer than "
                    "%(later_label)s (%(later)s): it must come first.",
                    sooner_label=facts.label(sooner),
                    sooner=facts.told(sooner),
                    later_label=facts.label(later),
                    later=facts.told(later),
                ),
            )


def _peak(facts: Facts, severity: str) -> Iterator[Finding]:
    peak, ordinary = f"C4.{severity}.peak_first_response", f"C4.{severity}.first_response"
    known = is_length(facts.get(peak)) and is_length(facts.get(ordinary))
    if known and facts.minutes(facts.get(peak)) > facts.minutes(facts.get(ordinary)):
        yield error(
            1,
            (peak, ordinary),
            say(
                "%(peak_label)s (%(peak)s) is slower than %(ordinary_label)s "
                "(%(ordinary)s): a peak must not be served worse.",
                peak_label=facts.label(peak),
                peak=facts.told(peak),
                ordinary_label=facts.label(ordinary),
                ordinary=facts.told(ordinary),
            ),
        )


# ---- check 9 -------------------------------------------------------------------------------------


def check_escalation(facts: Facts) -> Iterator[Finding]:
    """Check 9: escalation climbs, climbs in time, and somebody answers on each level."""
    for row in facts.rows("G2"):
        yield from _climbs(facts, row)
    if facts.knows("G1"):
        yield from _answered(facts)


def _climbs(facts: Facts, row: dict[str, Value]) -> Iterator[Finding]:
    severity = row["severity"]
    told = [level for level in _LEVELS if is_length(row[level])]
    for lower, higher in pairwise(told):
        if facts.minutes(row[lower]) >= facts.minutes(row[higher]):
            yield error(
                9,
                ("G2",),
                say(
                    "%(severity)s reaches %(higher)s after %(within)s, not later than "
                    "%(lower)s after %(below)s: each level must come after the one "
                    "below it.",
                    severity=severity,
                    higher=higher,
                    within=_cell(facts, higher, row),
                    lower=lower,
                    below=_cell(facts, lower, row),
                ),
            )
    resolution = f"C4.{severity}.resolution"
    known = is_length(row["L2"]) and is_length(facts.get(resolution))
    if known and facts.minutes(row["L2"]) > facts.minutes(facts.get(resolution)):
        yield error(
            9,
            ("G2", resolution),
            say(
                "%(severity)s reaches L2 after %(within)s, later than it must be "
                "resolved (%(resolution)s): the support lead would hear of it too "
                "late.",
                severity=severity,
                within=_cell(facts, "L2", row),
                resolution=facts.told(resolution),
            ),
        )


def _cell(facts: Facts, level: str, row: dict[str, Value]) -> str:
    column = next(c for c in facts.schema.terms["G2"].columns if c.name == level)
    return write_cell(column, row[level])


def _answered(facts: Facts) -> Iterator[Finding]:
    people = facts.rows("G1")
    used = {row["level"] for row in people} | set(_LEAST_LEVELS)
    used |= {level for row in facts.rows("G2") for level in _LEVELS if row[level] is not None}
    for side in ("vendor", "customer"):
        for level in sorted(level for level in used if level):
            there = [r for r in people if (r["side"], r["level"]) == (side, level)]
            if not any(_reachable(row) for row in there):
                yield error(
                    9,
                    ("G1",),
                    _nobody(side, level),
                )


def _nobody(side: str, level: str) -> str:
    if side == "vendor":
        return say(
            "Nobody of the vendor can be reached on level %(level)s: name someone with a phone "
            "or an e-mail address and the hours they answer.",
            level=level,
        )
    return say(
        "Nobody of the customer can be reached on level %(level)s: name someone with a phone "
        "or an e-mail address and the hours they answer.",
        level=level,
    )


def _reachable(row: dict[str, Value]) -> bool:
    named = row["person"] or row["role"]
    return bool(named and (row["phone"] or row["email"]) and row["reachable"])


# ---- check 11 ------------------------------------------------------------------------------------

_SHORT_CLAIM = 30 * DAY


def check_commitments(facts: Facts) -> Iterator[Finding]:
    """Check 11: a commitment with credit has a credit, and there is time to claim it."""
    for target, credit in (("first_response", "K2"), ("resolution", "K3")):
        promised = [s for s in SEVERITIES if _promises(facts, s, target)]
        if promised and facts.knows(credit) and facts.get(credit) is None:
            terms = tuple(f"C4.{s}.commitment" for s in promised)
            yield warning(
                11,
                (*terms, credit),
                _costs_nothing(facts, target, credit, promised),
            )
        yield from _unit_of_time_late(facts, credit)
    yield from _short_claim(facts)


def _costs_nothing(facts: Facts, target: str, credit: str, promised: list[str]) -> str:
    severities, label = ", ".join(promised), facts.label(credit)
    if target == "resolution":
        return say(
            "%(severities)s: the targets are a commitment with credit, but %(label)s is none, so "
            "missing the resolution costs nothing.",
            severities=severities, label=label,
        )  # fmt: skip
    return say(
        "%(severities)s: the targets are a commitment with credit, but %(label)s is none, so "
        "missing the first response costs nothing.",
        severities=severities, label=label,
    )  # fmt: skip


def _unit_of_time_late(facts: Facts, credit: str) -> Iterator[Finding]:
    """Find a credit for time late that no unit of time was agreed for."""
    shape, unit = f"{credit}.shape", f"{credit}.unit"
    if facts.get(shape) == "late" and facts.knows(unit) and facts.get(unit) is None:
        yield error(
            11,
            (shape, unit),
            say(
                "%(shape_label)s %(shape)s, but %(unit_label)s is none: nobody "
                "could count the units.",
                shape_label=facts.label(shape),
                shape=facts.told(shape),
                unit_label=facts.label(unit),
            ),
        )


def _promises(facts: Facts, severity: str, target: str) -> bool:
    committed = facts.get(f"C4.{severity}.commitment") == "credit"
    return committed and is_length(facts.get(f"C4.{severity}.{target}"))


def _short_claim(facts: Facts) -> Iterator[Finding]:
    window = facts.get("K8")
    if facts.get("K7") == "on_claim" and is_length(window) and facts.minutes(window) < _SHORT_CLAIM:
        yield warning(
            11,
            ("K7", "K8"),
            say(
                "Credits must be claimed within %(k8)s: with less than 30 days "
                "most credits are lost before the report is read.",
                k8=facts.told("K8"),
            ),
        )
