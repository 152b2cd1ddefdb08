"""How the people of the story want to be told: zones, a quiet night, a digest; old notices read."""

from collections.abc import Mapping
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from portal.accounts.rules import Actor
from portal.kit.db import db
from portal.notices.actions.reading import choose, mark_all_read
from portal.notices.queries import inbox_of
from portal.notices.rules import Channel, Reader
from portal.residency.databases import Regions

NIGHT = (time(21), time(7))
READERS = {
    "ada": Reader(ZoneInfo("Europe/London"), quiet=NIGHT),
    "ben": Reader(ZoneInfo("Europe/London")),
    "cleo": Reader(ZoneInfo("America/New_York"), quiet=NIGHT, digest_at=time(7, 30)),
    "dov": Reader(ZoneInfo("America/New_York")),
}
LATER = ("statements:statement:issued", "changes:change:answered")
STILL_NEW = timedelta(days=4)


def tell_readers(regions: Regions, cast: Mapping[str, Actor], *, now: datetime) -> None:
    """Let each choose how to be told, and have read what is older than four days."""
    for key, reader in READERS.items():
        chosen = dict.fromkeys(LATER, Channel.DIGEST) if key == "cleo" else {}
        choose(db.session(), cast[key].log, reader, chosen, at=now)
    for _, session in regions.each():
        for actor in cast.values():
            found = inbox_of([session], actor.person_id, actor.organisation_id)
            old = [one.id for one in found.notices if one.created_at < now - STILL_NEW]
            session.rollback()
            if old:
                mark_all_read(session, actor.person_id, actor.organisation_id, until=old[0], at=now)
