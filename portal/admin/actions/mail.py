"""What mail to an organisation's people may say."""

from datetime import datetime

from portal.accounts.queries import is_hipaa
from portal.accounts.rules import Actor, demand
from portal.audit.actions import record
from portal.kit.db import db, transaction
from portal.kit.errors import Refused
from portal.kit.words import say
from portal.notices.models import MailRule
from portal.notices.queries import asks_for_thin_mail


def set_mail_rule(actor: Actor, *, thin: bool, at: datetime) -> None:
    """Choose whether mail to the organisation's people says only that something waits."""
    demand(actor, "policy:edit")
    with transaction(db.session) as session:
        if is_hipaa(actor.organisation_id):
            raise Refused(
                say("The HIPAA profile keeps content out of mail, whatever is chosen here.")
            )
        if asks_for_thin_mail(session, actor.organisation_id) == thin:
            return
        session.merge(MailRule(organisation_id=actor.organisation_id, thin=int(thin)))
        record(
            session, actor.organisation_id, "organisation:mail_rule:changed", actor=actor.log,
            at=at, facts={"thin": thin},
        )  # fmt: skip
