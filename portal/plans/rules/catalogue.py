"""A catalogue of support tiers, and what each tier sets in a contract.

A tier says what it sets in one of two ways: term by term, as the editor writes it, or as an offer
in a vendor's own words, as the first catalogues were written. Both stay readable: a contract is
pinned to the hash of the very text.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from portal.kit.words import in_a_row, say
from portal.terms.rules import (
    Schema,
    Unreadable,
    Value,
    normal,
    parse,
    show,
    validate,
    value_sha256,
)

SEVERITIES = ("S1", "S2", "S3", "S4")

_DATA = Path(__file__).parents[1] / "data"
_NAME = re.compile(r"[a-z0-9-]{1,60}", re.ASCII)


class CatalogueBroken(Exception):
    """A catalogue says something no term can hold; the message names the tier and the term."""


@dataclass(frozen=True, slots=True)
class Tier:
    """One column of a catalogue: its name, its price, and the offer as the vendor wrote it."""

    name: str
    price: Mapping[str, Any]
    offer: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Feature:
    """A free row of a catalogue: a word, a yes or no, or a price for each tier; None says nothing.

    `group` is a heading of the vendor's own.
    """

    label: str
    kind: str
    values: tuple[str | None, ...]
    group: str = ""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """One version of a vendor's tiers, known by the hash of its content.

    `source` names where the facts of a public example come from; such a one is not an offer.
    """

    version: int
    sha256: str
    vendor: str
    currency: str
    tiers: tuple[Tier, ...]
    features: tuple[Feature, ...] = ()
    source: str | None = None
    notes: tuple[str, ...] = ()

    def tier(self, name: str) -> Tier | None:
        """Return the tier of this name, if the catalogue has it."""
        return next((tier for tier in self.tiers if tier.name == name), None)


@cache
def load_catalogue(name: str) -> Catalogue:
    """Load a catalogue of the data folder, such as "northwind-4"."""
    file = _DATA / f"{name}.json"
    if not _NAME.fullmatch(name) or not file.is_file():
        raise CatalogueBroken(f"There is no catalogue {name!r}.")
    return read_catalogue(file.read_text(encoding="utf-8"))


@cache
def shipped_catalogues() -> dict[str, dict[str, Any]]:
    """Return the catalogues of the data folder by the hash of their content, as structures."""
    texts = (file.read_text(encoding="utf-8") for file in sorted(_DATA.glob("*.json")))
    raws = [json.loads(text, parse_float=str) for text in texts]
    return {value_sha256(raw): raw for raw in raws}


def read_catalogue(text: str) -> Catalogue:
    """Read a catalogue from its JSON; decimals stay exact, as the strings they were written in."""
    return catalogue_of(json.loads(text, parse_float=str))


def catalogue_of(raw: Mapping[str, Any]) -> Catalogue:
    """Return the catalogue of its structure; the structure was checked when it was stored."""
    return Catalogue(
        version=raw["version"],
        sha256=value_sha256(raw),
        vendor=raw["vendor"],
        currency=raw["currency"],
        tiers=tuple(Tier(tier["name"], tier["price"], tier) for tier in raw["tiers"]),
        features=tuple(
            Feature(row["label"], row["kind"], tuple(row["values"]), row.get("group", ""))
            for row in raw.get("features", ())
        ),
        source=raw.get("source"),
        notes=tuple(raw.get("notes", ())),
    )


def tier_terms(schema: Schema, catalogue: Catalogue, tier_name: str) -> dict[str, Value]:
    """Return what a tier sets, by term: about forty to seventy values, each valid by itself."""
    tier = catalogue.tier(tier_name)
    if tier is None:
        raise CatalogueBroken(f"Version {catalogue.version} has no tier {tier_name!r}.")
    return {
        term_id: _value(schema, tier, term_id, written)
        for term_id, written in _written(catalogue, tier)
    }


def departures(values: Mapping[str, Value], preset: Mapping[str, Value]) -> list[str]:
    """List the terms in which a contract has left its tier, in the order of the preset."""
    return [term_id for term_id, value in preset.items() if values.get(term_id) != value]


def tier_rows(schema: Schema, catalogue: Catalogue) -> list[tuple[str, list[str]]]:
    """Lay the tiers side by side: each term any tier sets, with what each says in words."""
    presets = [tier_terms(schema, catalogue, tier.name) for tier in catalogue.tiers]
    told = [i for i in schema.terms if any(i in preset for preset in presets) and i != "A12"]
    return [
        (i, [show(schema.terms[i], p.get(i, schema.terms[i].default)) for p in presets])
        for i in told
    ]


def _value(schema: Schema, tier: Tier, term_id: str, written: Any) -> Value:
    term = schema.terms[term_id]
    try:
        value = parse(term, written) if isinstance(written, str) else normal(term, written)
    except Unreadable as refusal:
        raise _broken(tier, term_id, refusal.message) from None
    problems = validate(term, value)
    if problems:
        raise _broken(tier, term_id, in_a_row(problems, " "))
    return value


def _broken(tier: Tier, term_id: str, message: str) -> CatalogueBroken:
    return CatalogueBroken(
        say("%(tier)s, %(term)s: %(message)s", tier=tier.name, term=term_id, message=message)
    )


def _written(catalogue: Catalogue, tier: Tier) -> Iterator[tuple[str, Any]]:
    """What the tier says of each term, as text where people would write text."""
    offer = tier.offer
    yield "A12", f"{tier.name} | {catalogue.version} | sha256:{catalogue.sha256}"
    if "terms" in offer:
        yield from _price(catalogue, tier)
        yield from offer["terms"].items()
        return
    yield from _hours(offer)
    yield from _targets(offer)
    yield from _availability(offer)
    yield from _maintenance(offer)
    yield from _analyses(offer)
    yield from _reviews(offer)
    yield from _credits(offer)
    yield from _price(catalogue, tier)
    yield from _renewal(offer)
    yield from _liability(offer)


_Written = Iterator[tuple[str, Any]]


def _with_zone(offer: Mapping[str, Any], text: str) -> str:
    return f"{text} {offer['hours']['tz']}"


def _hours(offer: Mapping[str, Any]) -> _Written:
    yield "B1", _with_zone(offer, offer["hours"]["base"])
    coverage = {"base": "support hours"}
    rows = (f"{s} | {coverage.get(h, h)}" for s, h in offer["coverage"].items())
    yield "B3", "\n".join(rows)
    yield "B6", "\n".join(f"{s} | {', '.join(_channels(offer, s))}" for s in SEVERITIES)
    yield "B7", str(offer["named_contacts"])
    yield "B10", offer["tam"]


def _channels(offer: Mapping[str, Any], severity: str) -> Iterator[str]:
    """The channels of a severity: "phone:S1" is a phone for severity 1 alone."""
    for channel in offer["channels"]:
        name, _, only = channel.partition(":")
        if only in ("", severity):
            yield name


def _targets(offer: Mapping[str, Any]) -> _Written:
    """The matrix; hours run on the clock the severity is covered by, and silence is none."""
    sources = {
        "first_response": offer["response"],
        "peak_first_response": offer.get("peak_response", {}),
        "update_every": offer["update_every"],
        "workaround": {},
        "resolution": offer["resolution"],
    }
    for severity in SEVERITIES:
        for target, source in sources.items():
            yield f"C4.{severity}.{target}", _on_clock(offer, severity, source.get(severity))
        analysed = severity in (offer["rca"] or {})
        yield f"C4.{severity}.rca", "yes" if analysed else "no"
    yield from _commitments(offer)


def _on_clock(offer: Mapping[str, Any], severity: str, written: str | None) -> str | None:
    wall = written is not None and written.split()[-1] in ("min", "h")
    if wall and offer["coverage"][severity] == "24x5":
        return f"{written}, 24x5"
    return written


def _commitments(offer: Mapping[str, Any]) -> _Written:
    """Without credits every target is only a target."""
    for severity in SEVERITIES:
        backed = offer["credits"] and severity in ("S1", "S2")
        yield f"C4.{severity}.commitment", "credit" if backed else "target"


def _availability(offer: Mapping[str, Any]) -> _Written:
    yield "D1", str(offer["uptime_pct"])
    peak = offer.get("peak_uptime_pct")
    yield "D3", None if peak is None else str(peak)


def _maintenance(offer: Mapping[str, Any]) -> _Written:
    maintenance = offer["maintenance"]
    yield "E1", _with_zone(offer, maintenance["window"])
    yield "E3", f"{maintenance['max_month_h']} h"
    yield "E3.period", "month"
    yield "E4", maintenance["notice"]
    if "blackout" in maintenance:
        windows = (part.strip() for part in maintenance["blackout"].split(","))
        yield "E7", "; ".join(_with_zone(offer, window) for window in windows)
    yield "F4", _patches(offer["critical_patch"])


def _patches(critical: str) -> str:
    return f"critical | {critical}\nhigh | 14 d\nmedium | 60 d"


def _analyses(offer: Mapping[str, Any]) -> _Written:
    """Read times such as "2 bd prelim / 5 bd final"; a single time is the full account's."""
    rows = []
    for severity, due in (offer["rca"] or {}).items():
        first, _, full = due.rpartition("/")
        cells = (severity, first.replace("prelim", "").strip(), full.replace("final", "").strip())
        rows.append(" | ".join(cells))
    yield "N3", "\n".join(rows) or None


