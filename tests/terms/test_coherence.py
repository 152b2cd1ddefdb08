"""Every clause of the thirteen checks: one contract that holds, and one that fails."""

from collections.abc import Mapping

import pytest

from portal.terms.rules import Finding, coherence, load_schema, parse

SCHEMA = load_schema()
ABSENT = "(absent)"

# Each row: the fact, the check, the level, what holds, what fails, the terms the finding names.
CLAUSES: list[tuple[str, int, str, Mapping[str, str], Mapping[str, str], set[str]]] = [
    (
        "a_graver_fault_is_not_answered_later",
        1,
        "error",
        {
            "C4.S1.first_response": "2 h, 24x5",
            "C4.S1.peak_first_response": "none",
            "C4.S1.update_every": "8 bh",
        },
        {
            "C4.S1.first_response": "4 bh",
            "C4.S1.peak_first_response": "none",
            "C4.S1.update_every": "1 bd",
        },
        {"C4.S1.first_response", "C4.S2.first_response"},
    ),
    (
        "a_peak_answer_left_open_is_the_ordinary_one",
        1,
        "error",
        {"C4.S1.peak_first_response": "none", "C4.S2.peak_first_response": "none"},
        {"C4.S1.peak_first_response": "none", "C4.S2.peak_first_response": "20 min"},
        {"C4.S1.peak_first_response", "C4.S2.peak_first_response"},
    ),
    (
        "a_graver_fault_is_not_told_of_less_often",
        1,
        "error",
        {"C4.S1.update_every": "4 h"},
        {"C4.S1.update_every": "3 d"},
        {"C4.S1.update_every", "C4.S2.update_every"},
    ),
    (
        "a_graver_fault_has_a_workaround_if_a_lighter_one_has",
        1,
        "error",
        {"C4.S1.workaround": "1 bd", "C4.S1.resolution": "1 bd"},
        {"C4.S1.workaround": "none"},
        {"C4.S1.workaround", "C4.S2.workaround"},
    ),
    (
        "a_graver_fault_is_not_settled_later",
        1,
        "error",
        {"C4.S1.resolution": "3 bd"},
        {"C4.S1.resolution": "30 d"},
        {"C4.S1.resolution", "C4.S2.resolution"},
    ),
    (
        "the_next_release_is_later_than_any_day",
        1,
        "error",
        {"C4.S3.resolution": "next release", "C4.S4.resolution": "next release"},
        {"C4.S3.resolution": "next release", "C4.S4.resolution": "20 bd"},
        {"C4.S3.resolution", "C4.S4.resolution"},
    ),
    (
        "the_first_answer_comes_before_the_first_update",
        1,
        "error",
        {"C4.S1.update_every": "30 min"},
        {"C4.S1.update_every": "29 min"},
        {"C4.S1.first_response", "C4.S1.update_every"},
    ),
    (
        "the_first_answer_comes_before_the_workaround",
        1,
        "error",
        {"C4.S3.workaround": "8 bh", "C4.S2.workaround": "8 bh"},
        {"C4.S1.workaround": "15 min"},
        {"C4.S1.first_response", "C4.S1.workaround"},
    ),
    (
        "the_workaround_comes_before_the_resolution",
        1,
        "error",
        {"C4.S1.workaround": "8 h"},
        {"C4.S1.workaround": "9 h"},
        {"C4.S1.workaround", "C4.S1.resolution"},
    ),
    (
        "without_a_workaround_the_first_answer_comes_before_the_resolution",
        1,
        "error",
        {"C4.S4.workaround": "none", "C4.S4.resolution": "none"},
        {
            "C4.S1.workaround": "none",
            "C4.S2.workaround": "none",
            "C4.S3.workaround": "none",
            "C4.S1.resolution": "15 min",
        },
        {"C4.S1.first_response", "C4.S1.resolution"},
    ),
    (
        "a_peak_is_not_served_worse",
        1,
        "error",
        {"C4.S1.peak_first_response": "30 min"},
        {"C4.S1.peak_first_response": "45 min"},
        {"C4.S1.peak_first_response", "C4.S1.first_response"},
    ),
    (
        "business_time_needs_support_hours",
        2,
        "error",
        {"B1": "24x5 UTC"},
        {"B1": "none"},
        {"B1"},
    ),
    (
        "business_time_needs_holidays_set",
        2,
        "error",
        {"B2": "2027-01-01 | New Year's Day"},
        {"B2": "none"},
        {"B2"},
    ),
    (
        "business_time_without_a_known_calendar_is_an_error_too",
        2,
        "error",
        {},
        {"B1": ABSENT},
        {"B1"},
    ),
    (
        "selling_hours_outside_support_hours_have_no_support",
        2,
        "warning",
        {"C4.S1.first_response": "1 bh", "B4": "Mo-Fr 08:00-18:00 America/New_York"},
        {"C4.S1.first_response": "1 bh", "B4": "Mo-Sa 08:00-18:00 America/New_York"},
        {"C4.S1.first_response", "B1", "B4"},
    ),
    (
        "selling_hours_are_compared_across_time_zones",
        2,
        "warning",
        {"C4.S1.first_response": "1 bh", "B4": "Mo-Fr 06:00-19:00 America/Chicago"},
        {"C4.S1.first_response": "1 bh", "B4": "Mo-Fr 07:00-20:00 America/Chicago"},
        {"C4.S1.first_response", "B1", "B4"},
    ),
    (
        "critical_faults_at_night_need_a_voice",
        2,
        "error",
        {"B6": "S1 | portal, callback\nS2 | portal\nS3 | portal\nS4 | portal"},
        {"B6": "S1 | portal, chat\nS2 | portal, phone\nS3 | portal\nS4 | portal"},
        {"B3", "B6"},
    ),
    (
        "maintenance_keeps_out_of_selling_hours",
        3,
        "error",
        {"E1": "Sa 21:00-23:00 America/New_York"},
        {"E1": "Sa 20:00-23:00 America/New_York"},
        {"E1", "B4", "E8"},
    ),
    (
        "an_exception_lets_maintenance_into_selling_hours",
        3,
        "error",
        {"E1": "Sa 20:00-23:00 America/New_York", "E8": "both_boards"},
        {"E1": "Sa 20:00-23:00 America/New_York", "E8": "none"},
        {"E1", "B4", "E8"},
    ),
    (
        "maintenance_keeps_out_of_peaks",
        3,
        "error",
        {"E7": "quarter-end -5bd..+2bd America/New_York; 20-30 Nov America/New_York"},
        {"E7": "quarter-end -5bd..+2bd America/New_York"},
        {"E1", "B5", "E7", "E8"},
    ),
    (
        "a_freeze_holds_every_peak",
        3,
        "error",
        {"E7": "quarter-end -6bd..+2bd America/New_York; 19 Nov-1 Dec America/New_York"},
        {"E7": "quarter-end -4bd..+2bd America/New_York; 20-30 Nov America/New_York"},
        {"E7", "B5"},
    ),
    (
        "no_freeze_at_all_leaves_peaks_open",
        3,
        "error",
        {"E7": "none", "B5": "none"},
        {"E7": "none", "E8": "executives"},
        {"E7", "B5"},
    ),
    (
        "a_dated_peak_is_looked_at_in_its_own_year",
        3,
        "error",
        {"B5": "Launch | 2031-03-01..2031-03-09 | 2 times", "E7": "2031-02-27..2031-03-10"},
        {"B5": "Launch | 2031-03-01..2031-03-09 | 2 times", "E7": "2031-03-01..2031-03-08"},
        {"E7", "B5"},
    ),
    (
        "a_rollback_fits_into_the_window",
        3,
        "warning",
        {"F14": "60 min", "F15": "3 h"},
        {"F14": "61 min", "F15": "3 h"},
        {"F14", "F15", "E1"},
    ),
    (
        "the_ladder_has_no_gap",
        4,
        "error",
        {"K1": "99 | 99.9 | 10\n95 | 99 | 25\n0 | 95 | 50"},
        {"K1": "99 | 99.9 | 10\n95 | 98.5 | 25\n0 | 95 | 50"},
        {"K1"},
    ),
    (
        "the_bands_do_not_overlap",
        4,
        "error",
        {"K1": "0 | 99.9 | 10"},
        {"K1": "99 | 99.9 | 10\n0 | 99.5 | 25"},
        {"K1"},
    ),
    (
        "a_worse_month_does_not_pay_less",
        4,
        "error",
        {"K1": "99 | 99.9 | 10\n0 | 99 | 10"},
        {"K1": "99 | 99.9 | 10\n0 | 99 | 9.5"},
        {"K1"},
    ),
    (
        "a_band_runs_upwards",
        4,
        "error",
        {"K1": "0 | 99.9 | 10"},
        {"K1": "99.95 | 99.9 | 10"},
        {"K1"},
    ),
    (
        "the_ladder_begins_at_the_promise",
        4,
        "error",
        {"D1": "99.90 %"},
        {"D1": "99.95 %"},
        {"K1", "D1"},
    ),
    (
        "the_worst_months_earn_a_credit",
        4,
        "warning",
        {"K1": "0 | 99.9 | 10"},
        {"K1": "95 | 99.9 | 10"},
        {"K1"},
    ),
    (
        "a_rung_fits_under_the_monthly_cap",
        4,
        "warning",
        {"K5": "50"},
        {"K5": "49"},
        {"K1", "K5"},
    ),
    (
        "a_bad_year_fits_under_the_cap_of_the_term",
        4,
        "warning",
        {"K6": "10", "P1": "12 mo"},
        {"K6": "9", "P1": "12 mo"},
        {"K1", "K6", "P1"},
    ),
    (
        "time_by_band_has_its_bands",
        4,
        "error",
        {"K1.shape": "more time by band", "K1.extension": "0 | 99.9 | 8 h"},
        {"K1.shape": "more time by band", "K1.extension": "none"},
        {"K1.shape", "K1.extension"},
    ),
    (
        "bands_of_time_leave_no_gap",
        4,
        "error",
        {"K1.shape": "extension", "K1.extension": "99 | 99.9 | 8 h\n0 | 99 | 3 d"},
        {"K1.shape": "extension", "K1.extension": "99 | 99.9 | 8 h\n0 | 98 | 3 d"},
        {"K1.extension"},
    ),
    (
        "a_worse_month_does_not_give_less_time",
        4,
        "error",
        {"K1.shape": "extension", "K1.extension": "99 | 99.9 | 8 h\n0 | 99 | 1 d"},
        {"K1.shape": "extension", "K1.extension": "99 | 99.9 | 25 h\n0 | 99 | 1 d"},
        {"K1.extension"},
    ),
    (
        "bands_that_do_not_apply_are_not_judged",
        4,
        "error",
        {"K1.shape": "the fee of each minute short", "K1": "none"},
        {"K1.shape": "a share of the fee by band", "K1": "99 | 99.8 | 10\n0 | 99 | 20"},
        {"K1", "D1"},
    ),
    (
        "a_unit_of_time_short_is_named",
        4,
        "error",
        {"K1.shape": "step", "K1.step": "5 %", "K1.unit": "30 min"},
        {"K1.shape": "step", "K1.step": "5 %", "K1.unit": "none"},
        {"K1.shape", "K1.unit"},
    ),
    (
        "earning_back_is_counted",
        4,
        "error",
        {"K15": "yes", "K15.months": "3", "K15.share": "50 %"},
        {"K15": "yes", "K15.months": "none", "K15.share": "50 %"},
        {"K15", "K15.months"},
    ),
    (
        "a_unit_of_time_late_is_named",
        11,
        "error",
        {"K2.shape": "each unit of time late", "K2.unit": "1 h"},
        {"K2.shape": "each unit of time late", "K2.unit": "none"},
        {"K2.shape", "K2.unit"},
    ),
    (
        "a_month_allows_the_shortest_outage_of_each_module",
        5,
        "warning",
        {"D1": "99.99", "K1": "0 | 99.99 | 10", "D3": "none", "D7": "2 min"},
        {"D1": "99.99", "K1": "0 | 99.99 | 10", "D3": "none", "D7": "3 min"},
        {"D1", "D7", "D5"},
    ),
    (
        "a_month_allows_one_rollback",
        5,
        "warning",
        {"F15": "43 min"},
        {"F15": "44 min"},
        {"D1", "F15"},
    ),
    (
        "a_peak_is_not_promised_less_uptime",
        5,
        "error",
        {"D3": "99.9"},
        {"D3": "99.8"},
        {"D3", "D1"},
    ),
    (
        "the_higher_limit_is_higher",
        6,
        "error",
        {"L1": "1.5 x 12-month fees", "L3": "1.6 x 12-month fees"},
        {"L1": "1.5 x 12-month fees", "L3": "1.5 x 12-month fees"},
        {"L3", "L1"},
    ),
    (
        "amounts_are_compared_as_amounts",
        6,
        "error",
        {"L1": "100000 USD", "L3": "250000 USD"},
        {"L1": "100000 USD", "L3": "99999.99 USD"},
        {"L3", "L1"},
    ),
    (
        "no_limit_is_above_every_higher_limit",
        6,
        "error",
        {"L1": "none", "L3": "none"},
        {"L1": "none"},
        {"L3", "L1"},
    ),
    (
        "limits_written_in_two_ways_cannot_be_compared",
        6,
        "warning",
        {"L1": "1 x 12-month fees"},
        {"L1": "100000 USD"},
        {"L3", "L1"},
    ),
    (
        "a_claim_stands_in_one_place",
        6,
        "error",
        {"L2": "data or security breach, confidentiality", "L4": "fraud"},
        {"L2": "data or security breach, fraud", "L4": "fraud"},
        {"L2", "L4"},
    ),
    (
        "credits_fit_under_the_limit",
        6,
        "warning",
        {"K6": "50", "P1": "36 mo", "L1": "1.5 x 12-month fees"},
        {"K6": "51", "P1": "36 mo", "L1": "1.5 x 12-month fees"},
        {"K6", "L1", "P1"},
    ),
    (
        "credits_fit_under_a_limit_in_money",
        6,
        "warning",
        {"K6": "50", "P1": "12 mo", "O1": "1000 USD", "L1": "6000 USD", "L3": "9000 USD"},
        {"K6": "50", "P1": "12 mo", "O1": "1000 USD", "L1": "5999 USD", "L3": "9000 USD"},
        {"K6", "L1", "P1"},
    ),
    (
        "notice_is_shorter_than_the_first_term",
        7,
        "error",
        {"P1": "3 mo", "P6": "60 d", "P12": "60 d"},
        {"P1": "2 mo", "P6": "60 d", "P12": "60 d"},
        {"P6", "P1"},
    ),
    (
        "notice_is_shorter_than_each_renewal",
        7,
        "error",
        {"P4": "3 mo", "P6": "60 d"},
        {"P4": "1 mo", "P6": "60 d"},
        {"P6", "P4"},
    ),
    (
        "a_contract_that_ends_has_no_renewal_to_give_notice_in",
        7,
        "error",
        {"P3": "expires", "P4": "1 mo"},
        {"P3": "auto", "P4": "1 mo"},
        {"P6", "P4"},
    ),
    (
        "months_of_notice_are_compared_with_months",
        7,
        "error",
        {"P1": "3 mo", "P4": "3 mo", "P6": "2 mo", "P12": "3 mo"},
        {"P1": "3 mo", "P4": "3 mo", "P6": "3 mo", "P12": "3 mo"},
        {"P6", "P1"},
    ),
    (
        "the_price_is_known_before_notice_is_due",
        7,
        "error",
        {"P12": "60 d", "P6": "60 d"},
        {"P12": "59 d", "P6": "60 d"},
        {"P12", "P6"},
    ),
    (
        "support_does_not_start_before_the_contract",
        7,
        "error",
        {"A4": "fixed_date", "A4.date": "2027-01-01", "A5": "2027-01-01"},
        {"A4": "fixed_date", "A4.date": "2027-01-01", "A5": "2026-12-31"},
        {"A5", "A4.date", "A4"},
    ),
    (
        "a_renewal_does_not_bind_longer_than_the_first_term",
        8,
        "warning",
        {"P1": "12 mo", "P4": "12 mo"},
        {"P1": "12 mo", "P4": "24 mo"},
        {"P4", "P1"},
    ),
    (
        "a_contract_that_renews_by_itself_has_a_limit_on_its_price",
        8,
        "warning",
        {"P3": "auto", "P10": "index_capped"},
        {"P3": "auto", "P10": "index"},
        {"P10", "P10.percent", "P3"},
    ),
    (
        "a_limit_without_its_number_is_no_limit",
        8,
        "warning",
        {"P10": "up_to", "P10.percent": "3"},
        {"P10": "up_to", "P10.percent": "none"},
        {"P10", "P10.percent", "P3"},
    ),
    (
        "an_open_price_is_no_trap_when_both_must_sign",
        8,
        "warning",
        {"P3": "mutual_signature", "P10": "index"},
        {"P3": "auto", "P10": "index"},
        {"P10", "P10.percent", "P3"},
    ),
    (
        "yearly_rises_meet_yearly_renewals",
        8,
        "warning",
        {"P11": "per_year", "P4": "12 mo"},
        {"P11": "per_year", "P4": "24 mo"},
        {"P11", "P4"},
    ),
    (
        "escalation_climbs_strictly",
        9,
        "error",
        {"G2": "S1 | 30 min | 31 min | 32 min"},
        {"G2": "S1 | 30 min | 30 min | 4 h"},
        {"G2"},
    ),
    (
        "a_level_left_out_does_not_hide_a_fall",
        9,
        "error",
        {"G2": "S1 | 30 min | none | 4 h"},
        {"G2": "S1 | 4 h | none | 3 h"},
        {"G2"},
    ),
    (
        "the_lead_hears_of_it_before_it_must_be_resolved",
        9,
        "error",
        {"G2": "S1 | 8 h | 9 h | 10 h"},
        {"G2": "S1 | 9 h | 10 h | 11 h"},
        {"G2", "C4.S1.resolution"},
    ),
    (
        "somebody_of_each_side_answers_on_each_level",
        9,
        "error",
        {},
        {"G1": "vendor | L1 | Desk | Ann | 1 | none | 24x7 UTC"},
        {"G1"},
    ),
    (
        "a_full_account_comes_after_the_first",
        10,
        "error",
        {"N3": "S1 | 2 bd | 3 bd"},
        {"N3": "S1 | 3 bd | 3 bd"},
        {"N3"},
    ),
    (
        "a_review_follows_the_sales_cycle",
        10,
        "warning",
        {"N5.anchor": "before_peak"},
        {"N5.anchor": "calendar"},
        {"N5", "N5.anchor", "B5"},
    ),
    (
        "the_close_of_the_quarter_is_a_peak_only_if_it_is_listed",
        10,
        "warning",
        {"N5.anchor": "quarter_close"},
        {"N5.anchor": "quarter_close", "B5": "Black week | 20-30 Nov | 5 times"},
        {"N5", "N5.anchor", "B5"},
    ),
    (
        "a_commitment_to_answer_has_a_credit",
        11,
        "warning",
        {"K2": "1"},
        {"K2": "none"},
        {"C4.S1.commitment", "C4.S2.commitment", "K2"},
    ),
    (
        "a_commitment_to_resolve_has_a_credit",
        11,
        "warning",
        {"K3": "1"},
        {"K3": "none"},
        {"C4.S1.commitment", "C4.S2.commitment", "K3"},
    ),
    (
        "a_mere_target_needs_no_credit",
        11,
        "warning",
        {"K2": "none", "C4.S1.commitment": "target", "C4.S2.commitment": "target"},
        {"K2": "none", "C4.S1.commitment": "target", "C4.S2.commitment": "credit"},
        {"C4.S2.commitment", "K2"},
    ),
    (
        "there_is_time_to_claim",
        11,
        "warning",
        {"K7": "on_claim", "K8": "30 d"},
        {"K7": "on_claim", "K8": "29 d"},
        {"K7", "K8"},
    ),
    (
        "a_claim_window_does_not_matter_without_claims",
        11,
        "warning",
        {"K7": "automatic", "K8": "7 d"},
        {"K7": "on_claim", "K8": "7 d"},
        {"K7", "K8"},
    ),
    (
        "each_module_has_a_weight",
        12,
        "warning",
        {"I1": "order entry | 5.x | production | none", "I3": "none"},
        {"I1": "Pricing | 5.x | production | none", "I3": "none"},
        {"I1", "D5"},
    ),
    (
        "full_support_of_others_software_has_a_promise_behind_it",
        12,
        "warning",
        {"I3": "PostgreSQL | 15 | vendor | full | Gold plan of its maker"},
        {"I3": "PostgreSQL | 15 | vendor | full | none"},
        {"I3"},
    ),
    (
        "somebody_answers_for_each_activity",
        13,
        "error",
        {"H1": "Back up data | R, A | I"},
        {"H1": "Back up data | R | I"},
        {"H1"},
    ),
    (
        "only_one_party_answers_for_each_activity",
        13,
        "error",
        {"H1": "Back up data | C | R, A"},
        {"H1": "Back up data | A | R, A"},
        {"H1"},
    ),
]


