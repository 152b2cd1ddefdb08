"""Checking an evidence bundle: the portal's own verifier, apart from the deed's signatures.

Whatever the file holds, a report comes back. The one-file verifier inside every bundle does the
same from docs/evidence.md alone; the two must agree on every file.
"""

import base64
import io
import json
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import rfc8785

from portal.audit import rules as log
from portal.evidence.rules import bundle as form
from portal.evidence.rules.stamps import BadStamp, check_list, read_stamp

LARGEST = 200_000_000
PATH = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*(/[A-Za-z0-9][A-Za-z0-9_.-]*)*")
PROOF = re.compile(r"proofs/([1-9][0-9]{0,9})\.tlog-proof")
FREE = re.compile(
    r"(proofs/[1-9][0-9]{0,9}\.tlog-proof|terms/[0-9]+\.txt|rounds/[0-9]{4,}\.values\.json"
    r"|stamps/[0-9]+-[0-9]+(\.tst|-[0-9]+\.crl)|keys/transition-[0-9]+\.txt)"
)
PARTS = frozenset(
    {
        form.ENTRIES,
        form.PEOPLE,
        form.REDACTIONS,
        form.CONSISTENCY,
        form.LOG_KEYS,
        form.ROOT,
        "certification.html",
        "certification.json",
        "verify.py",
        "verify.html",
        "README.html",
    }
)


@dataclass(frozen=True)
class Finding:
    """One thing to know; an error means that the bundle must not be relied on."""

    level: str
    code: str
    message: str


class _Wrong(Exception):
    """A part cannot be read at all."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.finding = Finding("error", code, message)


@dataclass
class Bundle:
    """An opened bundle and what was found about it."""

    contract: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    entries: list[dict[str, Any]] = field(default_factory=list)
    checkpoints: dict[int, log.Checkpoint] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    keys: log.LogKeys = field(default_factory=lambda: log.LogKeys(("",)))
    vouched: bool = False

    @property
    def ok(self) -> bool:
        """Whether nothing was found that forbids relying on it."""
        return all(finding.level != "error" for finding in self.findings)

    @property
    def named(self) -> dict[str, str]:
        """The SHA-256 of every file the entries name."""
        return form.named_files(self.entries)

    @property
    def pinned(self) -> dict[str, str]:
        """The SHA-256 of every text in here that the frozen versions are pinned to."""
        found: dict[str, str] = {}
        for path, expected in self.named.items():
            content = self.files.get(path, b"")
            if path.startswith("terms/") and form.sha256(content) == expected:
                found.update(form.pinned_texts(_json(content)))
        return {path: expected for path, expected in found.items() if path in self.files}

    def error(self, code: str, message: str) -> None:
        """Add an error."""
        self.findings.append(Finding("error", code, message))

    def note(self, code: str, message: str) -> None:
        """Add a note."""
        self.findings.append(Finding("note", code, message))


def check_bundle(
    content: bytes, *, receipts: Sequence[log.Receipt] = (), log_key: str | None = None
) -> Bundle:
    """Check everything but the signatures inside the deed; `log_key` pins the key of the log."""
    found = Bundle()
    try:
        _open(found, content)
        _read_entries(found)
        _check_tree(found, log_key)
        _check_people(found)
        _check_files(found)
        _check_signatures(found)
        _check_stamps(found)
        for receipt in receipts:
            _check_receipt(found, receipt)
        if not (found.vouched or log_key):
            found.note("own-keys", f"The keys were taken from the bundle: {found.keys.newest}")
    except _Wrong as wrong:
        found.findings.append(wrong.finding)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError) as error:
        found.error("damaged", f"A part of the bundle is damaged: {type(error).__name__}.")
    return found


def _open(found: Bundle, content: bytes) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            found.files.update(_members(archive))
    except _Wrong:
        raise
    except Exception as error:  # zipfile raises a dozen kinds for damaged files
        raise _Wrong("not-a-bundle", "This file is not an evidence bundle.") from error
    manifest = _json(found.files.pop(form.MANIFEST, b"null"))
    if not isinstance(manifest, dict) or manifest.get("format") != form.FORMAT:
        raise _Wrong("not-a-bundle", "This file is not an evidence bundle.")
    found.contract = manifest["contract"]
    listed = {row["path"]: (row["size"], row["sha256"]) for row in manifest["files"]}
    actual = {path: (len(data), form.sha256(data)) for path, data in found.files.items()}
    for path in sorted({*listed, *actual}):
        if listed.get(path) != actual.get(path):
            found.error("manifest-differs", f"{path}: not as the manifest lists it.")


def _members(archive: zipfile.ZipFile) -> Iterator[tuple[str, bytes]]:
    members = archive.infolist()
    names = [member.filename for member in members]
    if len(set(names)) != len(names) or sum(member.file_size for member in members) > LARGEST:
        raise _Wrong("not-a-bundle", "The bundle holds a file twice, or is too large.")
    for member in members:
        stored = member.compress_type == zipfile.ZIP_STORED
        whole = member.compress_size == member.file_size
        if not (stored and whole and PATH.fullmatch(member.filename)):
            raise _Wrong("not-a-bundle", "The bundle holds what no portal writes.")
        yield member.filename, archive.read(member)


def _json(content: bytes) -> Any:
    """Read JSON in its canonical form only, so that no two readers can read it differently."""
    try:
        value = json.loads(content.decode("utf-8"))
        canonical = rfc8785.dumps(value)
    except (ValueError, RecursionError, rfc8785.CanonicalizationError) as error:
        raise _Wrong("not-canonical", "A part of the bundle is not canonical JSON.") from error
    if canonical != content:
        raise _Wrong("not-canonical", "A part of the bundle is not canonical JSON.")
    return value


def _part(found: Bundle, path: str) -> bytes:
    if path not in found.files:
        raise _Wrong("file-missing", f"{path} is missing.")
    return found.files[path]


def _read_entries(found: Bundle) -> None:
    lines = _part(found, form.ENTRIES).split(b"\n")
    if lines.pop() != b"" or not lines:
        raise _Wrong("chain-broken", "The entries are cut off.")
    found.entries = [_json(line) for line in lines]
    rows = [(number, log.digest(line), line.decode()) for number, line in enumerate(lines, 1)]
    for wrong in log.check_chain(found.contract, rows):
        found.error("chain-broken", f"Entry {wrong.seq}: {wrong.message}.")


# The tree and its checkpoints.


def _check_tree(found: Bundle, log_key: str | None) -> None:
    _read_keys(found, log_key.strip() if log_key else None)
    for path, content in found.files.items():
        if path.startswith("checkpoints/"):
            try:
                checkpoint = found.keys.open(content.decode())
            except (log.BadNote, UnicodeDecodeError) as error:
                found.error("checkpoint-broken", f"{path}: {error}")
                continue
            if path != form.checkpoint_path(checkpoint.size):
                found.error("checkpoint-broken", f"{path}: is of another size.")
            found.checkpoints[checkpoint.size] = checkpoint
    _check_places(found)
    _check_consistency(found, _json(_part(found, form.CONSISTENCY)))


def _read_keys(found: Bundle, pinned: str | None) -> None:
    """Take the log's keys, each signed by the one before it; `pinned` must be one of them."""
    text = _part(found, form.LOG_KEYS).decode()
    notes = [
        _part(found, form.transition_path(number)).decode()
        for number in range(1, len(text.split()))
    ]
    if not text.split():
        raise _Wrong("key-broken", "There is no key of the log.")
    try:
        found.keys = log.read_keys(text, notes)
    except log.BadNote as error:
        raise _Wrong("key-broken", str(error)) from error
    if pinned is not None and pinned not in found.keys.keys:
        found.error("key-differs", "The key of the log is not the one you gave.")
        found.keys = log.LogKeys((pinned,))


