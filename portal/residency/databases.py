"""The databases of the regions: one engine each, one explicit session a region and request."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from flask import current_app, g, has_request_context, request
from sqlalchemy import Connection, Engine, event, inspect, select, text
from sqlalchemy.orm import Session

from portal.audit.actions import BeforeEntry
from portal.kit.away import present
from portal.kit.db import acting, is_postgresql, open_engine, reading
from portal.kit.errors import NotFound, Refused
from portal.kit.files import read_or_make
from portal.kit.token import Token, TokenAway, TokenKey, make_key
from portal.kit.vault import (
    ELSEWHERE,
    CannotOpen,
    Cipher,
    CipherOf,
    Pair,
    Ring,
    is_elsewhere,
    new_key,
)
from portal.kit.words import say
from portal.residency.models import DataKey, Move, RegionIdentity
from portal.residency.rules import region_of
from portal.residency.stores import Store
from portal.settings.rules import KeyToken, Region, Settings

SQLITE = "sqlite:///"
REST_SECONDS = 15.0


class WrongRegion(Exception):
    """Data of one region was about to be written in another, or addresses were swapped."""


def read_or_make_key(path: Path, *, may_make: bool = True) -> bytes:
    """Read a 32-byte key file; make it (mode 0600) if there is none and one may be made.

    It is written whole or not at all: a first start that is killed leaves no half a key.
    """
    if not may_make and not path.exists():
        raise WrongRegion(
            f"{path.name} is missing, and there is data only it opens: put the key file back"
        )
    key = read_or_make(path, new_key)
    if len(key) != 32 and not is_elsewhere(key):
        raise WrongRegion(f"{path.name}: a key file holds exactly 32 bytes")
    return key


def file_of(region: Region) -> Path | None:
    """Return the file of a region's database; None where it is a server's."""
    address = region.database
    return Path(address.removeprefix(SQLITE)) if address.startswith(SQLITE) else None


def key_on_token(token: KeyToken, held: bytes) -> TokenKey:
    """Return the key that a key file names; the token is asked when the key is first used."""
    parts = (part.split("=", 1) for part in held[len(ELSEWHERE) :].decode().strip().split(";"))
    return TokenKey(_token_of(token), dict(parts)["object"])


def _token_of(chosen: KeyToken) -> Token:
    return Token(chosen.module, chosen.label, chosen.pin)


class ContractKeys(Pair):
    """The keys of one contract as a session sees them.

    What does not open may have been sealed with a key made since: then they are read once more.
    """

    def __init__(self, database: "RegionDatabase", session: Session, contract_id: str) -> None:
        self._database, self._session, self._contract = database, session, contract_id
        # What a page loaded for all its rows at once is not asked for again.
        row = session.get(DataKey, contract_id)
        if row is None:
            raise NotFound
        self._take(row.wrapped, row.wrapped_before, row.generation)

    def open(self, sealed: bytes, *, context: str) -> bytes:
        """Decrypt with the present key, or the one before it; or raise `CannotOpen`."""
        try:
            return super().open(sealed, context=context)
        except CannotOpen:
            if not self._has_changed():
                raise
            return super().open(sealed, context=context)

    def _has_changed(self) -> bool:
        seen = self.generation
        held = select(DataKey.wrapped, DataKey.wrapped_before, DataKey.generation)
        with self._session.no_autoflush:
            row = self._session.execute(held.where(DataKey.id == self._contract)).one_or_none()
        if row is not None:
            self._take(row.wrapped, row.wrapped_before, row.generation)
        return self.generation != seen

    def _take(self, wrapped: bytes, before: bytes | None, generation: int) -> None:
        keys = [one for one in (wrapped, before) if one is not None]
        opened = [self._database.unwrap(self._contract, one) for one in keys]
        super().__init__(*opened, generation=generation)


class RegionDatabase:
    """One region: its engine, store, and the key that wraps the keys of its contracts."""

    def __init__(self, region: Region, *, before_entry: BeforeEntry | None = None) -> None:
        self.region = region
        self._before_entry = before_entry
        path = file_of(region)
        is_new = path is not None and not path.exists()
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.engine: Engine = open_engine(region.database)
        self.store = Store(region)
        if not region.key_file.exists():
            is_new = is_new or (path is None and self._was_never_migrated())
            if is_new and region.token is not None:
                read_or_make(region.key_file, self.made_on_token)
            read_or_make_key(region.key_file, may_make=is_new)
        read_or_make_key(region.key_file, may_make=False)
        self._on_token: dict[bytes, TokenKey] = {}
        self.ring = Ring(region.key_file, elsewhere=self._elsewhere)
        if is_elsewhere(region.key_file.read_bytes()) and region.token is None:
            raise WrongRegion(
                f"{region.key_file.name} names a key on a token: "
                f"say in [regions.{region.name}.pkcs11] which"
            )
        self._resting_until = 0.0

    @property
    def is_resting(self) -> bool:
        """Whether it did not answer a moment ago: what can do without it does not ask again."""
        return time.monotonic() < self._resting_until

    def rest(self) -> None:
        """Remember for a moment that it does not answer."""
        self._resting_until = time.monotonic() + REST_SECONDS

    def _was_never_migrated(self) -> bool:
        """Whether a server's database is as empty as a file that is not there yet."""
        with self.engine.connect() as connection:
            return not inspect(connection).has_table(DataKey.__tablename__)

    def made_on_token(self) -> bytes:
        """Make a key on the region's token; return what its key file says of it (RFC 7512)."""
        label = make_key(_token_of(self._token()), label=f"region-{self.region.name}")
        return ELSEWHERE + f"object={label};type=secret-key\n".encode()

    def token_key(self) -> TokenKey | None:
        """Return the region's key where it lies on a token; None where the file holds it."""
        held = self.region.key_file.read_bytes()
        return self._elsewhere(held) if is_elsewhere(held) else None

    def _elsewhere(self, held: bytes) -> TokenKey:
        if held not in self._on_token:
            self._on_token[held] = key_on_token(self._token(), held)
        return self._on_token[held]

    def _token(self) -> KeyToken:
        if self.region.token is None:
            raise TokenAway(f"no token is named in [regions.{self.region.name}.pkcs11]")
        return self.region.token

    def check_identity(self) -> None:
        """Refuse a database that says it is another region (addresses swapped by mistake)."""
        with self.engine.connect() as connection:
            found = connection.scalar(select(RegionIdentity.region))
        if found != self.region.name:
            raise WrongRegion(f"the database of region {self.region.name} says it is {found}")

    def wrap(self, contract_id: str, key: bytes) -> bytes:
        """Seal a contract's data key under the region's key."""
        return self.ring.seal(key, context=f"data_keys|wrapped|{contract_id}")

    def unwrap(self, contract_id: str, wrapped: bytes) -> bytes:
        """Open a contract's data key; raise `CannotOpen` under another region's key."""
        return self.ring.open(wrapped, context=f"data_keys|wrapped|{contract_id}")

    def cipher_for(self, session: Session) -> CipherOf:
        """Return the look-up of ciphers by contract for one session; keys live only with it."""
        known: dict[str, Cipher] = {}

        def cipher_of(contract_id: str) -> Cipher:
            if contract_id not in known:
                known[contract_id] = ContractKeys(self, session, contract_id)
            return known[contract_id]

        return cipher_of

    def open_session(self) -> Session:
        """Return a new session bound to this region and guarded against foreign rows."""
        session = Session(self.engine, expire_on_commit=False)
        session.info["region"] = self.region.name
        session.info["cipher_of"] = self.cipher_for(session)
        session.info["before_entry"] = self._before_entry
        event.listen(session, "before_flush", _refuse_foreign_rows)
        if is_postgresql(self.engine):
            event.listen(session, "after_begin", _begin_on_postgresql)
        return session