def contract(changes: Mapping[str, str]) -> dict[str, object]:
    values = SCHEMA.defaults()
    for term_id, text in changes.items():
        if text == ABSENT:
            del values[term_id]
        else:
            values[term_id] = parse(SCHEMA.terms[term_id], text)
    return values


def findings(changes: Mapping[str, str], number: int, level: str) -> list[Finding]:
    found = coherence(SCHEMA, contract(changes))
    return [f for f in found if (f.number, f.level) == (number, level)]


def names(clause: tuple[object, ...]) -> str:
    return str(clause[0])


@pytest.mark.parametrize("clause", CLAUSES, ids=names)
def test_it_holds(clause: tuple[str, int, str, Mapping[str, str], Mapping[str, str], set[str]]):
    _fact, number, level, holds, _fails, told = clause
    assert [f for f in findings(holds, number, level) if set(f.terms) & told == told] == []


@pytest.mark.parametrize("clause", CLAUSES, ids=names)
def test_it_fails(clause: tuple[str, int, str, Mapping[str, str], Mapping[str, str], set[str]]):
    _fact, number, level, _holds, fails, told = clause
    matching = [f for f in findings(fails, number, level) if told <= set(f.terms)]
    assert matching, coherence(SCHEMA, contract(fails))
    for finding in matching:
        assert finding.check == f"C{number}"
        assert all(finding.check in SCHEMA.terms[t].invariants for t in finding.terms)