def _check_places(found: Bundle) -> None:
    lines = found.files[form.ENTRIES].split(b"\n")[:-1]
    places = {int(name[1]): path for path in found.files if (name := PROOF.fullmatch(path))}
    before = -1
    for seq, path in sorted(places.items()):
        try:
            index, steps, note = form.read_proof(found.files[path])
            under = found.keys.open(note)
            holds = (
                found.checkpoints.get(under.size) == under
                and seq <= len(lines)
                and index > before
                and log.inclusion_holds(
                    log.leaf_hash(lines[seq - 1]), index=index, size=under.size, path=steps,
                    root=under.root,
                )
            )  # fmt: skip
        except (ValueError, log.BadNote):
            index, holds = before, False
        if not holds:
            found.error("not-in-tree", f"Entry {seq} is not proven under its checkpoint.")
        before = index
    if len(lines) not in places:
        found.error("not-in-tree", "The last entry is not proven under a checkpoint.")


def _path(proof: Mapping[str, Any]) -> list[bytes]:
    return [base64.b64decode(step, validate=True) for step in proof["path"]]


def _check_consistency(found: Bundle, proofs: Sequence[Mapping[str, Any]]) -> None:
    sizes = sorted(found.checkpoints)
    steps = {(proof["from"], proof["to"]): _path(proof) for proof in proofs}
    if len(steps) != len(proofs) or set(steps) - set(pairwise(sizes)):
        found.error("checkpoint-forked", "The proofs of extension do not fit the checkpoints.")
    for first, second in pairwise(sizes):
        holds = (first, second) in steps and log.consistency_holds(
            first=first, second=second, path=steps[first, second],
            first_root=found.checkpoints[first].root, second_root=found.checkpoints[second].root,
        )  # fmt: skip
        if not holds:
            found.error(
                "checkpoint-forked", f"Checkpoint {second} does not extend checkpoint {first}."
            )


# What the entries name.


