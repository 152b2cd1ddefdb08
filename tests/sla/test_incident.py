"""The clocks of an incident: the clauses one by one, and a slow model that counts minutes."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.sla.rules import State
from portal.sla.rules.incident import (
    CUSTOMER,
    VENDOR,
    Event,
    Happened,
    History,
    Standing,
    is_excluded,
    severity_line,
    standing,
)
from portal.sla.rules.outcomes import counted_time, current, outcomes, working
from portal.sla.rules.promises import Aim, promises_of
from portal.terms.rules import load_schema, parse

from .cases import generated

SCHEMA = load_schema("1")
# Monday 9 November 2026, 09:00 in New York.
NINE = datetime(2026, 11, 9, 14, 0, tzinfo=UTC)


def promises(**typed):
    """The schema's default promises with some terms typed anew; no peaks."""
    terms = SCHEMA.defaults() | {"B5": None}
    for id, text in typed.items():
        name = id.replace("__", ".")
        terms[name] = parse(SCHEMA.terms[name], text) if text else None
    return promises_of(terms)


def at(hours):
    return NINE + timedelta(hours=hours)


def story(*events, severity="S2"):
    """A history of (hours, kind, more) after a report at nine."""
    said = [Event("report", Happened.REPORTED, NINE, CUSTOMER, severity=severity)]
    for number, (hours, kind, more) in enumerate(events):
        side = more.pop("side", VENDOR)
        said.append(Event(more.pop("id", f"e{number}"), kind, at(hours), side, **more))
    return History.of(1, said)


def one(found, aim, number=None):
    """The clock of one aim."""
    rows = [o for o in found if o.aim is aim]
    return rows[-1] if number is None else rows[number - 1]


# ---- the clauses -------------------------------------------------------------------------------


def test_an_answer_at_the_due_instant_is_in_time():
    met = story((2, Happened.ACKNOWLEDGED, {}))
    late = story((2 + 1 / 3600, Happened.ACKNOWLEDGED, {}))
    states = [one(outcomes(promises(), h, now=at(9)), Aim.RESPONSE).state for h in (met, late)]
    assert states == [State.MET, State.BREACHED]


def test_an_acknowledgement_is_no_response_where_a_diagnosis_is_asked_for():
    history = story((1, Happened.ACKNOWLEDGED, {}), (1.5, Happened.RESPONSE, {}))
    found = outcomes(promises(C5="a person gives a first diagnosis"), history, now=at(9))
    assert one(found, Aim.RESPONSE).met_at == at(1.5)


def test_a_customers_message_answers_nothing():
    history = story((1, Happened.UPDATE, {"side": CUSTOMER}))
    assert one(outcomes(promises(), history, now=at(1.5)), Aim.RESPONSE).met_at is None


def test_each_update_starts_the_next_clock():
    history = story((1, Happened.ACKNOWLEDGED, {}), (3, Happened.UPDATE, {}))
    found = outcomes(promises(), history, now=at(9))
    updates = [(o.started, o.due, o.state) for o in found if o.aim is Aim.UPDATE]
    assert updates == [(at(1), at(5), State.MET), (at(3), at(7), State.BREACHED)]


def test_a_faster_answer_in_a_peak_stays_in_force_after_it():
    terms = SCHEMA.defaults() | {
        "B5": parse(SCHEMA.terms["B5"], "Sale | 2026-11-09..2026-11-09 America/New_York | 3 times")
    }
    found = outcomes(promises_of(terms), story(), now=at(24 * 3))
    assert one(found, Aim.RESPONSE).promise.term == "C4.S2.peak_first_response"
    before = History.of(1, [Event("r", Happened.REPORTED, at(-24 * 3), CUSTOMER, severity="S1")])
    usual = one(outcomes(promises_of(terms), before, now=at(0)), Aim.RESPONSE)
    assert usual.promise.term == "C4.S1.first_response"


def test_a_report_in_a_break_may_wait_for_the_next_business_day():
    hours = "Mo-Fr 09:00-12:00, 13:00-17:00 America/New_York"
    typed = {"B1": hours, "C4__S2__first_response": "30 bh", "C4__S2__peak_first_response": ""}
    typed["C4__S2__first_response"] = "1 bh"
    noon = History.of(1, [Event("r", Happened.REPORTED, at(3.5), CUSTOMER, severity="S2")])
    dawn = History.of(1, [Event("r", Happened.REPORTED, at(-2), CUSTOMER, severity="S2")])
    opening = promises(**typed)
    waits = promises(C11="counts from the next business day", **typed)
    due = [one(outcomes(p, h, now=at(0)), Aim.RESPONSE).due
           for p in (opening, waits) for h in (noon, dawn)]  # fmt: skip
    assert due == [at(5), at(1), at(25), at(1)]