def _reviews(offer: Mapping[str, Any]) -> _Written:
    """Read a rhythm with its moment, such as "quarterly, 10 bd after quarter close"."""
    text = offer["reviews"]
    yield "N5", re.split(r",| \+ ", text)[0]
    distance = re.search(r"(\d+ bd) after quarter close", text)
    if distance:
        yield "N5.anchor", "quarter_close"
        yield "N5.offset", distance[1]
    elif "before each sales cycle" in text:
        yield "N5.anchor", "before_peak"
        yield "N5.offset", "10 bd"
    else:
        yield "N5.anchor", "calendar"
        yield "N5.offset", None


def _credits(offer: Mapping[str, Any]) -> _Written:
    credits = offer["credits"]
    if credits is None:
        yield from dict.fromkeys(("K1", "K2", "K3", "K5")).items()
        yield "K4", "1"
        return
    ladder = sorted(credits["ladder"], key=lambda rung: Decimal(str(rung[0])), reverse=True)
    yield "K1", "\n".join(" | ".join(str(part) for part in rung) for rung in ladder)
    yield "K4", str(credits.get("peak_multiplier", 1))
    yield "K5", str(credits["month_cap_pct"])
    automatic = credits["claim"] == "automatic"
    yield "K7", "automatic" if automatic else "on_claim"
    yield "K8", None if automatic else credits["claim"]


