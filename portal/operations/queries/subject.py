"""What is looked at: the settings, the databases and the instant of looking."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from portal.kit.away import answers
from portal.kit.db import db
from portal.residency.databases import RegionDatabase, Regions
from portal.settings.rules import Settings


@dataclass(frozen=True)
class Subject:
    """A portal at an instant."""

    settings: Settings
    regions: Regions
    at: datetime

    def engines(self) -> Iterator[tuple[str, str, Engine]]:
        """Yield (where, history, engine) of the directory and each region."""
        yield "directory", "directory", db.engine
        for name, database in self.regions.databases.items():
            yield f"region {name}", "region", database.engine

    @cached_property
    def silent(self) -> frozenset[str]:
        """The places whose database does not answer, as `engines` names them."""
        return frozenset(where for where, _, engine in self.engines() if not answers(engine))

    def each_region(self) -> Iterator[tuple[str, RegionDatabase, Session]]:
        """Yield (where, database, session) of each region whose database answers."""
        for database, session in self.regions.each():
            where = f"region {database.region.name}"
            if where not in self.silent:
                yield where, database, session
