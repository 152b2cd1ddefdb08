"""What the mail server said when it took a mail, kept with it (trust.md L-19)."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "outbox",
        sa.Column(
            "answer", sa.String(length=300), nullable=True,
            comment="of the mail server that took it",
        ),
    )  # fmt: skip