def _price(catalogue: Catalogue, tier: Tier) -> _Written:
    """A price in words alone sets no term: it is read, not reckoned with."""
    if tier.price["basis"] == "text":
        return
    least = tier.price.get("min_month") or tier.price.get("unit_month") or "0"
    yield "O1", f"{least} {catalogue.currency}"
    yield "O1.period", "month"
    yield "O2", tier.price["basis"]
    yield "O2.percent", str(tier.price["pct"]) if "pct" in tier.price else None
    yield "O3", catalogue.currency


_UPLIFTS = (
    (re.compile(r"up to (\d+) % per renewal"), "up_to"),
    (re.compile(r"min\(CPI, (\d+) %\) per renewal"), "index_capped"),
)


def _renewal(offer: Mapping[str, Any]) -> _Written:
    renewal = offer["renewal"]
    yield "P1", f"{offer['term_mo']} mo"
    yield "P3", renewal["mode"].replace("-", "_")
    yield "P4", f"{renewal['term_mo']} mo"
    yield "P6", f"{renewal['notice_d']} d"
    for pattern, mode in _UPLIFTS:
        match = pattern.fullmatch(renewal["uplift"])
        if match:
            yield "P10", mode
            yield "P10.percent", match[1]
            yield "P11", "per_renewal"
            return
    raise CatalogueBroken(
        say("%(tier)s: the rise %(rise)s is not understood.",
            tier=offer["name"], rise=repr(renewal["uplift"]))
    )  # fmt: skip


def _liability(offer: Mapping[str, Any]) -> _Written:
    """Read limits such as "2x 12-month fees; 3x security", the second for security alone."""
    ordinary, _, security = offer["liability"].partition(";")
    yield "L1", ordinary.strip()
    match = re.fullmatch(r"(\d+(?:\.\d+)?)x security", security.strip())
    if match:
        yield "L2", "data_breach"
        yield "L3", f"{match[1]} x 12-month fees"
