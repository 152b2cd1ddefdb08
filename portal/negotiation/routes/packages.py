"""Packages and special terms: making them, and answering a package whole."""

from flask import flash, request, url_for
from flask.typing import ResponseReturnValue

from portal.kit.errors import NotFound, Refused
from portal.kit.web import needs, page, see_other
from portal.kit.words import say
from portal.negotiation import actions, rules
from portal.negotiation.forms import ClauseForm, PackageForm
from portal.negotiation.routes.rounds import number as seen_number
from portal.negotiation.routes.visit import Visit, bp, frame, visit_to


@bp.get("/contracts/<ref>/packages/new")
@needs("round:draft")
def new_package(ref: str) -> ResponseReturnValue:
    """Offer the answers of the draft to be tied together."""
    return _new_page(visit_to(ref))


def _new_page(
    visit: Visit, status: int = 200, chosen: list[str] | None = None, problem: str | None = None
) -> ResponseReturnValue:
    found = visit.negotiation()
    free = {
        term: word
        for term, word in found.words.items()
        if word.kind in (rules.Kind.OFFER, rules.Kind.ACCEPT) and not word.package
    }
    return page(
        "negotiation/package_new.html",
        status,
        **frame(visit, found),
        changes=rules.changes_of(found.schema, free, found.standings, names=found.names),
        mine=rules.packages_in(found.words),
        chosen=chosen or [],
        problem=problem,
    )


@bp.post("/contracts/<ref>/packages")
@needs("round:draft")
def make_package(ref: str) -> ResponseReturnValue:
    """Tie the chosen answers together."""
    visit = visit_to(ref)
    chosen = request.form.getlist("terms")
    try:
        name = actions.make_package(*visit.args, chosen, at=visit.now)
    except rules.TooLate:
        raise
    except Refused as error:
        visit.session.rollback()
        return _new_page(visit, 422, chosen, error.message)
    flash(say("Package %(name)s is in your draft: all of it, or nothing.", name=name), "good")
    return see_other(url_for(".preview", ref=ref))


@bp.post("/contracts/<ref>/packages/<package>/removal")
@needs("round:draft")
def dissolve_package(ref: str, package: str) -> ResponseReturnValue:
    """Untie a package of the draft."""
    visit = visit_to(ref)
    actions.dissolve_package(*visit.args, package, at=visit.now)
    flash(
        say("Package %(package)s is untied. Its answers stand by themselves.", package=package),
        "good",
    )
    return see_other(url_for(".preview", ref=ref))


@bp.get("/contracts/<ref>/packages/<package>")
@needs("contract:see")
def show_package(ref: str, package: str) -> ResponseReturnValue:
    """Show an open package with the two answers it takes."""
    return _package_page(visit_to(ref), package, PackageForm(formdata=None))


def _package_page(
    visit: Visit,
    package: str,
    form: PackageForm,
    status: int = 200,
    late: rules.TooLate | None = None,
) -> ResponseReturnValue:
    found = visit.negotiation()
    terms = rules.packages_of(found.standings).get(package)
    if terms is None:
        raise NotFound
    sent = max((found.standings[t].offer for t in terms), key=lambda o: o.round if o else 0)
    if sent is None:
        raise NotFound
    form.seen_round.data = str(found.last_sent)
    words = {term: found.standings[term].offer.word for term in terms}  # type: ignore[union-attr]
    drafted = {term: found.words[term] for term in terms if term in found.words}
    return page(
        "negotiation/package.html",
        status,
        **frame(visit, found),
        package=package,
        form=form,
        sent=sent,
        changes=rules.changes_of(found.schema, words, found.before(sent.round), names=found.names),
        drafted=drafted,
        taken=bool(drafted)
        and package not in rules.returned_packages(found.standings, found.words, side=found.side),
        mine=sent.side is found.side,
        late=late,
    )


@bp.post("/contracts/<ref>/packages/<package>/answer")
@needs("round:draft")
def answer_package(ref: str, package: str) -> ResponseReturnValue:
    """Accept a package whole, or return it."""
    visit = visit_to(ref)
    form = PackageForm()
    kind = "reject" if form.kind.data == "reject" else "accept"
    if not form.validate() or (kind == "reject" and not form.reason.data):
        if not form.errors:
            form.reason.errors = [say("Say why you return it. The other side will read this.")]
        return _package_page(visit, package, form, 422)
    try:
        actions.answer_package(
            *visit.args, package, kind=kind, seen_round=seen_number(form) or 0,
            reason=form.reason.data, at=visit.now,
        )  # fmt: skip
    except rules.TooLate as error:
        visit.session.rollback()
        return _package_page(visit, package, form, 409, late=error)
    done = say("Package %(name)s is returned in your draft. Nothing is sent yet.", name=package)
    if kind == "accept":
        done = say(
            "Package %(name)s is accepted whole in your draft. Nothing is sent yet.", name=package
        )
    flash(done, "good")
    return see_other(url_for(".show", ref=ref))


@bp.get("/contracts/<ref>/clauses/new")
@needs("round:draft")
def new_clause(ref: str) -> ResponseReturnValue:
    """Ask for a special term."""
    visit = visit_to(ref)
    return page(
        "negotiation/clause_new.html",
        **frame(visit, visit.negotiation()),
        form=ClauseForm(formdata=None),
    )


@bp.post("/contracts/<ref>/clauses")
@needs("round:draft")
def propose_clause(ref: str) -> ResponseReturnValue:
    """Put a special term into the draft."""
    visit = visit_to(ref)
    form = ClauseForm()
    if form.validate():
        value = {"title": form.title.data, "text": form.text.data}
        try:
            term = actions.propose_clause(
                *visit.args, value=value, reason=form.reason.data, at=visit.now
            )
            flash(say("The clause is in your draft. Nothing is sent yet."), "good")
            return see_other(url_for(".answered", ref=ref, term=term))
        except rules.Incomplete as error:
            visit.session.rollback()
            form.text.errors = [error.message]
    return page("negotiation/clause_new.html", 422, **frame(visit, visit.negotiation()), form=form)
