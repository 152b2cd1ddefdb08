"""The parts of a sentence that facts alone do not say: counts, and words for stored keys.

A sentence names them like a fact: `%(rows)s` is "3 rows" where a phrase of that name stands here.
"""

from collections.abc import Callable, Mapping
from typing import Any

from portal.kit.words import Words, commas, say, say_n

Facts = Mapping[str, Any]
# A whole sentence with `%(who)s` for whoever did it and a name for each fact it tells.
Wordings = Mapping[str, Words | Callable[[Facts], Words]]

KEYS: Mapping[str, Words] = {
    "vendor": say("vendor"),
    "customer": say("customer"),
    "sales_ops": say("sales ops"),
    "it_admin": say("it admin"),
    "procurement": say("procurement"),
    "legal": say("legal"),
    "signatory": say("signatory"),
    "account_manager": say("account manager"),
    "support_engineer": say("support engineer"),
    "support_lead": say("support lead"),
    "auditor": say("auditor"),
    "org_admin": say("org admin"),
    # What a notice says, and how it went.
    "against_renewal": say("against renewal"),
    "renewal_chosen": say("renewal chosen"),
    "price": say("price"),
    "reminder": say("reminder"),
    "leave_unreminded": say("leave unreminded"),
    "without_cause": say("without cause"),
    "waiver": say("waiver"),
    "portal": say("portal"),
    # What a review is for, and what a clock aims at.
    "service": say("service"),
    "targets": say("of targets"),
    "response": say("response"),
    "update": say("update"),
    "workaround": say("workaround"),
    "resolution": say("resolution"),
    # What is ticked before support begins.
    "handoff": say("handoff"),
    "access": say("access"),
    "runbooks": say("runbooks"),
    "contacts": say("contacts"),
    "test_incident": say("test incident"),
    # What one signs with.
    "factor": say("factor"),
    "password": say("password"),
    "code": say("code"),
    "passkey": say("passkey"),
}
STEPS = {1: say("people"), 2: say("service levels"), 3: say("scope"), 4: say("metrics")}
POLICIES = {
    "regions": say("the allowed regions"),
    "hipaa": say("the HIPAA profile"),
    "retention": say("how long records are kept"),
}
CODES = say("the rule on sign-in codes")
MEANINGS = {
    "authorship": say("authorship"), "review": say("review"),
    "approval": say("approval"), "responsibility": say("responsibility"),
}  # fmt: skip
ACTS = {
    "changes:change:approved": say("approving a change"),
    "changes:change:excepted": say("allowing work in a freeze"),
    "changes:change:postponed": say("postponing a change"),
    "changes:outage:cause_accepted": say("accepting the cause of an outage"),
    "changes:outage:cause_refused": say("refusing the cause of an outage"),
    "changes:outage:confirmed": say("confirming an outage"),
    "changes:outage:corrected": say("taking over the other times of an outage"),
    "changes:outage:disputed": say("disputing an outage"),
    "contract:move:agreed": say("agreeing to a move"),
    "contract:move:asked": say("asking for a move"),
    "incident:review:held": say("keeping the outcome of an executive review"),
    "incident:root_cause:accepted": say("accepting a root cause"),
    "interim_change:agreed": say("agreeing to a change of a schedule"),
    "interim_change:declined": say("declining a change of a schedule"),
    "profile:turn:agreed": say("changing a profile"),
    "profile:turn:asked": say("changing a profile"),
    "renewal:notice:received": say("confirming that a notice arrived"),
    "retention:deletion:agreed": say("deleting the content"),
    "retention:deletion:asked": say("deleting the content"),
    "review:held": say("keeping minutes"),
    "signing:reopening:proposed": say("proposing to open the terms again"),
    "signing:reopening:refused": say("refusing to open the terms again"),
    "signing:signature:declined": say("declining to sign"),
    "signing:version:reopened": say("opening the terms again"),
    "signing:version:voided": say("voiding the signing"),
    "statements:statement:accepted": say("accepting a statement"),
    "statements:statement:claimed": say("claiming a credit"),
    "statements:statement:confirmed": say("confirming a statement"),
    "statements:statement:disputed": say("disputing a statement"),
    "statements:statement:objected": say("objecting to a statement"),
    # As they were entered until the log's own names of acts were.
    "statement:accept": say("accepting a statement"),
    "change:approve": say("approving a change"),
    "change:allow": say("allowing work in a freeze"),
    "review:hold": say("keeping minutes"),
    "content:delete": say("deleting the content"),
    "profile:turn": say("changing a profile"),
}
PROFILES = {"hipaa": say("HIPAA"), "regulated": say("regulated signatures")}


def named(key: object) -> str:
    """Return a word for a stored key; one without a word is told as it is."""
    return KEYS.get(str(key), str(key).replace("_", " "))


def roles(facts: Facts, key: str) -> str:
    """Return the roles a fact lists."""
    return commas(named(role) for role in facts.get(key) or ()) or say("no role")


def answers(facts: Facts) -> list[str]:
    """Return what a round did, a phrase for each kind of answer."""
    said = (
        ("accepted", say("%(n)s accepted")),
        ("countered", say("%(n)s countered")),
        ("offered", say("%(n)s offered")),
        ("rejected", say("%(n)s rejected")),
        ("discussed", say("%(n)s to discuss")),
        ("parked", say("%(n)s parked")),
        ("returned", say("%(n)s packages returned")),
        ("open", say("%(n)s still open")),
    )
    return [words % {"n": facts[kind]} for kind, words in said if facts.get(kind)]