def _check_files(found: Bundle) -> None:
    named = {**found.named, **found.pinned}
    for path, expected in named.items():
        if path not in found.files:
            if not path.startswith(form.ATTACHMENTS):
                found.error("file-missing", f"{path} is missing, and an entry names it.")
        elif form.sha256(found.files[path]) != expected:
            found.error("file-differs", f"{path}: not the file that the entries name.")
    deed = found.files.get(form.DEED)
    if deed is not None and not set(form.closed_states(found.entries)) <= form.beginnings(deed):
        found.error(
            "deed-rewritten", "The deed does not begin as it was when it was closed before."
        )
    for path in found.files:
        known = path in named or path in PARTS or FREE.fullmatch(path)
        if not known and not path.startswith("checkpoints/"):
            found.error("file-foreign", f"{path}: no entry names it.")
    for number in sorted(form.disclosed_rounds(found.entries)):
        if form.round_path(number) in named:
            _check_values(found, number)


def _check_values(found: Bundle, number: int) -> None:
    if form.round_path(number) not in found.files:
        return
    said = _json(found.files[form.round_path(number)])
    values = _json(_part(found, form.values_path(number)))
    offered = {a["term"]: a["sha256"] for a in said["answers"] if a["kind"] == "offer"}
    shown = {term: form.sha256(rfc8785.dumps(value)) for term, value in values.items()}
    if offered != shown:
        found.error("value-differs", f"Round {number}: the values are not those that were sent.")


def _check_people(found: Bundle) -> None:
    opened = {}
    for row in _json(_part(found, form.PEOPLE)):
        actor = log.Actor(*row["identity"])
        if log.commitment(actor, row["salt"]) != row["commitment"]:
            found.error("person-differs", "A name does not belong to the entries it stands for.")
        opened[row["commitment"]] = actor
    acted = {entry["actor"] for entry in found.entries} - {log.PORTAL.person}
    if set(opened) - acted:
        found.error("person-differs", "A person is named who did nothing here.")
    hidden = acted - set(opened)
    if _json(_part(found, form.REDACTIONS)) != sorted(hidden):
        found.error("person-differs", "The list of erased persons is not the right one.")
    if hidden:
        found.note("erased", f"{len(hidden)} of those who acted are no longer named.")


def _check_signatures(found: Bundle) -> None:
    frozen, consents = "", set()
    people = {row["commitment"]: row["identity"][0] for row in _json(found.files[form.PEOPLE])}
    for entry in found.entries:
        facts = entry["facts"]
        match entry["event"]:
            case "negotiation:version:frozen":
                frozen = facts["sha256"]
            case "signing:consent:given":
                consents.add(facts["consent"])
            case "signing:signature:signed":
                known = found.files.get(f"signatures/{facts['signature']}.json", b"")
                is_named = form.sha256(known) == facts["identification_sha256"]
                said = _json(known) if is_named else {}
                holds = (
                    facts["sha256"] == said.get("version_sha256", facts["sha256"]) == frozen
                    and facts["consent"] in consents
                    and said.get("person") == people.get(entry["actor"], said.get("person"))
                )
                if not holds:
                    found.error(
                        "signature-differs",
                        f"Entry {entry['seq']}: not a signature of the frozen terms with consent.",
                    )
            case event if event in form.CLOSED and facts["sha256"] != frozen:
                found.error("signature-differs", f"Entry {entry['seq']}: seals other terms.")


def _check_stamps(found: Bundle) -> None:
    roots = found.files.get(form.ROOT, b"")
    for path in sorted(path for path in found.files if path.startswith("stamps/")):
        size, number = re.split(r"[-.]", path.removeprefix("stamps/"))[:2]
        try:
            over = _part(found, form.checkpoint_path(int(size)))
            stamp = read_stamp(_part(found, f"stamps/{size}-{number}.tst"), over=over)
            if path.endswith(".crl"):
                check_list(found.files[path], stamp, roots)
                continue
        except BadStamp as error:
            found.error(error.code, f"{path}: {error}")
            continue
        except _Wrong:
            found.error("stamp-broken", f"{path}: stands over nothing in here.")
            continue
        said = f"at {stamp.at.isoformat()}, says {stamp.authority}"
        found.note("stamped", f"Checkpoint {size} stood {said}.")


# What somebody holds.


def _check_receipt(found: Bundle, receipt: log.Receipt) -> None:
    where = f"Receipt for entry {receipt.seq}"
    if receipt.chain != found.contract:
        found.error("receipt-foreign", f"{where}: it is of another contract, {receipt.chain}.")
        return
    if receipt.seq > len(found.entries):
        found.error("receipt-cut", f"{where}: the bundle ends before it, at {len(found.entries)}.")
        return
    line = found.files[form.ENTRIES].split(b"\n")[receipt.seq - 1]
    if log.digest(line) != receipt.head:
        found.error("receipt-differs", f"{where}: the entry now says something else.")
    if receipt.note is None:
        found.note("receipt-bare", f"{where}: it came without a checkpoint.")
        return
    try:
        held = found.keys.open(receipt.note)
        if found.checkpoints.get(held.size) != held:
            raise log.BadNote("another root")
    except log.BadNote:
        found.error(
            "receipt-forked", f"{where}: its checkpoint is not part of the log in this bundle."
        )
        return
    found.vouched = True
    found.note("receipt-holds", f"{where}: the log in this bundle contains it.")
