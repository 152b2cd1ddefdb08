"""Where terms stand, over plays of two sides that were generated."""

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.contracts.rules.life import DatedFact, Side, turn_of
from portal.negotiation import rules
from portal.negotiation.rules import Kind, Show, Status, Word
from portal.terms.rules import load_schema

START = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
TERMS = ["B1", "C1", "D1"]
VENDOR, CUSTOMER = Side.VENDOR, Side.CUSTOMER
NAMES = {VENDOR: "Northwind", CUSTOMER: "Harbour"}


def sent(number: int, words: dict[str, Word], *, side: Side | None = None) -> rules.SentRound:
    by = side or (VENDOR if number % 2 else CUSTOMER)
    return rules.SentRound(number, by, START + timedelta(days=number), words)


def standing(*words: Word | None) -> rules.Standing:
    """The standing of one term after rounds that alternate from the vendor."""
    rounds = [sent(n, {"D1": word} if word else {}) for n, word in enumerate(words, 1)]
    return rules.standings(["D1"], rounds, started_by=VENDOR)["D1"]


def accept(word: Word) -> Word:
    return Word(Kind.ACCEPT, word.sha256)


def reject(word: Word, reason: str | None = "too slow") -> Word:
    return Word(Kind.REJECT, word.sha256, reason=reason)


A, B, C = rules.offer("99.5"), rules.offer("99.9"), rules.offer("99.7")


# What one term can be


def test_a_term_without_an_offer_awaits_the_side_that_starts() -> None:
    found = standing()
    assert (found.status, found.awaited) == (Status.UNOFFERED, VENDOR)


def test_an_offer_awaits_the_other_side() -> None:
    found = standing(A)
    assert (found.status, found.awaited, found.value) == (Status.OPEN, CUSTOMER, "99.5")


def test_acceptance_of_the_same_value_agrees() -> None:
    found = standing(A, accept(A))
    assert (found.status, found.awaited) == (Status.AGREED, None)
    assert found.position(CUSTOMER) == found.position(VENDOR)


def test_acceptance_of_another_value_agrees_nothing() -> None:
    assert standing(A, accept(B)).status is Status.OPEN


def test_nobody_agrees_with_themselves() -> None:
    assert standing(A, None, accept(A)).status is Status.OPEN


def test_a_rejected_offer_awaits_who_made_it() -> None:
    found = standing(A, B, reject(B))
    assert (found.status, found.awaited) == (Status.REJECTED, CUSTOMER)
    assert found.rejection is not None and found.rejection.word.reason == "too slow"
    assert found.position(VENDOR).word == A  # type: ignore[union-attr]


def test_an_acceptance_of_an_offer_overtaken_by_a_counter_agrees_nothing() -> None:
    assert standing(A, B, accept(A)).status is Status.OPEN


def test_a_counter_opens_an_agreed_term_again() -> None:
    found = standing(A, accept(A), C)
    assert (found.status, found.awaited, found.value) == (Status.OPEN, CUSTOMER, "99.7")


def test_none_is_a_value_one_can_agree_on() -> None:
    nothing = rules.offer(None)
    assert standing(nothing, accept(nothing)).status is Status.AGREED


# What one may say


@pytest.mark.parametrize(
    ("words", "word", "side", "said"),
    [
        ((), accept(A), CUSTOMER, "Nothing is offered"),
        ((A,), accept(A), VENDOR, "your own offer"),
        ((A,), reject(A), VENDOR, "your own offer"),
        ((A,), accept(B), CUSTOMER, "The offer changed"),
        ((A,), A, CUSTOMER, "Accept it instead"),
        ((A,), A, VENDOR, "what you already offer"),
        ((A,), reject(A, None), CUSTOMER, "Say why"),
        ((A, reject(A)), reject(A), CUSTOMER, "rejected this offer already"),
        ((A, accept(A)), accept(A), CUSTOMER, "This term is agreed"),
        ((A, accept(A)), reject(A), CUSTOMER, "offer another value and give a reason"),
        ((A, accept(A)), B, VENDOR, "Give a reason"),
        ((A, accept(A)), rules.offer("99.5", reason="again"), VENDOR, "already agreed"),
    ],
)
def test_what_may_not_be_said(words: tuple[Word, ...], word: Word, side: Side, said: str) -> None:
    problem = rules.why_not(standing(*words), word, side=side)
    assert problem is not None and said in problem


@pytest.mark.parametrize(
    ("words", "word", "side"),
    [
        ((), A, VENDOR),
        ((A,), accept(A), CUSTOMER),
        ((A,), B, CUSTOMER),
        ((A,), reject(A), CUSTOMER),
        ((A, None), B, VENDOR),
        ((A, reject(A)), B, VENDOR),
        ((A, reject(A), None), accept(A), CUSTOMER),
        ((A, accept(A)), rules.offer("99.9", reason="our board"), VENDOR),
    ],
)
def test_what_may_be_said(words: tuple[Word, ...], word: Word, side: Side) -> None:
    assert rules.why_not(standing(*words), word, side=side) is None


