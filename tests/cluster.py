"""A PostgreSQL server of the tests’ own: a private folder with a socket, no port, no disk sync.

It ends with the process that asked for it, however that ends.
"""

import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from portal.settings.rules import DEFAULT_REGIONS

BINARIES = Path("/usr/lib/postgresql/15/bin")
ADMIN, OWNER = "admin", "counterpart_owner"
PREFIX = "counterpart-pg-"
PLACES = ("directory", *DEFAULT_REGIONS)
QUICK = {
    "listen_addresses": "''",
    "fsync": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "max_connections": "200",
    "shared_buffers": "64MB",
    # A test that makes others wait for ever should fail, and soon.
    "deadlock_timeout": "200ms",
}


# Whoever made the server holds the other end of this process’s standard input: when it is gone,
# killed or not, there is nothing more to read. Then the server stops and all it wrote is removed.
WATCH = """
trap '' HUP INT TERM
cat >/dev/null
read -r server <"$1/data/postmaster.pid" && kill -QUIT "$server" &&
  while kill -0 "$server" 2>/dev/null; do sleep 0.05; done
for disk in "$1"/disks/*; do umount -l "$disk"; done
rm -rf "$1"
"""


def _other_user() -> dict[str, Any]:
    """Return how a process is started that may not be root's: PostgreSQL refuses root."""
    if os.geteuid() != 0:
        return {}
    known = {one.pw_name for one in pwd.getpwall()}
    return {"user": "postgres" if "postgres" in known else "nobody", "extra_groups": []}


def _place() -> str:
    memory = Path("/dev/shm")
    is_roomy = memory.is_dir() and shutil.disk_usage(memory).free > 4 * 1024**3
    return str(memory) if is_roomy and os.access(memory, os.W_OK) else "/tmp"


def clear_leftovers(place: Path) -> None:
    """Stop the servers, and remove the folders, of processes that are gone with their watchers."""
    for folder in place.glob(f"{PREFIX}*"):
        maker = folder.name.removeprefix(PREFIX).partition("-")[0]
        if maker.isdecimal() and not Path("/proc", maker).exists():
            _stop_leftover(folder / "data")
            shutil.rmtree(folder, ignore_errors=True)


def _stop_leftover(data: Path) -> None:
    """Stop the server of a folder, if the process that it names is one and works there."""
    try:
        server = int((data / "postmaster.pid").read_text().split()[0])
        if Path("/proc", str(server), "cwd").samefile(data):
            os.kill(server, signal.SIGQUIT)
    except (OSError, ValueError, IndexError):
        return


