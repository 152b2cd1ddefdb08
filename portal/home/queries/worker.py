"""How the portal itself stands, for who runs it."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from portal.home.rules import Item
from portal.incidents.rules.reading import span_words
from portal.kit.words import say, say_n
from portal.notices.queries import lag_of, standing_of_work

LATE_MINUTES = 10


def operator_lines(
    places: Sequence[tuple[str, Session]], directory: Session, *, at: datetime
) -> list[Item]:
    """Return what is wrong with the host, in counts: no contract is opened for it."""
    found = []
    work = standing_of_work(directory, at=at)
    if not work.workers:
        found.append(
            Item(
                say("No worker runs"),
                say("Mail, deeds and dates wait. Start: counterpart work"),
                "",
                rank=0,
                state=say("Stopped"),
                kind="bad",
            )
        )
    for job in work.jobs:
        if job.error:
            found.append(
                Item(
                    say("The job “%(job)s” failed", job=job.name),
                    say("%(error)s; see the worker's log", error=job.error),
                    "",
                    rank=1,
                    at=job.ran_at,
                    state=say("Failing"),
                    kind="bad",
                )
            )
    for name, session in places:
        lag = lag_of(session, at=at)
        minutes = int(lag.behind.total_seconds() // 60)
        if minutes >= LATE_MINUTES:
            found.append(
                Item(
                    say("Mail is %(time)s late", time=span_words(lag.behind)),
                    say("%(waiting)s wait, %(place)s", waiting=lag.waiting, place=name),
                    "",
                    rank=2,
                    state=say("Late"),
                    kind="warn",
                )
            )
        if lag.given_up:
            found.append(
                Item(
                    say_n("%(num)s mail given up", "%(num)s mails given up", lag.given_up),
                    name,
                    "",
                    rank=3,
                    state=say("Failed"),
                    kind="warn",
                )
            )
    return found
