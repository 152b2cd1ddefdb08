"""A drawn signature: strokes of points, kept as numbers and shown as a path. Never required."""

import json
from collections.abc import Sequence

MOST_STROKES = 60
MOST_POINTS = 2_000
WIDTH, HEIGHT = 600, 200
LARGEST_TEXT = 20_000

Strokes = list[list[list[int]]]


def read_strokes(text: str) -> Strokes | None:
    """Return the strokes a browser sent; None where nothing was drawn.

    `ValueError` for what our own script would not send: it is refused, never guessed at.
    """
    if not text.strip():
        return None
    if len(text) > LARGEST_TEXT:
        raise ValueError("too large")
    try:
        found = json.loads(text)
    except RecursionError:
        raise ValueError("not strokes") from None
    if not isinstance(found, list) or len(found) > MOST_STROKES:
        raise ValueError("not strokes")
    strokes = [_stroke(stroke) for stroke in found]
    if sum(map(len, strokes)) > MOST_POINTS:
        raise ValueError("too many points")
    return [stroke for stroke in strokes if stroke] or None


def _stroke(stroke: object) -> list[list[int]]:
    if not isinstance(stroke, list):
        raise ValueError("not a stroke")
    for point in stroke:
        whole = isinstance(point, list) and len(point) == 2 and all(type(n) is int for n in point)
        if not whole or not (0 <= point[0] <= WIDTH and 0 <= point[1] <= HEIGHT):
            raise ValueError("not a point")
    return stroke


def svg_path(strokes: Sequence[Sequence[Sequence[int]]]) -> str:
    """Return the strokes as the data of one SVG path."""
    parts = []
    for stroke in strokes:
        points = [f"{x} {y}" for x, y in stroke]
        rest = f"L{' '.join(points[1:])}" if len(points) > 1 else "h1"
        parts.append(f"M{points[0]}{rest}")
    return "".join(parts)