def terms_named(facts: Facts) -> Words:
    """Return the terms of a change by their numbers."""
    ids = str(facts.get("term", "")).split(",")
    return say_n("term %(ids)s", "terms %(ids)s", len(ids), ids=", ".join(ids))


def more_of_notice(facts: Facts) -> Words:
    """Return what else is told of a notice date that has passed."""
    parts = []
    if facts.get("conditions"):
        held, conditions = facts.get("held"), facts["conditions"]
        parts.append(say("%(held)s of %(all)s conditions met", held=held, all=conditions))
    if facts.get("late"):
        parts.append(say("late"))
    return commas(parts)


PHRASES: Mapping[str, Callable[[Facts], str]] = {
    # Counts.
    "terms": lambda f: say_n("%(num)s term", "%(num)s terms", f.get("terms", 0)),
    "rows": lambda f: say_n("%(num)s row", "%(num)s rows", f.get("rows", 0)),
    "started_contracts": lambda f: say_n("%(num)s contract", "%(num)s contracts", f.get("rows", 0)),
    "contracts": lambda f: say_n("%(num)s contract", "%(num)s contracts", f.get("contracts", 0)),
    "people": lambda f: say_n("%(num)s person", "%(num)s people", f.get("people", 0)),
    "told_people": lambda f: say_n("%(num)s person", "%(num)s people", f.get("told", 0)),
    "signatures": lambda f: say_n("%(num)s signature", "%(num)s signatures", f["signatures"]),
    "signers": lambda f: say_n("%(num)s signer", "%(num)s signers", f.get("slots", 0)),
    "named_signers": lambda f: say_n("%(num)s signer", "%(num)s signers", f.get("signers", 0)),
    "remaining_signers": lambda f: say_n("%(num)s signer", "%(num)s signers", f["remaining"]),
    "functions": lambda f: say_n("%(num)s function", "%(num)s functions", f.get("stakeholders", 0)),
    "tries": lambda f: say_n("%(num)s try", "%(num)s tries", f.get("tries", 0)),
    "contacts": lambda f: say_n("%(num)s contact", "%(num)s contacts", f.get("count", 0)),
    "actions": lambda f: say_n("%(num)s action", "%(num)s actions", f.get("actions", 0)),
    "minutes": lambda f: say_n("%(num)s minute", "%(num)s minutes", f["overrun_minutes"]),
    "moved_dates": lambda f: say_n("%(num)s date", "%(num)s dates", f["moved"]),
    "documents": lambda f: say_n("%(num)s document", "%(num)s documents", f.get("documents", 0)),
    "sessions": lambda f: say_n("%(num)s session", "%(num)s sessions", f.get("sign_ins_ended", 0)),
    "organisations": lambda f: say_n(
        "%(num)s organisation", "%(num)s organisations", f.get("organisations", 0)
    ),
    "grants": lambda f: say_n("%(num)s grant", "%(num)s grants", f.get("grants", 0)),
    "recovery_codes": lambda f: say_n(
        "%(num)s recovery code", "%(num)s recovery codes", f.get("count", 0)
    ),
    "scopes": lambda f: say_n("%(num)s scope", "%(num)s scopes", len(f.get("scopes") or ())),
    "past_incidents": lambda f: say_n(
        "%(num)s past incident", "%(num)s past incidents", f.get("rows", 0)
    ),
    "past_outages": lambda f: say_n(
        "%(num)s past outage", "%(num)s past outages", f.get("rows", 0)
    ),
    # Numbers that are nothing where a fact is missing.
    "faulty": lambda f: str(f.get("faulty", 0)),
    "left": lambda f: str(f.get("left", 0)),
    "added": lambda f: str(f.get("added", 0)),
    "changed": lambda f: str(f.get("changed", 0)),
    # Words for keys, and what is cut out of a fact.
    "side": lambda f: named(f.get("side", "side")),
    "role": lambda f: named(f.get("role", "")),
    "roles": lambda f: roles(f, "roles"),
    "roles_before": lambda f: roles(f, "before"),
    "roles_after": lambda f: roles(f, "after"),
    "regions_before": lambda f: commas(f.get("before", ())),
    "regions_after": lambda f: commas(f.get("after", ())),
    "notice": lambda f: named(f.get("kind")),
    "channel": lambda f: named(f.get("channel")),
    "factor": lambda f: named(f.get("factor", "factor")),
    "review": lambda f: named(f.get("kind", "")),
    "item": lambda f: named(f.get("item", "")),
    "aim": lambda f: named(f.get("aim", "")),
    "policy": lambda f: POLICIES.get(str(f.get("kind")), CODES),
    "signed_act": lambda f: ACTS.get(str(f.get("act")), ""),
    "meaning": lambda f: MEANINGS.get(str(f.get("meaning")), ""),
    "turned_profile": lambda f: PROFILES.get(str(f.get("profile")), ""),
    "own_profile": lambda f: str(f.get("profile", "")).upper(),
    "step_name": lambda f: STEPS.get(f.get("step", 0), say("done")),
    "hash": lambda f: str(f.get("sha256", ""))[:16],
    "until": lambda f: str(f.get("until", ""))[11:16],
    "provider": lambda f: str(f.get("provider") or say("a provider")),
    "named_terms": terms_named,
    "answers": lambda f: commas(answers(f)),
    "more": more_of_notice,
}
