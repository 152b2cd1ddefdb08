"""The incidents of a contract: the list with its filters."""

from datetime import date
from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.rules import may
from portal.incidents.queries import PromisesOverTime, module_names, promises_on
from portal.incidents.queries.listing import Wanted, list_incidents
from portal.incidents.routes.doors import Visit, bp, visit
from portal.incidents.rules.entitlement import modules_of
from portal.incidents.rules.reading import SEVERITY_KINDS, STANDING_WORDS
from portal.kit.web import needs, page
from portal.kit.words import say
from portal.sla.rules.promises import AIM_WORDS, SEVERITIES


def wanted_from(args: Any) -> Wanted:
    """Read the filters of an address; what cannot be read filters nothing."""
    severity, standing = args.get("severity", ""), args.get("standing", "")
    breach = args.get("breach", "")
    return Wanted(
        severity=severity if severity in SEVERITIES else "",
        standing=standing if standing in STANDING_WORDS else "",
        module=args.get("module", "")[:200],
        breach=breach if breach in {"any", "none", *AIM_WORDS} else "",
        begin=_day(args.get("from")),
        end=_day(args.get("to")),
    )


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text or "")
    except ValueError:
        return None


def filter_words(wanted: Wanted) -> dict[str, Any]:
    """Return the filters as they stand in an address."""
    return {
        name: str(value)
        for name, value in (
            ("severity", wanted.severity), ("standing", wanted.standing),
            ("module", wanted.module), ("breach", wanted.breach),
            ("from", wanted.begin or ""), ("to", wanted.end or ""),
        )
        if value
    }  # fmt: skip


@bp.get("/contracts/<ref>/incidents")
@needs("contract:see")
def index(ref: str) -> ResponseReturnValue:
    """List the incidents of a contract, newest first."""
    here = visit(ref)
    wanted = wanted_from(request.args)
    words = filter_words(wanted)
    found = list_incidents(
        here.session, here.contract, wanted, before=request.args.get("before", "")
    )
    older = found.older and url_for("incidents.index", ref=ref, before=found.older, **words)
    return page(
        "incidents/index.html",
        contract=here.contract,
        rows=found.rows,
        modules=_names(here, found.rows),
        older=older,
        newest=url_for("incidents.index", ref=ref, **words) if "before" in request.args else None,
        wanted=wanted,
        filtered=bool(words),
        words=words,
        choices=list_choices(here),
        standing_words=STANDING_WORDS,
        severity_kinds=SEVERITY_KINDS,
        may_report=may(here.actor, "incident:report"),
    )


def _names(here: Visit, rows: list[Any]) -> dict[str, str]:
    """Return the names of modules by their marks, as the terms of each day listed them."""
    if not rows:
        return {}
    promises = PromisesOverTime(here.session, here.contract)
    return module_names(here.contract, [promises.on(row.reported_at.date()) for row in rows])


def list_choices(here: Visit) -> dict[str, list[tuple[str, str]]]:
    """Return what each filter offers."""
    terms = promises_on(here.session, here.contract, here.now.date()).terms
    modules = list(dict.fromkeys(name for name, _ in modules_of(terms)))
    return {
        "severity": [("", say("Any")), *((s, s) for s in SEVERITIES)],
        "standing": [("", say("Any")), *((key, words[0]) for key, words in STANDING_WORDS.items())],
        "module": [("", say("Any")), *((name, name) for name in modules)],
        "breach": [
            ("", say("Any")),
            ("any", say("A target missed")),
            ("none", say("No target missed")),
            *(
                (aim.value, say("%(words)s missed", words=words))
                for aim, words in AIM_WORDS.items()
            ),
        ],
    }