def test_hours_around_the_clock_do_not_close_for_holidays_and_five_days_a_week_do():
    holiday = "2026-11-10 | Founders’ day | none"
    round_the_clock = promises(B1="24x7 America/New_York", B2=holiday)
    assert round_the_clock.calendar.windows_on(at(24).date())
    five = round_the_clock.promise(Aim.UPDATE, "S2", reported=NINE).target
    assert not round_the_clock.calendar_for(five).windows_on(at(24).date())


def test_a_half_day_opens_for_its_own_hours():
    half = promises(
        B1="Mo-Fr 09:00-17:00 America/New_York",
        B2="2026-11-09 | Half day | Mo-Su 09:00-11:00 America/New_York",
        C4__S3__first_response="3 bh",
    )
    found = outcomes(half, story(severity="S3"), now=at(1))
    assert one(found, Aim.RESPONSE).due == at(25)


def test_a_graver_severity_never_brings_a_later_due_instant():
    history = story(
        (1.9, Happened.SEVERITY_PROPOSED, {"id": "p", "severity": "S1", "side": CUSTOMER}),
        (1.95, Happened.SEVERITY_AGREED, {"severity": "S1", "answers": "p"}),
    )
    response = one(outcomes(promises(), history, now=at(9)), Aim.RESPONSE)
    assert (response.due, response.severity) == (at(2), "S1")


def test_a_milder_severity_counts_from_its_proposal_once_agreed():
    proposed = (1, Happened.SEVERITY_PROPOSED, {"id": "p", "severity": "S2", "side": VENDOR})
    agreed = (2, Happened.SEVERITY_AGREED, {"severity": "S2", "answers": "p", "side": CUSTOMER})
    waiting = story(dict_copy(proposed), severity="S1")
    done = story(dict_copy(proposed), dict_copy(agreed), severity="S1")
    assert severity_line(waiting) == [(NINE, "S1")]
    assert severity_line(done) == [(NINE, "S1"), (at(1), "S2")]


def dict_copy(event):
    """The same event with a dictionary of its own: a story takes it apart."""
    hours, kind, more = event
    return hours, kind, dict(more)


def test_a_severity_wrong_from_the_beginning_corrects_the_result():
    history = story(
        (3, Happened.ACKNOWLEDGED, {}),
        (4, Happened.SEVERITY_PROPOSED, {"id": "p", "severity": "S3", "side": VENDOR}),
        (5, Happened.SEVERITY_AGREED,
         {"severity": "S3", "answers": "p", "side": CUSTOMER, "from_report": True}),
    )  # fmt: skip
    before = one(outcomes(promises(), history.until(at(4.5)), now=at(4.5)), Aim.RESPONSE)
    after = one(outcomes(promises(), history, now=at(6)), Aim.RESPONSE)
    assert (before.state, after.state) == (State.BREACHED, State.MET)


def test_a_result_fixed_before_a_change_remains():
    history = story(
        (3, Happened.SEVERITY_PROPOSED, {"id": "p", "severity": "S3", "side": VENDOR}),
        (4, Happened.SEVERITY_AGREED, {"severity": "S3", "answers": "p", "side": CUSTOMER}),
    )
    response = one(outcomes(promises(), history, now=at(5)), Aim.RESPONSE)
    assert (response.due, response.severity) == (at(2), "S2")


def test_a_withdrawn_proposal_held_only_while_it_was_open():
    history = story(
        (1, Happened.SEVERITY_PROPOSED, {"id": "p", "severity": "S1", "side": CUSTOMER}),
        (2, Happened.SEVERITY_WITHDRAWN, {"answers": "p", "side": CUSTOMER}),
    )
    assert severity_line(history) == [(NINE, "S2"), (at(1), "S1"), (at(2), "S2")]


def test_a_pause_ends_by_itself_at_its_longest():
    history = story((1, Happened.PAUSE_CLAIMED, {"id": "c", "ground": "agreed_hold"}))
    found = outcomes(promises(C7__max_pause="2 hours"), history, now=at(30))
    assert one(found, Aim.RESPONSE).due == at(4)
    assert one(found, Aim.RESPONSE).state is State.BREACHED


def test_a_pause_after_the_due_instant_heals_nothing():
    history = story((3, Happened.PAUSE_CLAIMED, {"id": "c", "ground": "agreed_hold"}))
    assert one(outcomes(promises(), history, now=at(4)), Aim.RESPONSE).state is State.BREACHED


