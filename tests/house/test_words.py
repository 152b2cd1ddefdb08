"""Every word people read passes through gettext, and its German is complete.

A room that is not wrapped yet stands in a ledger below; the ledgers only shrink.
"""

import ast
import importlib.util
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from textwrap import dedent
from types import ModuleType
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from jinja2 import Environment, nodes

from portal.kit import words
from portal.kit.db import db, transaction
from portal.kit.tongues import CATALOGUES, LANGUAGES, teach, tongue
from portal.kit.words import in_tongue, say, say_n, speaking
from portal.notices.actions import tell
from portal.notices.letters import letter
from portal.notices.models import ReaderRow
from portal.notices.rules import Recipient
from tests import cast

ROOT = Path(__file__).resolve().parents[2]
# A room a line, so that rooms are wrapped apart.
TEMPLATES_LEFT: set[str] = set()
PYTHON_LEFT = TEMPLATES_LEFT
# Names and signs that are the same in every language.
SAME = re.compile(
    r"^[–\s]*(Counterpart|UTC|SHA-256|PDF|CSV|JSON|API|OpenAPI|TOTP|HIPAA|[A-Z]\d+|x)$"
)


def extraction() -> ModuleType:
    """Return `scripts/words.py`."""
    spec = importlib.util.spec_from_file_location("words_script", ROOT / "scripts" / "words.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # A dataclass looks its own module up by name.
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


SCRIPT = extraction()


@cache
def jinja() -> Environment:
    """Return an environment that reads the portal's templates as the portal does."""
    found = Environment(autoescape=True)
    teach(found)
    return found


# -- templates ---------------------------------------------------------------------------------

EXPRESSION = "\0"
MARKUP = re.compile(r"[\w-]+=\"[^\"]*\"|<!--.*?-->|<(script|style|code)\b.*?</\1>|<[^>]*>", re.S)
SPOKEN = re.compile(r"\b(?:title|aria-label|placeholder|alt)=\"([^\"]*)\"|"
                    r"\btype=\"submit\"[^>]*\bvalue=\"([^\"]*)\"")  # fmt: skip
SILENT_KEYS = {
    "class", "autocomplete", "kind", "type", "widget", "id", "name", "inputmode", "endpoint",
    "list", "spellcheck", "rows", "pattern", "show", "value", "format", "target", "also",
}  # fmt: skip


def bare_words(text: str, *, html: bool) -> list[str]:
    """Return the words of a template that pass through no message."""
    tree = jinja().parse(text)
    data: list[str] = []
    bare: list[str] = []
    _walk(tree, data, bare)
    flat = "".join(data)
    if html:
        bare += [one for pair in SPOKEN.findall(flat) for one in pair if _has_letters(one)]
        pieces = MARKUP.sub("\n", flat).split("\n")
    else:
        pieces = flat.split("\n")
    return bare + [
        piece.replace(EXPRESSION, " ").strip() for piece in pieces if _has_letters(piece)
    ]


def _walk(node: nodes.Node, data: list[str], bare: list[str]) -> None:
    if isinstance(node, nodes.TemplateData):
        data.append(node.data)
        return
    if isinstance(node, (nodes.Extends, nodes.Include, nodes.FromImport, nodes.Import)):
        return
    if isinstance(node, nodes.Expr):
        data.append(EXPRESSION)
        bare += [one for one in _constants(node) if _is_prose(one)]
        return
    for child in node.iter_child_nodes():
        _walk(child, data, bare)


def _constants(node: nodes.Node) -> Iterator[str]:
    """Return the text in an expression that a person may read."""
    if isinstance(node, nodes.Const):
        if isinstance(node.value, str):
            yield node.value
    elif isinstance(node, nodes.Call) and isinstance(node.node, nodes.Name):
        if node.node.name in {"_", "gettext", "ngettext", "url_for"}:
            for keyword in node.kwargs:
                yield from _constants(keyword.value)
            return
        yield from _inside(node)
    elif isinstance(node, (nodes.Compare, nodes.Getitem, nodes.Test)):
        return
    elif isinstance(node, nodes.Keyword):
        if node.key not in SILENT_KEYS:
            yield from _constants(node.value)
    elif isinstance(node, nodes.Pair):
        yield from _constants(node.value)
    elif isinstance(node, nodes.Filter) and node.name not in {"default", "d"}:
        if node.node is not None:
            yield from _constants(node.node)
    elif isinstance(node, nodes.Call) and isinstance(node.node, nodes.Getattr):
        if node.node.attr not in {"strftime", "get", "startswith", "format"}:
            yield from _inside(node)
    else:
        yield from _inside(node)


def _inside(node: nodes.Node) -> Iterator[str]:
    for child in node.iter_child_nodes():
        yield from _constants(child)


def _has_letters(text: str) -> bool:
    plain = re.sub(r"&\w+;", "", text).replace(EXPRESSION, " ").strip()
    return bool(re.search(r"[A-Za-zÀ-ÿ]{2,}|\ba\b", plain)) and not SAME.match(plain)


def _is_prose(text: str) -> bool:
    """Tell a sentence or a label from a key, an address or a class."""
    if not _has_letters(text) or "--" in text or text.startswith(("/", "#")):
        return False
    label = re.fullmatch(r"\s*[A-ZÀ-Þ][a-zà-ÿ’'-]+[.:,]?\s*", text)
    return bool(label or re.search(r"[A-Za-z,.:;]\s+[A-Za-z]|^\s[a-z]{2,}|[a-z]{2,}\s$", text))


def template_files() -> list[Path]:
    """Return the templates whose words are said in the reader's language."""
    found = [*ROOT.glob("templates/**/*.html"), *ROOT.glob("templates/**/*.txt")]
    return sorted(p for p in found if SCRIPT.is_translated(p.relative_to(ROOT).as_posix()))


def room_of(path: Path) -> str:
    """Return the room of a file."""
    return str(SCRIPT.room_of(path.relative_to(ROOT).as_posix()))


def test_the_scanner_sees_a_bare_word() -> None:
    seen = bare_words('<p title="A big b">{{ _("x y") }} and {{ "Yes" if y }}</p>', html=True)
    assert sorted(seen) == ["A big b", "Yes", "and"]
    wrapped = '{% trans n %}Round {{ n }}{% endtrans %}{{ f(_("A"), class="a b") }}<code>a b</code>'
    assert bare_words(wrapped, html=True) == []


@pytest.mark.slow
def test_every_word_of_a_template_is_wrapped() -> None:
    bare = [
        f"{path.relative_to(ROOT)}: {one!r}"
        for path in template_files()
        if room_of(path) not in TEMPLATES_LEFT
        for one in bare_words(path.read_text(encoding="utf-8"), html=path.suffix == ".html")
    ]
    assert bare == []


@pytest.mark.slow
def test_the_ledger_of_templates_names_only_what_is_left() -> None:
    left = {
        room_of(path)
        for path in template_files()
        if room_of(path) in TEMPLATES_LEFT
        and bare_words(path.read_text(encoding="utf-8"), html=path.suffix == ".html")
    }
    assert left == TEMPLATES_LEFT


def test_no_message_is_frozen_in_the_language_that_came_first() -> None:
    """An imported template is run once a process: what it sets outside a macro stays."""
    frozen = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in template_files()
        if path.name.startswith("_") or path.parent.name == "macros"
        for node in jinja().parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, (nodes.Assign, nodes.AssignBlock))
        for call in node.find_all(nodes.Call)
        if isinstance(call.node, nodes.Name) and call.node.name in {"_", "gettext", "ngettext"}
    ]
    assert frozen == []


