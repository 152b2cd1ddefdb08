"""Incidents of the contract in force: ten weeks of them, the last week in full.

One was answered late, one stands still and the customer contests it, one is open now.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.accounts.rules import Actor
from portal.cli.demo import cases
from portal.contracts.actions import onboarding
from portal.contracts.models import Contract
from portal.contracts.queries import find_contract
from portal.contracts.rules.life import Side
from portal.contracts.rules.onboarding import ITEMS
from portal.incidents import actions
from portal.incidents.actions import Report, Said
from portal.incidents.models import Incident
from portal.incidents.rules.root_cause import Kind
from portal.residency.databases import Regions

BEFORE = datetime.min.replace(tzinfo=UTC)
CRM, MOBILE = "CRM core", "Mobile sales app"


@dataclass
class Desk:
    """The service desk of one contract, in the story's time."""

    session: Session
    contract: Contract
    cast: Mapping[str, Actor]
    number: int = 0
    at: datetime = BEFORE

    def report(
        self, at: datetime, key: str, title: str, severity: str, module: str, **facts: str
    ) -> None:
        """Report the next incident."""
        self.at = at
        self.pass_until(at)
        report = Report(title=title, severity=severity, module=module, facts=facts)
        made = actions.report(self.session, self.contract, self.cast[key], report, at=at)
        self.number = made.number

    def pass_until(self, moment: datetime) -> None:
        """Let the worker do what falls due up to a moment, each at its own instant."""
        while True:
            found = [
                self.session.scalar(
                    select(func.min(column)).where(Incident.contract_id == self.contract.id)
                )
                for column in (Incident.escalate_at, Incident.warn_at)
            ]
            self.session.rollback()
            at = min((one for one in found if one), default=None)
            if at is None or at > moment:
                return
            actions.keep_incidents(self.session, self.contract, at=at)

    def after(self, key: str, **later: float) -> Said:
        """Let time pass; return one of the cast, about to say something."""
        self.at += timedelta(**later)
        self.pass_until(self.at)
        return Said(self.session, self.contract, self.cast[key], self.number, self.at)


def tell_incidents(regions: Regions, cast: Mapping[str, Actor], *, now: datetime) -> None:
    """Tell the incidents of the CRM contract."""
    session = regions.session("eu")
    found = next(one for one in session.query(Contract) if one.title == cases.CRM.title)
    contract = find_contract(session, cast["dov"], found.id)
    desk = Desk(session, contract, cast)
    named = [cast["dov"].person_id, cast["cleo"].person_id]
    actions.name_contacts(session, contract, cast["dov"], named, at=now - timedelta(days=74))
    _onboarded(desk, now - timedelta(days=82))
    _earlier(desk, now)
    _explained(desk, now - timedelta(days=40))
    _last_week(desk, now)
    desk.pass_until(now)
    actions.keep_reviews(session, contract, at=now - timedelta(days=3))


def _onboarded(desk: Desk, at: datetime) -> None:
    """Both sides tick the whole checklist before support starts."""
    for number, key in enumerate(ITEMS):
        for who in ("ben", "dov"):
            moment = at + timedelta(hours=6 * number + (who == "dov"))
            onboarding.tick_item(desk.session, desk.contract, desk.cast[who], key, at=moment)


def _explained(desk: Desk, at: datetime) -> None:
    """The critical fault of the quiet weeks is explained; one of its actions is still open."""
    args = (desk.session, desk.contract, desk.cast["ben"], 3)
    watched = actions.add_measure(
        *args, words="Alert when the opportunity index is above 80 % full", owner="Ben Osei",
        side=Side.VENDOR, due=(at + timedelta(days=10)).date(), at=at,
    )  # fmt: skip
    actions.add_measure(
        *args, words="Archive opportunities older than five years", owner="Dov Amsel",
        side=Side.CUSTOMER, due=(at + timedelta(days=60)).date(), at=at,
    )  # fmt: skip
    content = {
        "timeline": "08:10 saving fails. 08:46 acknowledged. 12:40 index grown, saving works.",
        "cause": "1. Saving failed: the index was full. 2. Full: it grows with old opportunities.\n"
                 "3. Nobody saw it: there was no alert. 4. No alert: the index was new in 4.5.\n"
                 "5. The checklist of new releases did not ask for alerts. It does now.",
        "impact": "No opportunity could be saved for four and a half hours.",
    }  # fmt: skip
    actions.deliver_account(*args, kind=Kind.FINAL, content=content, at=at + timedelta(hours=1))
    actions.accept_account(
        desk.session, desk.contract, desk.cast["cleo"], 3, at=at + timedelta(hours=20)
    )
    actions.finish_measure(
        desk.session, desk.contract, desk.cast["ben"], watched.id, at=at + timedelta(days=6)
    )


EARLIER = (
    (66, "S3", CRM, "Territory report counts closed deals twice", 3.0, 30.0),
    (58, "S2", MOBILE, "App signs sales people out every hour", 1.5, 20.0),
    (49, "S1", CRM, "No opportunity can be saved", 0.6, 4.5),
    (41, "S4", CRM, "Label of the discount field is misspelt", 20.0, 90.0),
    (33, "S2", CRM, "Quotes of the north region stay in draft", 3.2, 28.0),
    (24, "S3", MOBILE, "Photos of visits are rotated", 5.0, 60.0),
    (17, "S2", CRM, "Nightly import of accounts stops half-way", 2.0, 26.0),
)


