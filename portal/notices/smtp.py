"""Handing a mail over: SMTP where it is configured, otherwise a folder of `.eml` files."""

import contextlib
import smtplib
import socket
import ssl
import threading
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from portal.settings.rules import Settings

ANSWER_SECONDS = 20


class Undeliverable(Exception):
    """The mail server refused this mail for good (RFC 5321, 4.2.1: 5yz); a retry is no use."""


class ServerAway(OSError):
    """No mail can be handed over now: the server does not answer, or greets as it should not."""


class _Server(smtplib.SMTP):
    """A connection that keeps what the server said when it took the last mail."""

    answer = ""

    def data(self, msg: Any) -> tuple[int, bytes]:
        """Hand the text over as ever."""
        code, words = super().data(msg)
        self.answer = _words(code, words)
        return code, words


class Relay:
    """A way out for mail. It keeps its connection between mails; `close` it in the end.

    A whole hand-over takes at most `deadline` seconds, however slowly the server answers, so that
    the lease of a mail outlives its try.
    """

    def __init__(self, settings: Settings, folder: Path) -> None:
        self.settings, self.folder = settings, folder
        self.deadline = settings.mail_lease.total_seconds() / 2
        self._server: _Server | None = None
        self.is_away = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()

    def send(self, mail: EmailMessage) -> str | None:
        """Hand one mail over and return what the server said; None where it became a file.

        Raises `OSError` to try again later, `Undeliverable` never to, and `ServerAway` where it is
        not about this mail: then no other is taken either.
        """
        if self.settings.smtp_host is None:
            _write(self.folder, mail)
            return None
        server = self._reached()
        try:
            with _within(server, self.deadline):
                server.send_message(mail)
            return server.answer
        except smtplib.SMTPRecipientsRefused as error:
            code, answer = next(iter(error.recipients.values()))
            raise _judged(code, answer) from error
        except smtplib.SMTPDataError as error:
            raise _judged(error.smtp_code, error.smtp_error) from error
        except (smtplib.SMTPException, OSError):
            self._drop()
            raise

    def close(self) -> None:
        """Say goodbye, if anyone listens."""
        if self._server is not None and self._server.sock is not None:
            with contextlib.suppress(smtplib.SMTPException, OSError):
                self._server.quit()
        self._drop()

    def _drop(self) -> None:
        if self._server is not None:
            self._server.close()
        self._server = None

    def _reached(self) -> _Server:
        try:
            return self._connected()
        except (OSError, ValueError) as error:  # a host that cannot be named is a `ValueError`
            self._drop()
            self.is_away = True
            raise ServerAway(str(error) or type(error).__name__) from error

    def _connected(self) -> _Server:
        if self._server is not None and not _is_alive(self._server, self.deadline):
            self._drop()
        if self._server is None:
            self._server = server = _Server(timeout=min(ANSWER_SECONDS, self.deadline))
            with _within(server, self.deadline):
                self._greet(server)
        return self._server

    def _greet(self, server: smtplib.SMTP) -> None:
        settings, host = self.settings, self.settings.smtp_host or ""
        code, answer = server.connect(host, settings.smtp_port)
        if code != 220:
            raise smtplib.SMTPConnectError(code, answer)
        if settings.smtp_starttls:
            server._host = host  # type: ignore[attr-defined]  # whom the certificate must name
            server.starttls(context=ssl.create_default_context())
        if settings.smtp_user and settings.smtp_password:
            server.login(settings.smtp_user, settings.smtp_password)


def _is_alive(server: smtplib.SMTP, seconds: float) -> bool:
    try:
        with _within(server, seconds):
            return bool(server.noop()[0] == 250)
    except OSError:
        return False


@contextlib.contextmanager
def _within(server: smtplib.SMTP, seconds: float) -> Iterator[None]:
    """Cut the connection when the time is up: a server that drips bytes never times out."""

    def cut() -> None:
        if server.sock is not None:
            with contextlib.suppress(OSError):
                server.sock.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _judged(code: int, answer: bytes | str) -> Exception:
    words = _words(code, answer)
    return Undeliverable(words) if 500 <= code < 600 else OSError(words)


def _words(code: int, answer: bytes | str) -> str:
    text = answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer
    return f"{code} {' '.join(text.split())}"


def _write(folder: Path, mail: EmailMessage) -> None:
    name, content = str(mail["Message-ID"]).strip("<>").partition("@")[0], mail.as_bytes()
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        (folder / f"{name}.eml").write_bytes(content)
    except OSError as error:
        raise ServerAway(error.strerror or type(error).__name__) from error
