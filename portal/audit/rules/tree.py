"""The Merkle tree of RFC 6962 over all entries of a region, with both kinds of proof.

A leaf is the SHA-256 over 0x00 and an entry's canonical bytes; a node that over 0x01 and its two
children. A tree of n leaves splits at the greatest power of two below n.

A *branch* is the root over a full, aligned run of 256 leaves, or of 256 branches below it. Kept
beside the leaves, they let a root or a proof be found without reading every leaf.
"""

import hashlib
from collections.abc import Callable, Sequence
from functools import cached_property

EMPTY = hashlib.sha256(b"").digest()
STEP = 8
"""Levels between two that are kept: a branch stands over 2^8 of the level below it."""


def leaf_hash(entry: bytes) -> bytes:
    """Return the hash of an entry as a leaf (RFC 6962, 2.1)."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def _split(size: int) -> int:
    return 1 << ((size - 1).bit_length() - 1)


class Tree:
    """The tree over these leaf hashes, and every smaller tree it extends."""

    def __init__(self, leaves: Sequence[bytes]) -> None:
        self._leaves = leaves

    @property
    def size(self) -> int:
        """How many leaves there are."""
        return len(self._leaves)

    @cached_property
    def _levels(self) -> list[Sequence[bytes]]:
        """The full nodes only: level k holds the roots of the aligned runs of 2^k leaves."""
        levels: list[Sequence[bytes]] = [self._leaves]
        while len(levels[-1]) > 1:
            below = levels[-1]
            levels.append([node_hash(below[i - 1], below[i]) for i in range(1, len(below), 2)])
        return levels

    def full(self, level: int, index: int) -> bytes:
        """Return the root of the aligned run number `index` of 2^level leaves."""
        return self._levels[level][index]

    def _of(self, start: int, stop: int) -> bytes:
        size = stop - start
        if size & (size - 1) == 0 and start % size == 0:
            return self.full(size.bit_length() - 1, start // size)
        middle = start + _split(size)
        return node_hash(self._of(start, middle), self._of(middle, stop))

    def root(self, size: int | None = None) -> bytes:
        """Return the root of the first `size` leaves (all, if none is given)."""
        size = self.size if size is None else size
        if not 0 <= size <= self.size:
            raise ValueError("no such tree")
        return self._of(0, size) if size else EMPTY

    def inclusion(self, index: int, size: int) -> list[bytes]:
        """Return the proof that leaf `index` is in the tree of `size` (RFC 6962, 2.1.1)."""
        if not 0 <= index < size <= self.size:
            raise ValueError("no such leaf")
        start, stop, path = 0, size, []
        while stop - start > 1:
            middle = start + _split(stop - start)
            if index < middle:
                path.append(self._of(middle, stop))
                stop = middle
            else:
                path.append(self._of(start, middle))
                start = middle
        return path[::-1]

    def consistency(self, first: int, second: int) -> list[bytes]:
        """Return the proof that tree `second` extends tree `first` (RFC 6962, 2.1.2)."""
        if not 0 < first <= second <= self.size:
            raise ValueError("no such trees")
        return self._consistency(first, 0, second, known=True)

    def _consistency(self, first: int, start: int, stop: int, *, known: bool) -> list[bytes]:
        if first == stop - start:
            return [] if known else [self._of(start, stop)]
        split = _split(stop - start)
        middle = start + split
        if first <= split:
            path = self._consistency(first, start, middle, known=known)
            return [*path, self._of(middle, stop)]
        path = self._consistency(first - split, middle, stop, known=False)
        return [*path, self._of(start, middle)]


Nodes = Callable[[int, int, int], Sequence[bytes]]
"""Returns the nodes from `first` to before `stop` of a level that is kept; level 0 are leaves."""


class KeptTree(Tree):
    """The same tree, read from what is kept of it: a root or a proof costs a few hundred nodes."""

    def __init__(self, size: int, nodes: Nodes) -> None:
        super().__init__(())
        self._size, self._nodes = size, nodes
        self._known: dict[tuple[int, int], bytes] = {}

    @property
    def size(self) -> int:
        """How many leaves there are."""
        return self._size

    def full(self, level: int, index: int) -> bytes:
        """Return the root of the aligned run number `index` of 2^level leaves."""
        place = (level, index)
        if place not in self._known:
            kept = level - level % STEP
            width = 1 << (level - kept)
            below = self._nodes(kept, index * width, (index + 1) * width)
            self._known[place] = Tree(below).root()
        return self._known[place]


def inclusion_holds(
    leaf: bytes, *, index: int, size: int, path: Sequence[bytes], root: bytes
) -> bool:
    """Check an inclusion proof (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    place, last, found = index, size - 1, leaf
    for step in path:
        if last == 0:
            return False
        if place & 1 or place == last:
            found = node_hash(step, found)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            found = node_hash(found, step)
        place, last = place >> 1, last >> 1
    return last == 0 and found == root


def consistency_holds(
    *, first: int, second: int, first_root: bytes, second_root: bytes, path: Sequence[bytes]
) -> bool:
    """Check a consistency proof (RFC 9162, 2.1.4.2)."""
    if not 0 < first <= second:
        return False
    if first == second:
        return not path and first_root == second_root
    steps = list(path)
    if first & (first - 1) == 0:
        steps.insert(0, first_root)
    if not steps:
        return False
    place, last = first - 1, second - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    old = new = steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            old, new = node_hash(step, old), node_hash(step, new)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            new = node_hash(new, step)
        place, last = place >> 1, last >> 1
    return last == 0 and old == first_root and new == second_root
