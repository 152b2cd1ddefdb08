"""The story of plans: Northwind's catalogue, the draft of its next version, and changed terms."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy.orm import Session

from portal.accounts.models import Organisation
from portal.accounts.rules import Actor
from portal.contracts.actions import agree_interim_change, propose_interim_change
from portal.contracts.models import Contract
from portal.contracts.queries import find_contract, page_of_contracts
from portal.contracts.rules.amending import Wish
from portal.kit.db import db, transaction
from portal.plans import actions as plans
from portal.plans.rules import shipped_catalogues, writing
from portal.terms.rules import load_schema, parse


def tell(cast: Mapping[str, Actor], session: Session, *, title: str, now: datetime) -> None:
    """Tell the whole of it: what is offered, and what changed in the contract of this title."""
    Offers(cast, now).tell()
    ChangedTerms(session, cast, now).tell(title)


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


PEAKS = (
    "Quarter end | quarter-end -5bd..-1bd America/New_York | 4 times\n"
    "Late November sales | 20-30 Nov America/New_York | 5 times"
)


@dataclass
class ChangedTerms:
    """Tells how the signed terms of the CRM contract changed since."""

    session: Session
    cast: Mapping[str, Actor]
    now: datetime

    def tell(self, title: str) -> None:
        """One schedule agreed and holding, one waiting for Northwind's answer."""
        rows, _ = page_of_contracts(
            [self.session], self.cast["cleo"], today=self.now.date(), after=None, limit=50
        )
        ref = next(row.ref for row in rows if row.title == title)
        self.session.rollback()
        contract = find_contract(self.session, self.cast["cleo"], ref)
        self._peaks(contract, self.now - timedelta(days=20))
        self._window(contract, self.now - timedelta(hours=5))

    def _peaks(self, contract: Contract, at: datetime) -> None:
        wish = self._wish("B5", PEAKS, at.date() + timedelta(days=3))
        reason = "The last days of a quarter now carry a third of our orders."
        row = propose_interim_change(
            self.session, contract, self.cast["cleo"], wish, reason=reason, at=at
        )
        agree_interim_change(
            self.session, contract, self.cast["ada"], row.number, seen_sha256=row.value_sha256,
            at=at + timedelta(hours=20),
        )  # fmt: skip

    def _window(self, contract: Contract, at: datetime) -> None:
        wish = self._wish("E1", "Su 03:00-05:00 America/New_York", at.date() + timedelta(days=21))
        propose_interim_change(
            self.session, contract, self.cast["dov"], wish, at=at,
            reason="Our backup runs until three on Sundays.",
        )  # fmt: skip

    @staticmethod
    def _wish(term: str, text: str, starts: date) -> Wish:
        return Wish({term: parse(load_schema("1").terms[term], text)}, starts, None)
