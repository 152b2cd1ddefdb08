"""Pages of members and invitations."""

from flask import current_app, flash, url_for
from flask.typing import ResponseReturnValue

from portal.accounts import gate, passwords, queries
from portal.accounts.gate import current_actor
from portal.accounts.models import Invitation, Membership
from portal.accounts.rules import Actor, demand, may, password_problem, role_words
from portal.admin import actions
from portal.admin import queries as waiting
from portal.admin.forms import InvitationForm, JoinForm, RolesForm
from portal.admin.routes.doors import bp, partners
from portal.kit import clock
from portal.kit.errors import NotFound, Refused
from portal.kit.web import needs, page, public, see_other
from portal.kit.words import say, say_n

# Members


@bp.get("/organisation/members")
@needs("member:see")
def members() -> ResponseReturnValue:
    """List the members of the actor's organisation, and who is invited."""
    actor = current_actor()
    return page(
        "admin/members/index.html", actor=actor, members=queries.members(actor),
        invitations=queries.open_invitations(actor, at=clock.now()), role_words=role_words,
        may_edit=may(actor, "member:edit"), may_invite=may(actor, "member:invite"),
        may_set_rule=may(actor, "policy:edit"),
    )  # fmt: skip


@bp.get("/organisation/members/<membership_id>")
@needs("member:edit")
def member(membership_id: str) -> ResponseReturnValue:
    """Show one member's roles, to change them."""
    actor = current_actor()
    demand(actor, "member:edit")
    row = queries.find_member(actor, membership_id)
    form = RolesForm(formdata=None, roles=row.roles.split(","))
    return _member_page(actor, row, form, 200)


def _member_page(
    actor: Actor, row: Membership, form: RolesForm, status: int
) -> ResponseReturnValue:
    reset = waiting.open_reset(actor, row.person_id, at=clock.now())
    return page(
        "admin/members/edit.html", status, form=form, member=row, actor=actor, reset=reset,
        asker=waiting.names_of(reset.asked_by) if reset else {},
        sign_ins=waiting.sign_ins_of(row),
    )  # fmt: skip


@bp.post("/organisation/members/<membership_id>/roles")
@needs("member:edit")
def change_roles(membership_id: str) -> ResponseReturnValue:
    """Give a member other roles."""
    actor, form = current_actor(), RolesForm()
    demand(actor, "member:edit")
    row = queries.find_member(actor, membership_id)
    if form.validate():
        try:
            actions.change_roles(actor, membership_id, form.roles.data, at=clock.now())
        except Refused as refusal:
            form.roles.errors = [refusal.message]
        else:
            flash(say("The roles were saved. They hold from the next page on."), "good")
            return see_other(url_for("admin.members"))
    return _member_page(actor, row, form, 422)


@bp.get("/organisation/members/<membership_id>/end")
@needs("member:edit")
def ask_to_end(membership_id: str) -> ResponseReturnValue:
    """Say what ending a membership does, before it is done."""
    actor = current_actor()
    demand(actor, "member:edit")
    row = queries.find_member(actor, membership_id)
    return page("admin/members/confirm.html", member=row, actor=actor)


@bp.post("/organisation/members/<membership_id>/end")
@needs("member:edit")
def end_membership(membership_id: str) -> ResponseReturnValue:
    """End a membership and its sessions."""
    actions.end_membership(current_actor(), membership_id, at=clock.now())
    flash(say("The membership was ended, and the sessions with it."), "good")
    return see_other(url_for("admin.members"))


@bp.post("/organisation/members/<membership_id>/sign-ins/end")
@needs("member:edit")
def end_sessions(membership_id: str) -> ResponseReturnValue:
    """End every session of a member."""
    ended = actions.end_sessions(current_actor(), membership_id, at=clock.now())
    flash(say_n("%(num)s session was ended.", "%(num)s sessions were ended.", ended), "good")
    return see_other(url_for("admin.member", membership_id=membership_id))


# A lost phone


@bp.post("/organisation/members/<membership_id>/factor-reset")
@needs("member:edit")
def ask_for_reset(membership_id: str) -> ResponseReturnValue:
    """Ask that a member's codes be reset."""
    now = clock.now()
    actor = gate.proven_actor(now)
    actions.ask_for_reset(actor, membership_id, at=now)
    flash(say("Asked. A second administrator must confirm it within 24 hours."), "good")
    return see_other(url_for("admin.member", membership_id=membership_id))


