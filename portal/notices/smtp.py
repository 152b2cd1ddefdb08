"""Handing a mail over: SMTP where it is configured, otherwise a folder of `.eml` files."""

import smtplib
import ssl
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path

from portal.settings.rules import Settings


def sender_for(settings: Settings, folder: Path) -> Callable[[EmailMessage], None]:
    """Return the function that hands a mail over; it raises `OSError` when that fails."""
    if settings.smtp_host is None:
        return lambda mail: _write(folder, mail)
    return lambda mail: _send(settings, mail)


def _write(folder: Path, mail: EmailMessage) -> None:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    name = str(mail["Message-ID"]).strip("<>").partition("@")[0]
    (folder / f"{name}.eml").write_bytes(mail.as_bytes())


def _send(settings: Settings, mail: EmailMessage) -> None:
    host = settings.smtp_host or ""
    with smtplib.SMTP(host, settings.smtp_port, timeout=20) as server:
        if settings.smtp_starttls:
            server.starttls(context=ssl.create_default_context())
        if settings.smtp_user and settings.smtp_password:
            server.login(settings.smtp_user, settings.smtp_password)
        server.send_message(mail)