# -- Python ------------------------------------------------------------------------------------

SAYS_FIRST = {
    "Refused", "NotAllowed", "flash", "ValidationError", "StopValidation", "InputRequired",
    "DataRequired", "Optional", "SubmitField",
}  # fmt: skip
SAYS_BY_NAME = {"message", "label", "description", "hint"}


def _speaks(call: ast.Call) -> Iterator[ast.expr]:
    name = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
    field = name.endswith("Field") or name in SAYS_FIRST
    if field and call.args:
        yield call.args[0]
    if field or name in {"Length", "NumberRange", "Regexp", "EqualTo", "SelectChoice", "AnyOf"}:
        yield from (one.value for one in call.keywords if one.arg in SAYS_BY_NAME)


def bare_sentences(text: str) -> list[str]:
    """Return the literal sentences that Python says to people without a message."""
    found: list[str] = []
    for node in ast.walk(ast.parse(text)):
        said: Iterable[ast.expr] = ()
        if isinstance(node, ast.Call):
            said = _speaks(node)
        elif isinstance(node, (ast.Assign, ast.AnnAssign)) and isinstance(node.value, ast.Dict):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            named = [one.id for one in targets if isinstance(one, ast.Name)]
            if any(re.search(r"(^|_)(WORDS|LABELS|HEADINGS|TITLES)$", name) for name in named):
                said = node.value.values
            elif "CHAPTERS" in named:
                said = [key for key in node.value.keys if key is not None]
        for one in said:
            if isinstance(one, ast.JoinedStr):
                found.append(ast.unparse(one))
            elif isinstance(one, ast.Constant) and isinstance(one.value, str) and one.value:
                found.append(one.value)
    return [one for one in found if re.search(r"[A-Za-z]{2}", one) and not SAME.match(one)]


