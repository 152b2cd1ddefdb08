"""Telling one person of one event: the notice in the portal, and the mail."""

import hashlib
from datetime import datetime
from typing import Any

from flask import current_app
from sqlalchemy.orm import Session

from portal.kit.db import insert_once
from portal.kit.refs import new_id
from portal.kit.words import say
from portal.notices import rules
from portal.notices.letters import headline, letter
from portal.notices.models import DirectoryMail, DirectoryNotice, RegionMail, RegionNotice
from portal.notices.queries import wishes_of


def tell(
    session: Session,
    *,
    event: str,
    to: rules.Recipient,
    chain: str,
    cause: str,
    link: str,
    at: datetime,
    by: str | None = None,
    **words: Any,
) -> None:
    """Tell one person of an event, in the caller's transaction, once for each `cause`.

    Writes the notice in the portal and, as the person and their organisation wish, the mail: now,
    after their quiet hours, with their next digest, or none. `chain` is the contract (or the
    account) it is about, `link` the path of the page to open, `by` the person who caused it and is
    shown a mail that fails; `words` fill the subject and the letter, which also know `name`,
    `ref` and `address`. Neither may say what a contract says.
    """
    kind = rules.event_of(event)
    wishes = wishes_of(session, to, kind)
    words = {"name": to.name, "ref": chain, "address": base_url() + link, **words}
    language = wishes.reader.language
    subject = headline(kind.subject % words, language=language)
    digest = wishes.channel is rules.Channel.DIGEST
    insert_notice(
        session, event=event, cause=cause, person_id=to.person_id, chain=chain, link=link, at=at,
        organisation_id=to.organisation_id, recipient=rules.header(to.email),
        name=rules.header(to.name), subject=rules.header(subject),
        digest_at=rules.digest_after(at, wishes.reader) if digest else None,
    )  # fmt: skip
    if wishes.channel is not rules.Channel.MAIL:
        return
    if wishes.thin and not kind.proof and kind.weight is not rules.Weight.SECURITY:
        subject = headline(say("Something waits for you: %(ref)s", ref=chain), language=language)
        text = letter("notices_thin", language=language, **words)
    else:
        text = letter(kind.letter, language=language, **words)
    write_mail(
        session, chain=chain, dedupe=_dedupe(event, cause, to.person_id),
        recipient=to.email, name=to.name, subject=subject,
        text=text, at=at, due_at=rules.sent_at(at, wishes.reader) if kind.waits_for_morning else at,
        person_id=to.person_id, event=event, caused_by=by,
    )  # fmt: skip


def base_url() -> str:
    """Return where the portal is reached."""
    found: str = current_app.config["SETTINGS"].base_url
    return found


def _dedupe(event: str, cause: str, person_id: str) -> str:
    key = f"{event}.{cause}.{person_id}"
    return key if len(key) <= 160 else f"{event}.{hashlib.sha256(key.encode()).hexdigest()}"


def insert_notice(
    session: Session,
    *,
    event: str,
    cause: str,
    person_id: str,
    organisation_id: str | None,
    chain: str,
    link: str,
    at: datetime,
    subject: str,
    recipient: str = "",
    name: str = "",
    digest_at: datetime | None = None,
) -> None:
    """Write a notice in the portal alone; the same cause tells the same person once."""
    _insert(
        session,
        RegionNotice,
        DirectoryNotice,
        dedupe=_dedupe(event, cause, person_id),
        person_id=person_id,
        organisation_id=organisation_id,
        event=event,
        chain=chain,
        subject=subject,
        link=link,
        created_at=at,
        digest_at=digest_at,
        recipient=recipient,
        name=name,
    )


def _insert(session: Session, regional: Any, central: Any, *, dedupe: str, **values: Any) -> None:
    """Insert a row of the session's own table unless its `dedupe` key is known."""
    values |= {"id": new_id(values["created_at"]), "dedupe": dedupe}
    if "region" in session.info:
        values["region"] = session.info["region"]
    insert_once(session, regional if "region" in values else central, values, key="dedupe")


def write_mail(
    session: Session,
    *,
    chain: str,
    dedupe: str,
    recipient: str,
    name: str,
    subject: str,
    text: str,
    at: datetime,
    due_at: datetime | None = None,
    person_id: str | None = None,
    event: str | None = None,
    caused_by: str | None = None,
) -> None:
    """Add a mail to the outbox in the caller's transaction; a known `dedupe` key adds nothing.

    The floor under `tell`, for those who are nobody in the portal yet.
    """
    _insert(
        session, RegionMail, DirectoryMail, dedupe=dedupe, chain=chain,
        recipient=rules.header(recipient), name=rules.header(name), subject=rules.header(subject),
        text=text, created_at=at, due_at=due_at or at, attempts=0, person_id=person_id,
        event=event, caused_by=caused_by,
    )  # fmt: skip
