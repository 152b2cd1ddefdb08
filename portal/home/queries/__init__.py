"""Gathering the lines of the home page, a room at a time; a fixed number of queries each."""

from portal.home.queries.contracts import contract_lines, ended_lines
from portal.home.queries.dates import renewal_lines
from portal.home.queries.people import mail_lines, member_lines
from portal.home.queries.service import change_lines, incident_lines, outage_lines, statement_lines
from portal.home.queries.worker import operator_lines

__all__ = [
    "change_lines",
    "contract_lines",
    "ended_lines",
    "incident_lines",
    "mail_lines",
    "member_lines",
    "operator_lines",
    "outage_lines",
    "renewal_lines",
    "statement_lines",
]
