"""A receipt: the head of a chain at one entry, with the checkpoint that first covered it.

It is a few lines of plain text inside a mail. Whoever saves that mail, as text or as `.eml`,
holds something the portal cannot take back.
"""

import email
import email.policy
import re
from dataclasses import dataclass

from portal.audit.rules.notes import BadNote, read_note

FIRST, LAST = "counterpart-receipt/1", "end of receipt"
HEX = re.compile(r"[0-9a-f]{64}")
# Mail programs put these before the lines of a forwarded or quoted mail.
QUOTED = re.compile(r"^(?:> ?)+")


class BadReceipt(Exception):
    """The text holds no receipt; the message says what is missing."""


@dataclass(frozen=True)
class Receipt:
    """What a holder knows: entry `seq` of `chain` has the hash `head`, under the checkpoint."""

    chain: str
    seq: int
    head: str
    event: str
    at: str
    note: str | None


def receipt_text(receipt: Receipt) -> str:
    """Write a receipt as the lines of a mail."""
    lines = [
        FIRST,
        f"contract {receipt.chain}",
        f"entry {receipt.seq}",
        f"event {receipt.event}",
        f"at {receipt.at}",
        f"head {receipt.head}",
        *(["checkpoint", receipt.note.rstrip("\n")] if receipt.note else []),
        LAST,
    ]
    return "\n".join(lines) + "\n"


def read_receipt(content: bytes) -> Receipt:
    """Find the receipt in a saved mail or in a text cut out of one."""
    lines = [QUOTED.sub("", line).rstrip() for line in _text_of(content).splitlines()]
    if FIRST not in lines:
        raise BadReceipt("There is no receipt in this file.")
    lines = lines[lines.index(FIRST) + 1 :]
    if LAST not in lines:
        raise BadReceipt("The receipt is cut off: its last line is missing.")
    lines = lines[: lines.index(LAST)]
    note = None
    if "checkpoint" in lines:
        note = "\n".join(lines[lines.index("checkpoint") + 1 :]) + "\n"
        lines = lines[: lines.index("checkpoint")]
    facts = dict(line.split(" ", 1) for line in lines if " " in line)
    return _receipt(facts, note)


def _receipt(facts: dict[str, str], note: str | None) -> Receipt:
    chain, seq, head = (facts.get(name, "") for name in ("contract", "entry", "head"))
    if not chain or not re.fullmatch(r"[1-9][0-9]{0,9}", seq) or not HEX.fullmatch(head):
        raise BadReceipt("The receipt does not name a contract, an entry and its hash.")
    if note is not None:
        try:
            read_note(note)
        except BadNote as error:
            raise BadReceipt("The checkpoint in the receipt is damaged.") from error
    return Receipt(chain, int(seq), head, facts.get("event", ""), facts.get("at", ""), note)


def _text_of(content: bytes) -> str:
    """A saved mail carries its text encoded; anything else is the text itself."""
    if re.search(rb"^content-transfer-encoding:", content, re.M | re.I):
        mail = email.message_from_bytes(content, policy=email.policy.default)
        part = mail.get_body(("plain",))
        if part is not None:
            try:
                return str(part.get_content())
            except (LookupError, ValueError):
                return content.decode("utf-8", "replace")
    return content.decode("utf-8", "replace")
