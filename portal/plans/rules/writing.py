"""Writing a catalogue: its structure as the editor keeps it, and what is still wrong with it."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import Any

from portal.kit.words import count, say
from portal.plans.rules.catalogue import CatalogueBroken, catalogue_of, tier_terms
from portal.plans.rules.examples import of_features
from portal.plans.rules.pricing import BASES
from portal.terms.rules import Schema, Unreadable, coherence, edit_text, parse, validate
from portal.terms.rules.text import clean_line, clean_lines

MOST_TIERS = 12
MOST_FEATURES = 80
LONGEST_JSON = 400_000
KINDS = {"text": say("Words"), "yes_no": say("Yes or no"), "price": say("A price")}
_CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)
Raw = dict[str, Any]


class Unfit(ValueError):
    """What was typed cannot stand; `field` says where, the message what to write."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field, self.message = field, message


def empty(vendor: str) -> Raw:
    """Return the first draft of a vendor: one tier that sets nothing yet."""
    return {
        "vendor": vendor,
        "version": 1,
        "currency": "USD",
        "tiers": [{"name": "Standard", "price": {"basis": "flat", "min_month": "0"}, "terms": {}}],
        "features": [],
    }


def next_draft(schema: Schema, raw: Mapping[str, Any], *, number: int) -> Raw:
    """Return the next version as a draft: the same offer, term by term as the editor writes it."""
    found = catalogue_of(raw)
    tiers = []
    for tier in found.tiers:
        values = tier_terms(schema, found, tier.name)
        from_price = {"A12", "O1", "O1.period", "O2", "O2.percent", "O3"}
        price = {k: v if k == "basis" else str(v) for k, v in tier.price.items() if v is not None}
        texts = {
            term_id: edit_text(schema.terms[term_id], value) or "none"
            for term_id, value in values.items()
            if term_id not in from_price or (tier.price["basis"] == "text" and term_id != "A12")
        }
        tiers.append({"name": tier.name, "price": price, "terms": texts})
    features = [
        {"group": f.group, "label": f.label, "kind": f.kind, "values": list(f.values)}
        for f in found.features
    ]
    return {
        "vendor": found.vendor,
        "version": number,
        "currency": found.currency,
        "tiers": tiers,
        "features": features,
    }


def with_terms(schema: Schema, raw: Raw, index: int, typed: Mapping[str, str]) -> Raw:
    """Return the draft with a tier's terms as typed; empty means the tier does not set a term.

    Raises `Unfit` with the id of the term whose text cannot stand.
    """
    terms = {}
    for term_id, text in typed.items():
        if not text.strip():
            continue
        term = schema.terms[term_id]
        try:
            value = parse(term, text)
        except Unreadable as refusal:
            raise Unfit(term_id, refusal.message) from None
        if wrong := validate(term, value):
            raise Unfit(term_id, wrong[0])
        terms[term_id] = edit_text(term, value) or "none"
    return _with_tier(raw, index, {**raw["tiers"][index], "terms": terms})


def with_head(raw: Raw, index: int, *, name: str, price: Mapping[str, str]) -> Raw:
    """Return the draft with a tier's name and price."""
    called = _line("name", name, 40)
    others = [tier["name"].casefold() for n, tier in enumerate(raw["tiers"]) if n != index]
    if called.casefold() in others:
        raise Unfit("name", say("Another tier has this name."))
    if "/" in called or "|" in called:
        raise Unfit("name", say("A name holds no “/” and no “|”."))
    tier = {**raw["tiers"][index], "name": called, "price": _price(price)}
    return _with_tier(raw, index, tier)


def _with_tier(raw: Raw, index: int, tier: Raw) -> Raw:
    tiers = list(raw["tiers"])
    tiers[index] = tier
    return {**raw, "tiers": tiers}


def _line(field: str, text: str, most: int) -> str:
    try:
        cleaned = clean_line(text, most)
    except Unreadable as refusal:
        raise Unfit(field, refusal.message) from None
    if not cleaned:
        raise Unfit(field, say("Write a name."))
    return cleaned


