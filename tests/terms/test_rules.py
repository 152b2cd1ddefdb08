"""What people type, what the portal prints, and who gains from a move."""

import pytest

from portal.terms.rules import (
    Term,
    Unreadable,
    canonical,
    edit_text,
    favours,
    load_schema,
    normal,
    parse,
    show,
    validate,
    value_sha256,
)
from portal.terms.rules.durations import DAY, WEEK, longest
from portal.terms.rules.schedules import open_week

SCHEMA = load_schema()


def term(term_id: str) -> Term:
    return SCHEMA.terms[term_id]


READINGS = [
    ("C4.S1.first_response", "4 business hours", "4 business hours"),
    ("C4.S1.first_response", "4 bh", "4 business hours"),
    ("C4.S1.first_response", "1 working hour", "1 business hour"),
    ("C4.S1.first_response", "4 h, support hours", "4 business hours"),
    ("C4.S1.first_response", "30 min", "30 minutes, round the clock"),
    ("C4.S1.first_response", "30 Minutes 24x7", "30 minutes, round the clock"),
    ("C4.S1.first_response", "2h 24x5", "2 hours, round the clock Monday to Friday"),
    ("C4.S1.first_response", "90 business minutes", "90 business minutes"),
    ("C4.S1.first_response", "1.5 h", "90 minutes, round the clock"),
    ("C4.S1.resolution", "1 bd", "1 business day"),
    ("C4.S1.resolution", "Next Release", "next release"),
    ("E4", "1 week", "7 days"),
    ("E12", "30 min", "30 minutes"),
    ("P1", "2 years", "24 months"),
    ("D1", "99.950", "99.95 %"),
    ("D1", "99.95 %", "99.95 %"),
    ("D1", "99,95%", "99.95 %"),
    ("K4", "3x", "3 times"),
    ("K4", "1.50 times", "1.5 times"),
    ("B7", "unlimited", "unlimited"),
    ("B7", "12", "12"),
    ("I7", "180 usd", "180.00 USD"),
    ("I7", "USD 1,250.5", "1250.50 USD"),
    ("I7", "5000 JPY", "5000 JPY"),
    ("I7", "1.234 KWD", "1.234 KWD"),
    ("A14", "Yes", "yes"),
    ("A14", "n", "no"),
    ("A4.date", "2027-01-01", "1 January 2027"),
    ("A4.date", "1 Jan 2027", "1 January 2027"),
    ("P3", "Expires", "the contract ends"),
    ("P3", "the contract ends", "the contract ends"),
    ("B9", "Spanish, English, Spanish", "English, Spanish"),
    ("B1", "mo-fr 07:00-20:00 america/new_york", "Mo-Fr 07:00-20:00 America/New_York"),
    ("B1", "Mo-Fr 9am to 5pm Europe/Berlin", "Mo-Fr 09:00-17:00 Europe/Berlin"),
    ("B1", "24x7 UTC", "24x7 UTC"),
    ("B1", "24x5 America/New_York", "24x5 America/New_York"),
    ("B1", "Daily 00:00-24:00 UTC", "24x7 UTC"),
    (
        "B1",
        "Mo-Fr 09:00-12:00, 13:00-17:00 UTC",
        "Mo-Fr 09:00-12:00; Mo-Fr 13:00-17:00 UTC",
    ),
    ("B1", "Tu 09:00-17:00; Mo 09:00-17:00 UTC", "Mo-Tu 09:00-17:00 UTC"),
    ("B1", "Monday, Wed 22:00-06:00 UTC", "Mo, We 22:00-06:00 UTC"),
    ("B1", "Sa-Mo 10:00-12:00\nWe 9-10 UTC", "Mo, Sa-Su 10:00-12:00; We 09:00-10:00 UTC"),
    ("E1", "Su 02:00-05:00 America/New_York", "Su 02:00-05:00 America/New_York"),
    ("E1", "first Sunday 02:00-05:00 UTC", "1st Su 02:00-05:00 UTC"),
    ("E1", "last su 2-5", "last Su 02:00-05:00"),
    ("E7", "quarter-end -5bd..+2bd, 20-30 Nov", "quarter-end -5bd..+2bd; 20-30 Nov"),
    ("E7", "Quarter end -5 bd .. 0 bd", "quarter-end -5bd..0bd"),
    ("E7", "28 Nov to 2 December", "28 Nov-2 Dec"),
    ("E7", "25 Dec", "25 Dec"),
    ("E7", "2026-11-20", "2026-11-20"),
    ("E7", "2026-11-20 08:00..2026-11-30 18:00 UTC", "2026-11-20 08:00..2026-11-30 18:00 UTC"),
    ("L1", "1.5x 12-month fees", "1.5 x 12-month fees"),
    ("L1", "500,000 USD", "500000.00 USD"),
    (
        "L1",
        "greater of 1 x 12-month fees and 5000 EUR",
        "greater of 1 x 12-month fees and 5000.00 EUR",
    ),
    ("A11", "Standard Support Terms | 1.0", "Standard Support Terms | 1.0"),
    ("A1", "  Café\u0301  Ltd ", "Café\u0301 Ltd"),
    ("A1", "Cafe\u0301", "Café"),
    ("A1", "<b>Bold & Co</b>", "<b>Bold & Co</b>"),
    ("B3", "S1|24x7\n\nS2 | support hours\r\nS3|24x5\nS4|24x5",
     "S1 | 24x7\nS2 | support hours\nS3 | 24x5\nS4 | 24x5"),
    ("D5", "A \\| B | 99.9", "A \\| B | 99.9 %"),
    ("H1", "Back up | R, A | i | 4 h", "Back up | R, A | I | 4 hours"),
    ("P12", "", "none"),
    ("P12", "None", "none"),
]  # fmt: skip