def test_what_the_form_offers_is_what_the_rules_allow() -> None:
    both = {"discuss": True, "park": True}
    assert rules.able(standing(A), CUSTOMER) == rules.Able(True, True, False, False, **both)
    assert rules.able(standing(A), VENDOR) == rules.Able(False, False, False, False, **both)
    assert rules.able(standing(A, accept(A)), VENDOR) == rules.Able(False, False, True, False)
    assert rules.able(standing(), VENDOR) == rules.Able(False, False, False, True)


# What a round adds up to


def test_a_round_is_counted_in_words() -> None:
    before = rules.standings(TERMS, [sent(1, dict.fromkeys(TERMS, A))], started_by=VENDOR)
    counted = rules.summary({"B1": accept(A), "C1": B}, before)
    assert counted.sentence() == "1 accepted, 1 countered, 1 unchanged"
    assert counted.open == 2


def test_reopening_a_term_counts_it_open_again() -> None:
    rounds = [sent(1, dict.fromkeys(TERMS, A)), sent(2, {t: accept(A) for t in TERMS})]
    before = rules.standings(TERMS, rounds, started_by=VENDOR)
    assert rules.summary({"B1": B}, before).open == 1


def test_the_same_answers_have_the_same_hash_in_any_order() -> None:
    words = {"B1": A, "D1": reject(B)}
    assert rules.words_sha256(words) == rules.words_sha256(dict(reversed(words.items())))
    assert rules.words_sha256(words) != rules.words_sha256({**words, "D1": reject(B, "other")})


def test_a_round_names_its_contract_its_number_and_its_note() -> None:
    one = rules.round_bytes("eu-ABC", 2, CUSTOMER, {"B1": A}, note="please")
    assert one == (
        b'{"answers":[{"kind":"offer","reason":null,"sha256":"%s","term":"B1"}],'
        b'"contract":"eu-ABC","format":"counterpart-round/1","note":"please","number":2,'
        b'"side":"customer"}' % A.sha256.encode()
    )


# Generated plays: whatever is said, the table stays honest

VALUES = st.sampled_from([None, "99", "99.5", "99.9", "100"])
INTENTS = st.lists(
    st.dictionaries(
        st.sampled_from(TERMS),
        st.tuples(st.sampled_from(list(Kind)), VALUES, st.sampled_from([None, "because"])),
        min_size=1,
    ),
    max_size=12,
)


def play(intents: list[dict[str, tuple[Kind, object, str | None]]]) -> list[rules.SentRound]:
    """Send rounds by the rules: what may not be said is left out, and turns are taken."""
    rounds = [sent(1, dict.fromkeys(TERMS, A))]
    for intent in intents:
        facts = [DatedFact("round_sent", r.at, r.side) for r in rounds]
        side = turn_of(facts, started_by=VENDOR)
        found = rules.standings(TERMS, rounds, started_by=VENDOR)
        words = {}
        for term, (kind, value, reason) in intent.items():
            word = Word(kind, found[term].sha256 or "", reason=reason)
            if kind is Kind.OFFER:
                word = rules.offer(value, reason=reason)
            if rules.why_not(found[term], word, side=side) is None:
                words[term] = word
        if words:
            rounds.append(sent(len(rounds) + 1, words, side=side))
    return rounds


@given(INTENTS)
@pytest.mark.slow
def test_it_is_never_the_turn_of_both_sides(intents: list) -> None:  # type: ignore[type-arg]
    rounds = play(intents)
    assert all(a.side is not b.side for a, b in itertools.pairwise(rounds))


@given(INTENTS)
@pytest.mark.slow
def test_agreed_means_two_sides_named_the_same_hash(intents: list) -> None:  # type: ignore[type-arg]
    for found in rules.standings(TERMS, play(intents), started_by=VENDOR).values():
        last, offer = found.moves[-1], found.offer
        assert offer is not None
        named = last.word.kind is Kind.ACCEPT and last.word.sha256 == offer.word.sha256
        assert (found.status is Status.AGREED) == (named and last.side is offer.side.other)
        assert (found.awaited is None) == (found.status in (Status.AGREED, Status.PARKED))


@given(INTENTS)
@pytest.mark.slow
def test_what_was_sent_reads_the_same_however_much_follows(intents: list) -> None:  # type: ignore[type-arg]
    rounds = play(intents)
    whole = rules.standings(TERMS, rounds, started_by=VENDOR)
    for upto in range(len(rounds) + 1):
        early = rules.standings(TERMS, rounds[:upto], started_by=VENDOR)
        assert all(whole[t].moves[: len(early[t].moves)] == early[t].moves for t in TERMS)


