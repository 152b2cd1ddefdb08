"""The people of the demo's story (and of the tests).

Ada signs for Northwind Systems (vendor), Ben answers incidents there, Nia is its lawyer; Cleo
signs for Harbour Retail (customer), Dov is its IT administrator, Lena its lawyer. Mal and Ida make
a contract of their own that nobody else may see; Op administers the portal.
"""

from dataclasses import dataclass

from portal.accounts.rules import Role

PASSWORD = "counterpart demo 2027"  # noqa: S105  printed for everyone who runs the demo


@dataclass(frozen=True)
class Company:
    """An organisation of the story."""

    slug: str
    name: str
    details: str
    regions: str


@dataclass(frozen=True)
class Player:
    """A person of the story: where they belong and what they do there."""

    key: str
    name: str
    email: str
    company: str | None
    roles: tuple[Role, ...]
    title: str


COMPANIES = (
    Company(
        "northwind",
        "Northwind Systems Ltd",
        "Company no. 4711230, 1 Harbour Way, Bristol BS1 4QA",
        "eu,us",
    ),
    Company(
        "harbour",
        "Harbour Retail Inc",
        "Reg. no. 88-2210, 400 Pier Street, Baltimore MD 21230",
        "eu,us",
    ),
    Company(
        "otherware",
        "Otherware GmbH",
        "HRB 99812, Lange Gasse 8, 60313 Frankfurt am Main",
        "eu,us",
    ),
    Company(
        "lindqvist",
        "Lindqvist Foods AB",
        "Org. no. 556677-8899, Kajgatan 2, 211 20 Malmö",
        "eu",
    ),
)

PLAYERS = (
    Player(
        "ada",
        "Ada Keane",
        "ada@northwind.example",
        "northwind",
        (Role.ACCOUNT_MANAGER, Role.SIGNATORY, Role.ORG_ADMIN),
        "Director of Accounts",
    ),
    Player(
        "ben",
        "Ben Osei",
        "ben@northwind.example",
        "northwind",
        (Role.SUPPORT_LEAD, Role.SUPPORT_ENGINEER),
        "Support Lead",
    ),
    Player(
        "nia",
        "Nia Ferrand",
        "nia@northwind.example",
        "northwind",
        (Role.LEGAL, Role.SIGNATORY),
        "General Counsel",
    ),
    Player(
        "cleo",
        "Cleo Marsh",
        "cleo@harbour.example",
        "harbour",
        (Role.SALES_OPS, Role.PROCUREMENT, Role.SIGNATORY),
        "VP Sales Operations",
    ),
    Player(
        "dov",
        "Dov Amsel",
        "dov@harbour.example",
        "harbour",
        (Role.IT_ADMIN, Role.ORG_ADMIN),
        "IT Administrator",
    ),
    Player(
        "lena",
        "Lena Hart",
        "lena@harbour.example",
        "harbour",
        (Role.LEGAL, Role.SIGNATORY),
        "Corporate Counsel",
    ),
    Player(
        "mal",
        "Mal Riedel",
        "mal@otherware.example",
        "otherware",
        (Role.ACCOUNT_MANAGER, Role.SIGNATORY, Role.ORG_ADMIN),
        "Managing Director",
    ),
    Player(
        "ida",
        "Ida Lindqvist",
        "ida@lindqvist.example",
        "lindqvist",
        (Role.PROCUREMENT, Role.SALES_OPS, Role.SIGNATORY),
        "Head of Purchasing",
    ),
    Player("op", "Op Sandoval", "op@portal.example", None, (), "Portal administrator"),
)


def player(key: str) -> Player:
    """Return one person of the story; `KeyError` names who is not in it."""
    found = {one.key: one for one in PLAYERS}
    return found[key]
