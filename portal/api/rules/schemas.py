"""The named schemas of what the API answers."""

from collections.abc import Mapping

from portal.api.rules.problems import PROBLEM
from portal.api.rules.shapes import (
    ANYTHING,
    DAY,
    DECIMAL,
    DURATION,
    INSTANT,
    MONEY,
    MONTH,
    NUMBER,
    SHA256,
    SIDE,
    STRING,
    YES_NO,
    Schema,
    answer,
    many,
    maybe,
    one_of,
    ref,
)
from portal.contracts.rules.life import State

_PARTY = answer(id=STRING, name=STRING)
_TERMS: Schema = {"type": "object", "description": "Values by term id, as the contract stores them"}
_PERSON = answer(name=STRING, email=STRING, function=STRING, approves=YES_NO)
_PLACE = answer(
    position=NUMBER, name=STRING, title=STRING, organisation=STRING, signed_at=maybe(INSTANT),
    is_next=YES_NO,
)  # fmt: skip
_WORD = answer(
    term=STRING, kind=STRING, value_sha256=STRING, value=ANYTHING, reason=maybe(STRING),
    package=maybe(STRING),
)  # fmt: skip

SCHEMAS: Mapping[str, Schema] = {
    "Problem": PROBLEM,
    "Contract": answer(
        ref=STRING, title=STRING, state=one_of(*State), turn=SIDE, side=SIDE, region=STRING,
        vendor=_PARTY, customer=_PARTY, created_at=INSTANT, completed_at=maybe(INSTANT),
        amends=maybe(STRING),
    ),
    "ContractInFull": answer(
        ref=STRING, title=STRING, state=one_of(*State), turn=SIDE, side=SIDE, region=STRING,
        vendor=_PARTY, customer=_PARTY, created_at=INSTANT, completed_at=maybe(INSTANT),
        amends=maybe(STRING), service_start=maybe(DAY), template=STRING, tier=maybe(STRING),
        schema_version=STRING, standard_version=STRING, version=maybe(ref("Version")),
        head=maybe(SHA256),
    ),
    "Customer": answer(
        id=STRING, external_id=maybe(STRING), name=STRING, address=STRING,
        partner_id=maybe(STRING), changed_at=INSTANT,
        contacts=many(
            answer(id=STRING, external_id=maybe(STRING), name=STRING, email=STRING, title=STRING,
                   invited_at=maybe(INSTANT))
        ),
    ),
    "BroughtContract": answer(
        contract=ref("ContractInFull"), sha256=SHA256, terms=NUMBER, clauses=NUMBER,
        left=many(answer(term=STRING, reason=STRING)),
    ),
    "Version": answer(
        number=NUMBER, sha256=SHA256, frozen_at=INSTANT, voided_at=maybe(INSTANT),
        begins=maybe(DAY),
    ),
    "Terms": answer(on=DAY, version=ref("Version"), terms=_TERMS),
    "Canonical": {"type": "object", "description": "Its RFC 8785 form is hashed and signed"},
    "SidePeople": answer(
        side=SIDE, organisation=STRING, people=many(_PERSON), signers=many(_PLACE)
    ),
    "Signing": answer(
        state=one_of(*State), version=maybe(ref("Version")), places=many(_PLACE),
        approvals_missing=many(STRING), seal=maybe(answer(sealed=YES_NO, words=STRING)),
    ),
    "Entry": answer(
        seq=NUMBER, at=INSTANT, event=STRING, name=STRING, organisation=STRING,
        facts={"type": "object"}, hash=SHA256, sentence=STRING,
    ),
    "Standing": answer(
        term=STRING, label=STRING, status=STRING, value=ANYTHING, value_sha256=maybe(STRING),
        offered_by=maybe(SIDE), awaited=maybe(SIDE), package=maybe(STRING), in_words=STRING,
        drafted=maybe(_WORD),
    ),
    "Negotiation": answer(
        state=one_of(*State), side=SIDE, turn=SIDE, my_turn=YES_NO, last_round=NUMBER,
        waiting_round=maybe(NUMBER), all_agreed=YES_NO, terms=many(ref("Standing")),
    ),
    "Round": answer(
        number=NUMBER, side=SIDE, sent_at=INSTANT, note=maybe(STRING), sha256=STRING,
        opened_at=maybe(INSTANT), words=many(_WORD),
    ),
    "Draft": answer(
        round=NUMBER, sha256=STRING, words=many(_WORD),
        findings=many(answer(level=STRING, message=STRING, terms=many(STRING))),
    ),
    "Comment": answer(
        id=STRING, term=maybe(STRING), side=SIDE, by=STRING, at=INSTANT, text=STRING,
        resolved_at=maybe(INSTANT), resolved_by=maybe(STRING),
    ),
    "Incident": answer(
        number=NUMBER, title=STRING, severity=STRING, standing=STRING, reported_at=INSTANT,
        reported_by_side=SIDE, channel=STRING, module=STRING, security=YES_NO, excluded=STRING,
        breaches=NUMBER, resolved_at=maybe(INSTANT), closed_at=maybe(INSTANT),
        next_due_at=maybe(INSTANT),
    ),
    "IncidentInFull": answer(
        number=NUMBER, title=STRING, severity=STRING, standing=STRING, reported_at=INSTANT,
        reported_by_side=SIDE, channel=STRING, module=STRING, security=YES_NO, excluded=STRING,
        breaches=NUMBER, resolved_at=maybe(INSTANT), closed_at=maybe(INSTANT),
        next_due_at=maybe(INSTANT), facts={"type": "object"}, trial=YES_NO,
        events=many(ref("IncidentEvent")), can=many(STRING),
    ),
    "IncidentEvent": answer(
        id=STRING, kind=STRING, at=INSTANT, written_at=INSTANT, side=SIDE, by=STRING,
        words=maybe(STRING), severity=maybe(STRING), ground=maybe(STRING), answers=maybe(STRING),
    ),
    "Clock": answer(
        aim=STRING, number=NUMBER, severity=STRING, promised=STRING, term=STRING, started=INSTANT,
        due=maybe(INSTANT), due_without_contested=maybe(INSTANT), met_at=maybe(INSTANT),
        state=STRING, breached=YES_NO, disputed=YES_NO, superseded=YES_NO,
        elapsed=maybe(DURATION), remaining=maybe(DURATION), late_by=maybe(DURATION),
        working=many(answer(kind=STRING, begin=INSTANT, end=INSTANT, counted=DURATION)),
    ),
    "Change": answer(
        ref=STRING, kind=STRING, sort=STRING, stage=STRING, begin=INSTANT, end=INSTANT,
        title=STRING, description=STRING, modules=many(STRING), effect=STRING,
        announced_at=maybe(INSTANT), begun_at=maybe(INSTANT), over_at=maybe(INSTANT),
        approved_by=many(SIDE), postponed=NUMBER,
    ),
    "ChangeInFull": answer(
        ref=STRING, kind=STRING, sort=STRING, stage=STRING, begin=INSTANT, end=INSTANT,
        title=STRING, description=STRING, modules=many(STRING), effect=STRING,
        announced_at=maybe(INSTANT), begun_at=maybe(INSTANT), over_at=maybe(INSTANT),
        approved_by=many(SIDE), postponed=NUMBER, plan={"type": "object"},
        verdict=many(answer(rule=STRING, outcome=STRING, says=STRING, clause=STRING, term=STRING)),
    ),
    "Outage": answer(
        ref=STRING, effect=STRING, modules=many(STRING), reported_by=SIDE, by_monitor=YES_NO,
        begin=INSTANT, end=maybe(INSTANT), standing=STRING, cause=maybe(STRING),
        cause_standing=STRING, other_begin=maybe(INSTANT), other_end=maybe(INSTANT), seen=STRING,
    ),
    "Statement": answer(
        month=MONTH, stage=STRING, issued_at=INSTANT, confirmed_at=maybe(INSTANT),
        accepted_at=maybe(INSTANT), revision=NUMBER, sha256=SHA256, known_at=INSTANT,
    ),
    "StatementInFull": answer(
        month=MONTH, stage=STRING, issued_at=INSTANT, confirmed_at=maybe(INSTANT),
        accepted_at=maybe(INSTANT), revision=NUMBER, sha256=SHA256, known_at=INSTANT,
        figures={"type": "object", "description": "Canonical figures, hashed as RFC 8785"},
        words=many(answer(kind=STRING, at=INSTANT, side=maybe(SIDE), figure=maybe(STRING),
                          note=maybe(STRING))),
    ),
    "Credit": answer(
        month=MONTH, at=INSTANT,
        kind=one_of("granted", "lapsed", "interest", "returned", "expired", "paid"),
        percent_of_fee=maybe(DECIMAL), minutes_added=maybe(DECIMAL), money=maybe(MONEY),
        how=maybe(STRING),
    ),
    "Renewal": answer(
        ref=STRING, title=STRING, other=STRING, side=SIDE, state=STRING, number=NUMBER, begins=DAY,
        ends=DAY, notice_by=DAY, price_by=maybe(DAY), decide_by=DAY, mode=STRING,
        decision=maybe(STRING), region=STRING,
    ),
    "RenewalInFull": answer(
        ref=STRING, side=SIDE, mode=STRING, number=NUMBER, begins=DAY, ends=DAY, notice_by=DAY,
        price_by=maybe(DAY), zone=STRING, leaving=YES_NO, over=YES_NO, working=many(STRING),
        dates=many(answer(kind=STRING, due_on=DAY, due_at=INSTANT, done_at=maybe(INSTANT))),
    ),
    "Decision": answer(choice=maybe(STRING), note=maybe(STRING), decided_at=maybe(INSTANT)),
    "Notice": answer(
        serial=NUMBER, kind=STRING, term_number=NUMBER, side=SIDE, channel=STRING,
        given_at=INSTANT, received_on=maybe(DAY), due_on=DAY, sha256=SHA256,
    ),
    "Review": answer(
        id=STRING, kind=STRING, due_on=DAY, held_on=maybe(DAY), why=STRING, minutes=maybe(STRING),
        actions=many(answer(id=STRING, side=SIDE, due_on=DAY, done_at=maybe(INSTANT), text=STRING,
                            owner=STRING)),
    ),
    "Template": answer(
        id=STRING, key=STRING, title=STRING, number=NUMBER, status=STRING, own=YES_NO,
        sha256=SHA256, published_at=maybe(INSTANT),
    ),
    "TemplateInFull": answer(
        id=STRING, key=STRING, title=STRING, number=NUMBER, status=STRING, own=YES_NO,
        sha256=SHA256, published_at=maybe(INSTANT), content={"type": "object"},
    ),
    "Plan": answer(
        id=STRING, vendor=STRING, vendor_id=maybe(STRING), slug=STRING, number=NUMBER,
        sha256=SHA256, is_example=YES_NO, currency=STRING,
        tiers=many(answer(key=STRING, name=STRING)),
    ),
    "PlanInFull": answer(
        id=STRING, slug=STRING, number=NUMBER, sha256=SHA256, status=STRING,
        content={"type": "object"},
    ),
    "Organisation": answer(
        id=STRING, slug=STRING, name=STRING, details=STRING, regions=many(STRING),
    ),
    "Partner": answer(id=STRING, slug=STRING, name=STRING, regions=many(STRING)),
    "Member": answer(
        id=STRING, name=STRING, email=STRING, roles=many(STRING), has_codes=YES_NO,
        since=INSTANT,
    ),
    "Me": answer(
        person=answer(id=STRING, name=STRING, email=STRING), organisation=_PARTY,
        roles=many(STRING), scopes=many(STRING),
    ),
}  # fmt: skip
