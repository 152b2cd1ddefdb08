"""Indexes that lead the lines of the home page."""

from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("changes_by_begin", "changes", ["begin"], unique=False)
    op.create_index("facts_of_time", "facts", ["kind", "at"], unique=False)
    op.create_index("incidents_by_due", "incidents", ["standing", "next_due_at"], unique=False)
    op.create_index("outages_by_time", "outages", ["created_at"], unique=False)
