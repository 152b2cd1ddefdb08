"""The story itself, told through the same actions that the pages call.

Harbour Retail's CRM contract is in force; its next year waits for Cleo's signature; the CPQ
contract is in negotiation and it is Harbour's turn; Otherware and Lindqvist have one that nobody
else sees.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from flask import Flask
from sqlalchemy.orm import Session

from portal.accounts import actions as accounts
from portal.accounts.models import Membership, Organisation, Person
from portal.accounts.rules import Actor, Role
from portal.accounts.totp import code_at, new_secret
from portal.cli.demo import administration, beginnings, cases, plans, renewals, safeguards
from portal.cli.demo.customers import tell_customers
from portal.cli.demo.incidents import tell_incidents
from portal.cli.demo.negotiation import tell_negotiation
from portal.cli.demo.people import COMPANIES, PASSWORD, PLAYERS, player
from portal.cli.demo.programs import tell_programs
from portal.cli.demo.readers import tell_readers
from portal.cli.demo.service import tell_service
from portal.contracts.actions import Pin, Pins, finish_step, name_people, start_contract
from portal.contracts.models import Contract
from portal.contracts.queries import current_version, find_contract
from portal.contracts.rules.people import Signer
from portal.contracts.rules.starting import own_terms, starting_terms, tier_key
from portal.contracts.rules.waiting import STEPS
from portal.evidence.actions import keep_logs
from portal.kit import clock
from portal.kit.db import db
from portal.negotiation import actions as negotiation
from portal.negotiation import rules as negotiation_rules
from portal.negotiation.queries import negotiation_of
from portal.plans.rules import load_catalogue, tier_terms
from portal.residency.databases import Regions
from portal.settings.rules import Settings
from portal.signing import actions as signing
from portal.signing import jobs
from portal.signing.queries import slot_of
from portal.signing.rules import SIGNING_ONLY, load_disclosure
from portal.templates.rules.template import load_template
from portal.terms.rules import Value, load_schema, parse
from portal.terms.rules.standard import load_standard_terms

MARK = "demo"
CATALOGUE = "northwind-4"
Say = Callable[[str], object]


def is_demo(app: Flask) -> bool:
    """Return whether this home was filled by the demo."""
    settings: Settings = app.config["SETTINGS"]
    return (settings.home / MARK).exists()


def tell(app: Flask, *, say: Say) -> None:
    """Write the whole story into an empty home."""
    settings: Settings = app.config["SETTINGS"]
    (settings.home / MARK).write_text("This home holds the demo: its codes can be printed.\n")
    now = clock.now()
    cast = join_everyone(now - timedelta(days=120))
    teller = Teller(app.extensions["regions"], settings, cast)
    say("  CRM deployment support 2026: agreed, signed by four, sealed, in force")
    teller.completed(cases.CRM, region="eu", at=now - timedelta(days=90))
    say("  CRM deployment support 2027: agreed, waiting for Cleo's signature")
    teller.waiting(cases.CRM_NEXT, region="eu", at=now - timedelta(days=12))
    say("  CPQ integration support: three rounds, Cleo's turn")
    teller.negotiated(cases.CPQ, region="us", at=now - timedelta(days=9))
    tell_negotiation(teller.regions, cast, now=now)
    say("  Otherware and Lindqvist: a contract nobody else may see")
    teller.offered(cases.OTHER, region="eu", at=now - timedelta(days=5))
    say("  CRM incidents: ten weeks, one answered late, one contested, one open now")
    tell_incidents(teller.regions, cast, now=now)
    say("  Northwind's catalogue, and a schedule changed since signing")
    plans.tell(cast, teller.regions.session("eu"), title=cases.CRM.title, now=now)
    say("  CRM service: an outage, work done and planned, months sealed, the last one open")
    tell_service(teller.regions, settings, cast, now=now)
    tell_readers(teller.regions, cast, now=now)
    tell_programs(cast, now=now)
    tell_customers(cast, now=now)
    say("  Its renewal: a price told, a decision of Harbour's own, a review with minutes")
    renewals.tell(cast, teller.regions.session("eu"), title=cases.CRM.title, now=now)
    say("  A template of Northwind's own, two contracts from a sheet, an amendment offered")
    beginnings.tell(cast, teller.regions, title=cases.CRM.title, now=now)
    say("  Rules on codes that wait for their day, a move that waits for an answer")
    administration.tell(cast, teller.regions, title=cases.CPQ.title, now=now)
    say("  Profiles asked for, a legal hold, and one emergency access with its report")
    safeguards.tell(cast, teller.regions, title=cases.CRM.title, now=now)


def join_everyone(at: datetime) -> dict[str, Actor]:
    """Create organisations, people and memberships; return each member as an actor."""
    organisations = {
        one.slug: accounts.create_organisation(
            one.name, one.slug, one.details, one.regions.split(","), at
        )
        for one in COMPANIES
    }
    actors = {}
    for one in PLAYERS:
        operator = one.company is None
        person = accounts.create_person(one.email, one.name, PASSWORD, at, operator=operator)
        accounts.enrol_factor(person, new_secret(), at)
        if one.company:
            organisation = organisations[one.company]
            membership = accounts.add_member(person, organisation, list(one.roles), at)
            actors[one.key] = _actor(person, organisation, membership)
    return actors


def _actor(person: Person, organisation: Organisation, membership: Membership) -> Actor:
    return Actor(
        person_id=person.id,
        name=person.name,
        email=person.email,
        organisation_id=organisation.id,
        organisation_name=organisation.name,
        roles=frozenset(Role(name) for name in membership.roles.split(",")),
    )


def typed(terms: Mapping[str, str]) -> dict[str, Value]:
    """Read typed texts into values of their terms."""
    schema = load_schema("1")
    return {name: parse(schema.terms[name], text) for name, text in terms.items()}


# Each contract sets the story's clock before its first action.
UNTOLD = datetime.min.replace(tzinfo=UTC)


@dataclass
class Teller:
    """Tells contracts; each action is dated a little after the one before."""

    regions: Regions
    settings: Settings
    cast: Mapping[str, Actor]
    now: datetime = UNTOLD

    def next(self, **later: float) -> datetime:
        """Let time pass and return the instant."""
        self.now += timedelta(**(later or {"minutes": 3}))
        return self.now

    def completed(self, case: cases.Case, *, region: str, at: datetime) -> None:
        """Agree, sign by all four and seal."""
        start = (at + timedelta(days=14)).date().isoformat()
        session, contract = self.agreed(case, region=region, at=at, extra={"A5": start})
        for key in ("ada", "nia", "cleo", "lena"):
            self.signs(session, contract, key)
        self.finish(session, contract)

    def waiting(self, case: cases.Case, *, region: str, at: datetime) -> None:
        """Agree and let the vendor's two sign: Cleo is next."""
        session, contract = self.agreed(case, region=region, at=at, extra={})
        for key in ("ada", "nia"):
            self.signs(session, contract, key)

    def agreed(
        self, case: cases.Case, *, region: str, at: datetime, extra: Mapping[str, str]
    ) -> tuple[Session, Contract]:
        """Offer, accept everything, freeze, prepare the deed."""
        session, contract = self.started(case, region=region, at=at, extra=extra)
        self.sends(session, contract, "ada")
        self.staffs(session, contract, "cleo", signers=("cleo", "lena"))
        self.accepts_rest(session, contract, "cleo")
        self.sends(session, contract, "cleo")
        negotiation.freeze(session, contract, self.cast["ada"], at=self.next(hours=2))
        self.finish(session, contract)
        return session, contract

    def negotiated(self, case: cases.Case, *, region: str, at: datetime) -> None:
        """Offer, counter, answer the counters: it is the customer's turn."""
        session, contract = self.started(case, region=region, at=at, extra={})
        self.sends(session, contract, "ada", note="Built on Enterprise, with your patch windows.")
        self.staffs(session, contract, "cleo", signers=("cleo", "lena"))
        self.counters(session, contract)
        self.sends(session, contract, "cleo", note="Close. Seven points are open on our side.")
        self.answers(session, contract)
        self.sends(session, contract, "ada", note="Four of yours accepted as they stand.")
        negotiation.open_round(session, contract, self.cast["cleo"], at=self.next(hours=2))

    def offered(self, case: cases.Case, *, region: str, at: datetime) -> None:
        """Offer and no more."""
        session, contract = self.started(
            case, region=region, at=at, extra={}, vendor="mal", customer="ida"
        )
        self.sends(session, contract, "mal")

    def started(
        self,
        case: cases.Case,
        *,
        region: str,
        at: datetime,
        extra: Mapping[str, str],
        vendor: str = "ada",
        customer: str = "cleo",
    ) -> tuple[Session, Contract]:
        """Start a contract and fill its first draft, as the guided start does."""
        self.now = at
        session, actor = self.regions.session(region), self.cast[vendor]
        sides = [db.session.get_one(Organisation, self.cast[k].organisation_id)
                 for k in (vendor, customer)]  # fmt: skip
        schema, standard = load_schema("1"), load_standard_terms("1.0")
        template, catalogue = load_template("standard-support", 1), load_catalogue(CATALOGUE)
        tier_name = tier_key(sides[0].slug, catalogue.version, case.tier)
        contract = start_contract(
            session, self.regions[region], actor, title=case.title, vendor=sides[0],
            customer=sides[1], at=self.next(),
            pins=Pins(
                template=Pin("standard-support/1", template.sha256),
                schema=Pin(schema.version, schema.sha256),
                standard=Pin(standard.version, standard.sha256),
                tier=Pin(tier_name, catalogue.sha256),
            ),
        )  # fmt: skip
        own = own_terms(
            vendor=(sides[0].name, sides[0].details),
            customer=(sides[1].name, sides[1].details),
            standard=(standard.title, standard.version),
        )
        terms = starting_terms(
            schema, template.defaults, tier_terms(schema, catalogue, case.tier),
            {**own, **typed({**case.terms, **extra})},
        )  # fmt: skip
        negotiation.set_offers(session, contract, actor, terms, at=self.next())
        signers = ("ada", "nia") if vendor == "ada" else (vendor,)
        self.staffs(session, contract, vendor, signers=signers)
        for step in STEPS:
            finish_step(session, contract, actor, step=step, at=self.next())
        return session, contract

    def staffs(
        self, session: Session, contract: Contract, key: str, *, signers: tuple[str, ...]
    ) -> None:
        """Name one side's people and signers."""
        mine = [one for one in PLAYERS if one.company == player(key).company]
        functions = {"owner": self.cast[key].person_id}
        for function, role in (
            ("it", Role.IT_ADMIN), ("legal", Role.LEGAL), ("support", Role.SUPPORT_LEAD),
            ("sales", Role.SALES_OPS), ("procurement", Role.PROCUREMENT),
        ):  # fmt: skip
            found = next((one for one in mine if role in one.roles), None)
            if found:
                functions[function] = self.cast[found.key].person_id
        name_people(
            session, contract, self.cast[key], functions=functions,
            signers=[Signer(self.cast[k].person_id, player(k).title) for k in signers],
            at=self.next(),
        )  # fmt: skip

    def sends(
        self, session: Session, contract: Contract, key: str, *, note: str | None = None
    ) -> None:
        """Send the draft as it stands."""
        actor, at = self.cast[key], self.next(hours=5)
        words = negotiation_of(session, contract, actor, at=at).words
        negotiation.send_round(
            session, contract, actor, seen_draft_sha256=negotiation_rules.words_sha256(words),
            note=note, at=at,
        )  # fmt: skip
        keep_logs(self.regions, self.settings, at=self.next(seconds=2))

    def accepts_rest(self, session: Session, contract: Contract, key: str) -> None:
        """Accept every offer that has no answer yet."""
        negotiation.accept_rest(session, contract, self.cast[key], at=self.next(hours=20))

    def says(
        self, session: Session, contract: Contract, key: str, term: str, kind: str,
        text: str | None = None, reason: str | None = None,
    ) -> None:  # fmt: skip
        """Answer one term, having opened what came and seen what stands."""
        actor, at = self.cast[key], self.next()
        negotiation.open_round(session, contract, actor, at=at)
        standing = negotiation_of(session, contract, actor, at=at).standings[term]
        value = typed({term: text})[term] if text is not None else None
        negotiation.answer(
            session, contract, actor, term, kind=kind, value=value,
            seen_sha256=standing.sha256, reason=reason, at=at,
        )  # fmt: skip

    def counters(self, session: Session, contract: Contract) -> None:
        """Let Harbour Retail counter, reject and accept the rest but a few."""
        for term, (text, reason) in cases.CPQ_COUNTERS.items():
            self.says(session, contract, "cleo", term, "offer", text, reason)
        for term, reason in cases.CPQ_REJECTED.items():
            self.says(session, contract, "cleo", term, "reject", reason=reason)
        self.accepts_rest(session, contract, "cleo")

    def answers(self, session: Session, contract: Contract) -> None:
        """Let Northwind answer what Harbour countered."""
        for term, said in cases.CPQ_ANSWERS.items():
            if said is None:
                self.says(session, contract, "ada", term, "accept")
            else:
                self.says(session, contract, "ada", term, "offer", *said)
        pair = ["C4.S1.first_response", "P6"]
        negotiation.make_package(session, contract, self.cast["ada"], pair, at=self.next())

    def signs(self, session: Session, contract: Contract, key: str) -> None:
        """Consent and sign with the code of that minute, as on the signing page."""
        actor, at = self.cast[key], self.next(hours=3)
        person = db.session.get_one(Person, actor.person_id)
        enrolled, secret = person.totp_confirmed_at, person.totp_secret
        db.session.rollback()
        contract = find_contract(session, actor, contract.id)
        version, slot = current_version(contract), slot_of(contract, actor.person_id)
        assert version is not None and slot is not None  # noqa: S101  the story froze and staffed it
        shown = load_disclosure().sha256
        signing.give_consent(
            session, actor, contract, shown_sha256=shown, covers=SIGNING_ONLY, demonstrated=True,
            at=at,
        )  # fmt: skip
        outcome = accounts.spend_code(actor.person_id, code_at(secret, at), at=at, purpose="sign")
        assert outcome.step is not None, outcome  # noqa: S101
        signing.sign(
            session, actor, contract, slot_id=slot.id, step=outcome.step,
            shown=signing.Shown(
                version_sha256=version.sha256, title=player(key).title,
                authority_confirmed="yes", intent="yes",
            ),
            identification=signing.Identification(
                session_started_at=at - timedelta(minutes=4), factor="totp",
                factor_enrolled_at=enrolled, address="127.0.0.1", agent="Demo",
            ),
            at=at,
        )  # fmt: skip
        self.finish(session, contract)

    def finish(self, session: Session, contract: Contract) -> None:
        """Do the deed's work that waits, at this point of the story."""
        jobs.run_jobs(self.regions, self.settings, at=self.next(seconds=40))
        keep_logs(self.regions, self.settings, at=self.next(seconds=2))
        session.expire_all()
