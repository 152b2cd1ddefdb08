"""A sheet of customers and contacts: its three shapes, its rows, and what is wrong with one."""

import csv
import io
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from portal.accounts.rules import Role, read_email, read_name
from portal.kit.errors import Refused
from portal.kit.words import count as count_of
from portal.kit.words import say
from portal.terms.rules import Unreadable
from portal.terms.rules.text import clean_line

LARGEST = 4_000_000
MOST_ROWS = 10_000
MOST_FAULTS = 500
CONTACT_LIFE = timedelta(days=7)
CONTACT_ROLES = (Role.PROCUREMENT, Role.SIGNATORY, Role.ORG_ADMIN)
"""What the first person of a prospect is: they invite their colleagues and share the roles out."""


class Shape(StrEnum):
    """What a sheet is: our own columns, or one of the two exports of a Salesforce."""

    PLAIN = "plain"
    ACCOUNTS = "accounts"
    CONTACTS = "contacts"


SHAPE_WORDS = {
    Shape.PLAIN: say("Customers with a contact each"),
    Shape.ACCOUNTS: say("Salesforce accounts"),
    Shape.CONTACTS: say("Salesforce contacts"),
}
COLUMNS: Mapping[Shape, tuple[str, ...]] = {
    Shape.PLAIN: (
        "name", "external_id", "address", "contact_name", "contact_email", "contact_title",
    ),
    Shape.ACCOUNTS: (
        "Id", "Name", "BillingStreet", "BillingPostalCode", "BillingCity", "BillingState",
        "BillingCountry",
    ),
    Shape.CONTACTS: ("Id", "AccountId", "FirstName", "LastName", "Email", "Title"),
}  # fmt: skip
NEEDED: Mapping[Shape, tuple[str, ...]] = {
    Shape.PLAIN: ("name",),
    Shape.ACCOUNTS: ("Id", "Name"),
    Shape.CONTACTS: ("AccountId", "LastName", "Email"),
}


class BadSheet(Refused):
    """The sheet as a whole cannot be read."""


@dataclass(frozen=True)
class Fault:
    """One thing wrong: the line of the sheet, the column, and what to write. Never the cell."""

    line: int
    column: str
    says: str


@dataclass(frozen=True)
class Contact:
    """A person at a customer, as a sheet or a program says."""

    name: str
    email: str
    title: str = ""
    external_id: str | None = None


@dataclass
class Account:
    """A customer as a sheet or a program says; one that names nothing but an id adds contacts."""

    external_id: str | None
    name: str = ""
    address: str = ""
    contacts: list[Contact] = field(default_factory=list)

    @property
    def key(self) -> str:
        """What tells it from another: its id elsewhere, or else its name."""
        return f"id {self.external_id}" if self.external_id else f"name {plain_name(self.name)}"


@dataclass(frozen=True)
class Sheet:
    """A sheet that was read: its good rows gathered by customer, and what is wrong."""

    shape: Shape
    rows: int
    accounts: Sequence[Account]
    faults: Sequence[Fault]

    @property
    def bad(self) -> int:
        """How many rows have a fault."""
        return len({fault.line for fault in self.faults})


def plain_name(name: str) -> str:
    """Return a name as it is ordered and compared: case and spaces make no difference."""
    return " ".join(name.casefold().split())


def read_sheet(content: bytes, *, known: Collection[str]) -> Sheet:
    """Read a sheet; `known` are the ids of customers that contacts may belong to."""
    shape, rows = _rows(content)
    accounts: dict[str, Account] = {}
    faults: list[Fault] = []
    seen: dict[str, int] = {}
    count = 0
    for line, cells, strange in rows:
        count += 1
        if count > MOST_ROWS:
            raise BadSheet(say("A sheet holds at most %(most)s rows.", most=count_of(MOST_ROWS)))
        if strange:
            found: Account | list[Fault] = [
                Fault(line, "", say("The row has more or fewer cells than the first row."))
            ]
        else:
            found = _account(shape, line, cells, known)
        if isinstance(found, list):
            faults += found
            continue
        key = f"{found.key} {found.contacts[0].email if found.contacts else ''}"
        if shape is Shape.ACCOUNTS:
            key = found.key
        if key in seen:
            faults.append(
                Fault(line, "", say("This stands in line %(line)s already.", line=seen[key]))
            )
            continue
        seen[key] = line
        held = accounts.setdefault(found.key, found)
        if held is not found:
            held.contacts += found.contacts
    if not count:
        raise BadSheet(say("The sheet needs a first row of column names and at least one row."))
    return Sheet(shape, count, list(accounts.values()), faults)