def _price(typed: Mapping[str, str]) -> dict[str, str]:
    basis = typed.get("basis", "")
    if basis not in BASES:
        raise Unfit("basis", say("Choose how the price is reckoned."))
    if basis == "text":
        return {"basis": basis, "text": _line("text", typed.get("text", ""), 200)}
    price = {"basis": basis, "min_month": _decimal(typed, "min_month", needed=basis == "flat")}
    if basis == "pct_of_licence":
        price["pct"] = _decimal(typed, "pct", most=100)
    if basis == "per_unit":
        price["unit_month"] = _decimal(typed, "unit_month")
    return price


def _decimal(
    typed: Mapping[str, str], name: str, *, needed: bool = True, most: int = 100_000_000
) -> str:
    text = typed.get(name, "").replace(",", "").replace("%", "").strip()
    if not text and not needed:
        return "0"
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise Unfit(name, say("Write a number such as 1500.")) from None
    if not number.is_finite() or not 0 <= number <= most:
        raise Unfit(name, say("Write a number from 0 to %(most)s.", most=count(most)))
    return str(number)


def with_currency(raw: Raw, currency: str) -> Raw:
    """Return the draft in another currency."""
    if not _CURRENCY.fullmatch(currency.strip().upper()):
        raise Unfit("currency", say("Write a currency such as USD."))
    return {**raw, "currency": currency.strip().upper()}


def with_tier_added(raw: Raw, *, copy_of: int) -> Raw:
    """Return the draft with one more tier, a copy of another."""
    if len(raw["tiers"]) >= MOST_TIERS:
        raise Unfit("tiers", say("A catalogue holds at most %(most)s tiers.", most=MOST_TIERS))
    names = {tier["name"].casefold() for tier in raw["tiers"]}
    source = raw["tiers"][copy_of]
    number = next(n for n in range(2, 99) if f"{source['name']} {n}".casefold() not in names)
    tier = {**source, "name": f"{source['name']} {number}"}
    features = [{**f, "values": [*f["values"], f["values"][copy_of]]} for f in raw["features"]]
    return {**raw, "tiers": [*raw["tiers"], tier], "features": features}


def with_tier_removed(raw: Raw, index: int) -> Raw:
    """Return the draft without a tier; the last one stays."""
    if len(raw["tiers"]) == 1:
        raise Unfit("tiers", say("A catalogue holds at least one tier."))
    features = [{**f, "values": _without(f["values"], index)} for f in raw["features"]]
    return {**raw, "tiers": _without(raw["tiers"], index), "features": features}


def _without(row: Sequence[Any], index: int) -> list[Any]:
    return [one for n, one in enumerate(row) if n != index]


def with_features(raw: Raw, rows: Sequence[Mapping[str, Any]]) -> Raw:
    """Return the draft with these free rows; a row without a label is left out."""
    kept = []
    for number, row in enumerate(rows):
        if not str(row["label"]).strip():
            continue
        values = [_feature(row["kind"], text, number, n) for n, text in enumerate(row["values"])]
        kept.append(
            {
                "group": row.get("group", "").strip()[:60],
                "label": _line(f"label-{number}", row["label"], 80),
                "kind": row["kind"],
                "values": values,
            }
        )
    if len(kept) > MOST_FEATURES:
        raise Unfit(
            "features", say("A catalogue holds at most %(most)s free rows.", most=MOST_FEATURES)
        )
    return {**raw, "features": kept}


def _feature(kind: str, text: str | None, row: int, column: int) -> str | None:
    field = f"value-{row}-{column}"
    if kind not in KINDS:
        raise Unfit(f"kind-{row}", say("Choose what the row holds."))
    try:
        cleaned = " ".join(clean_lines(text or "").split())
    except Unreadable as refusal:
        raise Unfit(field, refusal.message) from None
    if not cleaned:
        return None
    if kind == "yes_no":
        word = {"yes": "yes", "y": "yes", "no": "no", "n": "no"}.get(cleaned.casefold())
        if word is None:
            raise Unfit(field, say("Write yes or no."))
        return word
    if kind == "price":
        return _decimal({"amount": cleaned}, "amount") if _is_number(cleaned) else cleaned[:120]
    if len(cleaned) > 300:
        raise Unfit(field, say("Use at most 300 characters."))
    return cleaned


def _is_number(text: str) -> bool:
    return re.fullmatch(r"[0-9][0-9,]*(\.[0-9]+)?", text, re.ASCII) is not None