@pytest.mark.parametrize(("term_id", "typed", "printed"), READINGS)
def test_what_people_type_is_printed_in_the_words_they_use(term_id, typed, printed):
    assert show(term(term_id), parse(term(term_id), typed)) == printed


REFUSALS = [
    ("C4.S1.first_response", "soon", '"4 business hours" or "30 minutes"'),
    ("C4.S1.first_response", "4", '"4 business hours" or "30 minutes"'),
    ("C4.S1.first_response", "-4 h", '"4 business hours" or "30 minutes"'),
    ("C4.S1.first_response", "2 bd round the clock", "business hours"),
    ("B7", "many", '"5" or "unlimited"'),
    ("D1", "high", '"99.95 %"'),
    ("D1", "99.9999", "3 digits"),
    ("I7", "180", '"180.00 USD"'),
    ("I7", "$180", '"180.00 USD"'),
    ("I7", "180 XYZ", "not a currency"),
    ("I7", "1.999 USD", "2 digits"),
    ("A14", "maybe", '"yes" or "no"'),
    ("A4.date", "31.12.2027", '"1 January 2027"'),
    ("A4.date", "2027-02-30", "no such day"),
    ("P3", "whatever", '"the contract ends"'),
    ("B9", "English, Klingon", '"English"'),
    ("B1", "Mo-Fr 09:00-17:00", "time zone"),
    ("B1", "Mo-Fr 09:00-17:00 Mars/Phobos", "not a time zone"),
    ("B1", "Mo-Fr 25:00-26:00 UTC", "Mo-Fr 09:00-17:00"),
    ("B1", "Mo-Fr 09:00-09:00 UTC", "Mo-Fr 09:00-17:00"),
    ("E1", "sometimes", "Su 02:00-05:00"),
    ("E7", "quarter-end +2bd..-5bd", "earlier day first"),
    ("E7", "2026-11-30..2026-11-20", "earlier day first"),
    ("E7", "31 Nov", "no 31"),
    ("L1", "a lot", "12-month fees"),
    ("A11", "a | b | c | d", "name, the version"),
    ("B3", "S1 | 24x7 | extra", "Line 1 has 3 parts"),
    ("B5", "Peak | now | 3", "Line 1, When"),
    ("G2", "S1 | 30 min\nS2 | later", "Line 2, To L2: Write a time"),
]


