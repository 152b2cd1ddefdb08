"""What the contracts room decides: steps, waiting, people, regions, the list."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from portal.contracts.rules import listing, people, starting, waiting
from portal.contracts.rules.life import STATE_WORDS, DatedFact, Side, State, state_of
from portal.contracts.rules.waiting import Door, Standing, Wait, next_step, waits_for
from portal.kit import clock
from portal.plans.rules import load_catalogue, tier_terms
from portal.templates.rules.template import load_template
from portal.terms.rules import load_schema, validate

SCHEMA = load_schema("1")
MEMBERS = {
    "p1": people.Member("p1", "Ada", "a@n.example", frozenset({"account_manager", "signatory"})),
    "p2": people.Member("p2", "Ben", "b@n.example", frozenset({"support_lead"})),
    "p3": people.Member("p3", "Nia", "n@n.example", frozenset({"legal", "signatory"})),
}


def standing(state: State, **changes: object) -> Standing:
    """Return where a contract stands, seen by the vendor, whose turn it is."""
    plain: dict[str, object] = {
        "state": state, "turn": Side.VENDOR, "side": Side.VENDOR, "step": 5,
        "mine_to_sign": False, "next_signer": "Nia Ferrand", "other_name": "Harbour Retail Inc",
    }  # fmt: skip
    return Standing(**{**plain, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize("turn", list(Side))
@pytest.mark.parametrize("mine", [True, False])
def test_every_standing_has_one_next_step_and_a_door(state: State, turn: Side, mine: bool) -> None:
    step = next_step(standing(state, turn=turn, mine_to_sign=mine))
    assert step.title and step.text and step.label
    assert step.urgent == (waits_for(standing(state, turn=turn, mine_to_sign=mine)) is not None)


def test_my_turn_waits_for_an_answer_and_theirs_does_not() -> None:
    assert waits_for(standing(State.NEGOTIATION)) is Wait.ANSWER
    assert waits_for(standing(State.NEGOTIATION, turn=Side.CUSTOMER)) is None


def test_only_the_next_signer_is_waited_for() -> None:
    mine = standing(State.SIGNING, mine_to_sign=True)
    assert waits_for(mine) is Wait.SIGNATURE
    assert next_step(mine).door is Door.SIGN
    assert waits_for(standing(State.SIGNING)) is None
    assert "Nia Ferrand" in next_step(standing(State.SIGNING)).title


def test_a_start_resumes_at_its_next_step() -> None:
    step = next_step(standing(State.DRAFT, step=2))
    assert (step.door, step.label) == (Door.START, "Continue: service levels")
    done = next_step(standing(State.DRAFT, step=5))
    assert (done.door, done.label) == (Door.TERMS, "Review and send round 1")


def test_the_steps_of_a_start_are_told_to_the_side_that_prepares_it_only() -> None:
    told = waiting.steps_done(standing(State.DRAFT, step=3))
    assert [words for _, words in told] == ["Done", "Done", "Next", "To do"]
    assert waiting.steps_done(standing(State.DRAFT, step=3, turn=Side.CUSTOMER)) == []
    assert waiting.steps_done(standing(State.NEGOTIATION)) == []


@pytest.mark.parametrize(
    ("state", "able"),
    [
        (State.DRAFT, True),
        (State.NEGOTIATION, True),
        (State.AGREED, False),
        (State.SIGNING, False),
        (State.SEALING, False),
        (State.COMPLETED, False),
        (State.IN_FORCE, False),
        (State.DECLINED, False),
        (State.WITHDRAWN, False),
    ],
)
def test_a_contract_is_withdrawn_only_before_its_terms_are_frozen(state: State, able: bool) -> None:
    assert waiting.may_withdraw(state) is able


def test_no_state_is_both_withdrawn_and_voided() -> None:
    ways = {state: (waiting.may_withdraw(state), waiting.may_void(state)) for state in State}
    assert (True, True) not in ways.values()
    assert [s for s, way in ways.items() if way == (False, True)] == [State.AGREED, State.SIGNING]


@given(st.lists(st.integers(0, 99), unique=True), st.lists(st.integers(100, 199), unique=True))
def test_signers_are_numbered_without_a_gap_the_vendors_first(a: list[int], b: list[int]) -> None:
    vendor, customer = [str(n) for n in a], [str(n) for n in b]
    places = people.sequence(vendor, customer)
    assert sorted(places.values()) == list(range(1, len(a) + len(b) + 1))
    assert [p for p, _ in sorted(places.items(), key=lambda pair: pair[1])] == vendor + customer


@pytest.mark.parametrize(
    ("functions", "signers", "theirs", "said"),
    [
        ({"owner": "p1"}, ["p1", "p3"], [], None),
        ({"sales": "p1"}, ["p1"], [], "Choose the owner"),
        ({"owner": "p1"}, [], [], "at least one person who signs"),
        ({"owner": "p9"}, ["p1"], [], "your own organisation"),
        ({"owner": "p1"}, ["p1", "p1"], [], "Name each signer once"),
        ({"owner": "p1"}, ["p2"], [], "role Signatory"),
        ({"owner": "p1"}, ["p1"], ["p1"], "already signs for the other side"),
        ({"owner": "p1"}, ["p1"] * 5, [], "at most 4"),
    ],
)
def test_people_that_cannot_stand_are_refused_with_the_reason(
    functions: dict[str, str], signers: list[str], theirs: list[str], said: str | None
) -> None:
    named = [people.Signer(person, "Director") for person in signers]
    found = people.people_problem(MEMBERS, functions=functions, signers=named, theirs=theirs)
    assert (found is None) if said is None else (said in (found or ""))


def test_a_function_is_suggested_to_whoever_has_its_usual_role() -> None:
    assert people.suggested("legal", MEMBERS.values()) == "p3"
    assert people.suggested("it", MEMBERS.values()) is None


LABELS = {"eu": "EU (Frankfurt)", "us": "US (Virginia)"}


@pytest.mark.parametrize(
    ("vendor", "customer", "region", "said"),
    [
        (["eu", "us"], ["eu"], "eu", None),
        (["eu", "us"], ["eu"], "us", "Both organisations allow EU (Frankfurt). Choose that."),
        (["eu"], ["us"], "eu", "No region is allowed by both. N allows EU (Frankfurt)."),
        ([], ["us"], "us", "N allows no region."),
    ],
)
def test_a_region_is_one_that_both_allow(
    vendor: list[str], customer: list[str], region: str, said: str | None
) -> None:
    found = starting.region_problem(
        region, labels=LABELS, vendor=("N", vendor), customer=("H", customer)
    )
    assert (found is None) if said is None else (said in (found or ""))


def test_a_start_holds_every_term_the_tier_over_the_template_over_the_schema() -> None:
    template = load_template("standard-support", 1)
    tier = tier_terms(SCHEMA, load_catalogue("northwind-4"), "Business")
    own = starting.own_terms(
        vendor=("Northwind Systems Ltd", "Bristol"), customer=("Harbour Retail Inc", "Baltimore"),
        standard=("Standard Support Terms", "1.0"),
    )  # fmt: skip
    values = starting.starting_terms(SCHEMA, template.defaults, tier, own)
    assert list(values) == list(SCHEMA.terms)
    assert all(values[id] == value for id, value in tier.items())
    assert values["A1"] == "Northwind Systems Ltd"
    assert "K6" not in tier and SCHEMA.defaults()["K6"] != "30"
    assert starting.starting_terms(SCHEMA, {"K6": "30"}, tier, own)["K6"] == "30"
    assert {id for id, value in values.items() if validate(SCHEMA.terms[id], value)} == set()


def test_a_name_too_long_for_its_term_leaves_the_default() -> None:
    own = starting.own_terms(vendor=("N" * 500, ""), customer=("H", "B"), standard=("S", "1.0"))
    values = starting.starting_terms(SCHEMA, {}, {}, own)
    assert values["A1"] == SCHEMA.terms["A1"].default


def test_the_three_pages_of_the_start_ask_for_their_groups_and_no_term_twice() -> None:
    asked = [id for step in starting.STEP_GROUPS for id in starting.pages_terms(SCHEMA, step)]
    assert len(asked) == len(set(asked))
    assert {SCHEMA.terms[id].group for id in asked} == set("CIJDMN")
    for step in starting.STEP_GROUPS:
        parts = starting.parts_of(SCHEMA, step)
        told = [term.id for _, terms in parts for term in terms]
        assert sorted(told) == sorted(starting.pages_terms(SCHEMA, step))


def test_every_state_belongs_to_exactly_one_stage_and_has_words() -> None:
    for state in State:
        assert sum(state in states for _, states in listing.FILTERS.values()) == 1
        assert STATE_WORDS[state]


KINDS = [
    "round_sent", "round_recalled", "frozen", "reopened", "deed_prepared", "all_signed",
    "completed", "declined", "withdrawn", "voided", "expired", "leaving", "staying",
    "term_renewed", "renewed", "ended",
]  # fmt: skip


@example([("completed", Side.VENDOR), ("renewed", Side.VENDOR)], date.max, date.min, None)
@given(
    st.lists(st.tuples(st.sampled_from(KINDS), st.sampled_from(Side)), max_size=9),
    st.none() | st.dates(), st.dates(), st.none() | st.just("eu-parent"),
)  # fmt: skip
def test_the_stage_kept_beside_a_contract_holds_on_every_day(
    told: list[tuple[str, Side]], service_start: date | None, today: date, of: str | None
) -> None:
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    facts = [
        DatedFact(kind, begin + timedelta(days=n), side) for n, (kind, side) in enumerate(told)
    ]
    state = state_of(facts, service_start=service_start, today=today, of=of)
    assert state in listing.FILTERS[listing.stage_of(facts, of=of)][1]


@given(
    st.datetimes(datetime(2000, 1, 1), timezones=st.just(UTC)) | st.dates(date(2000, 1, 1)),
    st.text("ab-XYZ019", min_size=1, max_size=24),
)
def test_a_place_in_the_list_is_read_back_and_anything_else_is_the_beginning(
    key: date, ref: str
) -> None:
    text = clock.stamp(key) if isinstance(key, datetime) else key.isoformat()
    place = listing.Place(text, ref)
    assert listing.read_place(place.text) == place
    assert listing.fits(place, listing.ARCHIVE) is not listing.fits(place, "signed")
    for broken in ("", "~", text, f"{text}~", f"x{text}~{ref}", f"{text}~{ref}\0", text + "~" * 30):
        assert listing.read_place(broken) is None
    assert listing.read_place(None) is None


def test_a_search_finds_by_reference_and_title_in_any_case() -> None:
    assert listing.is_found("crm 2027", ref="eu-ABC", title="CRM support 2027")
    assert listing.is_found("EU-abc", ref="eu-ABC", title="CRM support 2027")
    assert listing.is_found("crm harbour", ref="eu-ABC", title="CRM support", other="Harbour")
    assert not listing.is_found("crm 2028", ref="eu-ABC", title="CRM support 2027")


@given(st.dates(), st.integers(0, 3000))
def test_the_archive_waits_a_year_and_for_the_end_of_the_term(done: date, days: int) -> None:
    ended = done + timedelta(days=min(days, (date.max - done).days))
    if (date.max - done).days < 365:
        return
    on = listing.archived_on(completed=done, ended=ended)
    assert on is not None
    assert on >= ended and (on - done).days >= 365
    assert listing.archived_on(completed=done, ended=None) is None
    assert listing.archived_on(completed=None, ended=ended) is None
