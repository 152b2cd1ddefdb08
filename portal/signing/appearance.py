"""What a filled signature field looks like: lines of text, with the glyphs they need embedded,
and beside them what the signer drew, where they drew something.
"""

from __future__ import annotations

import io
import unicodedata
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from fontTools import subset  # type: ignore[import-untyped]
from fontTools.ttLib import TTFont  # type: ignore[import-untyped]
from pyhanko.pdf_utils import generic, layout
from pyhanko.pdf_utils.content import ResourceType
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.writer import BasePdfFileWriter
from pyhanko.stamp import BaseStamp, BaseStampStyle

from portal.signing.typesetter import FONTS

HAND = ("NotoSerif-Italic.ttf", "DejaVuSans.ttf")
PRINT = ("NotoSerif-Regular.ttf", "DejaVuSans.ttf")
MARGIN = 6.0
SMALLEST_SIZE = 5.0
DRAWN_PART = 0.42
SHEET = (600, 200)
"""The size of the sheet that strokes are drawn on, as the browser sends them."""

Strokes = Sequence[Sequence[Sequence[int]]]


@dataclass(frozen=True)
class Line:
    """One line of an appearance: its text, the fonts to try in order, its size in points."""

    text: str
    fonts: tuple[str, ...]
    size: float
    instead: str = ""


def drawable(text: str, font: str) -> bool:
    """Say whether a font draws the text letter by letter, left to right, with no shaping."""
    return all(
        ord(c) in _letters(font)
        and unicodedata.bidirectional(c) not in ("R", "AL", "AN")
        and not unicodedata.combining(c)
        for c in text
    )


@dataclass(frozen=True)
class LinesStyle(BaseStampStyle):  # type: ignore[misc]  # pyHanko counts as untyped
    """Draws lines from the top of the field down, each shrunk to the width if it must be."""

    border_width: int = 0
    lines: tuple[Line, ...] = ()
    strokes: Strokes = ()

    def create_stamp(
        self, writer: BasePdfFileWriter, box: layout.BoxConstraints, text_params: dict[str, Any]
    ) -> LinesStamp:
        """Give the stamp pyHanko puts into the field."""
        return LinesStamp(writer, self, box)


class LinesStamp(BaseStamp):  # type: ignore[misc]  # pyHanko's constructor is untyped
    """The appearance stream of one field."""

    def _render_inner_content(self) -> list[bytes]:
        strokes = self.style.strokes
        width = self.box.width * (1 - DRAWN_PART if strokes else 1) - 2 * MARGIN
        chosen = [_fitted(line, width) for line in self.style.lines]
        fonts = _embedded(self.writer, chosen)
        top = self.box.height - MARGIN
        commands = [b"BT", b"0.114 0.141 0.2 rg"]
        for line in chosen:
            font = fonts[line.fonts[0]]
            self.set_resource(ResourceType.FONT, pdf_name(f"/{font.label}"), font.reference)
            top -= line.size
            commands.append(
                b"/%s %g Tf 1 0 0 1 %g %g Tm <%s> Tj"
                % (font.label.encode(), line.size, MARGIN, top, font.encode(line.text))
            )
            top -= line.size * 0.42
        return [*commands, b"ET", *_drawn(strokes, self.box.width, self.box.height)]


def _drawn(strokes: Strokes, width: float, height: float) -> list[bytes]:
    """Draw the strokes on the right of the field, as large as they fit."""
    if not strokes:
        return []
    scale = min((width * DRAWN_PART - MARGIN) / SHEET[0], (height - 2 * MARGIN) / SHEET[1])
    left, top = width - MARGIN - SHEET[0] * scale, (height + SHEET[1] * scale) / 2
    commands = [b"q 0.114 0.141 0.2 RG 1.1 w 1 J 1 j"]
    for stroke in strokes:
        places = [b"%.2f %.2f" % (left + x * scale, top - y * scale) for x, y in stroke]
        # A dot is a line of no length: its round end is what is seen.
        rest = b" l ".join(places[1:] or places[:1])
        commands.append(places[0] + b" m " + rest + b" l S")
    return [*commands, b"Q"]


@dataclass(frozen=True)
class _Font:
    label: str
    reference: generic.IndirectObject
    glyphs: dict[str, int]

    def encode(self, text: str) -> bytes:
        return "".join(f"{self.glyphs[c]:04x}" for c in text).encode()


def _fitted(line: Line, width: float) -> Line:
    """Choose the font and the size; a line no font can draw gives way to its stand-in."""
    font = next((name for name in line.fonts if drawable(line.text, name)), None)
    if font is None:
        return _fitted(Line(line.instead, line.fonts, line.size), width)
    text, size = line.text, line.size
    size = max(SMALLEST_SIZE, min(size, width / max(_em_width(text, font), 0.01)))
    while len(text) > 1 and _em_width(text, font) * size > width + 0.01:
        text = text[:-2] + "…"
    return Line(text, (font,), size)


def _em_width(text: str, font: str) -> float:
    face = _face(font)
    cmap, metrics = face.getBestCmap(), face["hmtx"]
    return float(sum(metrics[cmap[ord(c)]][0] for c in text)) / int(face["head"].unitsPerEm)


