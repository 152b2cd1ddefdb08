"""Checkpoints and receipts as texts: what is signed, and what a reader accepts."""

import base64
from email.message import EmailMessage
from email.policy import SMTP

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from portal.audit.rules import (
    BadNote,
    BadReceipt,
    Checkpoint,
    Receipt,
    open_note,
    read_note,
    read_receipt,
    receipt_text,
    sign_note,
    vkey,
)
from portal.audit.rules.notes import key_id

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(32))
NAME = "portal.example/log/eu"
CHECKPOINT = Checkpoint(NAME, 57, bytes(range(32)))


def public(key: Ed25519PrivateKey = KEY) -> bytes:
    return key.public_key().public_bytes_raw()


def receipt(note: str | None) -> Receipt:
    return Receipt(
        "eu-7K3QM9XH2D", 12, "ab" * 32, "negotiation:round:sent", "2026-11-25T13:00:00Z", note
    )


def test_the_key_id_is_the_one_of_the_go_implementation() -> None:
    # The example key of golang.org/x/mod/sumdb/note.
    name, mark, key = ["PeterNeumann", "c74f20a3", "ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"]
    assert key_id(name, base64.b64decode(key)[1:]).hex() == mark


def test_a_note_says_what_was_signed_and_always_in_the_same_bytes() -> None:
    note = sign_note(CHECKPOINT, KEY)
    assert note == sign_note(CHECKPOINT, KEY)
    assert open_note(note, vkey(NAME, public())) == CHECKPOINT
    assert note.startswith(f"{NAME}\n57\n")
    assert f"\n\n— {NAME} " in note


@pytest.mark.parametrize(
    "key", [vkey(NAME, public(OTHER)), vkey("other/log", public()), "x", f"{NAME}+0+AA=="]
)
def test_another_key_or_name_does_not_open_it(key: str) -> None:
    with pytest.raises(BadNote):
        open_note(sign_note(CHECKPOINT, KEY), key)


@given(st.data())
def test_no_changed_letter_of_a_note_is_accepted(data: st.DataObject) -> None:
    note = sign_note(CHECKPOINT, KEY)
    place = data.draw(st.integers(0, len(note) - 1))
    letter = data.draw(st.characters(codec="utf-8"))
    changed = note[:place] + letter + note[place + 1 :]
    try:
        found = open_note(changed, vkey(NAME, public()))
    except BadNote:
        return
    # What still opens says the same: a changed last line end, or base64 padding bits.
    assert found == CHECKPOINT


@given(st.text(max_size=300))
def test_no_text_breaks_the_readers(text: str) -> None:
    with pytest.raises(BadNote):
        read_note(text)
    with pytest.raises(BadReceipt):
        read_receipt(text.encode("utf-8", "replace"))


@pytest.mark.parametrize("note", [None, sign_note(CHECKPOINT, KEY)])
def test_a_receipt_comes_back_from_text_quoted_text_and_a_saved_mail(note: str | None) -> None:
    text = f"Hello Cleo,\n\nkeep this.\n\n{receipt_text(receipt(note))}\nhttps://portal.example\n"
    assert read_receipt(text.encode()) == receipt(note)
    quoted = "\r\n".join(f"> {line}" for line in text.splitlines())
    assert read_receipt(quoted.encode()) == receipt(note)
    mail = EmailMessage(policy=SMTP)
    mail["Subject"] = "Receipt"
    mail.set_content(text)
    assert read_receipt(mail.as_bytes()) == receipt(note)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("end of receipt", ""), ("entry 12", "entry 0"), ("head ab", "head xy"),
        ("contract ", "c "), ("\n57\n", "\n057\n"), ("counterpart-receipt/1", "receipt"),
    ],
)  # fmt: skip
def test_a_damaged_receipt_is_refused(old: str, new: str) -> None:
    text = receipt_text(receipt(sign_note(CHECKPOINT, KEY)))
    assert old in text
    with pytest.raises(BadReceipt):
        read_receipt(text.replace(old, new).encode())
