"""One realistic deed of four signers, whole or of few terms, for the tests of the deed."""

# ruff: noqa: E501  the long lines are the words of a contract

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import rfc8785

from portal.signing import certificates
from portal.signing.pades import SignerFacts, archive, certify, seal, sign_slot
from portal.signing.pdf import render_deed

OPERATOR = "Counterpart Hosting GmbH"
START = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
DONE = START + timedelta(days=4, seconds=9)
FROZEN_AT = "2026-11-23T09:30:00+00:00"
ENTRY_HEAD = "5e" * 32

SLOTS: list[dict[str, Any]] = [
    {
        "field": "sig_vendor_1",
        "side": "vendor",
        "organisation": "Northwind Systems Ltd",
        "name": "Ada Whitfield",
        "title": "Chief Operating Officer",
        "position": 1,
    },
    {
        "field": "sig_vendor_2",
        "side": "vendor",
        "organisation": "Northwind Systems Ltd",
        "name": "Bénédicte Ørsted-Łukasiewicz",
        "title": "Head of Support",
        "position": 2,
    },
    {
        "field": "sig_customer_1",
        "side": "customer",
        "organisation": "Harbour Retail Inc",
        "name": "Cleo Marchetti",
        "title": "Sales Operations Director",
        "position": 3,
    },
    {
        "field": "sig_customer_2",
        "side": "customer",
        "organisation": "Harbour Retail Inc",
        "name": "Dov Ben-Ami",
        "title": "IT Administrator",
        "position": 4,
    },
]

TARGETS = {
    "S1": ("30 min, 24x7", "15 min", "1 h", "4 h", "8 h", "95 %", "with credit", "yes"),
    "S2": (
        "2 h, 24x5",
        "1 h",
        "4 h",
        "1 business day",
        "3 business days",
        "95 %",
        "with credit",
        "yes",
    ),
    "S3": (
        "8 support hours",
        "8 support hours",
        "2 business days",
        "5 business days",
        "next release",
        "90 %",
        "target",
        "no",
    ),
    "S4": (
        "2 business days",
        "2 business days",
        "5 business days",
        "none",
        "none",
        "90 %",
        "target",
        "no",
    ),
}
COLUMNS = (
    "first_response",
    "peak_first_response",
    "update_every",
    "workaround_target",
    "resolution_target",
    "attainment_pct",
    "commitment",
    "rca_required",
)


def _row(code: str, label: str, text: str, clause: str) -> dict[str, str]:
    return {"id": code, "label": label, "text": text, "clause": clause}


