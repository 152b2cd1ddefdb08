"""Words kept in a row say themselves again, in English and in German, to the letter."""

import json
from datetime import date
from decimal import Decimal

import pytest

from portal.kit.kept_words import keep, kept
from portal.kit.tongues import tongue
from portal.kit.words import (
    Words,
    commas,
    day,
    in_tongue,
    listed,
    money,
    month,
    number,
    percent,
    say,
    say_n,
)

SENTENCES = (
    say("Done"),
    say("100 %"),
    say("After the close of %(month)s", month=month(date(2026, 12, 1))),
    say("Notice by %(day)s", day=day(date(2027, 3, 1))),
    say_n("%(num)s hour", "%(num)s hours", 1),
    say_n("%(num)s hour", "%(num)s hours", 4),
    say("%(first)s and %(last)s", first=say("Vendor"), last="<Ada & Cleo>"),
    listed([say("Vendor"), say("Customer"), "X"]),
    listed([say("Vendor"), say("Customer")], either=True),
    commas([percent(Decimal("99.90")), number(3), money(Decimal("1234.50"), "EUR")]),
)


@pytest.mark.parametrize("sentence", SENTENCES, ids=str)
def test_kept_words_say_the_same_in_every_language(sentence: Words) -> None:
    again = kept(json.loads(json.dumps(keep(sentence))))
    assert again == sentence
    for language in ("en", "de"):
        assert in_tongue(again, tongue(language)) == in_tongue(sentence, tongue(language))


def test_text_that_people_typed_and_older_rows_stay_as_they_are() -> None:
    for value in ("Done", None, 3, ["Done", {"text": "Done", "actions": []}]):
        assert kept(json.loads(json.dumps(keep(value)))) == value
        assert not isinstance(kept(value), Words)


def test_words_inside_lists_and_facts_are_kept_too() -> None:
    found = kept(json.loads(json.dumps(keep({"agenda": [{"facts": [SENTENCES[2]]}]}))))
    (fact,) = found["agenda"][0]["facts"]
    assert fact == "After the close of December 2026"
    assert in_tongue(fact, tongue("de")).endswith("Dezember 2026")
