"""What is installed here: versions, hashes, and which test shows which requirement."""

import hashlib
import platform
import re
import tomllib
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from portal.kit import migrate
from portal.operations.queries.subject import Subject

ROOT = Path(__file__).resolve().parents[3]
PARTS = ("portal", "templates", "static", "migrations", "docs")
ALONE = ("pyproject.toml", "requirements.lock", "wsgi.py")
PINNED = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)", re.MULTILINE)


def requirements() -> list[dict[str, Any]]:
    """Return what 21 CFR Part 11 asks, how the portal answers, and the tests that show it."""
    path = Path(__file__).parents[1] / "data" / "part-11.toml"
    rows: list[dict[str, Any]] = tomllib.loads(path.read_text(encoding="utf-8"))["requirement"]
    return rows


def source_hashes() -> dict[str, str]:
    """Return the SHA-256 of every file this portal runs from, by its path."""
    return {
        path.relative_to(ROOT).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(_files())
    }


def _files() -> Iterator[Path]:
    for name in ALONE:
        if (ROOT / name).exists():
            yield ROOT / name
    for part in PARTS:
        for path in (ROOT / part).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                yield path


def packages() -> list[dict[str, Any]]:
    """Return each locked package with its locked and its installed version; None: it is missing."""
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    return [
        {"name": name, "locked": locked, "installed": _installed(name)}
        for name, locked in PINNED.findall(lock)
    ]


def _installed(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def installation(subject: Subject) -> Mapping[str, Any]:
    """Return what is installed: the portal, its machine, its databases; no name of a tenant."""
    hashes = source_hashes()
    whole = "".join(f"{digest}  {path}\n" for path, digest in hashes.items())
    return {
        "portal": metadata.version("counterpart"),
        "source_sha256": hashlib.sha256(whole.encode()).hexdigest(),
        "source_files": len(hashes),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "operator": subject.settings.operator,
        "databases": {where: _database(engine) for where, _, engine in subject.engines()},
        "packages": packages(),
    }


def _database(engine: Any) -> dict[str, Any]:
    with engine.connect() as connection:
        version = ".".join(map(str, connection.dialect.server_version_info or ()))
        return {
            "engine": f"{engine.dialect.name} {version}",
            "migration": migrate.current(connection),
        }