def test_every_check_has_a_clause_that_fails():
    assert {clause[1] for clause in CLAUSES} == set(range(1, 14))


@pytest.mark.parametrize(
    ("change", "number", "said"),
    [
        ({"P12": "30 d", "P6": "60 d"}, 7, ["30 days", "60 days"]),
        ({"D1": "99.95"}, 4, ["99.9 %", "99.95 %"]),
        ({"L3": "1 x 12-month fees"}, 6, ["1 x 12-month fees", "1.5 x 12-month fees"]),
        ({"E1": "Sa 20:00-23:00 America/New_York"}, 3, ["Sa 20:00-23:00", "Saturday"]),
        ({"G2": "S1 | 30 min | 30 min | 4 h"}, 9, ["30 minutes", "S1", "L3"]),
        ({"H1": "Train users | R | R"}, 13, ["Train users"]),
    ],
)
def test_a_message_holds_the_values(change: Mapping[str, str], number: int, said: list[str]):
    messages = " ".join(f.message for f in findings(change, number, "error"))
    for words in said:
        assert words in messages


def test_unknown_terms_are_not_judged():
    assert coherence(SCHEMA, {}) == []


def test_a_contract_of_nothing_but_none_is_told_that_nobody_can_be_reached():
    nothing = dict.fromkeys(SCHEMA.terms)
    assert {f.number for f in coherence(SCHEMA, nothing)} == {9}


@pytest.mark.parametrize("missing", ["phone_and_mail", "hours", "role"])
def test_someone_without_a_way_or_an_hour_to_be_reached_is_nobody(missing: str):
    values = contract({})
    row = values["G1"][0]  # type: ignore[index]
    for part in {"phone_and_mail": ("phone", "email"), "hours": ("reachable",)}.get(
        missing, ("role", "person")
    ):
        row[part] = None
    told = [f.message for f in coherence(SCHEMA, values) if f.number == 9]
    assert told == [
        "Nobody of the vendor can be reached on level L1: name someone with a phone or an e-mail "
        "address and the hours they answer."
    ]


def test_a_level_escalation_uses_needs_people():
    no_fourth = {
        "G1": "\n".join(
            f"{side} | L{n} | Role {n} | none | 1 | none | 24x7 UTC"
            for side in ("vendor", "customer")
            for n in (1, 2, 3)
        )
    }
    assert len(findings(no_fourth, 9, "error")) == 2
    assert findings({**no_fourth, "G2": "S1 | 30 min | 2 h"}, 9, "error") == []
