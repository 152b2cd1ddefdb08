"""What a signer is told before consenting to electronic records, and what consent can cover."""

import hashlib
import hmac
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from importlib.resources import files
from typing import Any

from portal.kit.words import say

CURRENT_DISCLOSURE = "1.1"
SIGNING_ONLY = "signing"
ALL_RECORDS = "signing,notices,incidents,renewals"
COVERS = {
    SIGNING_ONLY: say("This agreement, its deed and the notices of its signing, and nothing else"),
    ALL_RECORDS: say("Also incident notices, renewals and the other notices under this agreement"),
}
PAPER_WITHIN = timedelta(days=10)
SAMPLE_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
SAMPLE_LENGTH = 6
DATA = files("portal.signing").joinpath("data")


@dataclass(frozen=True)
class Disclosure:
    """A published text shown before consent; `sha256` is over `content`, the bytes of its files."""

    version: str
    title: str
    sections: tuple[tuple[str, tuple[str, ...]], ...]
    sha256: str
    content: bytes
    needs: str = ""


@cache
def load_disclosure(version: str = CURRENT_DISCLOSURE) -> Disclosure:
    """Return a published disclosure; an unknown version raises `LookupError`."""
    return read_disclosure(_bytes(f"disclosure-{version}.toml"), _needed)


def read_disclosure(content: bytes, needed: Any) -> Disclosure:
    """Read a disclosure from its file; `needed` gives the bytes of the needs it names."""
    source = tomllib.loads(content.decode())
    named = source.get("needs", "")
    needs = needed(named) if named else b""
    told = needs_words(tomllib.loads(needs.decode())) if named else ()
    sections = tuple(
        (part["title"], tuple(part["paragraphs"]) or told) for part in source["section"]
    )
    shown = content + needs
    sha256 = hashlib.sha256(shown).hexdigest()
    return Disclosure(source["version"], source["title"], sections, sha256, shown, named)


def _needed(number: str) -> bytes:
    return _bytes(f"needs-{number}.toml")


def _bytes(name: str) -> bytes:
    found = [file for file in DATA.iterdir() if file.name == name]
    if not found:
        raise LookupError(f"There is no published text {name!r}.")
    return found[0].read_bytes()


def needs_words(needs: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the statement of hardware and software, written from what the tests run."""
    places = {
        place: [one["name"] for one in needs["browser"] if place in one["on"]]
        for place in ("computer", "phone")
    }
    browsers = "; ".join(f"on a {place}: {', '.join(names)}" for place, names in places.items())
    return (
        f"A current browser, one of the last {needs['latest_majors']} major versions, "
        f"{browsers}. Scripts are not needed.",
        f"You also need {', '.join(needs['also']['items'])}.",
        "If these needs change so that you might no longer be able to open or keep your records, "
        "you are asked again, and you may withdraw without cost.",
    )


def tested_browsers() -> set[str]:
    """Return the engines the browser tests must run for this statement to be true."""
    needs = tomllib.loads(_needed(load_disclosure().needs).decode())
    return {one["tested_as"] for one in needs["browser"] if "tested_as" in one}


def sample_word(key: bytes, *, person_id: str, contract_id: str, disclosure_sha256: str) -> str:
    """Return the six letters that a person's sample PDF holds: typing them shows it was opened.

    Made from a key, not stored, so that opening the sample writes nothing.
    """
    subject = f"sample|{person_id}|{contract_id}|{disclosure_sha256}".encode()
    digest = hmac.new(key, subject, hashlib.sha256).digest()
    return "".join(SAMPLE_LETTERS[byte % len(SAMPLE_LETTERS)] for byte in digest[:SAMPLE_LENGTH])


def is_sample_word(typed: str, word: str) -> bool:
    """Return whether the typed word is the one of the sample; case and spaces do not matter."""
    plain = "".join(typed.split()).upper()
    return plain.isascii() and hmac.compare_digest(plain, word)
