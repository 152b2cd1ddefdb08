#!/usr/bin/env python3
"""Check an evidence bundle of a support contract, without the portal and without a network.

    python3 verify.py evidence.zip [--receipt MAIL]... [--root root.pem] [--key log.txt] [--json]

Needs Python 3.9 or later and `cryptography`. Written from the description of the format, and shares
no code with the portal. Exit code 0: all that was checked holds. 1: it does not. 2: not readable.
"""

# fmt: off
import argparse
import base64
import email.policy
import hashlib
import io
import json
import re
import sys
import zipfile
from contextlib import suppress
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding

FORMAT, LARGEST = "counterpart-evidence/1", 200_000_000
SAFE_PATH = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*(/[A-Za-z0-9][A-Za-z0-9_.-]*)*")
UNNAMED = re.compile(
    r"entries\.jsonl|(people|redactions|consistency|certification)\.json|checkpoints/.*|verify\.py"
    r"|keys/(log\.txt|root\.pem|transition-[0-9]+\.txt)|(verify|README|certification)\.html"
    r"|proofs/[1-9][0-9]{0,9}\.tlog-proof|stamps/[0-9]+-[0-9]+(\.tst|-[0-9]+\.crl)"
    r"|rounds/[0-9]{4,}\.values\.json|terms/[0-9]+\.txt"
)
PROOF = re.compile(r"proofs/([1-9][0-9]{0,9})\.tlog-proof$")
TLOG = re.compile(r"c2sp\.org/tlog-proof@v1\nindex ([0-9]{1,16})((?:\n[^\n]+)*)\n\n(.*)", re.S)
LIMITS = [
    "Who somebody is was established by the portal's sign-in; signatures/ says how.",
    "Times are the portal's own unless a time stamp of an authority outside is named above.",
    "What changed in the deed between two signatures is judged by the portal's verifier alone.",
    "Nothing shows what came after the last entry; only a receipt you hold rules out a rollback.",
]
SHOWN = ("name", "title", "organisation", "signed_at", "factor")
DAMAGE = (ValueError, KeyError, IndexError, TypeError, AttributeError, InvalidSignature)

class Broken(Exception):
    """A part cannot be read at all: (code, message)."""

def sha256(data): return hashlib.sha256(data).digest()
def unbase64(text): return base64.b64decode(text, validate=True)

def open_zip(content):
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            held = archive.infolist()
            fine = all(SAFE_PATH.fullmatch(one.filename) and not one.compress_type for one in held)
            fine &= all(one.compress_size == one.file_size for one in held)
            fine &= len({one.filename for one in held}) == len(held)
            if fine and sum(one.file_size for one in held) <= LARGEST:
                return {one.filename: archive.read(one) for one in held}
            raise ValueError("it holds what no portal writes")
    except Exception as error:
        raise Broken("not-a-bundle", "This file is not an evidence bundle.") from error

def canonical(value):
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()

def read_json(data):
    with suppress(ValueError, RecursionError):
        # int() refuses what stands for a fraction or for no number: entries hold neither.
        value = json.loads(data.decode(), parse_float=int, parse_constant=int)
        if canonical(value) == data:
            return value
    raise Broken("not-canonical", "A part of the bundle is not canonical JSON.")

class Check:
    """One bundle on the table: its parts, and what was found."""

    def __init__(self):
        self.files, self.entries, self.lines, self.roots = {}, [], [], {}
        self.contract, self.keys, self.closed = "", [], []
        self.findings, self.signers, self.checked = [], [], []

    def error(self, code, message, level="error"):
        self.findings.append({"level": level, "code": code, "message": message})
    def note(self, code, message): self.error(code, message, "note")

    @property
    def ok(self):
        return all(one["level"] != "error" for one in self.findings)

    def named_json(self, path, named):
        data = self.files.get(path, b"")
        return read_json(data) if sha256(data).hex() == named[path] else {}
    def part(self, path):
        if path not in self.files:
            raise Broken("file-missing", f"{path} is missing.")
        return self.files[path]