@given(INTENTS)
@pytest.mark.slow
def test_every_open_term_awaits_exactly_one_side_and_can_be_moved_by_it(intents: list) -> None:  # type: ignore[type-arg]
    fresh = rules.offer("a value nobody named", reason="because")
    for found in rules.standings(TERMS, play(intents), started_by=VENDOR).values():
        for side in Side:
            assert rules.why_not(found, fresh, side=side) is None
        if found.status not in (Status.AGREED, Status.PARKED):
            assert found.awaited in tuple(Side)


@given(INTENTS)
@pytest.mark.slow
def test_what_a_round_leaves_open_is_what_stands_open_after_it(intents: list) -> None:  # type: ignore[type-arg]
    rounds = play(intents)
    for number, last in enumerate(rounds):
        before = rules.standings(TERMS, rounds[:number], started_by=VENDOR)
        after = rules.standings(TERMS, rounds[: number + 1], started_by=VENDOR)
        still_open = sum(s.status is not Status.AGREED for s in after.values())
        assert rules.summary(last.words, before).open == still_open


# The list


def view(side: Side, turn: Side) -> rules.View:
    return rules.View(side, turn, NAMES, last_round=1)


def uptime(*words: Word) -> tuple[object, rules.Standing]:
    schema = load_schema("1")
    rounds = [sent(n, {"D1": word}) for n, word in enumerate(words, 1)]
    return schema.terms["D1"], rules.standings(["D1"], rounds, started_by=VENDOR)["D1"]


def test_the_list_says_whose_answer_is_awaited() -> None:
    term, found = uptime(A)
    mine = rules.issue(term, found, None, view(CUSTOMER, CUSTOMER))  # type: ignore[arg-type]
    theirs = rules.issue(term, found, None, view(VENDOR, CUSTOMER))  # type: ignore[arg-type]
    assert (mine.tag, mine.turn) == ("Yours to answer", "mine")
    assert (theirs.tag, theirs.whose, theirs.turn) == ("Waiting", "For Harbour", "theirs")


def test_a_draft_answer_is_shown_as_a_redline_on_my_own_side_only() -> None:
    term, found = uptime(A)
    row = rules.issue(term, found, B, view(CUSTOMER, CUSTOMER))  # type: ignore[arg-type]
    assert row.tag == "You counter" and row.whose == "Private until you send"
    assert row.customer is not None and row.customer.segments[-1][0] == "ins"
    assert row.customer.note == "Better for Harbour"
    assert row.vendor is not None and row.vendor.segments[0][0] == "same"


def test_the_filters_count_what_they_show() -> None:
    rounds = [sent(1, dict.fromkeys(TERMS, A)), sent(2, {"B1": accept(A), "C1": B})]
    found = rules.standings(TERMS, rounds, started_by=VENDOR)
    counted = rules.counts(found.values(), {}, rules.View(VENDOR, VENDOR, NAMES, last_round=2))
    assert counted == {
        Show.MINE: 1, Show.OPEN: 2, Show.AGREED: 1, Show.CHANGED: 2, Show.APPROVAL: 0,
        Show.ALL: 3,
    }  # fmt: skip


def test_an_answered_term_stays_under_mine() -> None:
    _, found = uptime(A)
    mine = view(CUSTOMER, CUSTOMER)
    assert rules.is_shown(Show.MINE, found, accept(A), mine)
    assert rules.unanswered({"D1": found}, {"D1": accept(A)}, CUSTOMER) == []


def test_long_values_are_redlined_word_by_word() -> None:
    old = "The vendor answers within the hours named in the schedule. " * 3
    new = old.replace("hours", "minutes", 1)
    kinds = [kind for kind, _ in rules.difference(old, new)]
    assert kinds == ["same", "del", "ins", "same"]
    assert "".join(t for k, t in rules.difference(old, new) if k != "ins") == old


# Freezing


def test_a_freeze_needs_agreement_no_contradiction_and_a_signer_a_side() -> None:
    agreed = rules.standings(
        ["D1"], [sent(1, {"D1": A}), sent(2, {"D1": accept(A)})], started_by=VENDOR
    )
    both = [(VENDOR, "ada"), (CUSTOMER, "cleo")]
    assert rules.missing(rules.conditions(agreed, [], both, names=NAMES)) is None
    for found, slots, said in (
        (rules.standings(["D1"], [sent(1, {"D1": A})], started_by=VENDOR), both, "0 of 1"),
        (agreed, both[:1], "Harbour has named who signs"),
        (agreed, [*both, (VENDOR, "ada")], "signs once"),
        ({}, both, "0 of 0"),
    ):
        lacking = rules.missing(rules.conditions(found, [], slots, names=NAMES))
        assert lacking is not None and said in lacking
