"""Notices as rows: the one place that writes them, and the reminders the portal gives itself."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import rfc8785
from sqlalchemy import func, select

from portal.audit.actions import record
from portal.audit.rules import PORTAL
from portal.audit.rules import Actor as LogActor
from portal.contracts.rules.life import Side
from portal.kit.refs import new_id
from portal.kit.vault import put
from portal.renewals.actions.letters import Post
from portal.renewals.models import Notice
from portal.renewals.queries.term import Running, quote_of
from portal.renewals.rules.notices import Kind
from portal.renewals.rules.reading import duty_deadline

FORMAT = "counterpart-notice/1"


@dataclass(frozen=True)
class Draft:
    """A notice before it is numbered: what it says, by whom, how, and until when it is in time."""

    kind: Kind
    number: int
    side: Side
    dedupe: str
    words: Mapping[str, Any]
    due_on: date
    received_on: date | None
    channel: str = "portal"
    person_id: str = PORTAL.person
    step: int = 0


def canonical_words(
    draft: Draft, contract_id: str, serial: int, given_at: datetime
) -> dict[str, Any]:
    """Return exactly what is hashed: the notice with its contract, number and time."""
    return {
        "format": FORMAT,
        "contract": contract_id,
        "serial": serial,
        "kind": draft.kind.value,
        "term": draft.number,
        "side": draft.side.value,
        "channel": draft.channel,
        "given_at": given_at.isoformat(timespec="seconds"),
        "due_on": draft.due_on.isoformat(),
        "received_on": draft.received_on.isoformat() if draft.received_on else None,
        "words": dict(draft.words),
    }


def write_notice(
    post: Post, draft: Draft, *, event: str, actor: LogActor, facts: Mapping[str, Any] | None = None
) -> Notice:
    """Add a notice and its entry (with further facts), in the caller's transaction."""
    session, contract, at = post.session, post.contract, post.at
    last = session.scalar(select(func.max(Notice.serial)).where(Notice.contract_id == contract.id))
    serial, key = (last or 0) + 1, new_id(at)
    words = canonical_words(draft, contract.id, serial, at)
    digest = hashlib.sha256(rfc8785.dumps(words)).hexdigest()
    head = record(
        session, contract.id, event, actor=actor, at=at,
        facts={
            "notice": key, "serial": serial, "kind": draft.kind.value, "term": draft.number,
            "side": draft.side.value, "channel": draft.channel, "sha256": digest,
            "in_time": draft.received_on is not None and draft.received_on <= draft.due_on,
            **(facts or {}),
        },
    )  # fmt: skip
    row = Notice(
        id=key, region=contract.region, contract_id=contract.id, serial=serial,
        kind=draft.kind.value, number=draft.number, dedupe=draft.dedupe, side=draft.side.value,
        channel=draft.channel, person_id=draft.person_id, given_at=at,
        received_on=draft.received_on.isoformat() if draft.received_on else None,
        due_on=draft.due_on.isoformat(), sha256=digest, head=head, totp_step=draft.step,
    )  # fmt: skip
    put(session, row, words=words)
    session.flush()
    return row


def remind(post: Post, found: Running, *, kind: str, dates: int, late: bool) -> Notice:
    """Remind both sides of a notice date; it counts as the vendor's reminder (clause 17.5).

    The reminder in the portal names the dates, the renewal term and the price; the mail points to
    it.
    """
    quote = quote_of(found.terms)
    today = found.today(post.at)
    words = {
        "ends": found.span.ends.isoformat(),
        "notice_by": found.notice_by.isoformat(),
        "renewal_months": found.plan.renewal_months,
        "at_most": str(quote.total) if quote else None,
        "currency": quote.currency if quote else None,
    }
    draft = Draft(
        Kind.REMINDER, found.span.number, Side.VENDOR, kind, words,
        due_on=duty_deadline(found.terms, found.notice_by) or found.notice_by, received_on=today,
    )  # fmt: skip
    row = write_notice(
        post,
        draft,
        event="renewal:reminder:sent",
        actor=PORTAL,
        facts={"dates": dates, "late": late},
    )
    days = (found.notice_by - today).days
    cause = f"{post.contract.id}:{found.span.number}:{kind}"
    post.tell_both("renewal:reminder", cause, days=days, serial=row.serial)
    return row