def _groups() -> list[dict[str, Any]]:
    targets = [
        _row(f"C4.{severity}.{column}", f"{column} for {severity}", text, "4.1")
        for severity, texts in TARGETS.items()
        for column, text in zip(COLUMNS, texts, strict=True)
    ]
    return [
        {
            "code": "A",
            "title": "Parties, document and dates",
            "rows": [
                _row(
                    "A3",
                    "Affiliates covered",
                    "Listed affiliates only: Harbour Retail Canada ULC; Harbour Retail Outlets LLC",
                    "1.2",
                ),
                _row("A4", "Starts", "On the last signature", "2.1"),
                _row("A5", "Support begins", "2027-01-01", "2.2"),
                _row("A6", "Governing law", "State of Delaware, United States", "14.1"),
                _row(
                    "A8",
                    "Addresses for notices",
                    "Vendor | Legal department | legal@northwind.example | portal, e-mail\nCustomer | General counsel | counsel@harbour.example | portal, e-mail, courier",
                    "13.1",
                ),
            ],
        },
        {
            "code": "B",
            "title": "Support hours, channels and people",
            "rows": [
                _row(
                    "B1",
                    "Support hours",
                    "Monday to Friday, 07:00 to 20:00, America/New_York",
                    "3.1",
                ),
                _row(
                    "B3",
                    "Coverage by severity",
                    "Severity 1 | 24x7\nSeverity 2 | 24x5\nSeverity 3 | support hours\nSeverity 4 | support hours",
                    "3.2",
                ),
                _row(
                    "B4",
                    "Sales-critical hours",
                    "Monday to Saturday, 08:00 to 21:00, America/Chicago",
                    "3.3",
                ),
                _row(
                    "B5",
                    "Peak periods",
                    "Quarter end | last 5 business days | weight 3\nHoliday season | 20 to 30 November | weight 5",
                    "3.4",
                ),
                _row("B7", "Named contacts", "10", "3.6"),
                _row("B12", "On-site support", "", "3.9"),
            ],
        },
        {
            "code": "C",
            "title": "Severity and targets",
            "rows": [
                _row(
                    "C1",
                    "What the severities mean",
                    "Severity 1 | Order entry or checkout is down, or more than half of users cannot work.\n"
                    "Severity 2 | A main function fails with no acceptable way round.\n"
                    "Severity 3 | A function is impaired and a way round exists.\n"
                    "Severity 4 | A question, a cosmetic fault or a wish.",
                    "4.1",
                ),
                *targets,
                _row(
                    "C5",
                    "A response counts when",
                    "A person acknowledges the incident; automatic replies never count",
                    "4.2",
                ),
                _row(
                    "C7",
                    "The clock pauses when",
                    "Waiting on the customer\nAgreed hold\nAt most 10 business days in all",
                    "4.4",
                ),
            ],
        },
        {
            "code": "D",
            "title": "Availability",
            "rows": [
                _row(
                    "D1",
                    "Uptime target",
                    "99.9 % a month, weighted by sales-critical hours and peaks",
                    "5.1",
                ),
                _row(
                    "D5",
                    "Targets by module",
                    "Order entry | 99.95 %\nCheckout | 99.95 %\nReporting | 99.5 %",
                    "5.2",
                ),
                _row(
                    "D6",
                    "Available means",
                    "A quote-to-order transaction completes in under 3 seconds from two probes in different regions. A failed probe counts from the first failure.",
                    "5.3",
                ),
                _row("D13", "Recovery point", "4 h", "5.8"),
            ],
        },
        {
            "code": "K",
            "title": "Service credits and other remedies",
            "rows": [
                _row(
                    "K2",
                    "Credit ladder",
                    "below 99.9 % | 5 % of the monthly fee\nbelow 99.5 % | 10 % of the monthly fee\nbelow 99.0 % | 20 % of the monthly fee",
                    "9.1",
                ),
                _row("K5", "Cap", "20 % of the monthly fee; 10 % of the yearly fee", "9.3"),
                _row(
                    "K9",
                    "Exit for repeated failure",
                    "Uptime missed in 2 of any 3 consecutive months: the customer may end the contract with 30 days’ notice and a pro-rata refund",
                    "9.5",
                ),
            ],
        },
    ]


def _standard() -> dict[str, Any]:
    names = [
        "How to read this contract",
        "Term",
        "Support",
        "Incidents",
        "Availability",
        "Maintenance",
        "Releases and changes",
        "Responsibilities",
        "Credits",
        "Fees",
        "Confidentiality",
        "Liability",
        "Notices",
        "Law and disputes",
    ]
    sentences = (
        "The vendor provides support for the covered software in the support hours, through the agreed channels and by people able to do the work.",
        "A target is met when the act it names happens before its clock runs out. The clock runs in the hours agreed for the severity and rests while it is paused by the rules of this section.",
        "Where a term says “none”, the matching sentence of this section does not apply, and neither party may rely on it.",
    )
    sections = [
        {
            "number": str(n),
            "title": name,
            "clauses": [
                {"id": f"{n}.{k}", "title": title, "paragraphs": list(sentences[: 1 + (n + k) % 3])}
                for k, title in enumerate(
                    ("What is owed", "When it is owed", "What happens if not"), start=1
                )
            ],
        }
        for n, name in enumerate(names, start=1)
    ]
    return {
        "version": "1.2",
        "sha256": "7d" * 32,
        "title": "Standard Support Terms",
        "sections": sections,
    }


def sample() -> tuple[dict[str, Any], bytes]:
    """Give the deed's context and its canonical terms."""
    canonical = rfc8785.dumps(
        {
            "ref": "CTR-7K3Q",
            "version": 3,
            "terms": {"D1": "99.9", "B7": 10},
            "parties": ["Northwind Systems Ltd", "Harbour Retail Inc"],
        }
    )
    deed = {
        "title": "Support of Northwind Quote-to-Cash for Harbour Retail",
        "ref": "CTR-7K3Q",
        "version": 3,
        "sha256": hashlib.sha256(canonical).hexdigest(),
        "frozen_at": FROZEN_AT,
        "region_label": "European Union (Frankfurt)",
        "operator": OPERATOR,
        "parties": {
            "vendor": {
                "name": "Northwind Systems Ltd",
                "details": "Company no. 08812345\n12 Mill Lane, Leeds LS1 4AB, United Kingdom",
            },
            "customer": {
                "name": "Harbour Retail Inc",
                "details": "Delaware file no. 6612907\n400 Harbor Drive, Baltimore MD 21230, United States",
            },
        },
        "groups": _groups(),
        "special_terms": [
            {
                "number": "S.1",
                "title": "Year-end change freeze",
                "text": "From 15 November to 5 January the vendor makes no standard or normal change to order entry or checkout.\nA change that mends a critical security fault is allowed when both parties’ change managers agree in the portal.",
            },
            {
                "number": "S.2",
                "title": "Acquired stores",
                "text": "Stores the customer acquires during the term join the covered users at no charge until the next renewal.",
            },
        ],
        "standard": _standard(),
        "slots": SLOTS,
        "entry_head": ENTRY_HEAD,
    }
    return deed, canonical


