"""The story of plans: Northwind's catalogue, the draft of its next version, and changed terms."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from portal.accounts.models import Organisation
from portal.accounts.rules import Actor
from portal.kit.db import db, transaction
from portal.plans import actions as plans
from portal.plans.rules import shipped_catalogues, writing
from portal.terms.rules import load_schema


@dataclass
class Offers:
    """Tells what vendors offer, through the actions their pages call."""

    cast: Mapping[str, Actor]
    now: datetime

    def tell(self) -> None:
        """Publish version 4 as it was, and leave the next one as a draft."""
        at = self.now - timedelta(days=110)
        northwind = db.session.get_one(Organisation, self.cast["ada"].organisation_id)
        raw = next(iter(shipped_catalogues().values()))
        with transaction(db.session) as session:
            plans.plant_catalogue(session, northwind, raw, at=at)
        self._draft(self.now - timedelta(days=2))

    def _draft(self, at: datetime) -> None:
        ada = self.cast["ada"]
        row = plans.start_draft(ada, at=at)
        rows = [
            {"group": "Service", "label": "Upgrade workshop", "kind": "yes_no",
             "values": ["no", "no", "yes", "yes"]},
            {"group": "Service", "label": "Training days a year", "kind": "text",
             "values": ["none", "1", "3", "6"]},
        ]  # fmt: skip
        row = plans.change_draft(
            ada, row.id, lambda raw: writing.with_features(raw, rows), seen_sha256=row.sha256,
            at=at + timedelta(minutes=4),
        )  # fmt: skip
        schema = load_schema("1")

        def faster(raw: writing.Raw) -> writing.Raw:
            terms = {**raw["tiers"][1]["terms"], "C4.S1.first_response": "30 min"}
            return writing.with_terms(schema, raw, 1, terms)

        plans.change_draft(
            ada, row.id, faster, seen_sha256=row.sha256, at=at + timedelta(minutes=9)
        )
