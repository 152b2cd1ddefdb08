"""The form of an evidence bundle, "counterpart-evidence/1": docs/evidence.md is its description.

A bundle is one zip file of stored members. What must be in it follows from the entries alone, so
that both sides get the same bytes, whenever they ask, as long as no further entry was covered by
a checkpoint.
"""

import base64
import hashlib
import io
import re
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import rfc8785

FORMAT = "counterpart-evidence/1"
MANIFEST = "MANIFEST.json"
ENTRIES = "entries.jsonl"
PEOPLE = "people.json"
CONSISTENCY = "consistency.json"
REDACTIONS = "redactions.json"
TLOG_PROOF = "c2sp.org/tlog-proof@v1"
DEED = "deed.pdf"
LOG_KEYS = "keys/log.txt"
ROOT = "keys/root.pem"
ATTACHMENTS = "attachments/"
CLOSED = ("signing:deed:sealed", "signing:deed:stamped", "signing:deed:renewed")
END = re.compile(rb"%%EOF\r?\n?")
INDEX = re.compile(r"index [0-9]{1,16}")
EPOCH = (1980, 1, 1, 0, 0, 0)

Entry = Mapping[str, Any]


def build(files: Mapping[str, bytes], *, contract: str, entries: int) -> bytes:
    """Pack files and their manifest; the same files always give the same bytes."""
    manifest: dict[str, Any] = {
        "format": FORMAT,
        "contract": contract,
        "entries": entries,
        "files": [
            {"path": path, "size": len(content), "sha256": sha256(content)}
            for path, content in sorted(files.items())
        ],
    }
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for path, content in sorted({**files, MANIFEST: rfc8785.dumps(manifest)}.items()):
            member = zipfile.ZipInfo(path, EPOCH)
            member.create_system, member.external_attr = 3, 0o100644 << 16
            archive.writestr(member, content)
    return packed.getvalue()


def sha256(content: bytes) -> str:
    """Return the SHA-256 in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def named_files(entries: Sequence[Entry]) -> dict[str, str]:
    """Return the SHA-256 of every file that these entries name, by its path in the bundle."""
    shown, named = disclosed_rounds(entries), {}
    for entry in entries:
        facts = entry["facts"]
        match entry["event"]:
            case "negotiation:round:sent" if facts["number"] in shown:
                named[round_path(facts["number"])] = facts["sha256"]
            case "negotiation:version:frozen":
                named[terms_path(facts["number"])] = facts["sha256"]
            case "signing:consent:given":
                named[f"consents/{facts['disclosure']}.toml"] = facts["sha256"]
            case "signing:signature:signed":
                named[f"signatures/{facts['signature']}.json"] = facts["identification_sha256"]
            case event if event in CLOSED:
                named[DEED] = facts["deed_sha256"]
        named.update({attachment_path(one): one for one in facts.get("files", ())})
    return named


def pinned_texts(document: Mapping[str, Any]) -> dict[str, str]:
    """Return the SHA-256 of each text a frozen version stands on, by its path in the bundle."""
    pins = [pin for pin in document.get("pins", {}).values() if pin]
    return {text_path(pin["sha256"]): pin["sha256"] for pin in pins}


def closed_states(entries: Sequence[Entry]) -> list[str]:
    """Return the SHA-256 of every state in which a deed was closed: sealed, stamped, renewed.

    Each adds to the file of the one before, so that all of them are beginnings of the newest.
    """
    return [one["facts"]["deed_sha256"] for one in entries if one["event"] in CLOSED]


def beginnings(deed: bytes) -> set[str]:
    """Return the SHA-256 of a deed as it stood after each of its updates, and of the whole file."""
    ends = {found.end() for found in END.finditer(deed)} | {len(deed)}
    return {sha256(deed[:end]) for end in ends}


def disclosed_rounds(entries: Sequence[Entry]) -> set[int]:
    """Return the numbers of the sent rounds whose words both sides know.

    A round is known to the other side once it was opened, or answered, or frozen upon; one that
    was recalled before that stays with its author, and so does one that still waits unopened.
    """
    shown: set[int] = set()
    waiting: set[int] = set()
    for entry in entries:
        number = entry["facts"].get("number")
        match entry["event"]:
            case "negotiation:round:sent":
                shown, waiting = shown | waiting, {number}
            case "negotiation:round:opened":
                shown.add(number)
            case "negotiation:round:recalled":
                waiting.discard(number)
            case "negotiation:version:frozen":
                shown, waiting = shown | waiting, set()
    return shown


def attachment_path(sha256: str) -> str:
    """Return where the bytes of a file are that somebody attached."""
    return f"{ATTACHMENTS}{sha256}"


def text_path(sha256: str) -> str:
    """Return where a text is that terms are pinned to: template, schema, standard terms, tiers."""
    return f"template/{sha256}.json"


def transition_path(number: int) -> str:
    """Return where the note is by which key `number` of the log handed over to the next."""
    return f"keys/transition-{number}.txt"


def round_path(number: int) -> str:
    """Return where the canonical bytes of a round are."""
    return f"rounds/{number:04}.json"


def values_path(number: int) -> str:
    """Return where the values that a round offers are."""
    return f"rounds/{number:04}.values.json"


def terms_path(number: int) -> str:
    """Return where the canonical bytes of a version are."""
    return f"terms/{number}.json"


def checkpoint_path(size: int) -> str:
    """Return where the note of a checkpoint is."""
    return f"checkpoints/{size}.txt"


def covering(place: int, sizes: Iterable[int]) -> int | None:
    """Return the smallest checkpoint that covers the entry at a place of the region's order."""
    return min((size for size in sizes if size > place), default=None)


def proof_path(seq: int) -> str:
    """Return where the proof of an entry is."""
    return f"proofs/{seq}.tlog-proof"


def write_proof(index: int, path: Sequence[bytes], note: str) -> bytes:
    """Write a proof of inclusion with its checkpoint, as C2SP tlog-proof."""
    steps = [base64.b64encode(step).decode() for step in path]
    return "\n".join([TLOG_PROOF, f"index {index}", *steps, "", note]).encode()


def read_proof(content: bytes) -> tuple[int, list[bytes], str]:
    """Return (index, path, note) of a proof; `ValueError` for anything else."""
    head, gap, note = content.decode().partition("\n\n")
    mark, index, *steps = head.split("\n")
    if not gap or mark != TLOG_PROOF or not INDEX.fullmatch(index):
        raise ValueError("not a proof of inclusion")
    path = [base64.b64decode(step, validate=True) for step in steps]
    return int(index.removeprefix("index ")), path, note
