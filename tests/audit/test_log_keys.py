"""The keys of a log: each handed over by the one before it, and none good for another's time."""

from itertools import pairwise

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from portal.audit.rules import BadNote, Checkpoint, LogKeys, hand_over, read_keys, sign_note, vkey

NAME = "portal.example/log/eu"
KEYS = [Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32) for n in (1, 2, 3)]
SIZES = (10, 25)
NOTES = [hand_over(NAME, size, *pair) for size, pair in zip(SIZES, pairwise(KEYS), strict=True)]


def public(key: Ed25519PrivateKey) -> str:
    return vkey(NAME, key.public_key().public_bytes_raw())


TEXT = "".join(f"{public(key)}\n" for key in KEYS)


def checkpoint(size: int, key: Ed25519PrivateKey) -> str:
    return sign_note(Checkpoint(NAME, size, bytes(32)), key)


def test_keys_are_read_in_order_with_the_sizes_they_end_at() -> None:
    keys = read_keys(TEXT, NOTES)
    assert keys == LogKeys(tuple(map(public, KEYS)), SIZES)
    assert keys.text == TEXT and keys.newest == public(KEYS[2])
    assert read_keys(public(KEYS[0]), []) == LogKeys((public(KEYS[0]),))


@pytest.mark.parametrize(
    ("size", "holder"), [(1, 0), (10, 0), (11, 1), (25, 1), (26, 2), (10**9, 2)]
)
def test_each_checkpoint_is_of_the_key_of_its_time_alone(size: int, holder: int) -> None:
    keys = read_keys(TEXT, NOTES)
    for number, key in enumerate(KEYS):
        if number == holder:
            assert keys.open(checkpoint(size, key)).size == size
        else:
            with pytest.raises(BadNote):
                keys.open(checkpoint(size, key))


FORGED = {
    "a hand-over left out": (TEXT, NOTES[:1]),
    "a key left out": (TEXT.split("\n", 1)[1], NOTES[1:] + NOTES[:1]),
    "in another order": (TEXT, NOTES[::-1]),
    "by a stranger": (TEXT, [hand_over(NAME, 10, KEYS[2], KEYS[1]), NOTES[1]]),
    "of another log": (TEXT, [hand_over("other/log", 10, *KEYS[:2]), NOTES[1]]),
    "an earlier size": (TEXT, [NOTES[0], hand_over(NAME, 10, *KEYS[1:])]),
    "a changed size": (TEXT, [NOTES[0].replace("\n10\n", "\n11\n"), NOTES[1]]),
    "only the old key signs": (TEXT, ["\n".join(NOTES[0].splitlines()[:-1]) + "\n", NOTES[1]]),
    "a checkpoint in its place": (TEXT, [checkpoint(10, KEYS[0]), NOTES[1]]),
    "no keys": ("", []),
}


@pytest.mark.parametrize("case", FORGED)
def test_a_key_that_was_not_handed_over_is_refused(case: str) -> None:
    with pytest.raises(BadNote):
        read_keys(*FORGED[case])


def test_a_hand_over_is_no_checkpoint() -> None:
    with pytest.raises(BadNote):
        read_keys(TEXT, NOTES).open(NOTES[0])
