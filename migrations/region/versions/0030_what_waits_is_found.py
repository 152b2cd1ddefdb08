"""What leads to the statements that wait for somebody, and to the deeds that wait for a stamp."""

from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index(op.f("ix_statements_stage"), table_name="statements")
    op.create_index("statements_by_stage", "statements", ["stage", "month"], unique=False)
    op.create_index("deeds_to_stamp", "deeds", ["stamp_due", "made_at"], unique=False)
    op.create_index("deeds_to_renew", "deeds", ["renew_by"], unique=False)