@pytest.mark.parametrize(("term_id", "typed", "said"), REFUSALS)
def test_a_refusal_says_what_to_write(term_id, typed, said):
    with pytest.raises(Unreadable) as refusal:
        parse(term(term_id), typed)
    assert said in refusal.value.message
    assert refusal.value.message.endswith(".")


def test_ticked_boxes_are_read_as_a_list():
    assert parse(term("B9"), ["es", "en", ""]) == ["en", "es"]
    assert parse(term("B9"), []) is None
    assert parse(term("B1"), ["24x7 UTC"]) == parse(term("B1"), "24x7 UTC")


def test_an_empty_field_is_the_explicit_none():
    assert edit_text(term("P12"), None) == ""
    assert show(term("P12"), None) == "none"
    assert parse(term("P12"), "") is None


def test_stored_structures_are_brought_to_one_form():
    assert normal(term("D1"), "99.950") == "99.95"
    assert normal(term("C4.S1.first_response"), {"n": 4, "unit": "bh"}) == {
        "n": 4,
        "unit": "bh",
        "clock": "support_hours",
    }
    assert normal(term("B9"), ["es", "en"]) == ["en", "es"]
    assert normal(term("E7"), [{"freq": "yearly", "from": "11-20", "to": "11-30"}]) == [
        {"freq": "yearly", "from": "11-20", "to": "11-30", "tz": None}
    ]


def test_equal_values_have_equal_bytes():
    one = parse(term("B1"), "Tu 09:00-17:00; Mo 09:00-17:00 UTC")
    other = parse(term("B1"), "Mo-Tu 9am-5pm UTC")
    assert canonical(one) == canonical(other)
    assert canonical({"b": "é", "a": [1, True, None]}) == '{"a":[1,true,null],"b":"é"}'.encode()
    assert value_sha256(None) == "74234e98afe7498fb5daf1f36ac2d78acc339464f950703b8c019892f982b90b"


PROBLEMS = [
    ("P6", "14 d", "15 days or more"),
    ("P6", "181 d", "180 days or less"),
    ("P6", "20 h", "units"),
    ("D1", "89.9 %", "90 % or more"),
    ("D1", "100 %", "99.999 % or less"),
    ("K5", "101 %", "100 % or less"),
    ("K4", "6 times", "5 times or less"),
    ("B7", "0", "1 or more"),
    ("L1", "6 x 12-month fees", "5 x 12-month fees or less"),
    ("C4.S1.first_response", "4 min", "5 minutes, round the clock or more"),
    ("C4.S1.first_response", "6 bd", "5 business days or less"),
    ("C4.S1.first_response", "none", "needed"),
    ("E12", "30 min, 24x5", "not counted on that clock"),
    ("B1", "Mo-Fr 09:00-17:00; Fr 16:00-18:00 UTC", "overlap"),
    ("B1", "Su 22:00-06:00; Mo 05:00-07:00 UTC", "overlap"),
    ("B3", "S1 | 24x7", "Add a row for S2"),
    ("B3", "S1|24x7\nS1|24x5\nS2|24x7\nS3|24x7\nS4|24x7", "twice"),
    ("C1", "S1 | Critical | all is down", "at least 3 rows"),
    (
        "C1",
        "S1 | Critical\nS2 | B | b\nS3 | C | c",
        "Row 1, Impact on the business: this is needed",
    ),
    ("B5", "Always | 1 Jan-31 Dec | 2 times", "use 90 days or fewer"),
    ("A8", "vendor | a | b | c | d | portal\nvendor | e | f | g | h | portal", "row for customer"),
]


@pytest.mark.parametrize(("term_id", "typed", "said"), PROBLEMS)
def test_a_value_out_of_its_range_is_told(term_id, typed, said):
    assert said in " ".join(validate(term(term_id), parse(term(term_id), typed)))