# A contract and its amendments are held together: a change of one may concern the other.
FAMILY = text("""
SELECT id FROM contracts
WHERE id = (SELECT coalesce(amends_id, id) FROM contracts WHERE id = :ref)
OR amends_id = (SELECT coalesce(amends_id, id) FROM contracts WHERE id = :ref)
ORDER BY id FOR NO KEY UPDATE
""")
SAY = text("SELECT set_config('counterpart.acting', :acting, true)")
# Said only where nothing is to be written: the other way round it would talk a server that takes no
# writes into taking them.
SAY_READING = text(f"{SAY.text}, set_config('transaction_read_only', 'on', true)")


def _begin_on_postgresql(session: Session, transaction: object, connection: Connection) -> None:
    """Say who acts, and hold the contract a request is about, before anything is read.

    SQLite lets one request write at a time; here it is one a contract, so that what an action reads
    is still so when it writes. A request that reads cannot write at all.
    """
    connection.execute(SAY_READING if reading.get() else SAY, {"acting": acting.get()})
    if session.info.get("held") and not reading.get():
        connection.execute(FAMILY, {"ref": session.info["held"]})


def hold_family(session: Session, ref: str) -> None:
    """Hold a contract and its amendments until the transaction ends; on SQLite BEGIN did."""
    if is_postgresql(session):
        session.execute(FAMILY, {"ref": ref})


@contextmanager
def holding(session: Session, ref: str) -> Iterator[None]:
    """Hold a contract in every transaction of this block, as a request about it does.

    For a worker, which decides by what it reads: what it read before is read again.
    """
    session.rollback()
    session.info["held"] = ref
    try:
        yield
    finally:
        session.rollback()
        session.info.pop("held", None)


