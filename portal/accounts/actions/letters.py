"""Mails about accounts: thin, and written into the directory's outbox with their cause."""

from datetime import datetime
from typing import Any

from flask import current_app

from portal.accounts.models import Person
from portal.kit.db import db
from portal.notices.actions import write_mail


def tell(
    *,
    chain: str,
    dedupe: str,
    email: str,
    name: str,
    event: str,
    subject: str,
    at: datetime,
    **words: Any,
) -> None:
    """Write the mail `mail/accounts_<event>.txt` in the caller's transaction."""
    settings = current_app.config["SETTINGS"]
    template = current_app.jinja_env.get_template(f"mail/accounts_{event}.txt")
    text = template.render(name=name, at=at, base_url=settings.base_url, **words)
    write_mail(
        db.session(), chain=chain, dedupe=dedupe, recipient=email, name=name, subject=subject,
        text=text, at=at,
    )  # fmt: skip


def tell_person(person: Person, event: str, *, subject: str, at: datetime, **words: Any) -> None:
    """Write a mail about a person's own account to that person, once for this instant."""
    tell(
        chain=person.id, dedupe=f"{event}.{person.id}.{at.timestamp():.6f}", email=person.email,
        name=person.name, event=event, subject=subject, at=at, **words,
    )  # fmt: skip