class Cluster:
    """The server; made and started at once, stopped by `stop`, gone with its folder.

    Benches give it options and a place of their own.
    """

    def __init__(self, options: Mapping[str, str] = QUICK, place: Path | None = None) -> None:
        place = place or Path(_place())
        self.options = options
        clear_leftovers(place)
        self.folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=place))
        # In a session of its own: what ends a whole group of processes must not end it first.
        self.watcher = subprocess.Popen(
            ["sh", "-c", WATCH, "watch", self.folder], stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        as_other = _other_user()
        if as_other:
            shutil.chown(self.folder, as_other["user"])
        data = self.folder / "data"
        self._run("initdb", "-D", data, "-U", ADMIN, "-A", "trust", "--no-sync", "--locale=C",
                  "--encoding=UTF8")  # fmt: skip
        self.start()
        self.admin.execute(f"CREATE ROLE {OWNER} LOGIN")
        self._names = itertools.count(1)

    def _run(self, program: str, *words: object) -> None:
        subprocess.run(
            [str(BINARIES / program), *map(str, words)], check=True, cwd=self.folder,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, **_other_user(),
        )  # fmt: skip

    def address(self, database: str, role: str = OWNER) -> str:
        """Return the address of a database for a role."""
        return f"postgresql://{role}@/{database}?host={self.folder}"

    def create(self, *, like: str = "template0") -> str:
        """Make a database, empty or the copy of another, and return its name."""
        name = f"d{next(self._names)}"
        # What a command of this process left open would be in the way of a copy.
        self.admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [like]
        )
        self.admin.execute(
            sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {} STRATEGY FILE_COPY").format(
                *map(sql.Identifier, (name, OWNER, like))
            )
        )
        return name

    def drop(self, name: str) -> None:
        """Remove a database, whoever still reads it."""
        self.admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    @contextmanager
    def disk(self, megabytes: int) -> Iterator[Path | None]:
        """Give the server a small disk of its own, as a tablespace that is called by its name.

        Yields None where this host lets a test mount nothing. Who uses it moves away before.
        """
        place = self.folder / "disks" / f"disk{next(self._names)}"
        place.mkdir(parents=True)
        words = ["-t", "tmpfs", "-o", f"size={megabytes}m,mode=0777", "none", place]
        if subprocess.run(["mount", *words], capture_output=True, check=False).returncode:
            place.rmdir()
            yield None
            return
        name, data = sql.Identifier(place.name), place / "data"
        data.mkdir(mode=0o700)
        as_other = _other_user()
        if as_other:
            shutil.chown(data, as_other["user"])
        try:
            self.admin.execute(
                sql.SQL("CREATE TABLESPACE {} LOCATION {}").format(name, sql.Literal(str(data)))
            )
            yield place
            self.admin.execute(sql.SQL("DROP TABLESPACE {}").format(name))
        finally:
            subprocess.run(["umount", "-l", place], check=True)
            place.rmdir()

    def move(self, database: str, tablespace: str) -> None:
        """Move a database to another disk; whoever is in it is put out."""
        self.admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [database]
        )
        self.admin.execute(
            sql.SQL("ALTER DATABASE {} SET TABLESPACE {}").format(
                *map(sql.Identifier, (database, tablespace))
            )
        )

    def start(self) -> None:
        """Start the server over what it has."""
        options = [word for key, value in self.options.items() for word in ("-c", f"{key}={value}")]
        self._run("pg_ctl", "-D", self.folder / "data", "-l", self.folder / "log", "-w", "-o",
                  " ".join([*options, "-k", str(self.folder)]), "start")  # fmt: skip
        self.admin = psycopg.connect(self.address("postgres", ADMIN), autocommit=True)

    def halt(self) -> None:
        """Let the server fall as if it had crashed; `start` brings it back with what it kept."""
        self.admin.close()
        self._run("pg_ctl", "-D", self.folder / "data", "-m", "immediate", "-w", "stop")

    def stop(self) -> None:
        """Stop the server for good and remove all it wrote."""
        self.admin.close()
        assert self.watcher.stdin is not None
        self.watcher.stdin.close()
        self.watcher.wait()


_running: list[Cluster] = []
_homes: dict[Path, list[str]] = {}


def cluster() -> Cluster:
    """Return this process's server; the first call starts it."""
    if not _running:
        _running.append(Cluster())
    return _running[0]


def stop_cluster() -> None:
    """Stop this process's server, if it was started."""
    while _running:
        _running.pop().stop()


def databases_of(home: Path) -> dict[str, str]:
    """Return the names of a home's databases on the server, by place; none on SQLite."""
    path = home / "counterpart.toml"
    if not path.exists():
        return {}
    file = tomllib.loads(path.read_text("utf-8"))
    found = {"directory": file.get("directory", "")}
    found |= {name: row.get("database", "") for name, row in file.get("regions", {}).items()}
    return {
        place: address.partition("@/")[2].partition("?")[0]
        for place, address in found.items()
        if address.startswith("postgresql")
    }


def write_settings(home: Path, names: dict[str, str]) -> None:
    """Write the settings file of a home whose databases are on the server."""
    home.mkdir(parents=True, exist_ok=True)
    lines = [f'directory = "{cluster().address(names["directory"])}"']
    for name, row in DEFAULT_REGIONS.items():
        lines += [
            f"[regions.{name}]", f'label = "{row["label"]}"',
            f'database = "{cluster().address(names[name])}"',
        ]  # fmt: skip
    _homes[home] = list(names.values())
    (home / "counterpart.toml").write_text("\n".join(lines), encoding="utf-8")


def new_home(home: Path) -> Path:
    """Give a home that is to be made its empty databases on the server."""
    write_settings(home, {place: cluster().create() for place in PLACES})
    return home


def copy_home(source: Path, target: Path) -> Path:
    """Copy a home that nobody uses, with its databases wherever they are."""
    shutil.copytree(source, target)
    names = databases_of(source)
    if names:
        write_settings(
            target, {place: cluster().create(like=name) for place, name in names.items()}
        )
    return target


def forget_homes(folder: Path) -> None:
    """Remove from the server the databases of all homes below a folder; the folder is pytest's."""
    for home in [one for one in _homes if one.is_relative_to(folder)]:
        for name in _homes.pop(home):
            if _running:
                cluster().drop(name)
