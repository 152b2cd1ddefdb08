"""What the worker does, and how often: one line a job.

A job is a function of the app. It does what is due and returns; it may be killed at any point and
run by several workers at once, so whatever it claims or writes once is decided in the database.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from flask import Flask
from sqlalchemy.orm import Session

from portal.accounts.actions import forget_resets, mail_resets
from portal.accounts.queries import hipaa_anywhere
from portal.admin.actions import apply_due, carry_out_moves
from portal.api.actions import forget_keys
from portal.batches import actions as batches
from portal.contracts.actions import COMPLETED, onboarding, walk
from portal.contracts.models import Contract
from portal.contracts.queries import version_in_force
from portal.evidence.actions import keep_logs, send_weekly, stamp_checkpoints
from portal.incidents import actions as incidents
from portal.intake import actions as intake
from portal.kit import clock
from portal.kit.db import by_itself, db
from portal.negotiation.actions import remind_approvers
from portal.notices import actions as notices
from portal.notices.actions.delivery import Carrier
from portal.notices.actions.silence import silence_address
from portal.notices.smtp import Relay
from portal.oauth.actions import forget_tokens
from portal.operations import actions as operations
from portal.operations.queries import Subject
from portal.renewals import actions as renewals
from portal.renewals.queries.term import changed_contracts, due_contracts, ends_among
from portal.residency.databases import RegionDatabase, holding, regions
from portal.residency.rules import Step
from portal.retention import actions as retention
from portal.reviews import actions as reviews
from portal.reviews.queries import RUNNING_TERMS, measured_with_reviews
from portal.settings.rules import BadSetting
from portal.signing import jobs as signing
from portal.statements import actions as statements
from portal.statements.jobs import run_statements
from portal.webhooks import actions as webhooks


def make_deeds(app: Flask) -> None:
    """Prepare deeds, apply signatures and seal what waits, in every region."""
    signing.run_jobs(regions(), app.config["SETTINGS"], at=clock.now())


def stamp_deeds(app: Flask) -> None:
    """Ask the time-stamp authorities for the stamps that sealed deeds still wait for."""
    settings = app.config["SETTINGS"]
    if settings.authorities:
        signing.stamp_deeds(regions(), settings, at=clock.now())


def keep_signings(app: Flask) -> None:
    """End offers to sign whose time is over, and remind those whose turn it is."""
    signing.keep_signings(regions(), at=clock.now())


def sign_checkpoints(app: Flask) -> None:
    """Sign the checkpoints that are due in every region, and write the receipts they cover."""
    keep_logs(regions(), app.config["SETTINGS"], at=clock.now())


def mail_weekly_receipts(app: Flask) -> None:
    """Mail both sides last week's state of each contract's log that grew in it."""
    send_weekly(regions(), at=clock.now())


def anchor_checkpoints(app: Flask) -> None:
    """Let the configured authorities stamp the newest checkpoints."""
    stamp_checkpoints(regions(), app.config["SETTINGS"])


def check_logs(app: Flask) -> None:
    """Check every log whole, once a day; what does not hold is in the worker's log at once."""
    subject = Subject(app.config["SETTINGS"], regions(), clock.now())
    for said in operations.check_logs(subject):
        logging.getLogger("counterpart.work").error("the log does not hold: %s", said)


def keep_renewals(app: Flask) -> None:
    """Remind, close and renew what is due, each contract by itself."""
    for _, session in regions().each():
        renewals.enrol(session, at=clock.now())
        for contract_id in changed_contracts(session):
            session.rollback()
            with by_itself(session, f"new dates of {contract_id}"):
                renewals.refresh(session, contract_id, at=clock.now())
        for contract_id in due_contracts(session, at=clock.now()):
            with by_itself(session, f"dates of {contract_id}"), holding(session, contract_id):
                renewals.keep_dates(
                    session, contract_id, at=clock.now(), measure=measured_with_reviews
                )
            # Whom to tell was asked of the directory: its lock is let go before the next one.
            db.session.rollback()
        session.rollback()


