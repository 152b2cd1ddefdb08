"""Walls of the directory: the log is appended to and never changed."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

REFUSE = "CREATE TRIGGER {name} BEFORE {event} ON entries BEGIN SELECT RAISE(ABORT, '{why}'); END"
CONTINUE = """
CREATE TRIGGER entries_continue BEFORE INSERT ON entries
WHEN NEW.seq <> coalesce((SELECT max(seq) FROM entries WHERE chain = NEW.chain), 0) + 1
  OR NEW.prev <> coalesce((SELECT hash FROM entries WHERE chain = NEW.chain
                           ORDER BY seq DESC LIMIT 1), '{zero}')
BEGIN SELECT RAISE(ABORT, 'an entry follows the last one'); END
"""


def upgrade() -> None:
    why = "the log is append-only"
    op.execute(REFUSE.format(name="entries_no_update", event="UPDATE", why=why))
    op.execute(REFUSE.format(name="entries_no_delete", event="DELETE", why=why))
    op.execute(CONTINUE.format(zero="0" * 64))
