"""Notes and comments: internal until they are shared by an act of their own."""

from flask import flash, request, url_for
from flask.typing import ResponseReturnValue

from portal.kit.errors import NotFound, Refused
from portal.kit.web import needs, page, see_other
from portal.kit.words import say
from portal.negotiation import actions
from portal.negotiation.forms import NoteForm
from portal.negotiation.queries import comments_of, notes_of, readers_of
from portal.negotiation.routes.visit import Visit, bp, frame, visit_to


@bp.get("/contracts/<ref>/comments")
@needs("contract:see")
def comments(ref: str) -> ResponseReturnValue:
    """Show everything said on this contract that this side may read."""
    return _page(visit_to(ref), NoteForm(formdata=None))


def _page(visit: Visit, form: NoteForm, status: int = 200) -> ResponseReturnValue:
    found = visit.negotiation()
    term = request.values.get("term") or None
    if term is not None and term not in found.schema.terms:
        raise NotFound
    return page(
        "negotiation/comments.html",
        status,
        **frame(visit, found),
        note_form=form,
        form=form,
        term=found.schema.terms[term] if term else None,
        comments=comments_of(visit.session, visit.contract, term),
        notes=notes_of(visit.session, visit.contract, found.side, term),
        readers=readers_of(visit.contract, found.side, shared=False),
    )


@bp.post("/contracts/<ref>/notes")
@needs("comment:write")
def write_note(ref: str) -> ResponseReturnValue:
    """Write an internal note; the second button goes on to share it."""
    visit = visit_to(ref)
    form = NoteForm()
    if not form.validate():
        return _page(visit, form, 422)
    term = request.form.get("term") or None
    note = actions.write_note(*visit.args, text=form.text.data, term=term, at=visit.now)
    if request.form.get("then") == "share":
        return see_other(url_for(".share", ref=ref, note=note.id))
    flash(say("Noted. Only your side reads it."), "good")
    if term:
        return see_other(url_for(".edit", ref=ref, term=term))
    return see_other(url_for(".comments", ref=ref))


@bp.get("/contracts/<ref>/notes/<note>/sharing")
@needs("comment:share")
def share(ref: str, note: str) -> ResponseReturnValue:
    """Ask once more before a note is shown to the other side."""
    visit = visit_to(ref)
    row = actions.note_for(visit.session, visit.contract, visit.actor, note)
    if row.shared_at is not None:
        raise Refused(say("This note is shared already."))
    found = visit.negotiation()
    return page(
        "negotiation/share.html",
        **frame(visit, found),
        note=row,
        term=found.schema.terms.get(row.term or ""),
    )


@bp.post("/contracts/<ref>/notes/<note>/sharing")
@needs("comment:share")
def share_now(ref: str, note: str) -> ResponseReturnValue:
    """Share a note."""
    visit = visit_to(ref)
    comment = actions.share_note(*visit.args, note, at=visit.now)
    flash(say("Shared. Both sides read it now."), "good")
    return see_other(url_for(".comments", ref=ref, term=comment.term))


@bp.post("/contracts/<ref>/comments/<said>/resolution")
@needs("comment:write")
def resolve(ref: str, said: str) -> ResponseReturnValue:
    """Mark a comment or a note as settled."""
    visit = visit_to(ref)
    row = actions.resolve(*visit.args, said, at=visit.now)
    flash(say("Marked as settled."), "good")
    return see_other(url_for(".comments", ref=ref, term=row.term))
