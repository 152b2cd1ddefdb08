"""Writing a template: its structure as the editor keeps it, what changed, what cannot stand."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from portal.kit.words import commas, say
from portal.templates.rules.template import (
    Template,
    TemplateBroken,
    outside_allowed,
    template_of_raw,
)
from portal.terms.rules import Schema, Term, Unreadable, coherence, edit_text, parse, show, validate
from portal.terms.rules.text import clean_line

Raw = dict[str, Any]
_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+){0,8}", re.ASCII)
SETTINGS = {
    "reminder_hours": (say("Reminder to whoever is to answer or sign, every (hours)"), 12, 336),
    "offer_expiry_days": (say("An offer without an answer expires after (days)"), 7, 365),
    "archive_days": (say("Archived after completion (days)"), 365, 3650),
}
ORDERS = {"sequential": say("One after the other"), "parallel": say("In any order")}
MOST_SIGNERS = 4

# 15 U.S.C. 7003(b): what the federal ESIGN Act does not reach; restated in our own words.
EXCLUDED_DOCUMENTS = (
    say("wills, codicils and testamentary trusts"),
    say("adoption, divorce and other matters of family law"),
    say("court orders, notices and official court documents"),
    say("notices that water, heat or power will be cut off"),
    say("default, repossession, foreclosure or eviction notices about a person’s home"),
    say("the end of health or life insurance or its benefits"),
    say("recalls of products that endanger health or safety"),
    say("papers that must travel with hazardous materials"),
)


class Unfit(ValueError):
    """What was typed cannot stand; `field` says where, the message what to write."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field, self.message = field, message


def slug_of(title: str) -> str:
    """Return the short name of a title: "Gold support" is "gold-support"."""
    plain = re.sub(r"[^a-z0-9]+", "-", title.casefold()).strip("-")[:40].strip("-")
    if not _SLUG.fullmatch(plain):
        raise Unfit("title", say("Use letters or digits in the name."))
    return plain


def titled(title: str) -> str:
    """Return a clean title, or say what to write."""
    try:
        cleaned = clean_line(title, 80)
    except Unreadable as refusal:
        raise Unfit("title", refusal.message) from None
    if len(cleaned) < 3:
        raise Unfit("title", say("Use 3 to 80 characters."))
    return cleaned


def next_draft(raw: Mapping[str, Any], *, title: str, number: int) -> Raw:
    """Return a draft that begins as another version; the first number has no history of its own."""
    changelog = list(raw["changelog"]) if number > 1 else []
    return {**raw, "name": title, "number": number, "status": "published", "changelog": changelog}


def with_terms(schema: Schema, raw: Raw, typed: Mapping[str, Mapping[str, str]]) -> Raw:
    """Return the draft with these terms as typed: default, lock, least, most and single choices.

    An empty default is the schema's own. Raises `Unfit` with the field that cannot stand.
    """
    defaults, locked = dict(raw["defaults"]), set(raw[say("locked")]["terms"])
    allowed = dict(raw["allowed"])
    for term_id, said in typed.items():
        term = schema.terms[term_id]
        _set(defaults, term_id, _text(term, said.get("default", ""), f"{term_id}-default"))
        locked = locked | {term_id} if said.get(say("locked")) else locked - {term_id}
        _set(allowed, term_id, _range(term, said))
    order = list(schema.terms)
    draft = {
        **raw,
        "defaults": {t: defaults[t] for t in order if t in defaults},
        say("locked"): {"terms": [t for t in order if t in locked]},
        "allowed": {t: allowed[t] for t in order if t in allowed},
    }
    found = _read(draft)
    for term_id in typed:
        problem = outside_allowed(found, schema.terms[term_id], found.defaults[term_id])
        if problem:
            told = say("The default is out of its own range. %(problem)s", problem=problem)
            raise Unfit(f"{term_id}-default", told)
    return draft


def _set(where: dict[str, Any], key: str, value: Any) -> None:
    if value:
        where[key] = value
    else:
        where.pop(key, None)


def _text(term: Term, text: str, field: str) -> str:
    if not text.strip():
        return ""
    try:
        value = parse(term, text)
    except Unreadable as refusal:
        raise Unfit(field, refusal.message) from None
    if wrong := validate(term, value):
        raise Unfit(field, wrong[0])
    return edit_text(term, value) or "none"


def _range(term: Term, said: Mapping[str, str]) -> Raw:
    ends = {
        end: _text(term, said.get(end, ""), f"{term.id}-{end}")
        for end in ("min", "max")
        if said.get(end, "").strip()
    }
    if ends and term.better_for_customer == "neutral":
        raise Unfit(f"{term.id}-{next(iter(ends))}", say("This term has no scale to limit."))
    choices = [line for line in said.get("one_of", "").splitlines() if line.strip()]
    found: Raw = dict(ends)
    if choices:
        found["one_of"] = [_text(term, line, f"{term.id}-one_of") for line in choices]
    return found