def _rows(content: bytes) -> tuple[Shape, Iterator[tuple[int, dict[str, str], bool]]]:
    if len(content) > LARGEST:
        raise BadSheet(say("The sheet is larger than %(most)s MB.", most=LARGEST // 1_000_000))
    try:
        text = content.decode("utf-8-sig")
        reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        names = [name.strip() for name in next(reader)]
    except (UnicodeDecodeError, csv.Error):
        raise BadSheet(say("This is not a CSV file in UTF-8.")) from None
    except StopIteration:
        raise BadSheet(say("The file is empty.")) from None
    if len({name.lower() for name in names}) != len(names):
        raise BadSheet(say("Two columns have the same name."))
    return shape_of(names), _cells(reader, names)


def shape_of(names: Sequence[str]) -> Shape:
    """Return the shape whose needed columns these are; a contact is asked for first."""
    lower = {name.lower() for name in names}
    for shape in (Shape.CONTACTS, Shape.ACCOUNTS, Shape.PLAIN):
        if {name.lower() for name in NEEDED[shape]} <= lower:
            return shape
    raise BadSheet(
        say("The first row names no customer: it needs a column “name”, or Id and Name.")
    )


def _cells(
    reader: Iterator[list[str]], names: Sequence[str]
) -> Iterator[tuple[int, dict[str, str], bool]]:
    lower = [name.lower() for name in names]
    while True:
        line = reader.line_num + 1  # type: ignore[attr-defined]
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            raise BadSheet(say("Line %(line)s is not a row of a CSV file.", line=line)) from None
        if any(cell.strip() for cell in cells):
            named = {n: c.strip() for n, c in zip(lower, cells, strict=False)}
            yield line, named, len(cells) != len(names)


def _account(
    shape: Shape, line: int, cells: Mapping[str, str], known: Collection[str]
) -> Account | list[Fault]:
    faults: list[Fault] = []

    def cell(column: str, most: int, *, needed: bool = False) -> str:
        text = cells.get(column.lower(), "")
        try:
            text = clean_line(" ".join(text.split()))
        except Unreadable:
            faults.append(Fault(line, column, say("Remove hidden characters.")))
            return ""
        if needed and not text:
            faults.append(Fault(line, column, say("Write something here.")))
        if len(text) > most:
            faults.append(Fault(line, column, say("Use at most %(most)s characters.", most=most)))
        return text

    if shape is Shape.CONTACTS:
        belongs = cell("AccountId", 60, needed=True)
        if belongs and belongs not in known:
            faults.append(
                Fault(line, "AccountId", say("Bring the account first: this id is unknown."))
            )
        name = f"{cell('FirstName', 60)} {cell('LastName', 59, needed=True)}".strip()
        person = _contact(line, name, cell("Email", 254, needed=True), cell("Title", 120),
                          cell("Id", 60), "Email", faults)  # fmt: skip
        account = Account(belongs, contacts=[person] if person else [])
    elif shape is Shape.ACCOUNTS:
        parts = [cell(column, 200) for column in COLUMNS[shape][2:]]
        address = ", ".join(part for part in parts if part)
        account = Account(cell("Id", 60, needed=True), cell("Name", 160, needed=True), address)
    else:
        account = Account(cell("external_id", 60) or None, cell("name", 160, needed=True),
                          cell("address", 1000))  # fmt: skip
        email, called = cell("contact_email", 254), cell("contact_name", 120)
        title = cell("contact_title", 120)
        if email or called:
            person = _contact(line, called, email, title, "", "contact_email", faults)
            account.contacts += [person] if person else []
    return faults or account


def _contact(
    line: int, name: str, email: str, title: str, external: str, column: str, faults: list[Fault]
) -> Contact | None:
    try:
        return Contact(read_name(name or email), read_email(email), title, external or None)
    except Refused as refusal:
        if not any(fault.column == column for fault in faults):
            faults.append(Fault(line, column, refusal.message))
        return None


@dataclass
class Counts:
    """What bringing customers came to."""

    added: int = 0
    changed: int = 0
    same: int = 0
    contacts_added: int = 0
    contacts_changed: int = 0

    @property
    def facts(self) -> dict[str, int]:
        """The counts as the log keeps them."""
        return dict(vars(self))
