"""A frozen document, and how it reads on the page and in the deed."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from portal.contracts.rules.document import canonical_bytes, sha256_of
from portal.contracts.rules.freezing import frozen_document
from portal.contracts.rules.reading import deed_context, key_facts, place_texts, term_texts
from portal.signing.pdf import deed_page, render_deed
from portal.terms.rules import load_schema
from portal.terms.rules.standard import load_standard_terms, places

SCHEMA = load_schema("1")
STANDARD = load_standard_terms("1.0")


@dataclass
class Slot:
    """A place to sign."""

    side: str
    position: int
    name: str
    title: str = "Director"


@dataclass
class Subject:
    """A contract as the document names it."""

    ref: str = "eu-7K3QABCDEF"
    title: str = "CRM support 2027"
    region: str = "eu"
    vendor_name: str = "Northwind Systems Ltd"
    customer_name: str = "Harbour Retail Inc"
    template: str = "standard-support/1"
    template_sha256: str = "aa" * 32
    schema_version: str = "1"
    schema_sha256: str = SCHEMA.sha256
    standard_version: str = "1.0"
    standard_sha256: str = STANDARD.sha256
    tier: str | None = None
    tier_sha256: str | None = None
    slots: list[Slot] = field(
        default_factory=lambda: [
            Slot("customer", 2, "Cleo Marsh"),
            Slot("vendor", 1, "Ada <b>Keane</b>"),
        ]
    )


def document(**changes: Any) -> dict[str, Any]:
    """Return a document of the schema's defaults."""
    return frozen_document(
        Subject(**changes), version_number=1, terms=SCHEMA.defaults(),
        vendor_details="Company no. 1\nBristol", customer_details="Reg. no. 2, Baltimore",
        frozen_at=datetime(2026, 11, 23, 9, 30, tzinfo=UTC),
    )  # fmt: skip


def context(source: dict[str, Any]) -> dict[str, Any]:
    """Return the view model of a document."""
    return deed_context(
        source, SCHEMA, STANDARD, sha256=sha256_of(canonical_bytes(source)),
        operator="Counterpart Hosting", region_label="EU (Frankfurt)", entry_head="5e" * 32,
    )  # fmt: skip


def test_a_document_names_parties_pins_terms_and_signers_in_order() -> None:
    found = document(tier="northwind/4/Business", tier_sha256="bb" * 32)
    assert found["parties"]["vendor"]["name"] == "Northwind Systems Ltd"
    assert found["pins"]["tier"] == {"name": "northwind/4/Business", "sha256": "bb" * 32}
    assert set(found["terms"]) == set(SCHEMA.terms)
    assert [signer["field"] for signer in found["signers"]] == ["sig_vendor_1", "sig_customer_2"]
    assert document()["pins"]["tier"] is None


def test_the_same_instant_freezes_to_the_same_bytes_in_any_zone() -> None:
    east = datetime(2026, 11, 23, 11, 30, tzinfo=timezone(timedelta(hours=2)))
    other = frozen_document(
        Subject(), version_number=1, terms=SCHEMA.defaults(),
        vendor_details="Company no. 1\nBristol", customer_details="Reg. no. 2, Baltimore",
        frozen_at=east,
    )  # fmt: skip
    assert canonical_bytes(other) == canonical_bytes(document())


def test_the_view_model_says_every_term_once_and_fills_every_place() -> None:
    deed = context(document())
    told = [row["id"] for group in deed["groups"] for row in group["rows"]]
    assert sorted(told) == sorted(SCHEMA.terms)
    paragraphs = [
        text
        for section in deed["standard"]["sections"]
        for clause in section["clauses"]
        for text in clause["paragraphs"]
    ]
    assert not any("{{" in text for text in paragraphs)
    assert any("State of Delaware, USA" in text for text in paragraphs)


def test_a_place_of_several_lines_points_to_the_cover_sheet() -> None:
    texts = place_texts(term_texts(SCHEMA.defaults(), SCHEMA), SCHEMA)
    assert texts["A9"] == "as listed under A9, When a notice counts as received, on the Cover sheet"
    assert texts["C4"] == "as listed under C4 on the Cover sheet"
    assert texts["A11"] == "Standard Support Terms, 1.0"
    assert texts["A3"] == "none"
    with pytest.raises(KeyError):
        texts["Z9"]


def test_every_place_of_the_standard_terms_has_a_text() -> None:
    texts = place_texts(term_texts(SCHEMA.defaults(), SCHEMA), SCHEMA)
    for section in STANDARD.sections:
        for clause in section.clauses:
            for place in places("\n".join(clause.paragraphs)):
                assert texts[place]


def test_the_deed_is_written_from_the_view_model_and_names_are_never_markup() -> None:
    page = deed_page(context(document()))
    assert "Ada &lt;b&gt;Keane&lt;/b&gt;" in page
    assert 'name="sig_customer_2"' in page


@pytest.mark.slow
def test_the_whole_deed_is_set_from_a_real_contract() -> None:
    source = document()
    assert render_deed(context(source), canonical_bytes(source)).startswith(b"%PDF-")


def test_key_facts_are_few_and_in_words() -> None:
    facts = dict(key_facts({**document(), "terms": {**SCHEMA.defaults(), "D1": "99.95"}}, SCHEMA))
    assert facts["Uptime"] == "99.95 %"
    assert len(facts) <= 9
