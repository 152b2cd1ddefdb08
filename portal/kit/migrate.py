"""Numbered migrations by Alembic: one history for the directory, one for every region."""

from pathlib import Path
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, MetaData

FOLDER = Path(__file__).resolve().parents[2] / "migrations"


def _config(history: str, connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(FOLDER / history))
    config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    config.attributes["connection"] = connection
    return config


def upgrade(engine: Engine, history: str) -> tuple[str | None, str | None]:
    """Bring one database to the newest migration, in one transaction; return (before, after)."""
    with engine.begin() as connection:
        before = current(connection)
        command.upgrade(_config(history, connection), "head")
        after = current(connection)
    return before, after


def current(connection: Connection) -> str | None:
    """Return the migration a database stands at."""
    return MigrationContext.configure(connection).get_current_revision()


def newest(history: str) -> str | None:
    """Return the newest migration of a history."""
    return ScriptDirectory.from_config(_config(history)).get_current_head()


def differences(engine: Engine, metadata: MetaData) -> list[Any]:
    """Return how the database differs from the models; empty means equal."""
    with engine.connect() as connection:
        found: list[Any] = compare_metadata(MigrationContext.configure(connection), metadata)
        return found


def write_revision(
    engine: Engine, history: str, metadata: MetaData, *, number: str, message: str
) -> None:
    """Write the next migration from the difference to the models, to be read and completed."""
    with engine.begin() as connection:
        config = _config(history, connection)
        config.attributes["metadata"] = metadata
        command.revision(config, message, autogenerate=True, rev_id=number)
