"""Incidents: the list, one with its events and clocks, a report, and everything said after it."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from portal.accounts.rules import may
from portal.api.routes.door import Ask, Made, Page, operation, place_in
from portal.api.rules.problems import Problem
from portal.api.rules.shapes import (
    DAY,
    INSTANT,
    YES_NO,
    Schema,
    Wrong,
    answer,
    body,
    many,
    one_of,
    read_instant,
    ref,
    text,
)
from portal.contracts.queries import settled_until
from portal.contracts.rules.life import Side
from portal.incidents import actions
from portal.incidents.actions import Said
from portal.incidents.forms import FACT_FIELDS
from portal.incidents.models import Incident
from portal.incidents.queries import (
    PromisesOverTime,
    find_incident,
    history_of,
    module_names,
    promises_for,
    promises_on,
    tell,
)
from portal.incidents.queries.beside import names_of
from portal.incidents.queries.listing import Wanted
from portal.incidents.queries.listing import list_incidents as page_of_incidents
from portal.incidents.rules.panels import VERBS, Verb, panels, questions
from portal.incidents.rules.reading import target_words
from portal.incidents.rules.steps import Situation
from portal.sla.rules.incident import TRIAL
from portal.sla.rules.outcomes import Outcome, working
from portal.sla.rules.promises import Aim, Promises

TAG = "Incidents"
READ, WRITE = "incidents:read", "incidents:write"
CHANNELS = ("portal", "email", "phone", "chat", "callback", "bridge")
SEVERITIES = ("S1", "S2", "S3", "S4")
STANDINGS = ("open", "resolved", "closed")


@operation(
    "GET", "/contracts/{ref}/incidents", scope=READ, needs="contract:see", tag=TAG, paged=True,
    answers=ref("Incident"), summary="List the incidents of a contract, newest first",
    query={
        "severity": one_of(*SEVERITIES), "standing": one_of(*STANDINGS),
        "module": {"type": "string", "maxLength": 200}, "from": DAY, "until": DAY,
        "breach": one_of("any", "none", *Aim),
    },
)  # fmt: skip
def list_incidents(ask: Ask) -> Page:
    """A page of incidents, by the query of the page."""
    asked = ask.query
    days = {k: date.fromisoformat(asked[k]) for k in ("from", "until") if k in asked}
    wanted = Wanted(
        severity=asked.get("severity", ""), standing=asked.get("standing", ""),
        module=asked.get("module", ""), breach=asked.get("breach", ""), begin=days.get("from"),
        end=days.get("until"),
    )  # fmt: skip
    place = place_in(ask, "list_incidents")
    found = page_of_incidents(
        ask.session, ask.contract, wanted, before=place[0] if place else "",
        size=asked.get("limit", 50),
    )  # fmt: skip
    promises = PromisesOverTime(ask.session, ask.contract) if found.rows else None
    days_seen = [promises.on(r.reported_at.date()) for r in found.rows] if promises else []
    names = module_names(ask.contract, days_seen)
    rows = [_listed(row, names.get(row.module_key, "")) for row in found.rows]
    return Page(rows, [found.older] if found.older else None)


def _listed(row: Incident, module: str) -> dict[str, Any]:
    return {
        "number": row.number, "title": row.title, "severity": row.severity,
        "standing": row.standing, "reported_at": row.reported_at, "reported_by_side": row.side,
        "channel": row.channel, "module": module, "security": bool(row.security),
        "excluded": row.excluded, "breaches": row.breaches, "resolved_at": row.resolved_at,
        "closed_at": row.closed_at, "next_due_at": row.next_due_at,
    }  # fmt: skip


@operation(
    "POST", "/contracts/{ref}/incidents", scope=WRITE, needs="incident:report", tag=TAG,
    answers=ref("IncidentInFull"), summary="Report an incident; its clocks start",
    body=body(
        {
            "environment": one_of("production", "test"), "security": YES_NO, "trial": YES_NO,
            "channel": one_of(*CHANNELS), "called_at": INSTANT,
            "facts": body({name: text(4000) for name in FACT_FIELDS}),
        },
        title=text(160), severity=one_of(*SEVERITIES), module=text(200, 0),
    ),
)  # fmt: skip
def report_incident(ask: Ask) -> Made:
    """Report what the page asks for, and what the contract asks for (H2)."""
    sent, facts = ask.body, ask.body.get("facts", {})
    terms = promises_on(ask.session, ask.contract, ask.now.date()).terms
    wrong = [
        Wrong(f"#/facts/{name}", "The contract asks for this.")
        for name in FACT_FIELDS
        if name in set(terms.get("H2") or ()) and not facts.get(name)
    ]
    if ask.side is Side.CUSTOMER and {"channel", "called_at"} & set(sent):
        wrong.append(Wrong("#/channel", "Only the vendor says how it was reached."))
    known = {row["module"] for term in ("I1", "D5") for row in terms.get(term) or ()}
    if sent["module"] and sent["module"] not in known:
        wrong.append(
            Wrong("#/module", f"Send one of: {', '.join(sorted(known))}, or an empty text.")
        )
    if wrong:
        raise Problem("invalid", errors=wrong)
    called = sent.get("called_at")
    row = actions.report(
        ask.session, ask.contract, ask.actor, at=ask.now, database=ask.place,
        said=actions.Report(
            title=sent["title"], severity=sent["severity"], module=sent["module"],
            environment=sent.get("environment", "production"), facts=facts,
            is_security=sent.get("security", False), is_trial=sent.get("trial", False),
            channel=sent.get("channel", "portal"),
            called_at=read_instant(called) if called else None,
        ),
    )  # fmt: skip
    place = f"/contracts/{ask.contract.id}/incidents/{row.number}"
    return Made(read_incident(ask, row.number), place)


@operation(
    "GET", "/contracts/{ref}/incidents/{number}", scope=READ, needs="contract:see", tag=TAG,
    answers=ref("IncidentInFull"), summary="Read an incident with its events and what you can say",
)  # fmt: skip
def read_incident(ask: Ask, number: int) -> dict[str, Any]:
    """One incident as it stands now."""
    row = find_incident(ask.session, ask.contract, number)
    told = tell(ask.session, ask.contract, row, now=ask.now)
    situation = Situation(
        told.history, told.promises, ask.side.value, ask.now, settled_until(ask.contract)
    )
    allowed = {one for one in ("incident:answer", "incident:follow") if may(ask.actor, one)}
    asked = [panel for _, found in questions(situation, allowed=allowed) for panel in found]
    can = [panel.verb.noun for panel in [*panels(situation, allowed=allowed), *asked]]
    facts = dict(row.facts)
    return {
        **_listed(row, facts.get("module", "")), "facts": facts,
        "trial": told.history.events[0].ground == TRIAL, "events": _events(row),
        "can": list(dict.fromkeys(can)),
    }  # fmt: skip


def _events(row: Incident) -> list[dict[str, Any]]:
    words = {one.id: one for one in row.events}
    names = names_of(one.person_id for one in row.events)
    return [
        {
            "id": event.id, "kind": event.kind, "at": event.at,
            "written_at": event.written_at or event.at, "side": event.side,
            "by": names.get(words[event.id].person_id, "The portal"),
            "words": words[event.id].words, "severity": event.severity, "ground": event.ground,
            "answers": event.answers,
        }
        for event in history_of(row).events
    ]  # fmt: skip


@operation(
    "GET", "/contracts/{ref}/incidents/{number}/clocks", scope=READ, needs="contract:see", tag=TAG,
    answers=answer(now=INSTANT, clocks=many(ref("Clock"))),
    summary="Read an incident’s clocks with their working, interval by interval",
)  # fmt: skip
def read_clocks(ask: Ask, number: int) -> dict[str, Any]:
    """Every clock, also those that were replaced, as they stand now."""
    row = find_incident(ask.session, ask.contract, number)
    told = tell(ask.session, ask.contract, row, now=ask.now)
    return {"now": ask.now, "clocks": [_clock(told.promises, one) for one in told.outcomes]}


def _clock(promises: Promises, one: Outcome) -> dict[str, Any]:
    state, target = working(promises, one), one.promise.target
    return {
        "aim": one.aim, "number": one.number, "severity": one.severity,
        "promised": target_words(target) if target else "none", "term": one.promise.term,
        "started": one.started, "due": one.due, "due_without_contested": one.strict_due,
        "met_at": one.met_at, "state": one.state, "breached": one.breached,
        "disputed": one.disputed, "superseded": one.superseded,
        "elapsed": state.elapsed if state else None,
        "remaining": max(state.remaining, timedelta()) if state else None,
        "late_by": -state.remaining if state and state.remaining < timedelta() else None,
        "working": [
            {"kind": part.kind, "begin": part.begin, "end": part.end, "counted": part.counted}
            for part in (state.intervals if state else ())
        ],
    }  # fmt: skip


Do = Callable[[Said, dict[str, Any]], Any]

# What each verb takes beside its words: the action, and which further things it needs.
DO: dict[str, tuple[Do, dict[str, Schema], dict[str, Schema]]] = {}


def _verb(
    noun: str, do: Do, needed: dict[str, Schema] | None = None,
    optional: dict[str, Schema] | None = None,
) -> None:  # fmt: skip
    DO[noun] = (do, needed or {}, optional or {})


_ABOUT, _CHOICE = {"about": text(26)}, {"choice": text(60)}
_verb("acknowledgement", lambda s, b: actions.acknowledge(s, words=b.get("words", "")))
_verb("response", lambda s, b: actions.respond(s, words=b["words"]))
_verb("update", lambda s, b: actions.update(s, words=b["words"]))
_verb("workaround", lambda s, b: actions.deliver_workaround(s, words=b["words"]))
_verb("resolution", lambda s, b: actions.resolve(s, means=b["choice"], words=b["words"]), _CHOICE)
_verb(
    "message",
    lambda s, b: actions.message(s, words=b["words"], ends_pause=b.get("ends_pause")),
    optional={"ends_pause": text(26)},
)
_verb(
    "severity",
    lambda s, b: actions.propose_severity(s, severity=b["choice"], words=b["words"]),
    _CHOICE,
)
_verb(
    "severity-agreement",
    lambda s, b: actions.agree_severity(
        s, proposal=b["about"], from_report=b.get("from_report", False)
    ),
    _ABOUT,
    {"from_report": YES_NO},
)
_verb(
    "severity-objection",
    lambda s, b: actions.decline_severity(s, proposal=b["about"], words=b["words"]),
    _ABOUT,
)
_verb("severity-withdrawal", lambda s, b: actions.withdraw_severity(s, proposal=b["about"]), _ABOUT)
_verb("pause", lambda s, b: actions.claim_pause(s, ground=b["choice"], words=b["words"]), _CHOICE)
_verb(
    "pause-contest",
    lambda s, b: actions.contest_pause(s, pause=b["about"], words=b["words"]),
    _ABOUT,
)
_verb("pause-settlement", lambda s, b: actions.settle_pause(s, pause=b["about"]), _ABOUT)
_verb("pause-end", lambda s, b: actions.end_pause(s, pause=b["about"]), _ABOUT)
_verb("refusal", lambda s, b: actions.refuse(s, delivery=b["about"], words=b["words"]), _ABOUT)
_verb("confirmation", lambda s, b: actions.confirm(s, words=b.get("words", "")))
_verb("reopening", lambda s, b: actions.reopen(s, words=b["words"]))
_verb("exclusion", lambda s, b: actions.exclude(s, ground=b["choice"], words=b["words"]), _CHOICE)
_verb("exclusion-contest", lambda s, b: actions.contest_exclusion(s, words=b["words"]))
_verb("exclusion-settlement", lambda s, b: actions.settle_exclusion(s))


def _add(verb: Verb) -> None:
    """Give a verb of the pages its operation."""
    do, needed, optional = DO[verb.noun]
    words = {"words": text(8000)}

    def run(ask: Ask, number: int) -> Made:
        find_incident(ask.session, ask.contract, number)
        _demand_choice(verb, ask, number)
        do(Said(ask.session, ask.contract, ask.actor, number, ask.now), ask.body)
        ask.session.expire_all()
        place = f"/contracts/{ask.contract.id}/incidents/{number}"
        return Made(read_incident(ask, number), place)

    run.__name__ = "incident_" + verb.noun.replace("-", "_")
    takes_words = verb.words or bool(verb.ask)
    operation(
        "POST", f"/contracts/{{ref}}/incidents/{{number}}/{verb.noun}", scope=WRITE,
        needs=verb.needs, tag=TAG, answers=ref("IncidentInFull"), summary=verb.label,
        body=body(
            {**optional, **(words if takes_words and not verb.words else {})},
            **needed, **(words if verb.words else {}),
        ),
    )(run)  # fmt: skip


def _demand_choice(verb: Verb, ask: Ask, number: int) -> None:
    """Take only what the contract offers at this moment, as the page does."""
    if verb.choices is None:
        return
    row = find_incident(ask.session, ask.contract, number)
    promises = promises_for(ask.session, ask.contract, row)
    now = Situation(
        history_of(row), promises, ask.side.value, ask.now,
        settled_until(ask.contract),
    )  # fmt: skip
    offered = [key for key, _ in verb.choices(now)]
    if ask.body["choice"] not in offered:
        wrong = Wrong("#/choice", f"Send one of: {', '.join(offered) or 'none is open'}.")
        raise Problem("invalid", errors=[wrong])


for _one in VERBS.values():
    _add(_one)