def test_the_reader_of_python_sees_a_bare_sentence() -> None:
    code = """
        Refused("No."), flash(f"done {b}", "good"), XField(say("Name"), [Length(message="c de")])
        WORDS = {1: "One"}
    """
    assert bare_sentences(dedent(code).strip()) == ["One", "No.", "f'done {b}'", "c de"]


@pytest.mark.slow
def test_python_says_no_bare_sentence() -> None:
    bare = [
        f"{path.relative_to(ROOT)}: {one}"
        for path in sorted((ROOT / "portal").rglob("*.py"))
        if SCRIPT.is_translated(path.relative_to(ROOT).as_posix())
        and room_of(path) not in PYTHON_LEFT
        for one in bare_sentences(path.read_text(encoding="utf-8"))
    ]
    assert bare == []


# -- catalogues --------------------------------------------------------------------------------

NAMES = re.compile(r"%\((\w+)\)s")
TAG = re.compile(r"</?[a-z]+\b[^>]*>")
CATALOGUE_FILES = sorted(CATALOGUES.glob("*/*.po"))


def _texts(value: str | tuple[str, ...]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


@pytest.mark.slow
def test_each_catalogue_holds_exactly_the_words_of_its_room() -> None:
    found = SCRIPT.messages()
    wanted = {(one.room, one.id) for one in found}
    for language in sorted(set(LANGUAGES) - {"en"}):
        kept = {
            (path.stem, message.id)
            for path in CATALOGUES.glob(f"{language}/*.po")
            for message in SCRIPT.catalogue(language, path.stem)
            if message.id
        }
        behind = "run scripts/words and translate what is new"
        assert wanted - kept == set(), behind
        assert kept - wanted == set(), behind


def test_one_message_has_one_translation() -> None:
    """The rooms of a language are read as one: where two say the same, they say it the same."""
    known: dict[Any, tuple[str, Any]] = {}
    differ = []
    for path in CATALOGUE_FILES:
        for message in SCRIPT.catalogue(path.parent.name, path.stem):
            if message.id:
                room, string = known.setdefault(message.id, (path.stem, message.string))
                if string != message.string:
                    differ.append(
                        f"{message.id!r}: {room} {string!r}, {path.stem} {message.string!r}"
                    )
    assert differ == []


@pytest.mark.parametrize("path", CATALOGUE_FILES, ids=lambda p: f"{p.parent.name}-{p.stem}")
def test_a_catalogue_is_complete(path: Path) -> None:
    """Nothing missing, fuzzy or obsolete, and the same parameters and tags on both sides."""
    catalogue = SCRIPT.catalogue(path.parent.name, path.stem)
    wrong = []
    for message in catalogue:
        if not message.id:
            continue
        source, target = _texts(message.id), _texts(message.string or "")
        names = [set(NAMES.findall(one)) for one in target]
        if not all(target) or message.fuzzy:
            wrong.append(f"missing: {message.id!r}")
        elif names[-1] != set(NAMES.findall(source[-1])) or not names[0] <= names[-1] | {"num"}:
            wrong.append(f"parameters: {message.id!r}")
        elif any(sorted(TAG.findall(one)) != sorted(TAG.findall(source[-1])) for one in target):
            wrong.append(f"tags: {message.id!r}")
        elif any(re.search(r"(?<!%)%(?!\(\w+\)s|%)", one) for one in target) and NAMES.search(
            source[-1]
        ):
            wrong.append(f"a lone %: {message.id!r}")
    assert wrong == [] and list(catalogue.obsolete) == []


# -- what comes out ----------------------------------------------------------------------------

GERMAN = tongue("de")
THIRD = date(2027, 10, 3)


@pytest.mark.parametrize(
    ("said", "english", "german"),
    [
        (words.day(THIRD), "3 Oct 2027", "3. Okt. 2027"),
        (words.long_day(THIRD), "3 October 2027", "3. Oktober 2027"),
        (words.month(THIRD), "October 2027", "Oktober 2027"),
        (words.weekday(THIRD), "Sunday", "Sonntag"),
        (words.moment(datetime(2027, 10, 3, 9, 5, tzinfo=UTC)), "3 Oct 2027, 09:05",
         "3. Okt. 2027, 09:05"),
        (words.money(Decimal("1234.56"), "EUR"), "1,234.56 EUR", "1.234,56\u00a0€"),
        (words.money(Decimal("1234"), "JPY", 0), "1,234 JPY", "1.234\u00a0¥"),
        (words.percent("99.90"), "99.90 %", "99,90\u00a0%"),
        (words.count(50_000), "50,000", "50.000"),
        (words.number(Decimal("0.5")), "0.5", "0,5"),
        (words.listed(["A", "B", "C"]), "A, B and C", "A, B und C"),
        (words.listed(["A", "B"], either=True), "A or B", "A oder B"),
    ],
)  # fmt: skip
def test_dates_money_and_numbers_print_by_language(said: Any, english: str, german: str) -> None:
    assert said == english and in_tongue(said, tongue("en")) == english
    assert in_tongue(said, GERMAN) == german


def test_a_sentence_carries_its_values_into_the_language() -> None:
    said = say("Confirm the statement of %(month)s") % {"month": words.month(THIRD)}
    assert said == "Confirm the statement of October 2027"
    assert in_tongue(said, GERMAN) == "Monatsabrechnung für Oktober 2027 bestätigen"
    three = say_n("%(num)s notice in Counterpart", "%(num)s notices in Counterpart", 3)
    assert three == "3 notices in Counterpart"
    assert in_tongue(three, GERMAN) == "3 Mitteilungen in Counterpart"


def test_words_are_said_where_markup_takes_them_and_stay_escaped() -> None:
    page = jinja().from_string('{{ a }}|{{ [a, b]|join(", ") }}|{{ a ~ b }}|{{ _("Save") }}')
    shown = {"a": say("Save"), "b": say("%(ref)s, with %(other)s", ref="<b>", other="&")}
    assert page.render(shown) == ("Save|Save, &lt;b&gt;, with &amp;|Save&lt;b&gt;, with &amp;|Save")
    with speaking(GERMAN):
        assert page.render(shown) == (
            "Speichern|Speichern, &lt;b&gt;, mit &amp;|Speichern&lt;b&gt;, mit &amp;|Speichern"
        )


ClientAs = Callable[[str], FlaskClient]


def test_a_page_comes_in_the_language_the_browser_asks_for(client_as: ClientAs) -> None:
    cleo = client_as("cleo")
    english, german = cleo.get("/"), cleo.get("/", headers={"Accept-Language": "de-AT, en;q=0.5"})
    assert '<html lang="en">' in english.text and "What waits for you" in english.text
    assert '<html lang="de">' in german.text and "Was auf Sie wartet" in german.text
    assert "What waits for you" not in german.text
    assert "Accept-Language" in german.headers["Vary"]
    assert cleo.get("/", headers={"Accept-Language": "fr"}).text.count('<html lang="en">') == 1


def test_ones_own_language_goes_before_the_browsers(client_as: ClientAs, context: Flask) -> None:
    to = Recipient(cast.actor("cleo").person_id, "Cleo", cast.actor("cleo").email, None)
    with transaction(db.session) as session:
        session.add(ReaderRow(person_id=to.person_id, zone="Europe/Berlin", language="de",
                              digest_at="08:00", weekly=0))  # fmt: skip
        tell(session, event="notices:mail:failed", to=to, chain="C-1", cause="1", link="/notices",
             at=datetime(2027, 10, 3, 9, 5, tzinfo=UTC), failed="x@y.example")  # fmt: skip
    page = client_as("cleo").get("/notices", headers={"Accept-Language": "en"}).text
    assert "Eine E-Mail zu C-1 konnte nicht zugestellt werden" in page
    assert "3. Okt. 2027, 11:05 CEST" in page
    assert "<time datetime=" in page and "Oct" not in re.sub(r"<[^>]*>", "", page)


def test_a_mail_is_written_in_its_readers_language() -> None:
    known = {"name": "Cleo", "ref": "C-1", "address": "https://x/y"}
    assert letter("notices_thin", **known).startswith("Hello Cleo,\n\nsomething waits")
    german = letter("notices_thin", language="de", **known)
    assert german.startswith("Guten Tag Cleo,\n\netwas wartet auf Sie zu C-1.")
    with speaking(GERMAN):
        assert letter("notices_thin", **known).startswith("Hello Cleo,")


def test_a_choice_of_language_holds_from_the_next_word_on(
    client_as: ClientAs, context: Flask
) -> None:
    cleo = client_as("cleo")
    form = re.findall(r'<select[^>]* name="([^"]*)"', cleo.get("/notices/preferences").text)
    data = {"zone": "UTC", "digest_at": "08:00", **dict.fromkeys(form, "portal"),
            "weekly": "0", "language": "de"}  # fmt: skip
    saved = cleo.post("/notices/preferences", data=data, follow_redirects=True).text
    assert "Gespeichert. Es gilt ab der nächsten Mitteilung." in saved
    assert "Wie Sie Mitteilungen erhalten" in saved


def test_the_api_and_what_is_kept_stay_english(client_as: ClientAs) -> None:
    answer = client_as("cleo").get("/api/v1/nothing", headers={"Accept-Language": "de"})
    assert answer.status_code in {401, 404} and "Seite" not in answer.text
    with speaking(GERMAN):
        assert f"{say('Save')}" == "Save" and say("Save").encode() == b"Save"