def check_manifest(check, content):
    check.files = open_zip(content)
    manifest = read_json(check.files.pop("MANIFEST.json", b"null"))
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise Broken("not-a-bundle", "This file is not an evidence bundle.")
    check.contract = manifest["contract"]
    listed = {row["path"]: (row["size"], row["sha256"]) for row in manifest["files"]}
    actual = {path: (len(data), sha256(data).hex()) for path, data in check.files.items()}
    for path in sorted({*listed, *actual}):
        if listed.get(path) != actual.get(path):
            check.error("manifest-differs", f"{path}: not as the manifest lists it.")

def check_chain(check):
    check.lines = check.part("entries.jsonl").split(b"\n")
    if check.lines.pop() or not check.lines:
        raise Broken("chain-broken", "The entries are cut off.")
    check.entries, previous = [read_json(line) for line in check.lines], "0" * 64
    for number, (line, entry) in enumerate(zip(check.lines, check.entries), 1):
        if [entry["chain"], entry["seq"], entry["prev"]] != [check.contract, number, previous]:
            check.error("chain-broken", f"Entry {number} does not follow the one before it.")
        previous = sha256(line).hex()
    check.checked.append(f"{len(check.lines)} entries, each naming the hash of the one before")

# Checkpoints: C2SP signed notes over an RFC 6962 tree.
def parse_note(note):
    """Return a note's lines (the last but one is a size), signed text, [(key name, signature)]."""
    text, gap, rest = note.partition("\n\n")
    lines = text.split("\n")
    fits = len(lines) == 4 or (len(lines) == 3 and len(unbase64(lines[2])) == 32)
    if not gap or not fits or not re.fullmatch(r"0|[1-9][0-9]{0,15}", lines[-2]):
        raise ValueError("neither a checkpoint nor a transition")
    signed = [line[2:].split(" ") for line in rest.splitlines() if line.startswith("— ")]
    pairs = [(one[0], unbase64(one[1])) for one in signed if len(one) == 2]
    return lines, (text + "\n").encode(), pairs

def demand_signed(key, text, pairs):
    """Raise unless the key "name+id+base64" signed the text."""
    name, mark, encoded = key.split("+", 2)
    raw = unbase64(encoded)
    known = sha256(name.encode() + b"\n" + raw)[:4]
    own = [one[4:] for signer, one in pairs if signer == name and one[:4] == known]
    if raw[:1] != b"\x01" or known.hex() != mark or not own:
        raise ValueError("not signed by this key")
    ed25519.Ed25519PublicKey.from_public_bytes(raw[1:]).verify(own[0], text)

def open_note(note, keys):
    """Return (size, root) of a checkpoint that the log's key of that time signed, or raise."""
    (origin, size, root), text, pairs = parse_note(note)
    key = next(key for end, key in keys if int(size) <= end)
    if key.partition("+")[0] != origin:
        raise ValueError("of another log")
    demand_signed(key, text, pairs)
    return int(size), unbase64(root)

def read_keys(check, pinned):
    """Take the log's keys as (last size it signs, key), each handed over by the one before it."""
    keys, ends = check.part("keys/log.txt").decode().split(), [-1]
    try:
        for number, (old, new) in enumerate(zip(keys, keys[1:]), 1):
            note = check.part(f"keys/transition-{number}.txt").decode()
            (mark, name, size, key), text, pairs = parse_note(note)
            ends.append(int(size))
            known = ("counterpart-log-key-transition/1", old.partition("+")[0], new)
            if (mark, name, key) != known or ends[-1] <= ends[-2]:
                raise ValueError("not a transition")
            demand_signed(old, text, pairs)
            demand_signed(new, text, pairs)
        check.keys = list(zip([*ends[1:], float("inf")], keys))
    except DAMAGE as error:
        raise Broken("key-broken", "A key of the log was not handed over by the last.") from error
    if pinned and pinned.strip() not in keys:
        check.error("key-differs", "The key of the log is not the one you gave.")
        check.keys = [(float("inf"), pinned.strip())]

def climb(node, last, old, path):
    """Walk a proof to the roots of the old and of the new tree (RFC 9162, 2.1.3.2 and 2.1.4.2)."""
    new = old
    for step in path:
        if last == 0:
            return None, None
        if node % 2 or node == last:
            old, new = sha256(b"\x01" + step + old), sha256(b"\x01" + step + new)
            while node and not node % 2:
                node, last = node // 2, last // 2
        else:
            new = sha256(b"\x01" + new + step)
        node, last = node // 2, last // 2
    return (old, new) if last == 0 else (None, None)

