"""Customers and contacts of an address book, and who keeps a prospect."""

import sqlalchemy as sa
from alembic import op

import portal.kit.db

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "customers",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("organisation_id", sa.String(length=26), nullable=False),
        sa.Column(
            "external_id", sa.String(length=60), nullable=True, comment="in the CRM it is from"
        ),
        sa.Column("name", sa.String(length=160), nullable=False),
        sa.Column(
            "sort_name", sa.String(length=200), nullable=False, comment="folded, as compared"
        ),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column(
            "partner_id", sa.String(length=26), nullable=True, comment="the organisation it became"
        ),
        sa.Column("created_at", portal.kit.db.Instant(length=27), nullable=False),
        sa.Column("changed_at", portal.kit.db.Instant(length=27), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.id"],
        ),
        sa.ForeignKeyConstraint(
            ["partner_id"],
            ["organisations.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("organisation_id", "external_id", name="customers_known_once"),
    )
    op.create_index(
        "customers_by_name", "customers", ["organisation_id", "sort_name", "id"], unique=False
    )
    op.create_table(
        "customer_contacts",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("customer_id", sa.String(length=26), nullable=False),
        sa.Column("external_id", sa.String(length=60), nullable=True),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("title", sa.String(length=120), nullable=False),
        sa.Column("invited_at", portal.kit.db.Instant(length=27), nullable=True),
        sa.ForeignKeyConstraint(
            ["customer_id"],
            ["customers.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("customer_id", "email", name="contacts_known_once"),
    )
    op.create_index(
        op.f("ix_customer_contacts_customer_id"), "customer_contacts", ["customer_id"], unique=False
    )
    op.add_column(
        "organisations",
        sa.Column(
            "kept_by",
            sa.String(length=26),
            nullable=True,
            comment="organisation that keeps it as a prospect; none: it is its own",
        ),
    )