def short() -> tuple[dict[str, Any], bytes]:
    """Give the same deed with one group of terms and one section of clauses.

    It has the same pages to sign and the same fields: all that signatures and their checks look at,
    at half the work for every comparison of two revisions.
    """
    deed, canonical = sample()
    standard = deed["standard"]
    return {
        **deed,
        "groups": deed["groups"][1:2],
        "special_terms": [],
        "standard": {**standard, "sections": standard["sections"][:1]},
    }, canonical


@dataclass(frozen=True)
class Keys:
    """Everything the portal holds to sign one deed."""

    root: certificates.KeyPair
    contract_ca: certificates.KeyPair
    seal: certificates.KeyPair
    tsu: certificates.KeyPair


@cache
def keys(operator: str = OPERATOR) -> Keys:
    """Make one portal's keys, once a run."""
    root = certificates.create_root(operator, at=START)
    return Keys(
        root,
        certificates.create_contract_ca(root, "CTR-7K3Q", at=START),
        certificates.create_seal(root, operator, at=START),
        certificates.create_time_stamp_unit(root, operator, at=START),
    )


# What the first signer drew beside the typed name: three strokes and a dot.
DRAWN = (
    ((40, 150), (80, 40), (120, 150), (100, 110), (60, 110)),
    ((150, 150), (190, 60), (230, 150), (270, 60), (310, 150)),
    ((340, 120), (420, 90), (500, 140), (580, 60)),
    ((560, 30),),
)


@cache
def whole() -> bytes:
    """Set the sample deed, once a run."""
    return render_deed(*sample())


@cache
def unsigned() -> bytes:
    """Set the short deed, once a run."""
    return render_deed(*short())


def facts(slot: dict[str, Any]) -> SignerFacts:
    """Give the facts of the person of one slot."""
    return SignerFacts(
        name=slot["name"],
        title=slot["title"],
        organisation=slot["organisation"],
        person_id=f"prs-{slot['position']}",
        email=f"signer{slot['position']}@example.com",
        authority="Authorised by a resolution of the board",
        consent_sha256="c0" * 32,
        identification={
            "factor": "totp",
            "enrolled": "2026-01-04",
            "step": f"5881{slot['position']}",
        },
        strokes=DRAWN if slot["position"] == 1 else (),
    )


def signed_by(pdf: bytes, slot: dict[str, Any], own: Keys, *, at: datetime) -> bytes:
    """Sign one slot of a deed with one portal's keys."""
    return sign_slot(
        pdf,
        slot["field"],
        facts(slot),
        contract_ca=own.contract_ca,
        root=own.root,
        tsu=own.tsu,
        at=at,
    )


def completed(pdf: bytes, own: Keys) -> list[bytes]:
    """Give every state of a deed: certified, signed by each person a day apart, sealed, archived."""
    states = [certify(pdf, own.seal, at=START, tsu=own.tsu)]
    for slot in SLOTS:
        at = START + timedelta(days=slot["position"])
        states.append(signed_by(states[-1], slot, own, at=at))
    states.append(seal(states[-1], own.seal, own.tsu, at=DONE))
    lists = [
        certificates.final_crl(own.contract_ca, at=DONE),
        certificates.final_crl(own.root, at=DONE),
    ]
    states.append(archive(states[-1], own.root, own.contract_ca, lists, own.tsu, at=DONE))
    return states


@cache
def states() -> tuple[bytes, ...]:
    """Give every state of the short deed, once a run."""
    return tuple(completed(unsigned(), keys()))


def deed() -> bytes:
    """Give the finished short deed."""
    return states()[-1]
