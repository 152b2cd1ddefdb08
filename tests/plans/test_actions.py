"""Writing, publishing, retiring: the state, one entry, and refusals that leave neither."""

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from portal.audit.queries import lines
from portal.kit import clock
from portal.kit.db import db
from portal.kit.errors import NotAllowed, NotFound, Refused
from portal.plans import actions, queries
from portal.plans.models import CatalogueVersion
from portal.plans.rules import Unfit, writing
from portal.terms.rules import load_schema
from tests import cast

SCHEMA = load_schema("1")


def events(key: str = "ada") -> list[str]:
    """Return the events of an organisation's chain."""
    found = [line.event for line in lines(db.session(), cast.actor(key).organisation_id)]
    db.session.rollback()
    return found


def draft(key: str = "ada") -> CatalogueVersion:
    return actions.start_draft(cast.actor(key), at=clock.now())


def publish(row: CatalogueVersion, key: str = "ada", note: str = "More hours") -> None:
    actions.publish(cast.actor(key), row.id, note=note, seen_sha256=row.sha256, at=clock.now())


def change(row: CatalogueVersion, name: str) -> CatalogueVersion:
    price = {"basis": "flat", "min_month": "700"}
    return actions.change_draft(
        cast.actor("ada"), row.id, lambda raw: writing.with_head(raw, 0, name=name, price=price),
        seen_sha256=row.sha256, at=clock.now(),
    )  # fmt: skip


@pytest.mark.slow
def test_the_next_version_is_written_published_and_offered(context: Flask) -> None:
    ada = cast.actor("ada")
    row = change(draft(), "Starter")
    assert row.number == 5 and queries.offer_of(ada.organisation_id).version == 4  # type: ignore[union-attr]
    publish(row)
    offered = queries.offer_of(ada.organisation_id)
    assert offered is not None and offered.version == 5 and offered.tier("Starter")
    assert events() == ["catalogue:draft:started", "catalogue:draft:saved", "catalogue:published"]
    actions.retire(ada, row.id, at=clock.now())
    assert queries.offer_of(ada.organisation_id).version == 4  # type: ignore[union-attr]
    assert queries.pinned_catalogue(row.sha256) is not None, "contracts keep what they rest on"
    assert events()[-1] == "catalogue:retired"


def test_a_published_version_never_changes_not_even_by_hand(context: Flask) -> None:
    row = draft()
    publish(row)
    with pytest.raises(Refused, match="never changes"):
        change(row, "Other")
    for column in (
        "content = '{}'",
        "sha256 = 'x'",
        "number = 9",
        "status = 'draft'",
        "note = 'x'",
    ):
        with pytest.raises(IntegrityError, match="never changes"):
            db.session.execute(text(f"UPDATE catalogue_versions SET {column} WHERE number = 5"))
        db.session.rollback()
    with pytest.raises(IntegrityError, match="kept"):
        db.session.execute(text("DELETE FROM catalogue_versions WHERE number = 5"))
    db.session.rollback()
    assert queries.find_catalogue(cast.actor("cleo"), row.id).status == "published"


@pytest.mark.slow
def test_a_draft_is_its_own_organisations_alone(context: Flask) -> None:
    row = draft()
    for key in ("cleo", "mal"):
        with pytest.raises(NotFound):
            queries.find_catalogue(cast.actor(key), row.id)
        assert queries.readable(cast.actor(key), [row.id]) == {}
    with pytest.raises(NotAllowed):
        actions.start_draft(cast.actor("ben"), at=clock.now())
    with pytest.raises(NotFound):
        publish(row, "mal")
    db.session.rollback()
    assert events("mal") == []


def test_one_draft_at_a_time_and_nobody_overwrites_another(context: Flask) -> None:
    row = draft()
    with pytest.raises(Refused, match="draft already"):
        draft()
    seen = row.sha256
    changed = change(row, "Starter")
    assert changed.sha256 != seen
    with pytest.raises(actions.DraftMoved):
        actions.change_draft(
            cast.actor("nia"), row.id, lambda raw: raw, seen_sha256=seen, at=clock.now()
        )
    with pytest.raises(actions.DraftMoved):
        actions.publish(cast.actor("nia"), row.id, note="x", seen_sha256=seen, at=clock.now())
    actions.discard_draft(cast.actor("nia"), row.id, at=clock.now())
    assert events()[-1] == "catalogue:draft:discarded"
    assert draft().number == 5


def test_tiers_that_contradict_themselves_are_not_published(context: Flask) -> None:
    row = draft()
    bad: Any = lambda raw: writing.with_terms(SCHEMA, raw, 0, {  # noqa: E731
        "C4.S1.first_response": "5 bd", "C4.S1.resolution": "1 h"})  # fmt: skip
    row = actions.change_draft(
        cast.actor("ada"), row.id, bad, seen_sha256=row.sha256, at=clock.now()
    )
    count = len(events())
    with pytest.raises(Refused, match="Essential"):
        publish(row)
    db.session.rollback()
    assert len(events()) == count and db.session.get_one(CatalogueVersion, row.id).status == "draft"


def test_an_import_that_cannot_stand_leaves_nothing(context: Flask) -> None:
    before = len(events("mal"))
    with pytest.raises(Unfit):
        actions.import_draft(cast.actor("mal"), '{"tiers": [{}]}', at=clock.now())
    db.session.rollback()
    mine = select(CatalogueVersion).where(
        CatalogueVersion.organisation_id == cast.actor("mal").organisation_id
    )
    assert db.session.scalars(mine).all() == [] and len(events("mal")) == before


def test_public_examples_are_planted_once(context: Flask) -> None:
    assert actions.plant_examples(db.session(), at=clock.now()) == 0
    examples = [offer for offer in queries.offers() if offer.is_example]
    assert len(examples) == 17 and all(offer.catalogue.source for offer in examples)
