"""One thing people are told: its words, its weight and its usual channel."""

from dataclasses import dataclass
from enum import StrEnum

from portal.kit.words import Words, say


class Weight(StrEnum):
    """How far a person may silence an event.

    OPTIONAL can be moved to a digest or kept in the portal, and waits for the morning. URGENT is
    optional too, but comes at night. LEGAL and SECURITY always come by mail, at once.
    """

    OPTIONAL = "optional"
    URGENT = "urgent"
    LEGAL = "legal"
    SECURITY = "security"


class Channel(StrEnum):
    """How a notice reaches a person; every notice also stands in the portal."""

    MAIL = "mail"
    DIGEST = "digest"
    PORTAL = "portal"


CHANNEL_WORDS = {
    Channel.MAIL: say("By mail, at once"),
    Channel.DIGEST: say("In the digest"),
    Channel.PORTAL: say("In the portal only"),
}


@dataclass(frozen=True)
class Event:
    """One thing people are told.

    `words` name it on the page of preferences; `subject` heads its mail; `proof` marks a mail that
    is itself evidence (it carries hashes) and is therefore sent whole where an organisation asks
    for thin mail.
    """

    name: str
    words: Words
    subject: Words
    letter: str
    weight: Weight = Weight.OPTIONAL
    channel: Channel = Channel.MAIL
    proof: bool = False

    @property
    def optional(self) -> bool:
        """Whether a person may turn its mail off."""
        return self.weight in {Weight.OPTIONAL, Weight.URGENT}

    @property
    def waits_for_morning(self) -> bool:
        """Whether quiet hours hold its mail back."""
        return self.weight is Weight.OPTIONAL