def keep_incidents(app: Flask) -> None:
    """Close, warn and escalate what is due, each contract by itself."""
    for _, session in regions().each():
        at = clock.now()
        due = {*incidents.due_contracts(session, at=at), *incidents.due_for_causes(session, at=at)}
        for contract_id in sorted(due):
            with by_itself(session, f"incidents of {contract_id}"), holding(session, contract_id):
                contract = session.get_one(Contract, contract_id)
                incidents.keep_incidents(session, contract, at=clock.now())
                incidents.keep_root_causes(session, contract, at=clock.now())
        session.rollback()


def start_batches(app: Flask) -> None:
    """Start the contracts of confirmed sheets, a few rows at a look."""
    batches.run_batches(regions(), at=clock.now())


def keep_service(app: Flask) -> None:
    """Remind of onboarding, and call the executive reviews the contracts' numbers ask for."""
    for _, session in regions().each():
        with walk(session, "service", COMPLETED, most=60) as some:
            for contract_id in some:
                with by_itself(session, f"service of {contract_id}"):
                    _keep_service(session, contract_id)
        session.rollback()


def _keep_service(session: Session, contract_id: str) -> None:
    with holding(session, contract_id):
        contract = session.get_one(Contract, contract_id)
        onboarding.remind_onboarding(session, contract, at=clock.now())
        if version_in_force(contract) is not None:
            incidents.keep_reviews(session, contract, at=clock.now())
            statements.call_reviews(session, contract, at=clock.now())


def settle_months(app: Flask) -> None:
    """Issue the statements of months that are over, and settle and seal what is due."""
    run_statements(regions(), app.config["SETTINGS"], at=clock.now(), ends=ends_among)


def remind_of_approvals(app: Flask) -> None:
    """Ask again for approvals that have been missing for two days, in every region."""
    for _, session in regions().each():
        remind_approvers(session, at=clock.now())


def plan_reviews(app: Flask) -> None:
    """Plan the reviews that the terms and the numbers ask for, each contract by itself."""
    for _, session in regions().each():
        with walk(session, "reviews", RUNNING_TERMS, most=250) as some:
            for contract_id in some:
                with by_itself(session, f"reviews of {contract_id}"), holding(session, contract_id):
                    reviews.plan_reviews(session, contract_id, at=clock.now())
                db.session.rollback()
        session.rollback()


def forget_old_tokens(app: Flask) -> None:
    """Delete the codes, tokens and Idempotency-Keys of programs that are over."""
    forget_tokens(at=clock.now())
    forget_resets(at=clock.now())
    forget_keys(at=clock.now())


def mail_password_links(app: Flask) -> None:
    """Look whose password was said to be forgotten, and mail each person a link."""
    mail_resets(base_url=app.config["SETTINGS"].base_url, at=clock.now())


def read_files(app: Flask) -> None:
    """Read on in files of past records, and take those that were confirmed."""
    intake.work_on(regions(), at=clock.now())


def tell_webhooks(app: Flask) -> None:
    """Find what the organisations' own addresses are to be told, and tell them."""
    webhooks.deliver_due(regions(), inside=app.config["SETTINGS"].webhook_hosts, now=clock.now)


def apply_policies(app: Flask) -> None:
    """Let the policy changes hold whose day has come."""
    apply_due(at=clock.now())


def move_contracts(app: Flask) -> None:
    """Carry the agreed moves between regions on, from wherever they stand."""
    carry_out_moves(regions(), now=clock.now, heard=tell_before_it_leaves)


def tell_before_it_leaves(place: RegionDatabase, step: Step) -> None:
    """Write what webhooks are to be told of a frozen contract, while its region still holds it."""
    if step is Step.FROZEN:
        with place.open_session() as session:
            webhooks.find_news(session, at=clock.now())


