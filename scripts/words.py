"""Extracting messages, a catalogue a room, and merging them into what is translated already.

A room's catalogue holds the words of `portal/<room>`, `templates/<room>` and its mails; `kit` holds
those of the layout, the macros and the error pages. Nothing is guessed: a message is translated, or
it is missing. One that another room has translated already is taken over.
"""

import argparse
import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po
from jinja2.ext import babel_extract

from portal.terms.rules.schema import message_of

ROOT = Path(__file__).resolve().parents[1]
LANGUAGES = ROOT / "portal" / "kit" / "languages"
# The contract's own language, the operator's commands, and the documents kept with a contract.
UNTRANSLATED = {
    "portal/api",
    "portal/cli",
    "portal/operations",
    "portal/terms/data/standard-terms-1.0.toml",
    "templates/deed",
    "templates/statements/report.html",
}
KEYWORDS = ("_", "gettext", "ngettext")
JINJA = {"trimmed": "true", "newstyle_gettext": "true", "silent": "false"}
# Keys of the term schema whose text people read.
SCHEMA_WORDS = {"title", "label", "help"}
LANGUAGES_NAMED = {"de": "German"}
Id = str | tuple[str, ...]


@dataclass(frozen=True)
class Found:
    """A message and the file it stands in."""

    room: str
    id: Id
    path: str


def messages() -> list[Found]:
    """Return every message of the portal, in the order of its files."""
    found = [*_of_python(), *_of_schema(), *_of_templates()]
    return list({(one.room, one.id, one.path): one for one in found}.values())


def is_translated(path: str) -> bool:
    """Return whether the words of a file are read in the reader's language."""
    return not any(path == one or path.startswith(f"{one}/") for one in UNTRANSLATED)


def room_of(path: str) -> str:
    """Return the room whose catalogue holds a file's words."""
    first, _, rest = path.partition("/")
    part, _, name = rest.partition("/")
    if first == "templates" and part == "mail":
        part = name.partition("_")[0]
    known = (ROOT / "portal" / part).is_dir() and part != ""
    return part if known and not part.endswith(".html") else "kit"


def _files(folder: str, *endings: str) -> Iterator[tuple[str, str]]:
    for path in sorted((ROOT / folder).rglob("*")):
        relative = path.relative_to(ROOT).as_posix()
        if path.suffix in endings and is_translated(relative):
            yield relative, path.read_text(encoding="utf-8")


def _of_python() -> Iterator[Found]:
    for path, text in _files("portal", ".py"):
        if "say" not in text:
            continue
        calls = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
        for call in sorted(calls, key=lambda one: (one.lineno, one.col_offset)):
            id_ = said(call)
            if id_ is not None:
                yield Found(room_of(path), id_, path)


def said(node: ast.AST) -> Id | None:
    """Return the message of a call of `say` or `say_n` with literal text."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
        return None
    many = {"say": 1, "say_n": 2}.get(node.func.id, 0)
    texts = [a.value for a in node.args[:many] if isinstance(a, ast.Constant)]
    if not many or len(texts) != many:
        return None
    return str(texts[0]) if many == 1 else (str(texts[0]), str(texts[1]))


def _of_templates() -> Iterator[Found]:
    for path, _text in _files("templates", ".html", ".txt"):
        with (ROOT / path).open("rb") as file:
            for _, _, texts, _ in babel_extract(file, KEYWORDS, [], JINJA):
                parts = tuple(one for one in texts if one) if isinstance(texts, tuple) else (texts,)
                yield Found(room_of(path), parts if len(parts) > 1 else parts[0], path)


def _of_schema() -> Iterator[Found]:
    for path, text in _files("portal/terms/data", ".toml"):
        for words in schema_words(tomllib.loads(text)):
            yield Found("terms", message_of(words), path)


def schema_words(value: Any, key: str = "") -> Iterator[str]:
    """Return what people read of a schema file: its titles, labels, hints and options."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from schema_words(inner, name)
    elif isinstance(value, list):
        for inner in value:
            yield from schema_words(inner, key)
    elif isinstance(value, str) and key in SCHEMA_WORDS and re.search("[A-Za-z]", value):
        yield value


def catalogue(language: str, room: str) -> Catalog:
    """Return a room's catalogue as it is kept."""
    path = LANGUAGES / language / f"{room}.po"
    if not path.exists():
        return Catalog(locale=language)
    with path.open("rb") as file:
        return read_po(file, locale=language)


def merged(language: str, room: str, found: list[Found], known: dict[Id, Any]) -> Catalog:
    """Return a catalogue of exactly these messages, with every translation there is."""
    old, new = catalogue(language, room), Catalog(locale=language)
    new.header_comment = f"# The words of {room}, in {LANGUAGES_NAMED[language]}."
    for one in found:
        if one.room != room:
            continue
        kept = old.get(one.id if isinstance(one.id, str) else one.id[0])
        mine = kept is not None and kept.id == one.id and _whole(kept.string)
        string = kept.string if kept is not None and mine else known.get(one.id)
        new.add(one.id, string, locations=[(one.path, 0)])
    return new


def _whole(string: Any) -> bool:
    return bool(string) and (isinstance(string, str) or all(string))


def write(language: str, room: str, whole: Catalog) -> None:
    """Keep a catalogue, without the lines that change with every run."""
    path = LANGUAGES / language / f"{room}.po"
    if not len(whole):
        path.unlink(missing_ok=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    for message in whole:
        message.locations = sorted({(name, None) for name, _ in message.locations})
        message.flags.discard("python-format")
    head = (
        f'{whole.header_comment}\nmsgid ""\nmsgstr ""\n"Language: {language}\\n"\n'
        '"Content-Type: text/plain; charset=utf-8\\n"\n'
        f'"Plural-Forms: nplurals={whole.num_plurals}; plural={whole.plural_expr};\\n"\n\n'
    )
    with path.open("wb") as file:
        file.write(head.encode())
        write_po(file, whole, width=100, omit_header=True, include_lineno=False)
    text = path.read_text(encoding="utf-8").rstrip("\n")
    path.write_text(text + "\n", encoding="utf-8")


def main() -> int:
    """Update or check every catalogue; return how many messages are missing, at most 1."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing")
    check = parser.parse_args().check
    found = messages()
    rooms = sorted({one.room for one in found} | {path.stem for path in LANGUAGES.glob("*/*.po")})
    missing = 0
    for language in sorted(path.name for path in LANGUAGES.iterdir() if path.is_dir()):
        known: dict[Id, Any] = {}
        for room in rooms:
            for message in catalogue(language, room):
                if message.id and _whole(message.string):
                    known[message.id] = message.string
        for room in rooms:
            whole = merged(language, room, found, known)
            if not check:
                write(language, room, whole)
            gaps = sum(not _whole(message.string) for message in whole if message.id)
            missing += gaps
            if gaps:
                print(f"{language}/{room}.po: {gaps} of {len(whole)} messages are missing")
    return int(missing > 0)


if __name__ == "__main__":
    sys.exit(main())