def test_a_contested_pause_that_decides_the_result_makes_it_disputed():
    events = [
        (1, Happened.PAUSE_CLAIMED, {"id": "c", "ground": "agreed_hold"}),
        (1.1, Happened.PAUSE_CONTESTED, {"answers": "c", "side": CUSTOMER}),
        (2, Happened.PAUSE_ENDED, {"answers": "c"}),
        (2.5, Happened.ACKNOWLEDGED, {}),
    ]
    response = one(outcomes(promises(), story(*map(dict_copy, events)), now=at(9)), Aim.RESPONSE)
    assert response.disputed
    assert (response.due, response.strict_due) == (at(3), at(2))
    for counts, state in ((True, State.MET), (False, State.BREACHED)):
        settled = (3, Happened.PAUSE_SETTLED, {"answers": "c", "counts": counts})
        history = story(*map(dict_copy, [*events, settled]))
        found = one(outcomes(promises(), history, now=at(9)), Aim.RESPONSE)
        assert (found.disputed, found.state) == (False, state)


def test_what_was_refused_stopped_no_clock():
    history = story(
        (1, Happened.WORKAROUND, {"id": "w"}),
        (2, Happened.REFUSED, {"answers": "w", "side": CUSTOMER}),
        (3, Happened.RESOLVED, {"id": "r"}),
        (4, Happened.REFUSED, {"answers": "r", "side": CUSTOMER}),
    )
    found = outcomes(promises(), history, now=at(5))
    assert one(found, Aim.WORKAROUND).met_at is None
    assert one(found, Aim.RESOLUTION).met_at is None
    assert standing(history) is Standing.OPEN


def test_a_reopening_carries_the_clocks_on_and_asks_for_a_new_answer():
    history = story(
        (0.2, Happened.ACKNOWLEDGED, {}), (3, Happened.RESOLVED, {}),
        (10, Happened.REOPENED, {"side": CUSTOMER}), severity="S1",
    )  # fmt: skip
    found = outcomes(promises(), history, now=at(11))
    first, again = one(found, Aim.RESOLUTION, 1), one(found, Aim.RESOLUTION, 2)
    assert (first.superseded, first.state, again.due) == (True, State.MET, at(15))
    assert one(found, Aim.RESPONSE, 2).due == at(10.5)
    assert one(found, Aim.UPDATE).due is not None
    assert [o.aim for o in current(found)] == list(Aim)


def test_no_time_is_promised_for_the_next_release():
    found = one(outcomes(promises(), story(severity="S3"), now=at(1)), Aim.RESOLUTION)
    assert found.due is None
    assert found.promise.at_next_release
    assert working(promises(), found) is None


def test_a_trial_run_never_counts():
    trial = Event("r", Happened.REPORTED, NINE, CUSTOMER, severity="S1", ground="trial")
    assert is_excluded(History.of(1, [trial])) is True


# ---- the slow model ----------------------------------------------------------------------------

MINUTE = timedelta(minutes=1)
LENGTHS = {"S1": 240, "S2": 600, "S3": 1500}
MODEL = promises(
    B1="Mo-Fr 08:00-12:00, 13:00-18:00 America/New_York",
    B2="2026-11-11 | Veterans’ day | none",
    C4__S1__resolution="4 bh",
    C4__S2__resolution="10 bh",
    C4__S3__resolution="25 bh",
    C7__max_pause="30 days",
)
FIRST = datetime(2026, 11, 8, tzinfo=UTC)


def is_open(minute):
    """Whether support is open in a minute after FIRST; New York is five hours behind all along."""
    local = minute - 5 * 60
    day, clock = divmod(local, 1440)
    weekday = (6 + day) % 7  # the eighth of November 2026 is a Sunday
    working_hours = 8 * 60 <= clock < 12 * 60 or 13 * 60 <= clock < 18 * 60
    return weekday < 5 and day != 3 and working_hours


@dataclass
class Slow:
    """Counts a resolution clock minute by minute."""

    start: int
    severities: list
    pauses: list
    met: int | None
    end: int

    def due_from(self, begin, need):
        minute = begin
        while minute < 60 * 24 * 120:
            if is_open(minute) and not any(b <= minute < e for b, e in self.pauses):
                need -= 1
                if need == 0:
                    return minute + 1
            minute += 1
        raise AssertionError("not within four months")

    def due(self):
        due, held = None, ""
        for since, severity in self.severities:
            if due is not None and (since > due or (self.met is not None and self.met <= since)):
                break
            fresh = self.due_from(since, LENGTHS[severity])
            due = min(due, fresh) if due is not None and severity < held else fresh
            held = severity
        return due