def delete_contents(app: Flask) -> None:
    """Delete the content of ended contracts where both sides agreed and no hold stands."""
    for database, session in regions().each():
        retention.carry_out_deletions(session, database, at=clock.now())
        db.session.rollback()


def gather_digests(app: Flask) -> None:
    """Write the digests that are due, of the directory and of each region."""
    notices.send_digests(db.session(), now=clock.now)
    for _, session in regions().each():
        notices.send_digests(session, now=clock.now)


def deliver_mail(app: Flask) -> None:
    """Hand over due mail, the directory's and each region's by itself.

    Where an organisation is under the HIPAA profile nothing leaves without TLS: it waits, and the
    doctor says why. A server that does not answer for one place is asked for no other: other jobs
    wait meanwhile.
    """
    settings = app.config["SETTINGS"]
    if settings.sends_plain_mail and hipaa_anywhere():
        raise BadSetting("mail: an organisation is under the HIPAA profile, so set starttls = true")
    places: list[tuple[Session, Path]] = [(db.session(), settings.home / "mail")]
    places += [(session, database.region.mail_folder) for database, session in regions().each()]
    for session, folder in places:
        with Relay(settings, folder) as relay:
            carrier = Carrier(settings.mail_from, relay.send, settings.mail_lease, silence_address)
            notices.deliver_due(session, carrier, now=clock.now)
        if relay.is_away:
            return


@dataclass(frozen=True)
class Job:
    """A job of the worker: `every` is the least time between two runs of one worker.

    `shared`: several workers do it together, each with what no other has in hand. All others are
    one worker's at a time where there are many (PostgreSQL). `regional`: what it does in one region
    asks no other, so that one whose database is away is left out.
    """

    name: str
    run: Callable[[Flask], object]
    every: timedelta
    shared: bool = False
    regional: bool = False


EACH_LOOK = timedelta()

JOBS = (
    Job("prepare and seal deeds", make_deeds, EACH_LOOK, shared=True, regional=True),
    Job("stamp sealed deeds", stamp_deeds, timedelta(seconds=15), regional=True),
    Job("end offers and remind signers", keep_signings, timedelta(minutes=1), regional=True),
    Job("keep the dates of renewals", keep_renewals, EACH_LOOK, regional=True),
    Job("close, warn and escalate incidents", keep_incidents, EACH_LOOK, regional=True),
    Job("start contracts from sheets", start_batches, EACH_LOOK, shared=True),
    Job("remind of onboarding, call reviews", keep_service, timedelta(minutes=1), regional=True),
    Job("issue, settle and seal statements", settle_months, timedelta(seconds=15), regional=True),
    Job("plan reviews", plan_reviews, timedelta(minutes=15), regional=True),
    Job("sign checkpoints", sign_checkpoints, EACH_LOOK, regional=True),
    Job("check the logs whole", check_logs, timedelta(days=1)),
    Job("mail weekly receipts", mail_weekly_receipts, timedelta(minutes=10), regional=True),
    Job("stamp checkpoints", anchor_checkpoints, timedelta(minutes=1), regional=True),
    Job("remind of approvals", remind_of_approvals, timedelta(minutes=5), regional=True),
    Job("forget old tokens", forget_old_tokens, timedelta(hours=1)),
    Job("mail password links", mail_password_links, EACH_LOOK),
    Job("read files", read_files, EACH_LOOK),
    Job("tell webhooks", tell_webhooks, EACH_LOOK, regional=True),
    Job("move contracts between regions", move_contracts, timedelta(seconds=15)),
    Job("let due policies hold", apply_policies, timedelta(minutes=1)),
    Job("delete what both sides agreed on", delete_contents, timedelta(seconds=30)),
    Job("gather digests", gather_digests, timedelta(seconds=30), regional=True),
    Job("deliver mail", deliver_mail, EACH_LOOK, shared=True, regional=True),
)
