"""Where data is: every place that holds or carries something, and whether a region pins it."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Facts:
    """What is set up on this portal, as far as it decides where data goes.

    `authorities` and `relay` are host names; None or empty: not set up.
    """

    label: str
    database: str
    store: str
    relay: str | None
    backup: bool
    authorities: Sequence[str]
    directory: str


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
            "Database of the region",
            "Terms, rounds, remarks, notes, versions, signatures, incidents, statements, renewals",
            f"{label}, {facts.database}", True, "Content sealed with a key of each contract",
        ),
        Place(
            "Document store", "Deeds, attachments, statements as PDF",
            f"{label}, {facts.store}", True, "Sealed with a key of each contract",
        ),
        Place(
            "Log of the region", "Entries: ids, counts, hashes, times. No content, no names",
            f"{label}, in its database", True, "Names behind the entries are sealed",
        ),
        Place(
            "Keys of the contracts", "One key for each contract, wrapped by the region’s key",
            f"{label}, in its database", True, "Wrapped by the region’s key",
        ),
        Place(
            "Inbox and outbox", "Notices and mail about the contract: who, when, a thin subject",
            f"{label}, in its database", True, "No term, title or remark of a contract",
        ),
        Place(
            "Backups",
            "The region’s database and documents, one part a region",
            f"{label}, at the region’s own backup target" if facts.backup
            else "Where the operator puts the region’s part", facts.backup,
            "Encrypted to a key that is not on this host",
        ),
        Place(
            "Mail folder", "Mail as files, where no mail server is set up",
            f"{label}, beside its database" if facts.relay is None else "Not used here", True,
            "As thin as the mail itself",
        ),
        Place(
            "Temporary files", "A deed while it is set and sealed, for seconds",
            "In memory, and beside the file that is written", True, "Removed when written",
        ),
    ]  # fmt: skip


def _shared(facts: Facts) -> list[Place]:
    return [
        Place(
            "Directory", "Names, addresses, roles, sign-ins and sessions of people; organisations",
            f"One for all regions, {facts.directory}", False, "Factors sealed, passwords hashed",
        ),
        Place(
            "Catalogues and templates", "What a vendor offers: tiers, prices, term values",
            "In the directory", False, "No contract: its title, remarks and values are not there",
        ),
        Place(
            "Log of the directory", "Entries about people and organisations, not about contracts",
            "In the directory", False, "Names behind the entries are sealed",
        ),
        Place(
            "Key of the region", "Opens the keys of the region’s contracts",
            "A key file on the machine that runs the portal", False,
            "Never in a database, a store or a backup unless asked for",
        ),
        Place(
            "Memory of the log’s signer", "The last checkpoint: a count and a hash",
            "On the machine that runs the portal, or another", False, "Says nothing of a contract",
        ),
        Place(
            "Process logs and metrics", "What failed, how long it took; references, no content",
            "On the machine that runs the portal", False, "Secrets and addresses are struck out",
        ),
    ]  # fmt: skip


def _outside(facts: Facts) -> list[Place]:
    way = "then the reader’s own provider"
    mail = f"Through {facts.relay}, {way}" if facts.relay else "No mail server is set up"
    stamps = ", ".join(facts.authorities)
    return [
        Place(
            "Mail on its way", "Thin mail, receipts with hashes; then the mailbox of its reader",
            mail, False, "STARTTLS to the server",
        ),
        Place(
            "Time stamps", "A SHA-256 of a deed or of a checkpoint; nothing of its content",
            f"Sent to {stamps}" if stamps else "No authority is set up; nothing is sent", False,
            "A hash tells nothing of what was hashed",
        ),
        Place(
            "Calendar addresses", "Dates of contracts, for whoever made a secret address",
            "In the calendar program of that person", False, "Revocable on their page",
        ),
        Place(
            "Programs with access", "What a member let a program read",
            "Where that program runs", False, "Scopes and grants are on the Programs page",
        ),
        Place(
            "The way to the browser", "Pages while they travel; the portal’s name in DNS",
            "The reader’s network", False, "TLS",
        ),
    ]  # fmt: skip