def _embedded(writer: BasePdfFileWriter, lines: list[Line]) -> dict[str, _Font]:
    letters: dict[str, set[str]] = {}
    for line in lines:
        letters.setdefault(line.fonts[0], set()).update(line.text)
    return {
        name: _embed(writer, name, "".join(sorted(used)), f"D{index}")
        for index, (name, used) in enumerate(letters.items())
    }


def _embed(writer: BasePdfFileWriter, name: str, letters: str, label: str) -> _Font:
    """Write a composite font (ISO 32000-1, 9.7) with the glyphs of these letters only."""
    face, program, cmap = _subset(name, letters)
    scale = 1000 / int(face["head"].unitsPerEm)
    glyphs = {c: face.getGlyphID(cmap[ord(c)]) for c in letters}
    widths = [round(face["hmtx"][glyph][0] * scale) for glyph in face.getGlyphOrder()]
    base = pdf_name("/DEEDAA+" + str(face["name"].getDebugName(6)).replace(" ", ""))
    descriptor = _descriptor(writer, face, program, base, scale)
    descendant = _dictionary(
        Type="/Font", Subtype="/CIDFontType2", BaseFont=base, CIDToGIDMap="/Identity",
        CIDSystemInfo=_dictionary(
            Registry=generic.pdf_string("Adobe"),
            Ordering=generic.pdf_string("Identity"),
            Supplement=0,
        ),
        FontDescriptor=writer.add_object(descriptor),
        W=generic.ArrayObject([_number(0), generic.ArrayObject(map(_number, widths))]),
    )  # fmt: skip
    font = _dictionary(
        Type="/Font", Subtype="/Type0", BaseFont=base, Encoding="/Identity-H",
        DescendantFonts=generic.ArrayObject([writer.add_object(descendant)]),
        ToUnicode=writer.add_object(_stream(_to_unicode(glyphs))),
    )  # fmt: skip
    return _Font(label, writer.add_object(font), glyphs)


def _subset(name: str, letters: str) -> tuple[TTFont, bytes, dict[int, str]]:
    face = TTFont(io.BytesIO(_font_bytes(name)), lazy=True)
    cmap = face.getBestCmap()
    options = subset.Options()
    options.layout_features = []
    options.notdef_outline = True
    options.name_IDs = [6]
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=[ord(c) for c in letters])
    subsetter.subset(face)
    program = io.BytesIO()
    face.save(program)
    return face, program.getvalue(), cmap


def _descriptor(
    writer: BasePdfFileWriter, face: TTFont, program: bytes, base: generic.NameObject, scale: float
) -> generic.DictionaryObject:
    head, rise = face["head"], face["hhea"]
    box = [round(edge * scale) for edge in (head.xMin, head.yMin, head.xMax, head.yMax)]
    return _dictionary(
        Type="/FontDescriptor", FontName=base, Flags=4, ItalicAngle=-12 if "Italic" in base else 0,
        FontBBox=generic.ArrayObject(map(_number, box)),
        Ascent=round(rise.ascent * scale), Descent=round(rise.descent * scale),
        CapHeight=714, StemV=80,
        FontFile2=writer.add_object(_stream(program, Length1=len(program))),
    )  # fmt: skip


def _to_unicode(glyphs: dict[str, int]) -> bytes:
    """Map every glyph back to its letter, so that the appearance can be read aloud and searched."""
    pairs = [f"<{glyph:04x}> <{c.encode('utf-16-be').hex()}>" for c, glyph in glyphs.items()]
    blocks = [pairs[i : i + 100] for i in range(0, len(pairs), 100)]
    mapping = "\n".join(f"{len(b)} beginbfchar\n" + "\n".join(b) + "\nendbfchar" for b in blocks)
    return (
        "/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n"
        "/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def\n"
        "/CMapName /Adobe-Identity-UCS def\n/CMapType 2 def\n"
        "1 begincodespacerange\n<0000> <ffff>\nendcodespacerange\n"
        f"{mapping}\nendcmap\nCMapName currentdict /CMap defineresource pop\nend\nend"
    ).encode()


def _stream(content: bytes, **entries: int) -> generic.StreamObject:
    head = _dictionary(**entries, Filter="/FlateDecode")
    return generic.StreamObject(head, encoded_data=zlib.compress(content))


def _dictionary(**entries: Any) -> generic.DictionaryObject:
    made = generic.DictionaryObject()
    for key, value in entries.items():
        made[pdf_name(f"/{key}")] = _as_pdf(value)
    return made


def _as_pdf(value: Any) -> generic.PdfObject:
    if isinstance(value, generic.PdfObject):
        return value
    return _number(value) if isinstance(value, int) else pdf_name(value)


def _number(value: int) -> generic.NumberObject:
    return generic.NumberObject(value)


@cache
def _font_bytes(name: str) -> bytes:
    return (FONTS / name).read_bytes()


@cache
def _face(name: str) -> TTFont:
    return TTFont(io.BytesIO(_font_bytes(name)), lazy=True)


@cache
def _letters(name: str) -> frozenset[int]:
    return frozenset(_face(name).getBestCmap())