@pytest.mark.parametrize(
    ("term_id", "value"),
    [
        ("D1", "99.950"),
        ("D1", 99.95),
        ("D1", 99),
        ("D1", True),
        ("B7", 5.0),
        ("B7", True),
        ("B7", -1),
        ("B7", 10**4000),
        ("A14", 1),
        ("A14", "yes"),
        ("P3", "the contract ends"),
        ("B9", ["es", "en"]),
        ("B9", []),
        ("B9", ["en", ["es"]]),
        ("P1", {"n": 12, "unit": "mo"}),
        ("P1", {"n": 12.0, "unit": "mo", "clock": "24x7"}),
        ("P1", {"n": True, "unit": "mo", "clock": "24x7"}),
        ("P1", {"n": 12, "unit": ["mo"], "clock": "24x7"}),
        ("P1", {"n": 12, "unit": "bd", "clock": "24x7"}),
        ("P1", "12 mo"),
        ("I7", {"amount": "180", "currency": "USD"}),
        ("I7", {"amount": 180, "currency": "USD"}),
        ("I7", {"amount": "180.00"}),
        ("A4.date", "1 January 2027"),
        ("B1", {"tz": "UTC", "days": []}),
        ("B1", {"tz": "Nowhere/Land", "days": [{"days": ["mo"], "from": "09:00", "to": "17:00"}]}),
        ("B1", {"tz": "UTC", "days": [{"days": ["tu", "mo"], "from": "09:00", "to": "17:00"}]}),
        ("B1", {"tz": "UTC", "days": [{"days": [["mo"]], "from": "09:00", "to": "17:00"}]}),
        ("E7", [{"freq": ["yearly"]}]),
        ("E7", [{"freq": "yearly", "from": "11-20"}]),
        ("E7", [{"freq": "yearly", "from": "11-20", "to": "11-30", "tz": None, "more": 1}]),
        ("E7", [{"freq": "quarter_end", "from": True, "to": 2, "unit": "bd", "tz": None}]),
        ("E7", [{"freq": "monthly", "nth": 1.0, "day": "su", "from": "02:00", "to": "05:00",
                 "tz": None}]),
        ("E7", []),
        ("L1", {"basis": "multiple", "multiple": "1.50"}),
        ("L1", {"basis": ["multiple"], "multiple": "1.5"}),
        ("L1", {"basis": "multiple", "multiple": "1.5", "amount": None}),
        ("A11", {"name": "x", "version": "a|b", "target": None}),
        ("A11", {"name": "x"}),
        ("A1", "two  spaces"),
        ("A1", "none"),
        ("A1", 5),
        ("A1", "x" * 201),
        ("B3", [{"severity": "S1"}]),
        ("B3", "S1 | 24x7"),
        ("B3", [5]),
        ("B3", {}),
    ],
)  # fmt: skip
def test_only_the_stored_form_is_valid(term_id, value):
    assert validate(term(term_id), value) != []


def test_a_number_too_long_to_print_is_refused():
    assert validate(term("B7"), 10**5000) != []


