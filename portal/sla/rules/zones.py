"""Time zones from the one pinned copy of the IANA data, so a due date does not depend on the host.

`zoneinfo` alone prefers whatever the operating system carries; two hosts could then disagree about
a contract. The pinned package is read instead and its version goes into every ledger.
"""

from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo

from portal.kit.errors import Refused
from portal.kit.words import say


@cache
def zone(name: str) -> ZoneInfo:
    """The zone of that IANA name; an unknown name is refused."""
    if name not in _zone_names():
        raise Refused(
            say("“%(name)s” is not a known time zone. Use a name such as Europe/London.", name=name)
        )
    with files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as rules:
        return ZoneInfo.from_file(rules, key=name)


@cache
def tzdata_version() -> str:
    """The IANA release the arithmetic uses, such as `2026a`."""
    with files("tzdata").joinpath("zoneinfo", "tzdata.zi").open(encoding="utf-8") as source:
        return source.readline().removeprefix("# version").strip()


@cache
def _zone_names() -> frozenset[str]:
    return frozenset(files("tzdata").joinpath("zones").read_text(encoding="utf-8").split())