def read_import(schema: Schema, text: str, *, vendor: str, number: int) -> Raw:
    """Read a catalogue from JSON somebody brings: ours, or a table of features.

    Raises `Unfit` with the first thing that cannot stand. Nothing is taken over unread: names are
    cleaned, terms parsed, other keys dropped.
    """
    if len(text) > LONGEST_JSON:
        most = count(LONGEST_JSON)
        raise Unfit("content", say("Use at most %(most)s characters.", most=most))
    try:
        given = json.loads(text, parse_float=str)
    except (ValueError, RecursionError):
        raise Unfit("content", say("This is not JSON.")) from None
    if isinstance(given, dict) and "columns" in given and "rows" in given:
        given = _shaped(of_features, given)
    if not isinstance(given, dict) or not isinstance(given.get("tiers"), list):
        raise Unfit("content", say("A catalogue is an object with a list of tiers."))
    raw = empty(vendor) | {"version": number}
    raw = with_currency(raw, str(given.get("currency", "USD")))
    if not 1 <= len(given["tiers"]) <= MOST_TIERS:
        raise Unfit("content", say("A catalogue holds 1 to %(most)s tiers.", most=MOST_TIERS))
    return _shaped(lambda one: _imported(schema, raw, one), given)


def _shaped(read: Any, given: Any) -> Raw:
    """Whatever shape is brought, a mistake in it is told and never raised."""
    try:
        found: Raw = read(given)
    except (KeyError, TypeError, AttributeError, IndexError, CatalogueBroken) as problem:
        reason = problem.args[0] if isinstance(problem, CatalogueBroken) else str(problem)
        message = say("The structure is not as expected: %(problem)s.", problem=reason)
        raise Unfit("content", message) from None
    return found


def _imported(schema: Schema, raw: Raw, given: Mapping[str, Any]) -> Raw:
    if any("terms" not in tier for tier in given["tiers"]):
        ours = {"version": raw["version"], "vendor": raw["vendor"], "currency": raw["currency"]}
        given = next_draft(schema, {**given, **ours}, number=raw["version"])
    raw = {**raw, "tiers": [{"name": "", "price": {}, "terms": {}} for _ in given["tiers"]]}
    for index, tier in enumerate(given["tiers"]):
        price = {k: str(v) for k, v in tier["price"].items() if v is not None}
        if price.get("basis") == "text":
            price.setdefault("text", "not stated")
        head = partial(with_head, raw, index, name=str(tier["name"]), price=price)
        raw = _told(str(tier["name"]), head)
        unknown = next((t for t in tier["terms"] if t not in schema.terms or t == "A12"), None)
        if unknown is not None:
            message = say(
                "%(tier)s: there is no term %(term)s to set.",
                tier=str(tier["name"]), term=repr(unknown),
            )  # fmt: skip
            raise Unfit("content", message)
        typed = {term_id: str(text) for term_id, text in tier["terms"].items()}
        raw = _told(str(tier["name"]), partial(with_terms, schema, raw, index, typed))
    count = len(given["tiers"])
    rows = [
        {**row, "values": [None if v is None else str(v) for v in row["values"]]}
        for row in given.get("features", [])
    ]
    if any(len(row["values"]) != count for row in rows):
        raise Unfit("content", say("A free row needs one value for each tier."))
    return _told(say("Free rows"), partial(with_features, raw, rows))


def _told(where: str, write: Callable[[], Raw]) -> Raw:
    """Say of brought content where in it something cannot stand."""
    try:
        return write()
    except Unfit as problem:
        message = say(
            "%(where)s, %(field)s: %(message)s",
            where=where, field=problem.field, message=problem.message,
        )  # fmt: skip
        raise Unfit("content", message) from None


def publishing_problems(schema: Schema, raw: Raw) -> list[str]:
    """List why a draft cannot be published: empty tiers, and terms that contradict each other."""
    found = catalogue_of(raw)
    problems: list[str] = []
    for tier in found.tiers:
        values = tier_terms(schema, found, tier.name)
        if len(values) < 2 and not found.features:
            problems.append(say("%(tier)s sets nothing yet.", tier=tier.name))
        whole = {**schema.defaults(), **values}
        problems += [
            say("%(tier)s: %(message)s", tier=tier.name, message=finding.message)
            for finding in coherence(schema, whole)
            if finding.level == "error"
        ]
    return problems