@bp.post("/organisation/factor-resets/<reset_id>/confirmation")
@needs("member:edit")
def confirm_reset(reset_id: str) -> ResponseReturnValue:
    """Confirm a reset another administrator asked for."""
    now = clock.now()
    actor = gate.proven_actor(now)
    actions.confirm_reset(actor, reset_id, partners=partners(actor), at=now)
    flash(say("The codes were reset. Everyone concerned is told; nothing can be signed for a day."),
          "good")  # fmt: skip
    return see_other(url_for("admin.members"))


@bp.post("/organisation/factor-resets/<reset_id>/withdrawal")
@needs("member:edit")
def withdraw_reset(reset_id: str) -> ResponseReturnValue:
    """End a reset nobody confirmed yet."""
    actions.withdraw_reset(current_actor(), reset_id, at=clock.now())
    flash(say("The reset was withdrawn."), "good")
    return see_other(url_for("admin.members"))


# Invitations


@bp.get("/organisation/invitations/new")
@needs("member:invite")
def new_invitation() -> ResponseReturnValue:
    """Ask whom to invite."""
    demand(current_actor(), "member:invite")
    return page("admin/invitations/new.html", form=InvitationForm(formdata=None))


@bp.post("/organisation/invitations")
@needs("member:invite")
def invite() -> ResponseReturnValue:
    """Send an invitation by mail."""
    actor, form = current_actor(), InvitationForm()
    demand(actor, "member:invite")
    if form.validate():
        link = current_app.config["SETTINGS"].base_url + url_for("admin.invitation", token="TOKEN")  # noqa: S106
        try:
            row = actions.invite(
                actor, email=form.email.data, name=form.name.data, roles=form.roles.data,
                link=link, at=clock.now(),
            )  # fmt: skip
        except Refused as refusal:
            form.form_errors.append(refusal.message)
        else:
            flash(
                say(
                    "An invitation is on its way to %(email)s. It works for 24 hours.",
                    email=row.email,
                ),
                "good",
            )
            return see_other(url_for("admin.members"))
    return page("admin/invitations/new.html", 422, form=form)


@bp.post("/organisation/invitations/<invitation_id>/withdrawal")
@needs("member:invite")
def withdraw_invitation(invitation_id: str) -> ResponseReturnValue:
    """End an invitation nobody accepted yet."""
    actions.withdraw_invitation(current_actor(), invitation_id, at=clock.now())
    flash(say("The invitation was withdrawn."), "good")
    return see_other(url_for("admin.members"))


@bp.get("/invitations/<token>")
@public
def invitation(token: str) -> ResponseReturnValue:
    """Show an invitation. Looking uses nothing up: a mail scanner may look too."""
    try:
        offer = queries.find_invitation(actions.token_hash(token), at=clock.now())
    except NotFound:
        return page("admin/invitations/done.html", 404)
    form = JoinForm(formdata=None, name=offer.name)
    return _invitation_page(token, offer, form, 200)


def _invitation_page(
    token: str, offer: Invitation, form: JoinForm, status: int
) -> ResponseReturnValue:
    visitor = gate.visitor_or_none()
    signed_in_as = visitor.person.email if visitor and visitor.is_authenticated else None
    return page(
        "admin/invitations/show.html", status, offer=offer, form=form, token=token,
        roles=role_words(offer.roles), known=queries.person_by_email(offer.email) is not None,
        signed_in_as=signed_in_as,
    )  # fmt: skip


@bp.post("/invitations/<token>")
@public
def accept_invitation(token: str) -> ResponseReturnValue:
    """Use the invitation up: a new person chooses a password, a known one joins."""
    form, now = JoinForm(), clock.now()
    offer = queries.find_invitation(actions.token_hash(token), at=now)
    if queries.person_by_email(offer.email):
        return _accept_as_known(token, offer.email)
    if form.validate():
        about = [offer.email, form.name.data, offer.organisation.name, "Counterpart"]
        listed = current_app.config["SETTINGS"].breached_passwords
        problem = password_problem(
            form.password.data, common=passwords.common(), about=about,
            breached=passwords.is_breached(listed, form.password.data),
        )  # fmt: skip
        try:
            if problem:
                raise Refused(problem)
            actions.accept_as_new_person(
                token, name=form.name.data, password=form.password.data, at=now
            )
        except Refused as refusal:
            form.password.errors = [refusal.message]
        else:
            flash(say("Your account is ready. Sign in with your new password."), "good")
            return see_other(url_for("accounts.sign_in"))
    return _invitation_page(token, offer, form, 422)


def _accept_as_known(token: str, email: str) -> ResponseReturnValue:
    visitor = gate.visitor_or_none()
    if visitor is None or not visitor.is_authenticated or visitor.person.email != email:
        raise NotFound
    actions.accept_as_person(token, visitor.person.id, at=clock.now())
    flash(say("You are a member now."), "good")
    return see_other(url_for("accounts.acting_for"))