def extends(proof, roots):
    first, second = proof["from"], proof["to"]
    path = [unbase64(step) for step in proof["path"]]
    if first & (first - 1) == 0:
        path.insert(0, roots[first])
    node, last = first - 1, second - 1
    while node % 2:
        node, last = node // 2, last // 2
    found = climb(node, last, path[0], path[1:]) if path else None
    return 0 < first < second and found == (roots[first], roots[second])

def check_tree(check, pinned):
    read_keys(check, pinned)
    for path, data in check.files.items():
        if path.startswith("checkpoints/"):
            try:
                size, root = open_note(data.decode(), check.keys)
                check.roots[size] = root
                if path != f"checkpoints/{size}.txt":
                    raise ValueError("of another size")
            except DAMAGE:
                check.error("checkpoint-broken", f"{path}: not a checkpoint signed by the log.")
    before, last = -1, 0
    for last, path in sorted((int(one[1]), one[0]) for one in map(PROOF.match, check.files) if one):
        try:
            index, steps, note = TLOG.fullmatch(check.files[path].decode()).groups()
            index, steps = int(index), [unbase64(step) for step in steps.split("\n")[1:]]
            size, root = open_note(note, check.keys)
            leaf = sha256(b"\x00" + check.lines[last - 1])
            held = check.roots.get(size) == root and before < index < size
            if not held or climb(index, size - 1, leaf, steps)[1] != root:
                raise ValueError(last)
            before = index
        except DAMAGE:
            check.error("not-in-tree", f"Entry {last} is not proven under its checkpoint.")
    if last != len(check.lines):
        check.error("not-in-tree", "The last entry is not proven under a checkpoint.")
    sizes, proofs = sorted(check.roots), read_json(check.part("consistency.json"))
    fits = [(one["from"], one["to"]) for one in proofs] == list(zip(sizes, sizes[1:]))
    if not fits or not all(extends(proof, check.roots) for proof in proofs):
        check.error("checkpoint-forked", "A checkpoint does not extend the one before it.")
    check.checked.append(f"{len(sizes)} signed checkpoints, each extending the one before")

def read_acts(check, people):
    """Return the hash of each file the entries name; check that what was signed was frozen."""
    named, sent, shown, waiting, frozen, consents = {}, {}, set(), set(), "", set()
    for entry in check.entries:
        event, facts, fits = entry["event"], entry["facts"], True
        number = facts.get("number")
        named.update({f"attachments/{one}": one for one in facts.get("files", ())})
        if event == "negotiation:round:sent":  # named once both sides know it, not recalled before
            sent[number] = facts["sha256"]
            shown, waiting = shown | waiting, {number}
        elif event == "negotiation:round:opened":
            shown.add(number)
        elif event == "negotiation:round:recalled":
            waiting.discard(number)
        elif event == "negotiation:version:frozen":
            shown, waiting = shown | waiting, set()
            frozen = named[f"terms/{number}.json"] = facts["sha256"]
        elif event == "signing:consent:given":
            consents.add(facts["consent"])
            named[f"consents/{facts['disclosure']}.toml"] = facts["sha256"]
        elif event in ("signing:deed:sealed", "signing:deed:stamped", "signing:deed:renewed"):
            named["deed.pdf"] = facts["deed_sha256"]
            check.closed.append(facts["deed_sha256"])
            fits = facts["sha256"] == frozen
        elif event == "signing:signature:signed":
            path = f"signatures/{facts['signature']}.json"
            named[path] = facts["identification_sha256"]
            said = check.named_json(path, named)
            same = {facts["sha256"], said.get("version_sha256", frozen)} == {frozen}
            person = people.get(entry["actor"], [said.get("person")])[0]
            fits = same and facts["consent"] in consents and said.get("person") == person
            check.signers.append([said[name] for name in SHOWN if said.get(name)])
        if not fits:
            check.error("signature-differs", f"Entry {entry['seq']}: not of the frozen terms.")
    for path in [path for path in named if path.startswith("terms/")]:
        pins = filter(None, check.named_json(path, named).get("pins", {}).values())
        named.update({f"template/{pin['sha256']}.json": pin["sha256"] for pin in pins})
    return {**named, **{f"rounds/{one:04}.json": sent[one] for one in shown if one in sent}}

