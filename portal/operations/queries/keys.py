"""Key files: there, private, whole, different from each other, and not about to end."""

import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from portal.accounts.pepper import FILE as PEPPER
from portal.audit.signer import signer_of
from portal.kit.token import TokenAway, TokenKey
from portal.operations.queries.subject import Subject
from portal.operations.rules import (
    Check,
    Level,
    days_left,
    good,
    is_private,
    judged,
    mode_words,
)
from portal.signing.keys import KEY_FILE, PortalKeys, portal_keys

KEY_BYTES = 32
SEAL_DAYS = 90
ROOT_DAYS = 365


def checks(subject: Subject) -> Iterator[Check]:
    """Yield the checks of all keys."""
    yield from _files(subject)
    yield from _different(subject)
    yield from _apart(subject)
    yield from _ages(subject)
    yield from _certificates(subject)
    yield from _logs(subject)


def vital(subject: Subject) -> Iterator[Check]:
    """Yield whether the token of each region whose key lies on one answers."""
    for name, database in subject.regions.databases.items():
        key = database.token_key()
        if key is not None:
            yield _on_token(f"token key ({name})", key)


def _raw_keys(subject: Subject) -> dict[str, Path]:
    folder = subject.settings.keys
    found = {"session": folder / "session.key", "directory": folder / "directory.key"}
    for name, database in subject.regions.databases.items():
        if database.token_key() is None:
            found[f"region {name}"] = database.region.key_file
    return found


def _on_tokens(subject: Subject) -> Iterator[Check]:
    """Yield, for each region with a token, whether its key lies there and works."""
    for name, database in subject.regions.databases.items():
        key = database.token_key()
        if key is not None:
            yield _on_token(f"token key ({name})", key)
        elif database.region.token is not None:
            yield judged(
                f"key on token ({name})", "still in its file", holds=False,
                mend=f"counterpart keys rotate region-{name} --to token",
                otherwise=Level.WARNING,
            )  # fmt: skip


def _on_token(name: str, key: TokenKey) -> Check:
    try:
        return good(name, key.check())
    except TokenAway as away:
        mend = "bring the token back and give its PIN; without it nothing of the region opens"
        return judged(name, str(away), holds=False, mend=mend)


def _files(subject: Subject) -> Iterator[Check]:
    folder = subject.settings.keys
    mode = stat.S_IMODE(folder.stat().st_mode)
    yield judged(
        "keys folder mode", mode_words(mode), holds=is_private(mode), mend="chmod 700 keys"
    )
    for path in sorted(folder.iterdir()):
        if path.suffix == ".pem" or not path.is_file():
            continue
        mode = stat.S_IMODE(path.stat().st_mode)
        yield judged(
            f"key mode ({path.name})", mode_words(mode), holds=is_private(mode),
            mend=f"chmod 600 keys/{path.name}",
        )  # fmt: skip
    yield from _on_tokens(subject)
    for name, path in _raw_keys(subject).items():
        size = path.stat().st_size if path.exists() else 0
        yield judged(
            f"key ({name})", f"{size} bytes", holds=size == KEY_BYTES,
            mend="put the key file back from where keys are kept; without it nothing opens",
        )  # fmt: skip


def _different(subject: Subject) -> Iterator[Check]:
    held = [path.read_bytes() for path in _raw_keys(subject).values() if path.exists()]
    yield judged(
        "keys differ", "each is its own" if len(set(held)) == len(held) else "two are the same",
        holds=len(set(held)) == len(held),
        mend="give each region a key of its own while it is still empty",
    )  # fmt: skip


def _apart(subject: Subject) -> Iterator[Check]:
    for name, database in subject.regions.databases.items():
        store = database.region.store
        inside = "://" not in store and database.region.key_file.resolve().is_relative_to(
            Path(store).resolve()
        )
        yield judged(
            f"key apart from store ({name})", "yes" if not inside else "no", holds=not inside,
            mend="move key_file out of the document store: a copied store would open itself",
        )  # fmt: skip


def _ages(subject: Subject) -> Iterator[Check]:
    """Yield for each key that can be rotated whether it is younger than `key_days`."""
    folder, most = subject.settings.keys, subject.settings.key_days
    named = {"directory": folder / "directory.key", "session": folder / "session.key",
             "signing": folder / KEY_FILE, "pepper": folder / PEPPER}  # fmt: skip
    for region, database in subject.regions.databases.items():
        named[f"region-{region}"] = database.region.key_file
        named[f"log-{region}"] = folder / f"log-{region}.json"
    for name, path in named.items():
        if path.exists():
            days = (subject.at - datetime.fromtimestamp(path.stat().st_mtime, UTC)).days
            yield judged(
                f"key age ({name})", f"{days} days", holds=days <= most,
                mend=f"counterpart keys rotate {name}", otherwise=Level.WARNING,
            )  # fmt: skip


def _certificates(subject: Subject) -> Iterator[Check]:
    try:
        keys = portal_keys(subject.settings, at=subject.at)
    except Exception as error:  # whatever is wrong with the files, the other checks go on
        yield judged(
            "keys open", str(error), holds=False,
            mend="put keys/signing.json and keys/signing.key back from where keys are kept",
        )  # fmt: skip
        return
    yield judged("keys open", "the root, the seal and the time stamps", holds=True, mend="")
    yield from _ends(keys, subject)


def _ends(keys: PortalKeys, subject: Subject) -> Iterator[Check]:
    for name, pair, least in (
        ("root", keys.root, ROOT_DAYS),
        ("seal", keys.seal, SEAL_DAYS),
        ("time stamps", keys.unit, SEAL_DAYS),
    ):
        left = days_left(pair.certificate.not_valid_after_utc, subject.at)
        yield judged(
            f"certificate ({name})", f"{left} days left", holds=left >= least,
            otherwise=Level.WARNING if left > 0 else Level.ERROR,
            mend="make a new one before it ends; deeds sealed until then stay valid",
        )  # fmt: skip


def _logs(subject: Subject) -> Iterator[Check]:
    for name, database in subject.regions.databases.items():
        signer = signer_of(subject.settings, database.region)
        try:
            said, holds = signer.vkey.split("+")[0], True
        except Exception as error:  # a damaged key must not hide the checks after it
            said, holds = str(error), False
        yield judged(f"log key ({name})", said, holds=holds, mend=f"put keys/log-{name}.json back")
