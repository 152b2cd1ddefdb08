"""Looking at a running portal: every check, in the order an operator would ask."""

from collections.abc import Iterator
from itertools import chain

from portal.operations.queries import databases, host, keys, people, stores, work
from portal.operations.queries.subject import Subject
from portal.operations.rules import Check

__all__ = ["Subject", "every_check", "late_work", "readiness_checks"]


def every_check(subject: Subject) -> Iterator[Check]:
    """Yield all checks; each is asked when the one before was read.

    Without the directory there is little to ask: then the few of `readiness_checks` are all.
    """
    if "directory" in subject.silent:
        return readiness_checks(subject)
    return chain(
        host.checks(subject),
        keys.checks(subject),
        databases.checks(subject),
        stores.checks(subject),
        work.checks(subject),
        people.checks(subject),
    )


def readiness_checks(subject: Subject) -> Iterator[Check]:
    """Yield the few that decide whether this process may be sent people; cheap, and no write."""
    return chain(host.vital(subject), keys.vital(subject), databases.vital(subject))


def late_work(subject: Subject) -> Iterator[Check]:
    """Yield whether mail, seals and time stamps are done in time, for who watches the portal."""
    return work.late(subject)