def check_files(check, named):
    for path, expected in named.items():
        if path not in check.files and not path.startswith(("attachments/", "template/")):
            check.error("file-missing", f"{path} is missing, and an entry names it.")
        elif path in check.files and sha256(check.files[path]).hex() != expected:
            check.error("file-differs", f"{path}: not the file that the entries name.")
    for path in check.files:
        if path not in named and not UNNAMED.fullmatch(path):
            check.error("file-foreign", f"{path}: no entry names it.")
    for path in sorted(path for path in named if path.startswith("rounds/")):
        if path in check.files:
            said = read_json(check.files[path])["answers"]
            values = read_json(check.part(path[:-5] + ".values.json"))
            shown = {term: sha256(canonical(value)).hex() for term, value in values.items()}
            if shown != {one["term"]: one["sha256"] for one in said if one["kind"] == "offer"}:
                check.error("value-differs", f"{path}: not the values that were sent.")
    held = len(named.keys() & check.files.keys())
    check.checked.append(f"{held} files that the entries name, by their hash")

def check_people(check):
    rows, acted = read_json(check.part("people.json")), {one["actor"] for one in check.entries}
    people = {row["commitment"]: row["identity"] for row in rows}
    marks = [sha256(canonical([row["salt"], *row["identity"]])).hex() for row in rows]
    erased = sorted(acted - set(people) - {"portal"})
    fits = marks == [row["commitment"] for row in rows] and set(people) <= acted - {"portal"}
    if not fits or read_json(check.part("redactions.json")) != erased:
        check.error("person-differs", "The names or the list of erased are not of those who acted.")
    if erased:
        check.note("erased", f"{len(erased)} who acted are no longer named.")
    return people

# The deed: every signature in the PDF, by its bytes (PAdES; CMS, RFC 5652; time stamps, RFC 3161).
DIGEST_ATTRIBUTE = bytes.fromhex("06092a864886f70d010904")
KINDS = (hashes.SHA256(), hashes.SHA384(), hashes.SHA512())
SHA2 = {bytes.fromhex(f"060960864801650304020{n}"): kind for n, kind in enumerate(KINDS, 1)}
RANGE = re.compile(rb"/ByteRange\s*\[\s*(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s*\]")

def der(data, at=0):
    """Return (start, end) of the content of the DER value at a place."""
    length, start = data[at + 1], at + 2
    if length > 128:
        start += length - 128
        length = int.from_bytes(data[at + 2 : start], "big")
    if data[at + 1] == 128 or start + length > len(data):
        raise ValueError("cut off")
    return start, start + length
def inner(data): return data[slice(*der(data))]
def parts(data):
    """Return the values inside a value, each with its own header."""
    (at, stop), found = der(data), []
    while at < stop:
        found.append(data[at : der(data, at)[1]])
        at += len(found[-1])
    return found

def check_cms(token, covered):
    """Verify a CMS signature over these bytes or its content; return signer, others, content."""
    signed = parts(parts(parts(token)[1])[0])
    held = parts(signed[2])
    content = inner(parts(held[1])[0]) if len(held) > 1 else None
    given = next(one for one in signed[3:-1] if one[0] == 0xA0)
    certificates = [x509.load_der_x509_certificate(one) for one in parts(given)]
    _, who, algorithm, attributes, _, signature, *_ = parts(parts(signed[-1])[0])
    algorithm, attributes = SHA2[parts(algorithm)[0]], b"\x31" + attributes[1:]
    said = [parts(one) for one in parts(attributes)]
    said = [inner(parts(one[1])[0]) for one in said if one[0] == DIGEST_ATTRIBUTE]
    if said != [hashlib.new(algorithm.name, covered if content is None else content).digest()]:
        raise InvalidSignature
    issuer, serial = parts(who)[0], int.from_bytes(inner(parts(who)[1]), "big")
    own = [one for one in certificates if one.serial_number == serial]
    signer = next(one for one in own if one.issuer.public_bytes() == issuer)
    key = signer.public_key()
    rsa = not isinstance(key, ec.EllipticCurvePublicKey)
    how = [padding.PKCS1v15(), algorithm] if rsa else [ec.ECDSA(algorithm)]
    key.verify(inner(signature), attributes, *how)
    return signer, certificates, content

