"""One incident: its clocks with their working, its timeline, and what may be said about it."""

from datetime import datetime
from typing import Any

from flask import flash, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.rules import may
from portal.contracts.models import Version
from portal.contracts.queries import name_of, settled_until
from portal.contracts.rules.life import Side
from portal.incidents import actions
from portal.incidents.forms import NoteForm, ReasonForm, SaidForm
from portal.incidents.models import Incident, RootCause
from portal.incidents.queries import Told, tell
from portal.incidents.queries.beside import (
    attachments_of,
    find_attachment,
    names_of,
    notes_for,
    watchers_of,
)
from portal.incidents.queries.root_causes import find_root_cause
from portal.incidents.routes.doors import Visit, bp, visit
from portal.incidents.routes.reporting import CHANNELS
from portal.incidents.rules import root_cause as cause_rules
from portal.incidents.rules.escalation import LEVELS, contacts_at, episode_of
from portal.incidents.rules.files import header_name
from portal.incidents.rules.panels import Verb, panels, questions
from portal.incidents.rules.picture import Picture, picture_of
from portal.incidents.rules.reading import (
    KIND_WORDS,
    SEVERITY_KINDS,
    STANDING_WORDS,
    ClockView,
    clock_view,
    event_words,
    span_words,
    worst_first,
)
from portal.incidents.rules.steps import Situation
from portal.kit.web import download, needs, page, see_other
from portal.kit.words import say
from portal.negotiation.queries import agreed_in
from portal.residency.actions import read_document
from portal.sla.rules import tzdata_version
from portal.sla.rules.incident import TRIAL
from portal.sla.rules.outcomes import current
from portal.terms.rules import load_schema
from portal.terms.rules.standard import clause_of, load_standard_terms

PERMISSIONS = ("incident:answer", "incident:follow")


@bp.get("/contracts/<ref>/incidents/<int:number>")
@needs("contract:see")
def show(ref: str, number: int) -> ResponseReturnValue:
    """Show an incident to either side."""
    return incident_page(visit(ref), number)


@bp.get("/contracts/<ref>/incidents/<int:number>/clock")
@needs("contract:see")
def clock(ref: str, number: int) -> ResponseReturnValue:
    """Answer with the clocks alone, as they stand now."""
    here = visit(ref)
    told = tell(here.session, here.contract, here.incident(number), now=here.now)
    return page("incidents/_clock.html", **_clock_context(here, told))


def incident_page(
    here: Visit,
    number: int,
    *,
    failed: tuple[Verb, SaidForm] | None = None,
    note_form: NoteForm | None = None,
    reason_form: ReasonForm | None = None,
    status: int = 200,
) -> ResponseReturnValue:
    """Show the whole incident; a form that failed is shown open with its errors."""
    incident = here.incident(number)
    told = tell(here.session, here.contract, incident, now=here.now)
    situation = Situation(
        told.history, told.promises, here.side.value, here.now, settled_until(here.contract)
    )
    allowed = {one for one in PERMISSIONS if may(here.actor, one)}
    watching = [row.person_id for row in watchers_of(here.session, incident)]
    names = names_of({*(e.person_id for e in incident.events), *watching, incident.reported_by})
    events = _events(here, incident, told, names)
    may_follow = "incident:follow" in allowed
    levels = _levels(incident, told, names)
    context = _clock_context(here, told)
    return page(
        "incidents/show.html",
        status,
        **context,
        incident=incident,
        events=events,
        picture=_picture(told, context["views"], events, here.now),
        panels=panels(situation, allowed=allowed),
        questions=questions(situation, allowed=allowed),
        failed_verb=failed[0] if failed else None,
        form=failed[1] if failed else note_form or reason_form,
        reason_form=reason_form or ReasonForm(formdata=None),
        may_escalate=may_follow and incident.standing == "open" and bool(levels["left"]),
        levels=levels,
        trial=told.history.events[0].ground == TRIAL,
        cause=_cause(here, incident),
        said=failed[1] if failed else None,
        notes=notes_for(here.session, here.contract, here.actor, incident),
        note_form=note_form or NoteForm(formdata=None),
        may_follow=may_follow,
        own_name=name_of(here.contract, here.side),
        names=names,
        watching=watching,
        watches=here.actor.person_id in watching,
        reporter=names.get(incident.reported_by, say("Somebody")),
        channels=CHANNELS,
        standing=STANDING_WORDS[incident.standing],
        fact_labels=_fact_labels(here),
    )


def _clock_context(here: Visit, told: Told) -> dict[str, Any]:
    views = [clock_view(told.promises, outcome) for outcome in current(told.outcomes)]
    missed = [o for o in told.outcomes if o.breached and o not in current(told.outcomes)]
    version = here.session.get_one(Version, told.version_id)
    terms = {view.outcome.promise.term for view in views}
    schema = load_schema(here.contract.schema_version)
    standard = load_standard_terms(here.contract.standard_version)
    return {
        "contract": here.contract,
        "number": told.incident.number,
        "views": views,
        "next": worst_first(views, now=here.now),
        "earlier": [clock_view(told.promises, o) for o in missed if not o.superseded],
        "labels": {term: schema.terms[term].label for term in terms},
        "clauses": {term: clause_of(standard, term) for term in terms},
        "rounds": agreed_in(here.session, here.contract, terms, by=version.frozen_at),
        "version": version,
        "zone": told.promises.calendar.zone,
        "tzdata": tzdata_version(),
        "kind_words": KIND_WORDS,
        "span_words": span_words,
        "severity_kinds": SEVERITY_KINDS,
        "contested": any(view.strict for view in views),
        "now": here.now,
    }


