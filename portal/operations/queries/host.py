"""The machine, its clock and its settings."""

import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from importlib.metadata import version
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from portal.accounts.queries import hipaa_anywhere
from portal.audit import queries as log
from portal.operations.queries.subject import Subject
from portal.operations.rules import Check, Level, is_private, judged, mode_words

LEAST_FREE = 0.10
SKEW = timedelta(seconds=2)
FONTS = ("NotoSerif-Regular.ttf", "NotoSerif-Bold.ttf", "DejaVuSans.ttf", "DejaVuSansMono.ttf")
STATIC = Path(__file__).resolve().parents[3] / "static"
# The exact name the settings fall back to: a portal of one's own says its own.
UNNAMED = "Northwind Systems"


def checks(subject: Subject) -> Iterator[Check]:
    """Yield the checks of the host and the settings."""
    yield from vital(subject)
    yield from _python()
    yield from _renderer()
    yield from _home(subject)
    yield from _address(subject)
    yield from _sessions(subject)
    yield from _mail(subject)


def vital(subject: Subject) -> Iterator[Check]:
    """Yield what must hold for anybody to be served."""
    yield from _disk(subject)
    yield _clock(subject)


def _disk(subject: Subject) -> Iterator[Check]:
    places = {"home": subject.settings.home}
    for name, database in subject.regions.databases.items():
        if "://" not in database.region.store:
            places[f"store of {name}"] = Path(database.region.store)
    for where, path in places.items():
        usage = shutil.disk_usage(path)
        share = usage.free / usage.total
        yield judged(
            f"disk ({where})", f"{share:.0%} free", holds=share >= LEAST_FREE,
            mend="free space or grow the disk; nothing is signed on a full one",
        )  # fmt: skip


def _clock(subject: Subject) -> Check:
    newest = [log.newest_at(session) for _, _, session in subject.each_region()]
    ahead = max((at - subject.at for at in newest if at), default=timedelta(0))
    return judged(
        "clock", "not behind the log" if ahead <= SKEW else f"the log is {ahead} ahead of it",
        holds=ahead <= SKEW,
        mend="set the clock by NTP; codes and deadlines hang on it",
    )  # fmt: skip


def _python() -> Iterator[Check]:
    yield judged(
        "python", sys.version.split()[0], holds=sys.version_info >= (3, 11),
        mend="run it on Python 3.11 or later",
    )  # fmt: skip
    yield judged(
        "time zones", f"tzdata {version('tzdata')}", holds=True,
        mend="install the pinned packages again: scripts/setup",
    )  # fmt: skip
    yield judged(
        "debug", "off" if not os.environ.get("FLASK_DEBUG") else "on",
        holds=not os.environ.get("FLASK_DEBUG"),
        mend="unset FLASK_DEBUG; it shows the inside to anybody",
    )  # fmt: skip


def _renderer() -> Iterator[Check]:
    missing = [name for name in FONTS if not (STATIC / "fonts" / name).exists()]
    yield judged(
        "fonts", "checked in" if not missing else f"missing: {', '.join(missing)}",
        holds=not missing, mend="restore static/fonts from the release; deeds are set with them",
    )  # fmt: skip
    # In a process of its own: the libraries are loaded once and stay.
    found = subprocess.run(
        [sys.executable, "-c", "import weasyprint"], capture_output=True, timeout=60, check=False
    )
    yield judged(
        "renderer", "loads" if found.returncode == 0 else "does not load",
        holds=found.returncode == 0,
        mend="apt-get install libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0",
    )  # fmt: skip


def _home(subject: Subject) -> Iterator[Check]:
    home = subject.settings.home
    mode = stat.S_IMODE(home.stat().st_mode)
    yield judged(
        "home mode", mode_words(mode), holds=is_private(mode), otherwise=Level.WARNING,
        mend=f"chmod 700 {home.name}",
    )  # fmt: skip
    yield judged(
        "home writable", "yes" if os.access(home, os.W_OK) else "no",
        holds=os.access(home, os.W_OK), mend="give the folder to the user who runs the portal",
    )  # fmt: skip
    inside = subject.settings.log_memory.resolve().is_relative_to(home.resolve())
    yield judged(
        "memory of the log", "beside the databases" if inside else "on a path of its own",
        holds=not inside, otherwise=Level.WARNING,
        mend="set log_memory to another disk: a rollback of this one is then seen",
    )  # fmt: skip


def _address(subject: Subject) -> Iterator[Check]:
    settings = subject.settings
    parts = urlsplit(settings.base_url)
    local = parts.hostname in {"localhost"} or _is_loopback(parts.hostname or "")
    yield judged(
        "address", settings.base_url, holds=parts.scheme == "https" or local,
        mend='set url = "https://..." and put a TLS proxy in front',
    )  # fmt: skip
    yield judged(
        "cookies", "bound to TLS" if settings.secure_cookies else "plain, for loopback only",
        holds=settings.secure_cookies or local, mend="an https address turns on __Host- cookies",
    )  # fmt: skip
    yield judged(
        "proxies", f"{settings.trusted_proxies} trusted",
        holds=local or settings.trusted_proxies > 0, otherwise=Level.WARNING,
        mend="set trusted_proxies to how many stand in front, or every visitor has one address",
    )  # fmt: skip
    yield judged(
        "operator", settings.operator, holds=local or settings.operator != UNNAMED,
        otherwise=Level.WARNING, mend='set operator = "...": the seal names it',
    )  # fmt: skip


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _sessions(subject: Subject) -> Iterator[Check]:
    settings = subject.settings
    yield judged(
        "idle sign-ins", f"end after {settings.idle}", holds=settings.idle <= timedelta(hours=1),
        mend="set idle_minutes to at most 60",
    )  # fmt: skip
    yield judged(
        "long sign-ins", f"end after {settings.absolute}",
        holds=settings.absolute <= timedelta(hours=24), mend="set absolute_minutes to at most 1440",
    )  # fmt: skip


def _mail(subject: Subject) -> Iterator[Check]:
    settings = subject.settings
    yield judged(
        "mail", settings.smtp_host or "written to folders", holds=settings.smtp_host is not None,
        otherwise=Level.WARNING, mend="set [mail] host: without it nobody is told anything",
    )  # fmt: skip
    yield judged(
        "mail by TLS", "required" if settings.smtp_starttls else "not required",
        holds=not settings.sends_plain_mail,
        otherwise=Level.ERROR if hipaa_anywhere() else Level.WARNING,
        mend="set [mail] starttls = true; under the HIPAA profile no mail leaves before",
    )  # fmt: skip
    example = settings.mail_from.rstrip(">").endswith(".example")
    yield judged(
        "mail sender", settings.mail_from, holds=settings.smtp_host is None or not example,
        otherwise=Level.WARNING, mend="set [mail] from to an address whose domain you own",
    )  # fmt: skip
