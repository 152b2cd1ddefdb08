"""The certification page of a bundle: how its records are made and kept, for a person to declare.

It follows what US rules of evidence ask of records a process makes (FRE 902(13)) and of copies
known by their hash (902(14)): the process, the hash, the files. It states facts; who signs it
declares them.
"""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import rfc8785

from portal.evidence.rules.bundle import CLOSED, FORMAT, Entry, named_files, sha256

HASH = "SHA-256 (FIPS 180-4)"
PROCESS = (
    "Each act in the portal and its entry in the log are written in one transaction, by the "
    "portal's software, at the time of the act and without anybody's further doing.",
    "An entry is canonical JSON (RFC 8785) and names the SHA-256 of the entry before it in the "
    "same contract. The database refuses to change or delete entries.",
    "All entries of a region are the leaves of one Merkle tree (RFC 6962, SHA-256). Checkpoints "
    "of the tree are signed with Ed25519 (C2SP signed note); each extends the one before.",
    "With every sent round, signature and sealing the head of the log and a checkpoint are mailed "
    "to both sides, outside the reach of whoever runs the portal.",
    "A person signs with a one-time code (TOTP) entered at the act. The deed then carries a PAdES "
    "signature made for that act, and after the last one the portal's seal.",
    "The files listed below are byte for byte those whose SHA-256 the entries name.",
)
BLANKS = ("Name", "Title and organisation", "Place and date", "Signature")


def certification(
    entries: Sequence[Entry], *, contract: str, operator: str, last_entry: bytes
) -> dict[str, Any]:
    """Return the facts of a bundle as a machine reads them."""
    named = named_files(entries)
    return {
        "contract": contract,
        "deed_sha256": next(
            (e["facts"]["deed_sha256"] for e in reversed(entries) if e["event"] in CLOSED), None
        ),
        "entries": len(entries),
        "files": [{"path": path, "sha256": named[path]} for path in sorted(named)],
        "first_entry_at": entries[0]["at"],
        "format": FORMAT,
        "hash": HASH,
        "head": sha256(last_entry),
        "last_entry_at": entries[-1]["at"],
        "operator": operator,
        "process": list(PROCESS),
        "signatures": sum(e["event"] == "signing:signature:signed" for e in entries),
    }


def certification_files(facts: Mapping[str, Any]) -> dict[str, bytes]:
    """Return the certification for machines and, to print and sign, for people."""
    return {
        "certification.json": rfc8785.dumps(dict(facts)),
        "certification.html": _page(facts).encode(),
    }


def _page(facts: Mapping[str, Any]) -> str:
    told = (
        ("Contract", facts["contract"]),
        ("Portal run by", facts["operator"]),
        ("Entries of the log", f"{facts['entries']}, the last one with the hash {facts['head']}"),
        ("First entry", facts["first_entry_at"]),
        ("Last entry", facts["last_entry_at"]),
        ("Signatures", str(facts["signatures"])),
        ("Sealed deed", facts["deed_sha256"] or "none yet"),
        ("Hash", facts["hash"]),
    )
    rows = "".join(f"<tr><th>{escape(k)}</th><td>{escape(v)}</td></tr>\n" for k, v in told)
    files = "".join(
        f"<tr><td>{escape(one['path'])}</td><td>{one['sha256']}</td></tr>\n"
        for one in facts["files"]
    )
    process = "".join(f"<li>{escape(line)}</li>\n" for line in facts["process"])
    blanks = "".join(f"<tr><th>{name}</th><td>&nbsp;</td></tr>\n" for name in BLANKS)
    return PAGE.format(rows=rows, files=files, process=process, blanks=blanks)


PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Certification of records</title>
<style>
body {{ max-inline-size: 46rem; margin: 2rem auto; padding-inline: 1rem; font: 1rem/1.5 serif; }}
table {{ border-collapse: collapse; inline-size: 100%; }}
th, td {{ border: 1px solid; padding: .3rem; text-align: start; overflow-wrap: anywhere; }}
</style>
</head>
<body>
<h1>Certification of records</h1>
<p>To be attached to a declaration of a qualified person (in US federal courts: Federal Rules of
Evidence 902(11), 902(13) and 902(14)). The portal wrote this page from its log; whoever signs below
declares it. It is not legal advice.</p>
<h2>The records</h2>
<table>
{rows}</table>
<h2>How they are made and kept</h2>
<ol>
{process}</ol>
<h2>How a copy is known to be true</h2>
<p>Each file has the SHA-256 listed here, and the entries name the same. Anybody can compute it
(<code>sha256sum</code>), and check the whole with verify.html or verify.py beside this page.</p>
<table>
<tr><th>File</th><th>SHA-256</th></tr>
{files}</table>
<h2>Declaration</h2>
<p>I am qualified to certify the above by my position or training. The records listed here were
generated by the process described, which produces an accurate result, or were copied by a process
of digital identification as described.</p>
<table>
{blanks}</table>
</body>
</html>
"""