def _read(raw: Raw) -> Template:
    try:
        return template_of_raw(raw)
    except TemplateBroken as broken:
        raise Unfit("content", str(broken)) from None


def with_workflow(raw: Raw, typed: Mapping[str, str]) -> Raw:
    """Return the draft with its signer slots, their order and its settings."""
    if typed.get("order") not in ORDERS:
        raise Unfit("order", say("Choose in which order people sign."))
    signers: Raw = {"order": typed["order"]}
    for side in ("vendor", "customer"):
        least = _number(typed, f"{side}_least", 1, MOST_SIGNERS)
        most = _number(typed, f"{side}_most", 1, MOST_SIGNERS)
        if most < least:
            raise Unfit(f"{side}_most", say("The most is less than the least."))
        signers[side] = {"least": least, "most": most}
    settings = {name: _number(typed, name, low, high) for name, (_, low, high) in SETTINGS.items()}
    return {**raw, "signers": signers, "settings": settings}


def _number(typed: Mapping[str, str], name: str, low: int, high: int) -> int:
    text = typed.get(name, "").strip()
    if not (text.isascii() and text.isdecimal() and len(text) < 6 and low <= int(text) <= high):
        wanted = say("Write a whole number from %(low)s to %(high)s.", low=low, high=high)
        raise Unfit(name, wanted)
    return int(text)


def publishing_problems(schema: Schema, raw: Raw) -> list[str]:
    """List why a draft cannot be published: defaults that contradict each other."""
    found = template_of_raw(raw)
    return [f.message for f in coherence(schema, found.defaults) if f.level == "error"]


def with_change(raw: Raw, *, note: str, day: str) -> Raw:
    """Return the draft with its line in the changelog, as it is published."""
    entry = {"number": raw["number"], "date": day, "text": " ".join(note.split())[:300]}
    return {**raw, "changelog": [*raw["changelog"], entry]}


@dataclass(frozen=True)
class Difference:
    """One thing that differs between two versions, in words."""

    what: str
    before: str
    after: str


def differences(schema: Schema, before: Template, after: Template) -> list[Difference]:
    """List what differs between two versions, in the order of the contract."""
    found = []
    for term in schema.terms.values():
        old, new = before.defaults[term.id], after.defaults[term.id]
        if old != new:
            label = say("%(id)s %(label)s, default", id=term.id, label=term.label)
            found.append(Difference(label, show(term, old), show(term, new)))
        if (term.id in before.locked) != (term.id in after.locked):
            words = [_locked(one, term) for one in (before, after)]
            label = say("%(id)s %(label)s, lock", id=term.id, label=term.label)
            found.append(Difference(label, *words))
        ranges = [range_words(one, term) for one in (before, after)]
        if ranges[0] != ranges[1]:
            label = say("%(id)s %(label)s, range", id=term.id, label=term.label)
            found.append(Difference(label, *ranges))
    pairs = zip(workflow_words(before), workflow_words(after), strict=True)
    found += [Difference(label, old, new) for (label, old), (_, new) in pairs if old != new]
    return found


def _locked(template: Template, term: Term) -> str:
    return say("locked") if term.id in template.locked else say("open")


def range_words(template: Template, term: Term) -> str:
    """Say the range a template leaves open for a term: "from 30 days to 120 days"."""
    allowed = template.allowed.get(term.id)
    if allowed is None:
        return say("as the schema allows")
    if allowed.one_of:
        choices = commas(show(term, choice) for choice in allowed.one_of)
        return say("one of: %(choices)s", choices=choices)
    low, high = (None if end is None else show(term, end) for end in (allowed.low, allowed.high))
    if low is not None and high is not None:
        return say("from %(low)s to %(high)s", low=low, high=high)
    if low is not None:
        return say("from %(low)s", low=low)
    return "" if high is None else say("to %(high)s", high=high)


def workflow_words(template: Template) -> list[tuple[str, str]]:
    """Say the signer slots and settings of a version, as (label, text)."""
    slots = template.slots
    rows = [
        (say("Order of signing"), ORDERS[slots.order]),
        (say("Signers of the vendor"), _count(slots.vendor)),
        (say("Signers of the customer"), _count(slots.customer)),
    ]
    named: Sequence[tuple[str, tuple[str, int, int]]] = list(SETTINGS.items())
    return rows + [(words[0], str(template.settings.get(name, ""))) for name, words in named]


def _count(ends: tuple[int, int]) -> str:
    if ends[0] == ends[1]:
        return str(ends[0])
    return say("%(least)s to %(most)s", least=ends[0], most=ends[1])
