"""Telling people, delivering what is due, and keeping how each person wants to be told."""

from portal.notices.actions.delivery import deliver_due, note_bounce, try_again
from portal.notices.actions.digests import send_digests
from portal.notices.actions.forgetting import forget_mail
from portal.notices.actions.telling import tell, write_mail

__all__ = [
    "deliver_due",
    "forget_mail",
    "note_bounce",
    "send_digests",
    "tell",
    "try_again",
    "write_mail",
]