def _earlier(desk: Desk, now: datetime) -> None:
    """A quiet ten weeks: reported, answered, resolved, closed."""
    for days, severity, module, title, answered, resolved in EARLIER:
        at = now - timedelta(days=days, hours=2)
        desk.report(at, "dov", title, severity, module, function=title, impact="One team waits.",
                    start="This morning")  # fmt: skip
        actions.acknowledge(desk.after("ben", hours=answered), words="We are on it.")
        actions.resolve(
            desk.after("ben", hours=resolved - answered), means="permanent_fix",
            words="Fixed and tested. Please check on your side.",
        )  # fmt: skip
        actions.confirm(desk.after("dov", hours=6), words="Works here.")


def _last_week(desk: Desk, now: datetime) -> None:
    _late_answer(desk, now - timedelta(days=6, hours=3))
    _raised(desk, now - timedelta(days=4, hours=7))
    _resolved(desk, now - timedelta(days=2, hours=5))
    _paused(desk, now - timedelta(hours=26))
    _open_now(desk, now - timedelta(minutes=50))


def _late_answer(desk: Desk, at: datetime) -> None:
    """Answered after four hours and more: a miss that stays on record."""
    desk.report(
        at, "cleo", "Order entry is down for all stores", "S1", CRM,
        function="Saving an order", impact="No store can sell. 40 orders an hour wait.",
        start="09:10, after the morning sync", error="HTTP 503 from /orders",
    )  # fmt: skip
    actions.acknowledge(
        desk.after("ben", hours=4, minutes=25), words="I have it. Sorry for the wait."
    )
    actions.update(
        desk.after("ben", hours=1), words="The order queue is stuck behind one bad import."
    )
    actions.deliver_workaround(
        desk.after("ben", minutes=25),
        words="Enter orders through the mobile app: it uses another queue.",
    )
    actions.resolve(
        desk.after("ben", hours=1, minutes=20), means="permanent_fix",
        words="The bad import is removed and the queue checks its entries first.",
    )  # fmt: skip
    actions.confirm(desk.after("cleo", hours=3), words="All stores sell again.")


def _raised(desk: Desk, at: datetime) -> None:
    """Reported as major, raised to critical, agreed, solved in time."""
    desk.report(
        at, "dov", "Price lists show last quarter's prices", "S2", CRM,
        function="Price lists", impact="Sales quote by hand.", start="Since the release last night",
    )  # fmt: skip
    actions.acknowledge(desk.after("ben", minutes=40), words="Looking at the release now.")
    raised = actions.propose_severity(
        desk.after("cleo", hours=1), severity="S1",
        words="Two large quotes went out with old prices. Nobody can sell safely.",
    )  # fmt: skip
    actions.agree_severity(desk.after("ben", minutes=20), proposal=raised.id, from_report=False)
    actions.respond(
        desk.after("ben", minutes=30), words="The cache of price lists was not emptied."
    )
    actions.resolve(
        desk.after("ben", hours=1, minutes=30), means="config_change",
        words="Cache emptied; it is emptied with every release from now on.",
    )  # fmt: skip
    actions.confirm(desk.after("dov", hours=2))


def _resolved(desk: Desk, at: datetime) -> None:
    """Resolved, and waiting for the customer's yes."""
    desk.report(
        at, "dov", "Visit notes vanish when the app goes offline", "S3", MOBILE,
        function="Visit notes", impact="Sales people write their notes twice.", start="Last week",
    )  # fmt: skip
    actions.acknowledge(desk.after("ben", hours=2), words="Seen it on our phones too.")
    actions.resolve(
        desk.after("ben", hours=30), means="permanent_fix",
        words="Version 4.7.2 keeps notes until they are sent. Please update the app and try.",
    )  # fmt: skip


def _paused(desk: Desk, at: datetime) -> None:
    """Paused by the vendor, contested by the customer: shown both ways."""
    desk.report(
        at, "dov", "Discount approval mails arrive a day late", "S2", CRM,
        function="Approval mails", impact="Deals above 10 % discount wait a day.", start="Monday",
    )  # fmt: skip
    actions.acknowledge(desk.after("ben", minutes=55), words="Which mail gateway do you use?")
    pause = actions.claim_pause(
        desk.after("ben", hours=1), ground="waiting_on_customer",
        words="We wait for the log of your mail gateway.",
    )  # fmt: skip
    actions.contest_pause(
        desk.after("dov", hours=3), pause=pause.id,
        words="The log went with the report of last month. The delay is on your side.",
    )  # fmt: skip
    actions.write_note(
        desk.session, desk.contract, desk.cast["ben"], desk.number,
        "Ask operations whether the relay queue was full on Monday before we argue.", at=desk.at,
    )  # fmt: skip


def _open_now(desk: Desk, at: datetime) -> None:
    """Just reported; the first clock runs."""
    desk.report(
        at, "cleo", "Forecast page stays empty for managers", "S2", CRM,
        function="Forecast", impact="The weekly sales call has no figures.", start="This morning",
        users="12 managers",
    )  # fmt: skip
