"""The tree of RFC 6962, held against the RFC's own recursive words and against known trees."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.audit.rules import (
    STEP,
    KeptTree,
    Tree,
    consistency_holds,
    inclusion_holds,
    leaf_hash,
)

# The entries and roots of the test vectors of certificate-transparency (merkletree tests).
ENTRIES = [
    bytes.fromhex(text)
    for text in (
        "", "00", "10", "2021", "3031", "40414243", "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]  # fmt: skip
ROOTS = {
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}


def leaves(count: int) -> list[bytes]:
    return [leaf_hash(str(number).encode()) for number in range(count)]


def plain_root(hashes: list[bytes]) -> bytes:
    """RFC 6962, 2.1, word by word."""
    if not hashes:
        return hashlib.sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    k = 1
    while k * 2 < len(hashes):
        k *= 2
    return hashlib.sha256(b"\x01" + plain_root(hashes[:k]) + plain_root(hashes[k:])).digest()


@pytest.mark.parametrize("size", ROOTS)
def test_the_roots_are_those_of_certificate_transparency(size: int) -> None:
    tree = Tree([leaf_hash(entry) for entry in ENTRIES])
    assert tree.root(size).hex() == ROOTS[size]


@pytest.mark.parametrize("size", range(70))
def test_every_smaller_root_is_the_plain_one(size: int) -> None:
    assert Tree(leaves(70)).root(size) == plain_root(leaves(70)[:size])


@given(st.integers(1, 200), st.data())
def test_a_leaf_is_proven_in_its_place_and_in_no_other(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    tree, all_leaves = Tree(leaves(250)), leaves(250)
    path, root = tree.inclusion(index, size), tree.root(size)
    assert inclusion_holds(all_leaves[index], index=index, size=size, path=path, root=root)
    other = data.draw(st.integers(0, size - 1))
    holds = inclusion_holds(all_leaves[index], index=other, size=size, path=path, root=root)
    assert holds == (other == index)
    assert not inclusion_holds(leaf_hash(b"x"), index=index, size=size, path=path, root=root)


@given(st.integers(1, 200), st.data())
def test_an_extension_is_proven_and_a_changed_past_is_not(size: int, data: st.DataObject) -> None:
    first = data.draw(st.integers(1, size))
    tree = Tree(leaves(size))
    path = tree.consistency(first, size)
    sizes = {"first": first, "second": size, "path": path}
    roots = {"first_root": tree.root(first), "second_root": tree.root(size)}
    assert consistency_holds(**sizes, **roots)
    changed = leaves(size)
    changed[data.draw(st.integers(0, first - 1))] = leaf_hash(b"forged")
    forged = Tree(changed)
    for pair in (
        {**roots, "second_root": forged.root(size)},
        {**roots, "first_root": forged.root(first)},
    ):
        assert not consistency_holds(**sizes, **pair)
    own = {**sizes, "path": forged.consistency(first, size)}
    assert not consistency_holds(**own, first_root=roots["first_root"],
                                 second_root=forged.root(size))  # fmt: skip


@given(st.lists(st.binary(min_size=32, max_size=32), max_size=12), st.integers(0, 40))
def test_a_made_up_proof_proves_nothing(path: list[bytes], index: int) -> None:
    tree = Tree(leaves(33))
    if path != tree.inclusion(min(index, 32), 33):
        assert not inclusion_holds(
            leaves(33)[min(index, 32)], index=index, size=33, path=path, root=tree.root()
        )
    assert not consistency_holds(
        first=max(1, min(index, 32)), second=33, path=path, second_root=tree.root(),
        first_root=leaf_hash(b"x"),
    )  # fmt: skip


def test_a_tree_that_is_not_there_is_refused() -> None:
    tree = Tree(leaves(3))
    for call in (
        lambda: tree.root(4),
        lambda: tree.inclusion(3, 3),
        lambda: tree.consistency(0, 3),
        lambda: tree.consistency(2, 4),
    ):
        with pytest.raises(ValueError, match="no such"):
            call()


def test_a_tree_of_kept_branches_says_the_same_and_reads_little() -> None:
    whole = Tree(leaves(70_000))
    read = 0

    def nodes(level: int, first: int, stop: int) -> list[bytes]:
        nonlocal read
        assert level % STEP == 0
        read += stop - first
        return [whole.full(level, number) for number in range(first, stop)]

    for size in (70_000, 69_999, 65_536, 65_535, 257, 256, 255, 1):
        read, kept = 0, KeptTree(70_000, nodes)
        assert kept.root(size) == whole.root(size)
        assert kept.inclusion(size // 2, size) == whole.inclusion(size // 2, size)
        assert kept.consistency(size, 70_000) == whole.consistency(size, 70_000)
        assert read < 4 * 2**STEP * 3
    assert kept.size == whole.size
