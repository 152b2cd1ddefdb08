"""Public examples: facts of real vendors' plans, each with its source, none of them an offer."""

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

_DATA = Path(__file__).parents[1] / "data" / "examples"
_SEVERITY = {f"{letter}{n}": f"S{n}" for letter in ("S", "P", "L") for n in range(1, 5)}
_CLOCKS = {"24x7": "{n} {unit}", "24x5": "{n} {unit}, 24x5", "business": "{n} b{unit}"}
_TAM = {"pooled": "pooled", "named": "named", "designated": "named"}
# Kept in the catalogue itself, and so in English.
_ROW_NAMES = {
    "hours": "Support hours",
    "channels": "Channels",
    "tam": "Technical account manager",
    "min_commitment_days": "Least commitment, days",
    "named_users": "Named users",
    "entitled_members": "Members who may open cases",
    "who": "Who may open cases",
    "cases": "Number of cases",
    "ongoing": "Updates while a case is open",
    "credit_claim_days": "Credits claimed within, days",
    "named_contacts": "Named contacts",
    "uptime_pct": "Uptime, per cent",
}


@cache
def load_examples() -> dict[str, dict[str, Any]]:
    """Return every public example by its slug, as the structure of a catalogue."""
    found: dict[str, dict[str, Any]] = {}
    plans = json.loads((_DATA / "plan_tiers.json").read_text("utf-8"), parse_float=str)
    for vendor in plans["vendors"]:
        found[_slug(f"{vendor['vendor']} {vendor['product']}")] = _of_vendor(
            vendor, retrieved=plans["retrieved"]
        )
    signing = json.loads((_DATA / "esign_platforms.json").read_text("utf-8"), parse_float=str)
    found["e-signature-platforms"] = of_features(signing)
    return found


def _slug(name: str) -> str:
    kept = "".join(c if c.isalnum() else "-" for c in name.casefold())
    return "-".join(part for part in kept.split("-") if part)[:60]


def _of_vendor(vendor: Mapping[str, Any], *, retrieved: str) -> dict[str, Any]:
    tiers = vendor["tiers"]
    return {
        "vendor": vendor["vendor"],
        "product": vendor["product"],
        "version": 1,
        "currency": "USD",
        "source": f"{vendor['source']} ({vendor['confidence']} confidence; seen {retrieved})",
        "notes": list(vendor.get("notes", ())),
        "tiers": [
            {
                "name": tier["name"],
                "price": {"basis": "text", "text": tier.get("price")},
                "terms": dict(_terms(tier)),
            }
            for tier in tiers
        ],
        "features": [
            {
                "group": "As the vendor states it",
                "label": label,
                "kind": "yes_no" if all(isinstance(v, bool | None) for v in values) else "text",
                "values": [_said(value) for value in values],
            }
            for label, values in _rows(tiers)
        ],
    }


def _terms(tier: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What a fact says in the very sense of a term; everything else stays a free row."""
    for name, said in (tier.get("response") or {}).items():
        severity = _SEVERITY.get(name.split("_")[0])
        text = _span(said)
        if severity and text:
            yield f"C4.{severity}.first_response", text
    if "named_contacts" in tier:
        yield "B7", str(tier["named_contacts"])
    if tier.get("tam") in _TAM:
        yield "B10", _TAM[tier["tam"]]
    if "uptime_pct" in tier:
        yield "D1", str(tier["uptime_pct"])


def _span(said: Any) -> str | None:
    """A time on a clock a contract knows; another clock is told in words only."""
    if not isinstance(said, Mapping):
        return None
    if "business_days" in said:
        return f"{said['business_days']} bd"
    written = _CLOCKS.get(said.get("clock", ""))
    if written is None or "minutes" not in said:
        return None
    minutes = said["minutes"]
    if minutes % 60 == 0:
        return written.format(n=minutes // 60, unit="h")
    return None if said["clock"] == "business" else written.format(n=minutes, unit="min")


def _rows(tiers: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, list[Any]]]:
    rows = list(tiers)
    responses = [tier.get("response") or {} for tier in rows]
    for name in dict.fromkeys(key for response in responses for key in response):
        values = [response.get(name) for response in responses]
        if name.split("_")[0] not in _SEVERITY or not all(v is None or _span(v) for v in values):
            yield f"First response: {name.replace('_', ' ')}", values
    names = dict.fromkeys(key for tier in rows for key in tier)
    for name in [n for n in names if n not in ("name", "price", "response")]:
        values = [tier.get(name) for tier in rows]
        covered = {"named_contacts", "uptime_pct"}
        if name not in covered:
            yield _ROW_NAMES.get(name, name.replace("_", " ").capitalize()), values


def _said(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(str(part) for part in value)
    if isinstance(value, Mapping):
        return _described(value)
    return str(value)


def _described(said: Mapping[str, Any]) -> str:
    """Say a time, or several by severity, in words."""
    if any(isinstance(part, Mapping) for part in said.values()):
        return "; ".join(f"{key}: {_said(part)}" for key, part in said.items())
    parts = []
    if "minutes" in said:
        hours, minutes = divmod(int(said["minutes"]), 60)
        parts.append(" ".join(f"{n} {u}" for n, u in ((hours, "h"), (minutes, "min")) if n))
    if "business_days" in said:
        days = said["business_days"]
        parts.append(f"{days} business {'day' if days == 1 else 'days'}")
    clock = said.get("clock")
    if clock:
        parts.append(f"{clock} hours" if clock in ("business", "core") else str(clock))
    parts += [
        f"{key.replace('_', ' ')} {_said(value)}"
        if not isinstance(value, bool)
        else _flag(key, value)
        for key, value in said.items()
        if key not in ("minutes", "business_days", "clock")
    ]
    return ", ".join(parts)


def _flag(key: str, value: bool) -> str:
    return key.replace("_", " ") if value else f"not {key.replace('_', ' ')}"


def of_features(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Return a table of free features (columns; rows of group, feature, values) as a catalogue."""
    return {
        "vendor": "E-signature platforms",
        "product": "Features and plans",
        "version": 1,
        "currency": "USD",
        "source": raw["about"],
        "notes": [],
        "tiers": [
            {"name": name, "price": {"basis": "text", "text": None}, "terms": {}}
            for name in raw["columns"]
        ],
        "features": [
            {
                "group": row["group"],
                "label": row["feature"],
                "kind": "text",
                "values": list(row["values"]),
            }
            for row in raw["rows"]
        ],
    }
