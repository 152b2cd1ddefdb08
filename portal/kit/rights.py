"""Rights on PostgreSQL: the role that serves owns nothing, and may not change what only grows.

The owner migrates, moves, deletes and rotates keys. The role that serves may do to each table what
its walls ever let anybody do: a second wall, that no code of the portal takes down.
"""

from collections.abc import Iterator

from sqlalchemy import Connection, text

# What is written once, by the owner.
READ_ONLY = frozenset({"alembic_version", "region_identity"})
BITS = {"DELETE": 8, "UPDATE": 16}  # of pg_trigger.tgtype
TABLES = """
SELECT c.relname FROM pg_class AS c
WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace ORDER BY c.relname
"""
# Walls without a condition: what they refuse, they refuse always. See `walls.FUNCTION`.
ALWAYS = """
SELECT c.relname, t.tgtype FROM pg_trigger AS t
JOIN pg_class AS c ON c.oid = t.tgrelid JOIN pg_proc AS p ON p.oid = t.tgfoid
WHERE NOT t.tgisinternal AND c.relnamespace = current_schema()::regnamespace
AND p.prosrc LIKE '%IF true THEN%' AND t.tgtype & 1 = 1
"""
EXCESS = """
SELECT c.relname,
       pg_has_role(:role, c.relowner, 'MEMBER') AS owns,
       has_table_privilege(:role, c.oid, 'UPDATE') AS may_update,
       has_table_privilege(:role, c.oid, 'DELETE') AS may_delete,
       has_table_privilege(:role, c.oid, 'TRUNCATE') AS may_truncate
FROM pg_class AS c
WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace ORDER BY c.relname
"""
# Who may set this switches every wall off for himself.
SWITCH = "SELECT has_parameter_privilege(:role, 'session_replication_role', 'SET')"


def refused_always(connection: Connection) -> dict[str, frozenset[str]]:
    """Return each table with what its walls refuse whatever is asked: UPDATE, DELETE."""
    found: dict[str, set[str]] = {}
    for table, bits in connection.execute(text(ALWAYS)):
        found.setdefault(table, set()).update(one for one, bit in BITS.items() if bits & bit)
    return {table: frozenset(events) for table, events in found.items()}


def give(connection: Connection, role: str) -> None:
    """Give a role what serving takes, and nothing else; called again it mends what was changed."""
    quote = connection.dialect.identifier_preparer.quote
    name, refused = quote(role), refused_always(connection)
    schema = quote(str(connection.execute(text("SELECT current_schema()")).scalar()))
    connection.exec_driver_sql(f"GRANT USAGE ON SCHEMA {schema} TO {name}")
    for table in connection.execute(text(TABLES)).scalars().all():
        rights = [] if table in READ_ONLY else ["INSERT"]
        kept = refused.get(table, frozenset())
        rights += [one for one in BITS if one not in kept and table not in READ_ONLY]
        connection.exec_driver_sql(f"REVOKE ALL ON {quote(table)} FROM {name}")
        connection.exec_driver_sql(
            f"GRANT {', '.join(['SELECT', *rights])} ON {quote(table)} TO {name}"
        )
    connection.exec_driver_sql(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA {schema} TO {name}")


def excess(connection: Connection, role: str) -> list[str]:
    """Return what a role may do that serving never takes, as "table: what"."""
    return list(_excess(connection, role))


def _excess(connection: Connection, role: str) -> Iterator[str]:
    refused, asked = refused_always(connection), {"role": role}
    if connection.execute(text(SWITCH), asked).scalar():
        yield "all: may switch walls off"
    for row in connection.execute(text(EXCESS), asked):
        kept = refused.get(row.relname, frozenset())
        if row.owns:
            yield f"{row.relname}: owns it"
            continue
        if row.may_truncate:
            yield f"{row.relname}: TRUNCATE"
        if row.may_update and "UPDATE" in kept:
            yield f"{row.relname}: UPDATE"
        if row.may_delete and "DELETE" in kept:
            yield f"{row.relname}: DELETE"