def _events(
    here: Visit, incident: Incident, told: Told, names: dict[str, str]
) -> list[dict[str, Any]]:
    """Return the events as the page tells them, numbered in the order they happened."""
    rows = {row.id: row for row in incident.events}
    files = attachments_of(here.session, incident)
    sides = {side.value: name_of(here.contract, side) for side in Side}
    return [
        {
            "number": number,
            "at": event.at,
            "written_at": event.written_at if event.written_at != event.at else None,
            "label": event_words(event),
            "side": event.side,
            "organisation": sides[event.side],
            "who": names.get(rows[event.id].person_id, say("The portal")),
            "words": rows[event.id].words if number > 1 else None,
            "files": files.get(event.id, []),
        }
        for number, event in enumerate(told.history.events, start=1)
    ]


def _picture(
    told: Told, views: list[ClockView], events: list[dict[str, Any]], now: datetime
) -> Picture:
    return picture_of(
        views,
        [(event["number"], event["at"], event["label"]) for event in events],
        begin=told.history.reported,
        now=now,
        is_over=told.incident.standing == "closed",
    )


def _cause(here: Visit, incident: Incident) -> tuple[RootCause, cause_rules.Standing] | None:
    """Return the root cause that is asked of an incident, and where it stands."""
    row = find_root_cause(here.session, incident)
    if row is None:
        return None
    said = [one.kind for one in row.accounts]
    first, final = row.preliminary_due_at, row.final_due_at
    return row, cause_rules.standing(said, preliminary_due=first, final_due=final, now=here.now)


def _levels(incident: Incident, told: Told, names: dict[str, str]) -> dict[str, Any]:
    """Return the levels called in this climb, the next one, and those that are left."""
    episode = episode_of(told.history)
    rows = [row for row in incident.escalations if row.episode == episode]
    names |= names_of({row.confirmed_by for row in rows if row.confirmed_by})
    called = {row.level for row in rows}
    left = [level for level in LEVELS if level not in called]
    return {
        "rows": rows,
        "left": left,
        "next_at": incident.escalate_at if left else None,
        "people": {row.level: contacts_at(told.promises.terms, row.level) for row in rows},
        "causes": {"time": say("by its time"), "silence": say("the level before stayed silent"),
                   "asked": say("asked for")},
    }  # fmt: skip


FACT_WORDS = {
    "function": say("Affected function"),
    "impact": say("Business impact"),
    "users": say("Users affected"),
    "start": say("Start time"),
    "steps": say("Steps"),
    "logs": say("Logs"),
    "error": say("Error text"),
    "reference": say("Earlier incident"),
}


def _fact_labels(here: Visit) -> dict[str, str]:
    schema = load_schema(here.contract.schema_version)
    labels = {
        option.code: FACT_WORDS.get(option.code, option.label.capitalize())
        for option in schema.terms["H2"].options
    }
    return {"module": say("Module"), "environment": say("Where"), **labels}


@bp.get("/contracts/<ref>/incidents/<int:number>/files/<file_id>")
@needs("contract:see")
def file(ref: str, number: int, file_id: str) -> ResponseReturnValue:
    """Hand a file out as an attachment: never shown in the portal's own pages."""
    here = visit(ref)
    row, document = find_attachment(here.session, here.incident(number), file_id)
    content = read_document(here.session, here.database, document)
    return download(content, name=header_name(row.name), mimetype="application/octet-stream")


@bp.post("/contracts/<ref>/incidents/<int:number>/notes")
@needs("incident:follow")
def note(ref: str, number: int) -> ResponseReturnValue:
    """Keep a note for one's own side."""
    here = visit(ref, needs="incident:follow")
    form = NoteForm()
    if not form.validate_on_submit():
        return incident_page(here, number, note_form=form, status=422)
    actions.write_note(here.session, here.contract, here.actor, number, form.note.data, at=here.now)
    flash(
        say("Kept. Only %(contract)s sees it.", contract=name_of(here.contract, here.side)), "good"
    )
    return see_other(url_for("incidents.show", ref=ref, number=number) + "#notes")


@bp.post("/contracts/<ref>/incidents/<int:number>/watching")
@needs("contract:see")
def watching(ref: str, number: int) -> ResponseReturnValue:
    """Begin to watch an incident, or stop."""
    here = visit(ref)
    on = actions.watch(here.session, here.contract, here.actor, number, at=here.now)
    flash(say("You are told of everything here.") if on else say("You are no longer told."), "good")
    return see_other(url_for("incidents.show", ref=ref, number=number))