minutes = st.integers(9 * 60, 60 * 24 * 9)


@st.composite
def histories(draw):
    """A report, agreed severities, pauses with or without a contest, and perhaps a resolution."""
    start = draw(minutes)
    later = st.integers(start + 1, start + 60 * 24 * 6)
    severity = draw(st.sampled_from(sorted(LENGTHS)))
    said = [Event("report", Happened.REPORTED, FIRST + start * MINUTE, CUSTOMER, severity=severity)]
    line = [(start, severity)]
    for number, moment in enumerate(sorted(draw(st.lists(later, max_size=3, unique=True)))):
        other = draw(st.sampled_from([s for s in sorted(LENGTHS) if s != line[-1][1]]))
        line.append((moment, other))
        when = FIRST + moment * MINUTE
        said.append(Event(f"p{number}", Happened.SEVERITY_PROPOSED, when, VENDOR, severity=other))
        said.append(Event(f"a{number}", Happened.SEVERITY_AGREED, when, CUSTOMER, severity=other,
                          answers=f"p{number}"))  # fmt: skip
    agreed, contested = [], []
    for number in range(draw(st.integers(0, 3))):
        begin = draw(later)
        end = begin + draw(st.integers(1, 60 * 30))
        is_contested = draw(st.booleans())
        (contested if is_contested else agreed).append((begin, end))
        claim, b, e = f"c{number}", FIRST + begin * MINUTE, FIRST + end * MINUTE
        said.append(Event(claim, Happened.PAUSE_CLAIMED, b, VENDOR, ground="agreed_hold"))
        if is_contested:
            said.append(Event(f"x{number}", Happened.PAUSE_CONTESTED, b, CUSTOMER, answers=claim))
        said.append(Event(f"d{number}", Happened.PAUSE_ENDED, e, VENDOR, answers=claim))
    met = draw(st.none() | later)
    end = start + 60 * 24 * 10
    if met is not None:
        said.append(Event("done", Happened.RESOLVED, FIRST + met * MINUTE, VENDOR))
    return History.of(1, said), Slow(start, line, agreed, met, end), contested


def clipped(pauses, moment):
    """Pauses as they are known at a moment: one that is not over runs until then."""
    return [(b, min(e, moment)) for b, e in pauses if b <= moment]


@generated
@given(histories())
@pytest.mark.slow
def test_the_clock_agrees_with_counting_minutes(made):
    history, slow, contested = made
    now = FIRST + slow.end * MINUTE
    found = one(outcomes(MODEL, history, now=now), Aim.RESOLUTION)
    moment = slow.met if slow.met is not None else slow.end
    agreed = slow.pauses
    slow.pauses = clipped([*agreed, *contested], moment)
    assert found.due == FIRST + slow.due() * MINUTE
    assert found.breached == (moment > slow.due())
    slow.pauses = clipped(agreed, moment)
    strict = FIRST + slow.due() * MINUTE
    assert (found.strict_due or found.due) == strict
    assert strict <= found.due
    assert found.breached_without_contested == (moment > slow.due())


@generated
@given(histories())
@pytest.mark.slow
def test_the_whole_clock_says_the_same_as_the_quick_one(made):
    history, slow, _contested = made
    found = one(outcomes(MODEL, history, now=FIRST + slow.end * MINUTE), Aim.RESOLUTION)
    state = working(MODEL, found)
    if len(slow.severities) == 1:
        assert state.due == found.due
        assert state.elapsed == counted_time(MODEL, found)
    assert (state.state is State.BREACHED) == ((found.met_at or found.now) > state.due)
    assert state.elapsed == state.ledger.counted


@generated
@given(histories())
@pytest.mark.slow
def test_a_history_tells_its_past_the_same_later(made):
    """What stood at a moment still follows from the events up to it."""
    history, slow, _contested = made
    moment = FIRST + (slow.start + 60 * 24) * MINUTE
    early = outcomes(MODEL, history.until(moment), now=moment)
    again = outcomes(MODEL, History.of(1, reversed(history.until(moment).events)), now=moment)
    assert [(o.due, o.strict_due, o.met_at, o.state) for o in early] == [
        (o.due, o.strict_due, o.met_at, o.state) for o in again
    ]


@pytest.mark.parametrize("aim", list(Aim))
def test_every_aim_has_a_term_in_the_schema(aim):
    for severity in ("S1", "S2", "S3", "S4"):
        assert promises().promise(aim, severity, reported=NINE).term in SCHEMA.terms