MOVES = [
    ("C4.S1.first_response", "4 bh", "30 min", "customer"),
    ("C4.S1.first_response", "30 min", "4 bh", "vendor"),
    ("C4.S1.first_response", "1 bd", "2 d", "customer"),
    ("C4.S1.first_response", "60 min", "1 h", "neutral"),
    ("C4.S1.resolution", "none", "next release", "customer"),
    ("C4.S1.resolution", "next release", "20 bd", "customer"),
    ("C4.S1.workaround", "1 bd", "none", "vendor"),
    ("D1", "99.5", "99.9", "customer"),
    ("E5", "as soon as possible", "4 h", "customer"),
    ("B7", "10", "unlimited", "customer"),
    ("B7", "10", "10", "same"),
    ("K5", "50", "none", "customer"),
    ("K2", "5", "none", "vendor"),
    ("P10", "index", "none", "customer"),
    ("P6", "90 d", "60 d", "customer"),
    ("P4", "36 mo", "12 mo", "customer"),
    ("O1", "1500 USD", "1400 USD", "customer"),
    ("O1", "1500 USD", "1400 EUR", "neutral"),
    ("L1", "1 x 12-month fees", "3 x 12-month fees", "customer"),
    ("L1", "1 x 12-month fees", "none", "customer"),
    ("L1", "1 x 12-month fees", "100000 USD", "neutral"),
    ("L1", "1 x 12-month fees", "greater of 1 x 12-month fees and 5 USD", "customer"),
    ("E6", "no", "yes", "customer"),
    ("K10", "no", "yes", "vendor"),
    ("K11", "the only remedy", "without prejudice to other remedies", "customer"),
    ("A6", "Delaware", "England", "neutral"),
    ("D8", "vendor", "customer", "neutral"),
    ("D10", "force majeure, beta features", "force majeure", "customer"),
    ("D10", "beta features", "force majeure", "neutral"),
    ("F1", "patch", "patch, major", "customer"),
    ("B1", "Mo-Fr 09:00-17:00 UTC", "Mo-Sa 09:00-17:00 UTC", "customer"),
    ("B1", "Mo-Fr 09:00-17:00 UTC", "Mo-Fr 10:00-18:00 UTC", "neutral"),
    ("B1", "Mo-Fr 09:00-17:00 America/New_York", "24x7 UTC", "customer"),
    ("E1", "Su 02:00-06:00 UTC", "Su 03:00-05:00 UTC", "customer"),
    ("E7", "20-30 Nov", "20-30 Nov; quarter-end -5bd..+2bd", "customer"),
    ("F4", "critical|72 h\nhigh|14 d\nmedium|60 d", "critical|48 h\nhigh|14 d\nmedium|60 d",
     "customer"),
    ("F4", "critical|72 h\nhigh|14 d\nmedium|60 d", "critical|48 h\nhigh|21 d\nmedium|60 d",
     "neutral"),
    ("D5", "Orders | 99.9", "Orders | 99.9\nQuotes | 99.5", "customer"),
    ("D5", "Orders | 99.9", "Orders | 99.5", "vendor"),
    ("D5", "Orders | 99.9", "none", "vendor"),
    ("K1", "0 | 99.9 | 10", "0 | 99.9 | 20", "customer"),
    ("K1", "0 | 99.9 | 10", "none", "vendor"),
    ("H1", "Back up | R, A | I", "Back up | I | R, A", "neutral"),
    ("I1", "Orders | 5 | production | none | Ann", "Orders | 5 | production | none | Ben",
     "neutral"),
]  # fmt: skip


@pytest.mark.parametrize(("term_id", "old", "new", "gains"), MOVES)
def test_a_move_tells_who_gains(term_id, old, new, gains):
    it = term(term_id)
    assert favours(it, parse(it, old), parse(it, new)) == gains


def length(n: int, unit: str, clock: str = "24x7") -> dict[str, object]:
    return {"n": n, "unit": unit, "clock": clock}


@pytest.mark.parametrize(
    ("value", "hours"),
    [
        (length(30, "min"), 0.5),
        (length(2, "d"), 48),
        # Friday 17:00 to Monday 13:00.
        (length(4, "bh", "support_hours"), 68),
        # Eight hours fill a day; one minute more runs into Tuesday.
        (length(8, "bh", "support_hours"), 72),
        (length(481, "min", "support_hours"), 88 + 1 / 60),
        # Friday 17:00 to Monday 17:00; five days are a week.
        (length(1, "bd", "support_hours"), 72),
        (length(5, "bd", "support_hours"), 168),
        (length(1, "h", "24x5"), 49),
        (length(0, "h"), 0),
        (length(0, "bd", "support_hours"), 0),
    ],
)
def test_the_worst_case_of_a_length_is_wall_clock_time(value, hours):
    assert longest(value) == pytest.approx(hours * 60)


def test_the_worst_case_follows_the_support_week():
    always = open_week(parse(term("B1"), "24x7 UTC"))
    assert always == ((0, WEEK),)
    assert longest(length(1, "bd", "support_hours"), always) == DAY
    assert longest(length(4, "bh", "support_hours"), always) == 4 * 60
    one_day = open_week(parse(term("B1"), "Su 22:00-02:00 UTC"))
    assert one_day == ((0, 120), (WEEK - 120, WEEK))
    # Four hours on Sunday night, and the fifth a week later.
    assert longest(length(5, "bh", "support_hours"), one_day) == (168 + 164 + 1) * 60
