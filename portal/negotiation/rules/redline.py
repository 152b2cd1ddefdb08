"""What was taken out of a text and what was put in, in bounded time whatever the text.

Lines first, then words. Words that stand once on each side are anchors (patience difference); only
short stretches between them are compared exhaustively, so that a hostile clause costs no more than
an honest one. The outcome is text, never markup: the page escapes it.
"""

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

LONG = 110
"""A text of one short line is shown whole before and after: words would only flicker."""

Segments = list[tuple[str, str]]

_DEEPEST = 12
_EXHAUSTIVE = 30_000
_TOKENS = re.compile(r"\n|[^\S\n]+|[^\s]+")

# (a, b, c, d): the stretch a..b of the old became the stretch c..d of the new.
Stretch = tuple[int, int, int, int]


def difference(old: str, new: str) -> Segments:
    """Return (same | del | ins, text) pairs; without the ins they read as the old text."""
    if old == new:
        return [("same", new)]
    if max(len(old), len(new)) <= LONG:
        return [("del", old), ("ins", new)]
    before, after = old.splitlines(keepends=True), new.splitlines(keepends=True)
    found: Segments = []
    at = 0
    for a, b, c, d in changed(before, after):
        _say(found, "same", "".join(before[at:a]))
        _words(found, "".join(before[a:b]), "".join(after[c:d]))
        at = b
    _say(found, "same", "".join(before[at:]))
    return _joined(found)


def _words(found: Segments, old: str, new: str) -> None:
    before, after = _TOKENS.findall(old), _TOKENS.findall(new)
    at = 0
    for a, b, c, d in changed(before, after):
        _say(found, "same", "".join(before[at:a]))
        _say(found, "del", "".join(before[a:b]))
        _say(found, "ins", "".join(after[c:d]))
        at = b
    _say(found, "same", "".join(before[at:]))


def _say(found: Segments, kind: str, text: str) -> None:
    if text:
        found.append((kind, text))


def _joined(found: Segments) -> Segments:
    """Fold a lone space between two changes into both, and say each run once, old before new."""
    out: Segments = []
    gone, come = "", ""
    for place, (kind, text) in enumerate(found):
        last = place == len(found) - 1
        if kind == "same" and (last or text.strip(" ") or not (gone or come)):
            out += [pair for pair in (("del", gone), ("ins", come)) if pair[1]]
            out.append((kind, text))
            gone, come = "", ""
        elif kind == "same":
            gone, come = gone + text, come + text
        elif kind == "del":
            gone += text
        else:
            come += text
    return out + [pair for pair in (("del", gone), ("ins", come)) if pair[1]]


def changed(old: Sequence[str], new: Sequence[str]) -> list[Stretch]:
    """Return the stretches in which two sequences differ, in order and apart."""
    return list(_changed(old, new, (0, len(old), 0, len(new)), 0))


def _changed(
    old: Sequence[str], new: Sequence[str], window: Stretch, depth: int
) -> Iterator[Stretch]:
    a, b, c, d = _trimmed(old, new, window)
    if a == b or c == d:
        if a != b or c != d:
            yield a, b, c, d
        return
    anchors = _anchors(old[a:b], new[c:d]) if depth < _DEEPEST else []
    if not anchors:
        yield from _exhausted(old, new, (a, b, c, d))
        return
    left, right = a, c
    for one, other in anchors:
        yield from _changed(old, new, (left, a + one, right, c + other), depth + 1)
        left, right = a + one + 1, c + other + 1
    yield from _changed(old, new, (left, b, right, d), depth + 1)


def _trimmed(old: Sequence[str], new: Sequence[str], window: Stretch) -> Stretch:
    a, b, c, d = window
    while a < b and c < d and old[a] == new[c]:
        a, c = a + 1, c + 1
    while a < b and c < d and old[b - 1] == new[d - 1]:
        b, d = b - 1, d - 1
    return a, b, c, d


def _exhausted(old: Sequence[str], new: Sequence[str], window: Stretch) -> Iterator[Stretch]:
    """Compare a short stretch exhaustively; a long one without an anchor is replaced whole."""
    a, b, c, d = window
    if (b - a) * (d - c) > _EXHAUSTIVE:
        yield window
        return
    matcher = SequenceMatcher(None, old[a:b], new[c:d], autojunk=False)
    for op, i, j, k, m in matcher.get_opcodes():
        if op != "equal":
            yield a + i, a + j, c + k, c + m


def _anchors(old: Sequence[str], new: Sequence[str]) -> list[tuple[int, int]]:
    """Return the longest run, in order on both sides, of tokens that stand once on each side."""
    once_old, once_new = _once(old), _once(new)
    pairs = sorted((once_old[t], once_new[t]) for t in once_old.keys() & once_new.keys())
    tops: list[int] = []
    ends: list[int] = []
    before: list[int] = []
    for place, (_, other) in enumerate(pairs):
        pile = bisect_left(tops, other)
        before.append(ends[pile - 1] if pile else -1)
        if pile == len(tops):
            tops.append(other)
            ends.append(place)
        else:
            tops[pile], ends[pile] = other, place
    chain: list[tuple[int, int]] = []
    at = ends[-1] if ends else -1
    while at >= 0:
        chain.append(pairs[at])
        at = before[at]
    return chain[::-1]


def _once(tokens: Sequence[str]) -> dict[str, int]:
    counted = Counter(tokens)
    return {t: place for place, t in enumerate(tokens) if counted[t] == 1 and not t.isspace()}
