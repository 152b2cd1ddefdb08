"""Northwind's address book: three customers brought from its CRM, nobody of them invited yet."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from portal.accounts.rules import Actor
from portal.customers.actions import bring_customers
from portal.customers.rules import Account, Contact

DAY = timedelta(days=1)
BOOK = (
    Account(
        "001NW00042", "Blue Fin Seafood Ltd", "18 Quay Road, Brixham TQ5 8TA, United Kingdom",
        [
            Contact("Orla Penrose", "orla@bluefin.example", "Head of IT", "003NW00117"),
            Contact("Tomas Vey", "tomas@bluefin.example", "Buyer", "003NW00118"),
        ],
    ),
    Account(
        "001NW00057", "Marlow & Finch Furniture", "7 Mill Lane, Leeds LS1 6QF, United Kingdom",
        [Contact("Ruth Adeyemi", "ruth@marlowfinch.example", "Operations Director", "003NW00142")],
    ),
    Account("001NW00063", "Tidewater Clinics NV", "Kaaistraat 12, 2000 Antwerp, Belgium"),
)  # fmt: skip


def tell_customers(cast: Mapping[str, Actor], *, now: datetime) -> None:
    """Bring the three as a sheet would."""
    bring_customers(cast["ada"], BOOK, at=now - 6 * DAY)
