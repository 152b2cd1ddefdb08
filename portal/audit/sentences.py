"""Entries as sentences: who did what, in words fit for a person of either side.

A sentence says no more than the entry's facts do; an event nobody has worded yet is still told.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from portal.audit.queries import Line

Facts = Mapping[str, Any]
Wording = str | Callable[[Facts], str]


def _count(facts: Facts, key: str, word: str, words: str | None = None) -> str:
    number = facts.get(key, 0)
    return f"{number} {word}" if number == 1 else f"{number} {words or word + 's'}"


def _terms(facts: Facts) -> str:
    ids = str(facts.get("term", "")).split(",")
    return f"term{'s' if len(ids) > 1 else ''} {', '.join(ids)}"


def _roles(facts: Facts, key: str) -> str:
    roles = facts.get(key) or ()
    return ", ".join(str(role).replace("_", " ") for role in roles) or "no role"


def _signed(facts: Facts) -> str:
    left = facts.get("remaining", 0)
    told = f", {_count(facts, 'remaining', 'signer')} to go" if left else ", the last to sign"
    return f"signed version {facts.get('version', '')}{told}"


def _fallen(facts: Facts) -> str:
    if not facts.get("signatures"):
        return ""
    return f" with {_count(facts, 'signatures', 'signature')} made on it"


def _round_sent(facts: Facts) -> str:
    kinds = ("accepted", "countered", "offered", "rejected")
    parts = [f"{facts[kind]} {kind}" for kind in kinds if facts.get(kind)]
    words = {"discussed": "to discuss", "parked": "parked", "returned": "packages returned"}
    parts += [f"{facts[key]} {word}" for key, word in words.items() if facts.get(key)]
    if facts.get("open"):
        parts.append(f"{facts['open']} still open")
    told = ", ".join(parts)
    return f"sent round {facts.get('number', '')}" + (f": {told}" if told else "")


def _signed_in_by(facts: Facts) -> str:
    means = str(facts.get("means", "password"))
    return "signed in with the password" if means == "password" else f"signed in by {means}"


def _people_changed(facts: Facts) -> str:
    return (
        f"named the people of the {facts.get('side', '')}: "
        f"{_count(facts, 'stakeholders', 'function')}, {_count(facts, 'signers', 'signer')}"
    )


def _grant_why(facts: Facts) -> str:
    told = {"reuse": ", because a code or token of it was used twice", "by_client": ", at its wish"}
    return told.get(str(facts.get("why")), "")


def _policy(facts: Facts) -> str:
    kinds = {"regions": "the allowed regions", "hipaa": "the HIPAA profile",
             "retention": "how long records are kept"}  # fmt: skip
    return kinds.get(str(facts.get("kind")), "the rule on sign-in codes")


def _turn(facts: Facts) -> str:
    names = {"hipaa": "HIPAA", "regulated": "regulated signatures"}
    way = "put the contract under" if facts.get("on") else "let the contract leave"
    return f"{way} the profile {names.get(str(facts.get('profile')), '')}"


def _item(facts: Facts) -> str:
    return f"“{str(facts.get('item', '')).replace('_', ' ')}”"


def _incident(facts: Facts) -> str:
    return f"incident {facts.get('incident', '')} ({facts.get('severity', '')})"


_STEPS = {1: "people", 2: "service levels", 3: "scope", 4: "metrics"}


def _step_finished(facts: Facts) -> str:
    step = facts.get("step", 0)
    return f"finished step {step} of the start: {_STEPS.get(step, 'done')}"


def _review(facts: Facts) -> str:
    return {"targets": "of targets"}.get(facts.get("kind", ""), str(facts.get("kind", "")))


def _late(facts: Facts) -> str:
    return ", late" if facts.get("late") else ""


def _dates_computed(facts: Facts) -> str:
    moved = facts.get("moved")
    return "computed the dates of the term" + (
        f", {_count(facts, 'moved', 'date')} moved" if moved else ""
    )


def _overrun(facts: Facts) -> str:
    late = facts.get("overrun_minutes")
    return f", {_count(facts, 'overrun_minutes', 'minute')} past its end" if late else ""


# What was done, as a predicate: it follows the name of whoever did it.
WORDINGS: Mapping[str, Wording] = {
    "contract:terms:brought": lambda facts: (
        f"took {facts.get('terms', 'the')} terms over from the document with the SHA-256 "
        f"{str(facts.get('sha256', ''))[:16]}…"
    ),
    "contract:started": lambda facts: f"started the contract as its {facts.get('side', 'side')}",
    "contract:people:changed": _people_changed,
    "contract:step:finished": _step_finished,
    "contract:person:erased": "erased a person’s data, and left what was signed and every proof",
    "person:erased": "erased the person’s data",
    "contract:withdrawn": "withdrew the contract and gave a reason",
    "amendment:started": lambda f: f"started an amendment of {_count(f, 'terms', 'term')}",
    "amendment:completed": lambda f: (
        f"sealed an amendment of {_count(f, 'terms', 'term')}, which holds from {f.get('starts')}"
    ),
    "interim_change:proposed": lambda f: (
        f"proposed change {f.get('number')} of a schedule, of {_terms(f)}"
    ),
    "interim_change:agreed": lambda f: (
        f"agreed change {f.get('number')} of a schedule, which holds from {f.get('starts')}"
    ),
    "interim_change:declined": lambda f: f"declined change {f.get('number')} of a schedule",
    "interim_change:withdrawn": lambda f: f"took back change {f.get('number')} of a schedule",
    "template:created": "started a template",
    "template:draft:started": lambda f: f"started number {f.get('number')} of a template",
    "template:draft:saved": lambda f: f"changed the draft of template number {f.get('number')}",
    "template:draft:discarded": lambda f: f"discarded template number {f.get('number')}",
    "template:published": lambda f: f"published number {f.get('number')} of a template",
    "template:retired": lambda f: f"retired number {f.get('number')} of a template",
    "batch:uploaded": lambda f: (
        f"uploaded a sheet of {_count(f, 'rows', 'row')}, {f.get('faulty', 0)} with errors"
    ),
    "batch:confirmed": lambda f: f"confirmed a batch of {_count(f, 'rows', 'contract')}",
    "batch:row:started": lambda f: f"started row {f.get('row')} of a batch",
    "batch:stopped": lambda f: f"stopped a batch, {f.get('left', 0)} left",
    "catalogue:draft:started": lambda f: f"started version {f.get('number')} of the catalogue",
    "catalogue:draft:imported": lambda f: f"read version {f.get('number')} of the catalogue in",
    "catalogue:draft:saved": lambda f: f"changed the draft of catalogue version {f.get('number')}",
    "catalogue:draft:discarded": lambda f: f"discarded catalogue version {f.get('number')}",
    "catalogue:published": lambda f: f"published version {f.get('number')} of the catalogue",
    "catalogue:retired": lambda f: f"retired version {f.get('number')} of the catalogue",
    "negotiation:round:sent": _round_sent,
    "negotiation:round:opened": lambda f: f"opened round {f.get('number', '')}",
    "negotiation:round:recalled": lambda f: f"recalled round {f.get('number', '')} unopened",
    "negotiation:comment:shared": lambda f: (
        f"shared a comment on {f['term']}" if f.get("term") else "shared a comment"
    ),
    "negotiation:comment:resolved": "marked a shared comment as settled",
    "negotiation:changes:seen": lambda f: f"has seen everything up to round {f.get('round', '')}",
    "negotiation:note:written": "wrote an internal note",
    "negotiation:note:resolved": "marked an internal note as settled",
    "negotiation:approval:given": lambda f: (
        f"{'overrode the limits of' if f.get('override') else 'approved'} {f.get('term', '')} "
        f"as {str(f.get('role', '')).replace('_', ' ')}, playbook {f.get('playbook', '')}"
    ),
    "organisation:playbook:changed": lambda f: (
        f"wrote version {f.get('number', '')} of the playbook"
    ),
    "negotiation:version:frozen": lambda f: f"froze the agreed terms as version {f.get('number')}",
    "signing:consent:given": "consented to electronic records",
    "signing:consent:withdrawn": "withdrew consent to electronic records",
    "signing:signature:signed": _signed,
    "signing:signature:declined": lambda f: f"declined to sign version {f.get('version')}",
    "signing:version:approved": lambda f: f"approved version {f.get('version')} for signature",
    "signing:signer:reminded": lambda f: (
        f"reminded {_count(f, 'people', 'person', 'people')} of version {f.get('version')}"
    ),
    "signing:slot:delegated": "gave the own place to sign to a colleague",
    "signing:slot:reassigned": "gave a place to sign to another colleague before it was reached",
    "signing:version:voided": lambda f: (
        f"voided the signing of version {f.get('version')}{_fallen(f)}"
    ),
    "signing:version:reopened": lambda f: (
        f"agreed to open the terms again: version {f.get('version')} is void{_fallen(f)}"
    ),
    "signing:reopening:proposed": "proposed to open the frozen terms again",
    "signing:reopening:refused": "refused to open the frozen terms again",
    "signing:offer:expired": lambda f: f"let the offer to sign version {f.get('version')} expire",
    "signing:paper:asked": "asked for a paper copy",
    "signing:paper:sent": "noted a paper copy as sent",
    "signing:deed:prepared": lambda f: (
        f"prepared the deed of version {f.get('version')} for {_count(f, 'slots', 'signer')}"
    ),
    "signing:deed:signed": lambda f: (
        f"put a signature into the deed of version {f.get('version')}, revision {f.get('revision')}"
    ),
    "signing:deed:sealed": lambda f: (
        f"sealed the deed of version {f.get('version')} and completed the contract"
    ),
    "signing:deed:stamped": lambda f: (
        f"added a time stamp of an authority to the deed of version {f.get('version')}"
    ),
    "signing:deed:renewed": lambda f: (
        f"renewed the proof of time of the deed of version {f.get('version')}"
    ),
    "signing:deed:failed": lambda f: (
        f"could not finish the deed of version {f.get('version')} "
        f"({_count(f, 'tries', 'try', 'tries')}), and goes on trying"
    ),
    "incident:reported": lambda f: f"reported {_incident(f)}",
    "incident:message:written": lambda f: f"wrote about {_incident(f)}",
    "incident:acknowledged": lambda f: f"acknowledged {_incident(f)}",
    "incident:response:given": lambda f: f"gave a first diagnosis of {_incident(f)}",
    "incident:update:given": lambda f: f"gave an update on {_incident(f)}",
    "incident:severity:proposed": lambda f: f"proposed another severity for {_incident(f)}",
    "incident:severity:agreed": lambda f: f"agreed the severity of {_incident(f)}",
    "incident:severity:declined": lambda f: f"disputed the severity of {_incident(f)}",
    "incident:severity:withdrawn": lambda f: f"withdrew a severity proposed for {_incident(f)}",
    "incident:pause:claimed": lambda f: f"claimed a pause of the clocks of {_incident(f)}",
    "incident:pause:contested": lambda f: f"contested a pause of {_incident(f)}",
    "incident:pause:settled": lambda f: f"settled a contested pause of {_incident(f)}",
    "incident:pause:ended": lambda f: f"let the clocks of {_incident(f)} run again",
    "incident:workaround:delivered": lambda f: f"delivered a workaround for {_incident(f)}",
    "incident:resolved": lambda f: f"resolved {_incident(f)}",
    "incident:delivery:refused": lambda f: (
        f"said that what was delivered for {_incident(f)} does not work"
    ),
    "incident:confirmed": lambda f: f"closed {_incident(f)}",
    "incident:reopened": lambda f: f"reopened {_incident(f)}",
    "incident:exclusion:claimed": lambda f: f"claimed that {_incident(f)} does not count",
    "incident:exclusion:contested": lambda f: f"contested that {_incident(f)} does not count",
    "incident:exclusion:settled": lambda f: f"settled whether {_incident(f)} counts",
    "incident:target:missed": lambda f: f"noted a missed target of {_incident(f)}: {f.get('aim')}",
    "incident:level:called": lambda f: (
        f"called level {f.get('level')} to {_incident(f)}"
        + (", later than it should" if f.get("late") else "")
    ),
    "incident:level:confirmed": lambda f: f"confirmed for level {f.get('level')} of {_incident(f)}",
    "incident:root_cause:preliminary": lambda f: (
        f"gave a first account of the cause of {_incident(f)}"
    ),
    "incident:root_cause:final": lambda f: f"gave the full account of the cause of {_incident(f)}",
    "incident:root_cause:returned": lambda f: (
        f"returned the account of the cause of {_incident(f)}"
    ),
    "incident:root_cause:accepted": lambda f: (
        f"accepted the account of the cause of {_incident(f)}"
    ),
    "incident:measure:added": lambda f: f"added an action after {_incident(f)}",
    "incident:measure:done": lambda f: f"finished an action after {_incident(f)}",
    "incident:review:called": lambda f: f"called executive review {f.get('number')}",
    "incident:review:held": lambda f: (
        f"wrote down the outcome of executive review {f.get('number')}"
    ),
    "onboarding:item:ticked": lambda f: f"ticked {_item(f)} of the onboarding",
    "onboarding:item:unticked": lambda f: f"took back the tick of {_item(f)} of the onboarding",
    "onboarding:item:planned": lambda f: f"gave {_item(f)} of the onboarding an owner and a date",
    "onboarding:file:attached": lambda f: f"attached a file to {_item(f)} of the onboarding",
    "incident:watch:begun": lambda f: f"began to watch incident {f.get('incident')}",
    "incident:watch:ended": lambda f: f"stopped watching incident {f.get('incident')}",
    "incident:contacts:named": lambda f: (
        f"named {_count(f, 'count', 'contact')} who may open incidents"
    ),
    "review:planned": lambda f: f"planned a review ({_review(f)})",
    "review:moved": lambda f: f"moved a review ({_review(f)}) to another day",
    "review:held": lambda f: (
        f"kept the minutes of a review ({_review(f)}), {_count(f, 'actions', 'action')} agreed"
    ),
    "review:action:done": "finished an action of a review",
    "renewal:dates:computed": _dates_computed,
    "renewal:reminder:sent": lambda f: "reminded both sides of the notice date" + _late(f),
    "renewal:reminder:passed": lambda f: "passed over a reminder that came too late" + _late(f),
    "renewal:price:reminded": lambda f: "reminded the vendor of the price notice" + _late(f),
    "renewal:price:told": lambda f: f"told the price of the next term (notice {f.get('serial')})",
    "renewal:price:closed": lambda f: (
        "noted that the price notice "
        + ("was in time" if f.get("told") else "did not come, so the fee stays")
        + _late(f)
    ),
    "renewal:notice:given": lambda f: (
        f"gave notice {f.get('serial')} by {f.get('channel')}: "
        f"{str(f.get('kind')).replace('_', ' ')}"
    ),
    "renewal:notice:received": lambda f: f"confirmed that notice {f.get('serial')} arrived",
    "renewal:notice:closed": lambda f: (
        "noted that the notice date has passed and the contract "
        + ("renews" if f.get("renews") else "does not renew")
        + (f", {f['held']} of {f['conditions']} conditions met" if f.get("conditions") else "")
        + _late(f)
    ),
    "renewal:term:renewed": lambda f: (
        f"renewed the contract for term {f.get('term')} and wrote version {f.get('version')}"
        + _late(f)
    ),
    "renewal:term:renewed_by_successor": lambda f: (
        "ended this contract: a new one renews it" + _late(f)
    ),
    "renewal:term:ended": lambda f: "noted that the last term has ended" + _late(f),
    "renewal:round:started": "started a renewal round from this contract",
    "changes:change:announced": lambda f: f"announced the change {f.get('change')}",
    "changes:change:approved": lambda f: f"approved the change {f.get('change')}",
    "changes:change:excepted": lambda f: f"allowed the change {f.get('change')} in a freeze",
    "changes:change:postponed": lambda f: f"postponed the change {f.get('change')}",
    "changes:change:started": lambda f: f"began the work of {f.get('change')}",
    "changes:change:completed": lambda f: f"completed the change {f.get('change')}{_overrun(f)}",
    "changes:change:rolled_back": lambda f: f"rolled back {f.get('change')}{_overrun(f)}",
    "changes:change:withdrawn": lambda f: f"withdrew the change {f.get('change')}",
    "changes:outage:reported": lambda f: f"wrote down the outage {f.get('outage')}",
    "changes:outage:ended": lambda f: f"wrote down the end of the outage {f.get('outage')}",
    "changes:outage:confirmed": lambda f: f"confirmed the outage {f.get('outage')}",
    "changes:outage:disputed": lambda f: f"disputed the outage {f.get('outage')}",
    "changes:outage:corrected": lambda f: f"took over the other times of {f.get('outage')}",
    "changes:outage:withdrawn": lambda f: f"withdrew the outage {f.get('outage')}",
    "changes:outage:cause_claimed": lambda f: f"claimed an excluded cause of {f.get('outage')}",
    "changes:outage:cause_accepted": lambda f: f"accepted the cause of {f.get('outage')}",
    "changes:outage:cause_refused": lambda f: f"refused the cause of {f.get('outage')}",
    "changes:monitor:added": lambda f: f"let a monitor of the {f.get('side')} report outages",
    "statements:statement:issued": lambda f: f"issued the statement of {f.get('month')}",
    "statements:statement:recomputed": lambda f: (
        f"computed the statement of {f.get('month')} again, revision {f.get('revision')}"
    ),
    "statements:statement:confirmed": lambda f: f"confirmed the statement of {f.get('month')}",
    "statements:statement:objected": lambda f: f"objected to the statement of {f.get('month')}",
    "statements:statement:disputed": lambda f: f"disputed the statement of {f.get('month')}",
    "statements:statement:answered": lambda f: (
        f"answered the dispute of the statement of {f.get('month')}"
    ),
    "statements:statement:accepted": lambda f: f"accepted the statement of {f.get('month')}",
    "statements:statement:lapsed": lambda f: (
        f"let the statement of {f.get('month')} count as accepted: nobody disputed it in time"
    ),
    "statements:statement:claimed": lambda f: f"claimed the credit of {f.get('month')}",
    "statements:statement:sealed": lambda f: f"sealed the statement of {f.get('month')}",
    "statements:statement:presumed": lambda f: (
        f"counted the month {f.get('month')} as missed: no report came in time"
    ),
    "statements:credit:lapsed": lambda f: f"let the credit of {f.get('month')} lapse unclaimed",
    "statements:credit:returned": lambda f: f"earned back a part of the credit of {f.get('month')}",
    "statements:credit:expired": lambda f: (
        f"let the credit of {f.get('month')} expire with the contract"
    ),
    "statements:credit:paid": lambda f: f"paid the credit of {f.get('month')}",
    "changes:monitor:revoked": lambda f: f"ended a monitor of the {f.get('side')}",
    "contract:move:asked": lambda f: f"asked to move the contract to region {f.get('to', '')}",
    "contract:move:agreed": lambda f: f"agreed to move the contract to region {f.get('to', '')}",
    "contract:move:withdrawn": "withdrew the move of the contract",
    "contract:move:started": lambda f: (
        f"froze the contract in region {f.get('from', '')} to move it to {f.get('to', '')}"
    ),
    "contract:move:arrived": lambda f: (
        f"copied {_count(f, 'rows', 'row')} to region {f.get('to', '')}, compared their hashes, "
        "and goes on here"
    ),
    "signing:attempt:failed": lambda f: f"tried to sign with a wrong {f.get('factor', 'factor')}",
    "retention:hold:set": lambda f: f"put a legal hold on it for the {f.get('side', '')}",
    "retention:hold:lift_asked": "asked to lift a legal hold",
    "retention:hold:lifted": lambda f: f"lifted a legal hold of the {f.get('side', '')}",
    "retention:deletion:asked": "asked to delete the content",
    "retention:deletion:agreed": "agreed that the content is deleted",
    "retention:deletion:withdrawn": "stopped the deletion of the content",
    "retention:deletion:stopped": "stopped a deletion: it may no longer be carried out",
    "retention:content:deleted": lambda f: (
        f"deleted the content: {_count(f, 'rows', 'row')}, {_count(f, 'documents', 'document')}"
    ),
    "emergency:access:opened": lambda f: (
        f"opened emergency access as the {f.get('side', '')}, "
        f"until {str(f.get('until', ''))[11:16]}"
    ),
    "emergency:access:ended": "ended emergency access",
    "profile:turn:asked": lambda f: f"asked to {_turn(f)}",
    "profile:turn:agreed": lambda f: f"agreed to {_turn(f)}",
    "profile:turn:withdrawn": lambda f: f"ended the wish to {_turn(f)}",
    "profile:record:viewed": lambda f: f"looked at {f.get('record') or 'the overview'}",
    "portal:key:rotated": lambda f: f"made a new key: {f.get('key', '')}",
    "portal:key:retired": lambda f: f"removed the old key: {f.get('key', '')}",
    "region:contract:left": lambda f: (
        f"moved {_count(f, 'rows', 'row')} of a contract to region {f.get('to', '')}"
    ),
    "organisation:created": "added the organisation",
    "organisation:customers:brought": lambda f: (
        f"brought customers: {f.get('added', 0)} added, {f.get('changed', 0)} changed"
    ),
    "organisation:contact:invited": "invited a contact of a customer",
    "organisation:invitation:sent": lambda f: f"sent an invitation, {_roles(f, 'roles')}",
    "organisation:invitation:withdrawn": "withdrew an invitation",
    "organisation:member:added": lambda f: f"added a member, {_roles(f, 'roles')}",
    "organisation:member:joined": lambda f: f"joined by an invitation, {_roles(f, 'roles')}",
    "organisation:member:roles_changed": lambda f: (
        f"changed a member’s roles: before {_roles(f, 'before')}, now {_roles(f, 'after')}"
    ),
    "organisation:member:ended": "ended a membership and its sessions",
    "organisation:member:signed_out": lambda f: (
        f"ended {_count(f, 'sign_ins_ended', 'session')} of a member"
    ),
    "organisation:policy:asked": lambda f: f"asked to change {_policy(f)}",
    "organisation:policy:confirmed": lambda f: (
        f"confirmed a change of {_policy(f)}, and told {_count(f, 'organisations', 'organisation')}"
    ),
    "organisation:policy:withdrawn": lambda f: f"withdrew a change of {_policy(f)}",
    "organisation:regions:changed": lambda f: (
        f"allowed the regions {', '.join(f.get('after', ()))} instead of "
        f"{', '.join(f.get('before', ()))}"
    ),
    "organisation:retention:changed": lambda f: (
        f"keeps records {f.get('after', '')} years after a contract’s end, "
        f"before {f.get('before', '')}"
    ),
    "organisation:profile:changed": lambda f: (
        f"put the {str(f.get('profile', '')).upper()} profile {'on' if f.get('on') else 'off'}"
    ),
    "organisation:factor_reset:asked": "asked to reset a member’s codes",
    "organisation:factor_reset:done": lambda f: (
        f"confirmed a reset of a member’s codes, and told {_count(f, 'told', 'person', 'people')}"
    ),
    "organisation:factor_reset:withdrawn": "withdrew a reset of a member’s codes",
    "organisation:mfa_rules:changed": lambda f: (
        "changed the rules for codes" + (", some to a weaker one" if f.get("lowered") else "")
    ),
    "person:notice_wishes:changed": "changed how they are told by mail",
    "person:notice:silenced": "turned off mail of one kind",
    "notices:mail:retried": "had a mail sent again that had failed",
    "organisation:client:added": lambda f: (
        f"registered a program that may ask for {len(f.get('scopes') or ())} scopes"
    ),
    "organisation:client:secret_renewed": "renewed the secret of a program",
    "organisation:client:ended": lambda f: (
        f"ended a program and {_count(f, 'grants', 'grant')} with it"
    ),
    "organisation:grant:given": lambda f: (
        f"let a program act for them, within {len(f.get('scopes') or ())} scopes"
    ),
    "organisation:grant:ended": lambda f: f"ended what a program was granted{_grant_why(f)}",
    "intake:file:taken": lambda f: (
        f"took {_count(f, 'rows', 'past ' + str(f.get('kind', 'row'))[:-1])} in from a file"
    ),
    "webhook:endpoint:added": "added an address that is told",
    "webhook:endpoint:tried": "sent a trial to an address",
    "webhook:endpoint:ended": "ended an address that was told",
    "webhook:endpoint:gone": "ended an address, because its receiver wants no more",
    "webhook:delivery:given_up": "gave up a delivery, because every try failed",
    "webhook:secret:rotated": "renewed the secret of an address",
    "webhook:delivery:repeated": "had a delivery sent again",
    "organisation:data:exported": lambda f: (
        f"exported everything, {_count(f, 'contracts', 'contract')}"
    ),
    "organisation:mail_rule:changed": lambda f: (
        "asked for mail that says " + ("only that something waits" if f.get("thin") else "what")
    ),
    "person:created": "added the account",
    "person:calendar:made": "made an address for a calendar",
    "person:calendar:revoked": "revoked an address of a calendar",
    "person:code:spent": "used a code from the phone",
    "person:factor:started": "began to set up codes on a phone",
    "person:factor:enrolled": "set up codes on a phone",
    "person:factor:moved": "moved the codes to another phone",
    "person:recovery_codes:made": lambda f: f"made {_count(f, 'count', 'recovery code')}",
    "person:recovery_code:spent": lambda f: f"used a recovery code, {f.get('left', 0)} left",
    "person:passkey:added": "added a passkey",
    "person:passkey:removed": "removed a passkey",
    "person:passkey:used": "used a passkey",
    "person:password:changed": "changed the password",
    "person:sign_in:started": _signed_in_by,
    "person:provider:linked": lambda f: f"linked an account at {f.get('provider', 'a provider')}",
    "person:provider:removed": "removed the link to an account at a provider",
    "person:sign_in:proven": "proved a second factor",
    "person:sign_in:ended": "ended a session",
    "person:organisation:chosen": "chose the organisation to act for",
}


@dataclass(frozen=True)
class Sentence:
    """An entry ready to be printed in a log."""

    time: str
    sentence: str
    ref: str


def predicate(event: str, facts: Facts) -> str:
    """Return what was done, in words; an event without words of its own is told by its name."""
    wording = WORDINGS.get(event)
    if wording is None:
        return f"recorded “{event.replace(':', ' ').replace('_', ' ')}”"
    return wording if isinstance(wording, str) else wording(facts)


def sentence(line: Line) -> str:
    """Return an entry as one sentence: who, for whom, and what they did."""
    who = f"{line.name} ({line.organisation})" if line.organisation else line.name
    return f"{who} {predicate(line.event, line.facts)}."


def by_day(lines: Iterable[Line]) -> list[tuple[str, list[Sentence]]]:
    """Return entries by day in UTC, newest first, each with its number and the head of its hash."""
    days: dict[date, list[Sentence]] = {}
    for line in sorted(lines, key=lambda line: line.seq, reverse=True):
        days.setdefault(line.at.date(), []).append(
            Sentence(f"{line.at:%H:%M}", sentence(line), f"{line.seq} · {line.hash[:12]}")
        )
    return [(_day(day), entries) for day, entries in days.items()]


def _day(day: date | datetime) -> str:
    return f"{day.day} {day:%B %Y}"