def _hold_from_now_on(session: Session, ref: str) -> None:
    session.info["held"] = ref
    if session.in_transaction():
        hold_family(session, ref)


def _refuse_foreign_rows(session: Session, context: object, instances: object) -> None:
    for row in (*session.new, *session.dirty):
        region = getattr(row, "region", None)
        if region is not None and region != session.info["region"]:
            raise WrongRegion(f"{type(row).__name__} of {region} in {session.info['region']}")


def _last_move(session: Session, ref: str) -> Move | None:
    """Return the newest move of a contract that this region was a side of."""
    return session.scalar(
        select(Move)
        .where(Move.contract_id == ref, Move.withdrawn_at.is_(None))
        .order_by(Move.id.desc())
        .limit(1)
    )


class Regions:
    """All regions configured on this host."""

    def __init__(self, settings: Settings, *, before_entry: BeforeEntry | None = None) -> None:
        self._databases = {
            name: RegionDatabase(region, before_entry=before_entry)
            for name, region in settings.regions.items()
        }

    @property
    def databases(self) -> Mapping[str, RegionDatabase]:
        """Every region by its name, but for those that are left out now."""
        return present(self._databases)

    def __getitem__(self, name: str) -> RegionDatabase:
        try:
            return self.databases[name]
        except KeyError:
            raise NotFound from None

    def session(self, name: str) -> Session:
        """Return this request's session of a region; opened once, closed by `close`."""
        sessions: dict[str, Session] = g.setdefault("region_sessions", {})
        if name not in sessions:
            sessions[name] = self[name].open_session()
        return sessions[name]

    def home(self, ref: str) -> RegionDatabase:
        """Return the region where a contract lives: the one it names, or where it was moved to."""
        return self[self._home(ref)[0]]

    def session_of(self, ref: str) -> Session:
        """Return this request's session of the region where a contract lives.

        While it is being copied to another region it can be read, and `Refused` to be changed.
        """
        if not reading.get() and region_of(ref) in self.databases:
            _hold_from_now_on(self.session(region_of(ref)), ref)
        name, is_moving = self._home(ref)
        if is_moving and not reading.get():
            raise Refused(
                say("This contract is being moved to another region. Try again in a minute.")
            )
        session = self.session(name)
        if not reading.get():
            _hold_from_now_on(session, ref)
        return session

    def _home(self, ref: str) -> tuple[str, bool]:
        # A page asks for its contract at several places; it reads in one moment.
        place = request.environ if reading.get() and has_request_context() else {}
        known: dict[str, tuple[str, bool]] = place.setdefault("counterpart.homes", {})
        if ref not in known:
            known[ref] = self._find_home(ref)
        return known[ref]

    def _find_home(self, ref: str) -> tuple[str, bool]:
        name = region_of(ref)
        for _ in self.databases:
            if name not in self.databases:
                raise NotFound
            move = _last_move(self.session(name), ref)
            if move is None or move.from_region != name or move.frozen_at is None:
                return name, False
            if move.arrived_at is None and not self._has_arrived(move):
                return name, True
            name = move.to_region
        return name, False

    def _has_arrived(self, move: Move) -> bool:
        """Whether the copy was committed, though the region it leaves was not told yet."""
        if move.to_region not in self.databases:
            return False
        return self.session(move.to_region).get(Move, move.id) is not None

    def each(self) -> list[tuple[RegionDatabase, Session]]:
        """Return every region with its session of this request, in the configured order."""
        return [(db, self.session(name)) for name, db in self.databases.items()]

    @staticmethod
    def close() -> None:
        """Close this request's sessions."""
        for session in g.pop("region_sessions", {}).values():
            session.close()

    def dispose(self) -> None:
        """Close all pooled connections."""
        for database in self.databases.values():
            database.engine.dispose()


def regions() -> Regions:
    """Return the regions of the running portal."""
    found: Regions = current_app.extensions["regions"]
    return found


@contextmanager
def one_transaction(database: RegionDatabase) -> Iterator[Session]:
    """Make this request's session of a region part of one transaction that ends with the block.

    The commits of the actions within it are savepoints: all of it is kept, or nothing.
    """
    name = database.region.name
    open_sessions: dict[str, Session] = g.setdefault("region_sessions", {})
    if name in open_sessions:
        open_sessions.pop(name).close()
    with database.engine.connect() as connection:
        whole = connection.begin()
        session = database.open_session()
        session.bind = connection
        session.join_transaction_mode = "create_savepoint"
        open_sessions[name] = session
        try:
            yield session
            whole.commit()
        except BaseException:
            session.rollback()
            whole.rollback()
            raise
        finally:
            open_sessions.pop(name, None)
            session.close()