def leads_to(certificate, others, roots, steps=5):
    """Say whether issuers lead from a certificate to one of the roots."""
    for issuer in (*roots, *others):
        with suppress(*DAMAGE):
            certificate.verify_directly_issued_by(issuer)
            if issuer in roots or (steps and leads_to(issuer, others, roots, steps - 1)):
                return True
    return False

def check_deed(check, root):
    pdf = check.files.get("deed.pdf")
    if pdf is None:
        return
    roots, reach, names = x509.load_pem_x509_certificates(root), 0, []
    states = {sha256(pdf[: one.end()]).hex() for one in re.finditer(rb"%%EOF\r?\n?", pdf)}
    if not set(check.closed) <= states | {sha256(pdf).hex()}:
        check.error("deed-rewritten", "The deed does not begin as it was when it was closed.")
    for found in RANGE.findall(pdf):
        start, length, after, rest = (int(number) for number in found)
        reach = max(reach, after + rest)
        covered = pdf[:length] + pdf[after : after + rest]
        try:
            held = bytes.fromhex(re.fullmatch(rb"<([0-9A-Fa-f]+)>", pdf[length:after])[1].decode())
            signer, others, content = check_cms(held[: der(held)[1]], covered)
            stamped = content is None or inner(parts(parts(content)[2])[1]) == sha256(covered)
            if start or after + rest > len(pdf) or not stamped:
                raise InvalidSignature
        except (*DAMAGE, StopIteration):
            check.error("deed-broken", "The deed is not the one that a signature was made for.")
            continue
        names.append(", ".join(str(part.value) for part in signer.subject))
        # A person's certificate is the portal's; stamps and a seal may be of the roots after it.
        person = signer.subject.get_attributes_for_oid(x509.NameOID.SERIAL_NUMBER)
        if not leads_to(signer, others, roots[:1] if person else roots):
            check.error("deed-unrecognised", f"{names[-1]}: not certified by this portal.")
    if not names or reach != len(pdf):
        check.error("deed-broken", "The last signature does not cover the whole deed.")
    check.checked.append(f"{len(names)} signatures inside the deed: " + "; ".join(names))

def check_stamps(check):
    roots = check.files.get("keys/root.pem")
    roots = x509.load_pem_x509_certificates(roots) if roots else []
    for path in sorted(path for path in check.files if path.startswith("stamps/")):
        size, number, *_ = re.split("[-.]", path[7:])
        try:
            authority, others, content = check_cms(check.part(f"stamps/{size}-{number}.tst"), b"")
            if inner(parts(parts(content)[2])[1]) != sha256(check.part(f"checkpoints/{size}.txt")):
                raise InvalidSignature
            if path.endswith(".crl"):  # a revocation list, of then, by an issuer of the authority
                found = x509.load_der_x509_crl(check.files[path])
                issuers = [one for one in [*others, *roots] if one.subject == found.issuer]
                if not any(found.is_signature_valid(one.public_key()) for one in issuers):
                    raise InvalidSignature
                listed = found.get_revoked_certificate_by_serial_number(authority.serial_number)
                if listed is not None and found.issuer == authority.issuer:
                    check.error("stamp-revoked", f"{path}: says that the authority was revoked.")
                continue
            who, at = authority.subject.rfc4514_string(), inner(parts(content)[4]).decode()
            check.note("stamped", f"Checkpoint {size} stood at {at}, says {who}.")
        except (*DAMAGE, StopIteration, Broken):
            check.error("stamp-broken", f"{path}: not a time stamp over its checkpoint.")

