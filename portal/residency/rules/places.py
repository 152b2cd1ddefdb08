"""Where data is: every place that holds or carries something, and whether a region pins it."""

from collections.abc import Sequence
from dataclasses import dataclass

from portal.kit.words import say


@dataclass(frozen=True)
class Facts:
    """What is set up on this portal, as far as it decides where data goes.

    `authorities` and `relay` are host names; None or empty: not set up. `on_token`: the region's
    key lies on a hardware token.
    """

    label: str
    database: str
    store: str
    relay: str | None
    backup: bool
    authorities: Sequence[str]
    directory: str
    on_token: bool = False


@dataclass(frozen=True)
class Place:
    """One place: what it holds, where it is, whether the region pins it, and how it is kept."""

    name: str
    holds: str
    where: str
    pinned: bool
    kept: str


def places_of(facts: Facts) -> list[Place]:
    """Return every place, those of the region first."""
    return [*_pinned(facts), *_shared(facts), *_outside(facts)]


def _pinned(facts: Facts) -> list[Place]:
    label = facts.label
    return [
        Place(
            say("Database of the region"),
            say(
                "Terms, rounds, remarks, notes, versions, signatures, incidents, statements, "
                "renewals"
            ),
            f"{label}, {facts.database}",
            True,
            say("Content sealed with a key of each contract"),
        ),
        Place(
            say("Document store"),
            say("Deeds, attachments, statements as PDF"),
            f"{label}, {facts.store}",
            True,
            say("Sealed with a key of each contract"),
        ),
        Place(
            say("Log of the region"),
            say("Entries: ids, counts, hashes, times. No content, no names"),
            say("%(label)s, in its database", label=label),
            True,
            say("Names behind the entries are sealed"),
        ),
        Place(
            say("Keys of the contracts"),
            say("One key for each contract, wrapped by the region’s key"),
            say("%(label)s, in its database", label=label),
            True,
            say("Wrapped by the region’s key"),
        ),
        Place(
            say("Inbox and outbox"),
            say("Notices and mail about the contract: who, when, a thin subject"),
            say("%(label)s, in its database", label=label),
            True,
            say("No term, title or remark of a contract"),
        ),
        Place(
            say("Backups"),
            say("The region’s database and documents, one part a region"),
            say("%(label)s, at the region’s own backup target", label=label)
            if facts.backup
            else say("Where the operator puts the region’s part"),
            facts.backup,
            say("Encrypted to a key that is not on this host"),
        ),
        Place(
            say("Mail folder"),
            say("Mail as files, where no mail server is set up"),
            say("%(label)s, beside its database", label=label)
            if facts.relay is None
            else say("Not used here"),
            True,
            say("As thin as the mail itself"),
        ),
        Place(
            say("Temporary files"),
            say("A deed while it is set and sealed, for seconds"),
            say("In memory, and beside the file that is written"),
            True,
            say("Removed when written"),
        ),
    ]


def _shared(facts: Facts) -> list[Place]:
    return [
        Place(
            say("Directory"),
            say("Names, addresses, roles, sign-ins and sessions of people; organisations"),
            say("One for all regions, %(directory)s", directory=facts.directory),
            False,
            say("Factors sealed, passwords hashed"),
        ),
        Place(
            say("Catalogues and templates"),
            say("What a vendor offers: tiers, prices, term values"),
            say("In the directory"),
            False,
            say("No contract: its title, remarks and values are not there"),
        ),
        Place(
            say("Log of the directory"),
            say("Entries about people and organisations, not about contracts"),
            say("In the directory"),
            False,
            say("Names behind the entries are sealed"),
        ),
        Place(
            say("Key of the region"),
            say("Opens the keys of the region’s contracts"),
            say("On a hardware token of the portal’s operator")
            if facts.on_token
            else say("A key file on the machine that runs the portal"),
            False,
            say("Never in a database, a store or a backup unless asked for"),
        ),
        Place(
            say("Memory of the log’s signer"),
            say("The last checkpoint: a count and a hash"),
            say("On the machine that runs the portal, or another"),
            False,
            say("Says nothing of a contract"),
        ),
        Place(
            say("Process logs and metrics"),
            say("What failed, how long it took; references, no content"),
            say("On the machine that runs the portal"),
            False,
            say("Secrets and addresses are struck out"),
        ),
    ]


def _outside(facts: Facts) -> list[Place]:
    way = say("then the reader’s own provider")
    mail = (
        say("Through %(relay)s, %(way)s", relay=facts.relay, way=way)
        if facts.relay
        else say("No mail server is set up")
    )
    stamps = ", ".join(facts.authorities)
    return [
        Place(
            say("Mail on its way"),
            say("Thin mail, receipts with hashes; then the mailbox of its reader"),
            mail,
            False,
            say("STARTTLS to the server"),
        ),
        Place(
            say("Time stamps"),
            say("A SHA-256 of a deed or of a checkpoint; nothing of its content"),
            say("Sent to %(stamps)s", stamps=stamps)
            if stamps
            else say("No authority is set up; nothing is sent"),
            False,
            say("A hash tells nothing of what was hashed"),
        ),
        Place(
            say("Calendar addresses"),
            say("Dates of contracts, for whoever made a secret address"),
            say("In the calendar program of that person"),
            False,
            say("Revocable on their page"),
        ),
        Place(
            say("Programs with access"),
            say("What a member let a program read"),
            say("Where that program runs"),
            False,
            say("Scopes and grants are on the Programs page"),
        ),
        Place(
            say("The way to the browser"),
            say("Pages while they travel; the portal’s name in DNS"),
            say("The reader’s network"),
            False,
            "TLS",
        ),
    ]
