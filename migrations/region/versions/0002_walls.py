"""Walls of a region: what is signed or sent never changes, and no row of another region enters."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

REFUSE = """
CREATE TRIGGER {table}_{name} BEFORE {event} ON {table} {when}
BEGIN SELECT RAISE(ABORT, '{why}'); END
"""
CONTINUE = """
CREATE TRIGGER entries_continue BEFORE INSERT ON entries
WHEN NEW.seq <> coalesce((SELECT max(seq) FROM entries WHERE chain = NEW.chain), 0) + 1
  OR NEW.prev <> coalesce((SELECT hash FROM entries WHERE chain = NEW.chain
                           ORDER BY seq DESC LIMIT 1), '{zero}')
BEGIN SELECT RAISE(ABORT, 'an entry follows the last one'); END
"""
NEVER_CHANGED = ("entries", "signatures", "deeds", "documents", "facts", "region_identity")
PINNED = (
    "answers",
    "consents",
    "contracts",
    "data_keys",
    "deeds",
    "documents",
    "facts",
    "issuing_keys",
    "outbox",
    "rounds",
    "seal_failures",
    "signatures",
    "signer_slots",
    "spent_codes",
    "stakeholders",
    "versions",
)
OTHER_REGION = "WHEN NEW.region IS NOT (SELECT region FROM region_identity)"
SENT = "(SELECT sent_at FROM rounds WHERE id = OLD.round_id) IS NOT NULL"


def refuse(table: str, name: str, event: str, why: str, when: str = "") -> None:
    op.execute(REFUSE.format(table=table, name=name, event=event, why=why, when=when))


def upgrade() -> None:
    for table in NEVER_CHANGED:
        refuse(table, "no_update", "UPDATE", f"{table} are never changed")
        refuse(table, "no_delete", "DELETE", f"{table} are never deleted")
    op.execute(CONTINUE.format(zero="0" * 64))
    for table in PINNED:
        refuse(table, "region_in", "INSERT", "this row belongs to another region", OTHER_REGION)
        refuse(table, "region_up", "UPDATE", "this row belongs to another region", OTHER_REGION)
    refuse("rounds", "sent", "UPDATE", "a sent round is immutable", "WHEN OLD.sent_at IS NOT NULL")
    refuse("rounds", "kept", "DELETE", "a sent round is kept", "WHEN OLD.sent_at IS NOT NULL")
    refuse("answers", "sent", "UPDATE", "a sent round is immutable", f"WHEN {SENT}")
    refuse("answers", "kept", "DELETE", "a sent round is kept", f"WHEN {SENT}")
    refuse("versions", "kept", "DELETE", "a version is kept")
    refuse(
        "versions",
        "frozen",
        "UPDATE",
        "a version is frozen",
        "WHEN NEW.sha256 IS NOT OLD.sha256 OR NEW.canonical_enc IS NOT OLD.canonical_enc "
        "OR NEW.number IS NOT OLD.number OR OLD.voided_at IS NOT NULL",
    )
    refuse("consents", "kept", "DELETE", "consents are kept")
    refuse("contracts", "kept", "DELETE", "contracts are kept")
    refuse("spent_codes", "grow", "UPDATE", "a code is used once", "WHEN NEW.step <= OLD.step")