def read_receipt(data):
    """Return (contract, entry, head, note) from a saved mail or from its text."""
    text, body = data.decode("utf-8", "replace"), None
    if re.search(rb"^content-transfer-encoding:", data, re.M | re.I):
        body = email.message_from_bytes(data, policy=email.policy.default).get_body(("plain",))
    text = body.get_content() if body is not None else text
    lines = [re.sub(r"^(?:> ?)+", "", line).rstrip() for line in text.splitlines()]
    start = lines.index("counterpart-receipt/1") + 1
    lines, note = lines[start : lines.index("end of receipt", start)], None
    if "checkpoint" in lines:
        place = lines.index("checkpoint")
        note, lines = "\n".join(lines[place + 1 :]) + "\n", lines[:place]
        parse_note(note)
    facts = dict(line.split(" ", 1) for line in lines if " " in line)
    if int(facts["entry"]) < 1 or len(bytes.fromhex(facts["head"])) != 32:
        raise ValueError("it names no entry")
    return facts["contract"], int(facts["entry"]), facts["head"], note
def check_receipt(check, receipt):
    """Say whether the receipt also vouches for the key of the log."""
    contract, seq, head, note = receipt
    where = f"Receipt for entry {seq}"
    if contract != check.contract:
        return check.error("receipt-foreign", f"{where}: it is of another contract, {contract}.")
    if seq > len(check.lines):
        return check.error("receipt-cut", f"{where}: the bundle ends at {len(check.lines)}.")
    if sha256(check.lines[seq - 1]).hex() != head:
        check.error("receipt-differs", f"{where}: the entry now says something else.")
    if note is None:
        return check.note("receipt-bare", f"{where}: it came without a checkpoint.")
    with suppress(*DAMAGE):
        if open_note(note, check.keys) in check.roots.items():
            check.note("receipt-holds", f"{where}: the log in this bundle contains it.")
            return True
    return check.error("receipt-forked", f"{where}: its checkpoint is not of this log.")

def verify(content, receipts=(), root=None, key=None):
    """Check a bundle; return the finished Check."""
    check = Check()
    try:
        check_manifest(check, content)
        check_chain(check)
        check_tree(check, key)
        check_files(check, read_acts(check, check_people(check)))
        own = check.files.get("keys/root.pem", b"")
        if root and own and root.split(b"-END")[0].strip() != own.split(b"-END")[0].strip():
            check.error("key-differs", "The portal's root is not the one you gave.")
        check_stamps(check)
        check_deed(check, root or own)
        if not any([check_receipt(check, receipt) for receipt in receipts]) and not key:
            check.note("own-keys", "The keys were taken from the bundle: " + check.keys[-1][1])
    except Broken as broken:
        check.error(*broken.args)
    except Exception as error:  # whatever the file holds, a report comes back
        check.error("damaged", f"A part of the bundle is damaged: {type(error).__name__}.")
    return check

def main():
    parser = argparse.ArgumentParser(description="Check an evidence bundle.")
    parser.add_argument("bundle")
    parser.add_argument("--receipt", action="append", default=[], help="a saved receipt mail")
    parser.add_argument("--root", help="the portal's root certificate, if you hold it")
    parser.add_argument("--key", help="the log's public key, if you hold it")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    try:
        receipts = [read_receipt(Path(path).read_bytes()) for path in asked.receipt]
        root = asked.root and Path(asked.root).read_bytes()
        key = asked.key and Path(asked.key).read_text("utf-8")
        check = verify(Path(asked.bundle).read_bytes(), receipts, root, key)
    except (OSError, ValueError, KeyError) as error:
        print(f"Cannot be read: {error}", file=sys.stderr)
        return 2
    if asked.json:
        report = {"ok": check.ok, "verifier": f"verify.py ({FORMAT})", "contract": check.contract,
                  "entries": len(check.lines), "checked": check.checked, "signers": check.signers,
                  "findings": check.findings, "limits": LIMITS}
        print(json.dumps(report, ensure_ascii=False, indent=2))
    else:
        print(f"Contract {check.contract}, checked by verify.py ({FORMAT})")
        rows = [("checked", line) for line in check.checked]
        rows += [("signed", ", ".join(one)) for one in check.signers]
        rows += [(one["level"].upper(), one["message"]) for one in check.findings]
        for label, line in rows + [("limit", line) for line in LIMITS]:
            print(f"  {label:8} {line}")
        print("Everything that was checked holds." if check.ok else "Do not rely on this bundle.")
    return 0 if check.ok else 1

if __name__ == "__main__":
    sys.exit(main())
