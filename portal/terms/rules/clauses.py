"""Clauses of the parties' own: a title in the first line, the text below it."""

from portal.kit.words import say
from portal.terms.rules.shape import Kind, Shape, Unreadable, Value
from portal.terms.rules.text import a_string, clean_line, clean_lines, means_none

LONGEST_TITLE = 120
LONGEST_TEXT = 19_800
"""With its title a clause is no longer than any input may be."""

_MESSAGE = say("Write the title in the first line and the clause below it.")


def _read(shape: Shape, text: str) -> Value:
    head, _, body = clean_lines(text, shape.max_length + LONGEST_TITLE).partition("\n")
    return _clause(shape, head, body)


def _normal(shape: Shape, value: Value) -> Value:
    if not isinstance(value, dict) or set(value) != {"title", "text"}:
        raise Unreadable(_MESSAGE)
    return _clause(shape, a_string(value["title"]), a_string(value["text"]))


def _clause(shape: Shape, head: str, body: str) -> Value:
    title, text = clean_line(head, LONGEST_TITLE), clean_lines(body, shape.max_length)
    if not title or not text.strip() or means_none(title):
        raise Unreadable(_MESSAGE)
    return {"title": title, "text": text}


def _write(_shape: Shape, value: Value) -> str:
    return f"{value['title']}\n{value['text']}"


CLAUSE = Kind(_read, _write, _normal)
