"""Wiring: settings, databases, doors, headers and the three words for no."""

import hashlib
import logging
import time
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from babel import negotiate_locale
from flask import Flask, Response, abort, g, make_response, render_template, request, url_for
from flask_babel import Babel, get_locale, refresh
from flask_login import LoginManager, current_user
from flask_wtf import CSRFProtect
from htmx_flask import Htmx
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.middleware.proxy_fix import ProxyFix

from portal.accounts import gate
from portal.accounts.oidc import Providers
from portal.accounts.parking import park
from portal.accounts.routes import bp as accounts_pages
from portal.admin.routes import bp as admin_pages
from portal.answers import answer_errors, undo
from portal.api.routes import bp as api_doors
from portal.batches.routes import bp as batches_pages
from portal.changes.routes import bp as changes_pages
from portal.contracts.routes import bp as contracts_pages
from portal.contracts.routes.sections import sections_of
from portal.customers.routes import bp as customers_pages
from portal.evidence.routes import bp as evidence_pages
from portal.home.routes import bp as home_pages
from portal.incidents.routes import bp as incidents_pages
from portal.intake.routes import bp as intake_pages
from portal.kit import clock, headers, web
from portal.kit.db import PORTAL, acting, db, harden, options_for, reading
from portal.kit.errors import NotFound, Refused
from portal.kit.metrics import Counts
from portal.kit.tongues import LANGUAGES, teach, tongue
from portal.kit.vault import CipherOf, Ring
from portal.kit.words import say, speaking, spoken
from portal.negotiation.routes import bp as negotiation_pages
from portal.notices.routes import bp as notices_pages
from portal.notices.rules import ALWAYS
from portal.oauth.routes import bp as oauth_pages
from portal.operations.routes import bp as operations_pages
from portal.plans.routes import bp as plans_pages
from portal.profiles.actions import demand_signature, note_view
from portal.profiles.queries import profiles_of_ref
from portal.profiles.routes import bp as profiles_pages
from portal.profiles.routes import take_signature
from portal.profiles.rules import Profile, record_of
from portal.renewals.routes import bp as renewals_pages
from portal.residency.databases import Regions, read_or_make_key, regions
from portal.retention.routes import bp as retention_pages
from portal.reviews.routes import bp as reviews_pages
from portal.settings.rules import Settings, read_settings
from portal.signing.routes import bp as signing_pages
from portal.statements.routes import bp as statements_pages
from portal.statements.rules import replay
from portal.templates.routes import bp as templates_pages
from portal.webhooks.routes import bp as webhooks_pages

HTTP = logging.getLogger("counterpart.http")
ROOT = Path(__file__).resolve().parent.parent
MEGABYTE = 1024 * 1024
SAFE = {"GET", "HEAD", "OPTIONS"}
METHODS = SAFE | {"POST", "PUT", "PATCH", "DELETE"}
FORMS = {"application/x-www-form-urlencoded", "multipart/form-data"}
PAGES = (
    accounts_pages,
    admin_pages,
    api_doors,
    changes_pages,
    contracts_pages,
    customers_pages,
    home_pages,
    incidents_pages,
    intake_pages,
    evidence_pages,
    negotiation_pages,
    oauth_pages,
    operations_pages,
    renewals_pages,
    retention_pages,
    reviews_pages,
    notices_pages,
    plans_pages,
    profiles_pages,
    templates_pages,
    batches_pages,
    signing_pages,
    statements_pages,
    webhooks_pages,
)


def create_app(settings: Settings | None = None) -> Flask:
    """Build the portal for one home folder."""
    settings = settings or read_settings()
    settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    app = Flask("portal", root_path=str(ROOT), template_folder="templates", static_folder="static")
    _configure(app, settings)
    _open_databases(app, settings)
    login = LoginManager(app)
    gate.install(login, settings)
    csrf = CSRFProtect(app)
    Htmx(app)
    for pages in PAGES:
        app.register_blueprint(pages)
    for view in app.view_functions.values():
        if getattr(view, "machine", False):
            csrf.exempt(view)
    _measure(app)
    _speak(app)
    _guard(app, settings)
    answer_errors(app)
    _dress_pages(app, settings)
    if settings.trusted_proxies:
        count = settings.trusted_proxies
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app, x_for=count, x_proto=count, x_host=count
        )
    return app


def _configure(app: Flask, settings: Settings) -> None:
    app.config.update(
        SECRET_KEY=read_or_make_key(settings.keys / "session.key"),
        SECRET_KEY_FALLBACKS=_old_key(settings.keys / "session.key.old"),
        SETTINGS=settings,
        SQLALCHEMY_DATABASE_URI=settings.directory,
        SQLALCHEMY_ENGINE_OPTIONS=options_for(settings.directory),
        MAX_CONTENT_LENGTH=8 * MEGABYTE,
        MAX_FORM_MEMORY_SIZE=2 * MEGABYTE,
        MAX_FORM_PARTS=2000,
        SESSION_COOKIE_NAME="__Host-form" if settings.secure_cookies else "form",
        SESSION_COOKIE_SECURE=settings.secure_cookies,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        WTF_CSRF_TIME_LIMIT=None,
        WTF_CSRF_SSL_STRICT=False,
        SEND_FILE_MAX_AGE_DEFAULT=31_536_000,
    )
    app.jinja_env.autoescape = True
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True


def _old_key(path: Path) -> list[bytes]:
    """Return the key that signed forms until its rotation is finished."""
    return [path.read_bytes()] if path.exists() else []


def _open_databases(app: Flask, settings: Settings) -> None:
    read_or_make_key(settings.keys / "directory.key")
    directory = Ring(settings.keys / "directory.key")
    cipher_of: CipherOf = lambda owner: directory  # noqa: E731  one key serves the directory
    app.extensions["directory_cipher_of"] = cipher_of
    app.extensions["regions"] = Regions(settings, before_entry=demand_signature)
    app.extensions["providers"] = Providers(settings.providers)
    db.init_app(app)
    with app.app_context():
        harden(db.engine)
    app.teardown_appcontext(lambda error: Regions.close())


def _measure(app: Flask) -> None:
    """Count each answer and write one log line for it: the endpoint, never the address."""
    counts = app.extensions["counts"] = Counts()

    def failed(error: Any) -> None:
        HTTP.error("failed", extra={"endpoint": request.endpoint or "none"}, exc_info=error)

    app.log_exception = failed  # type: ignore[method-assign, assignment]

    @app.before_request
    def start() -> None:
        g.started = time.perf_counter()

    @app.after_request
    def note(response: Response) -> Response:
        seconds = time.perf_counter() - g.get("started", time.perf_counter())
        endpoint, status = request.endpoint or "none", response.status_code
        # A visitor may make a method up: it would be a word of theirs, and a series of its own.
        method = request.method if request.method in METHODS else "other"
        counts.note(method, endpoint, status, seconds)
        HTTP.info(
            "answered",
            extra={"method": method, "endpoint": endpoint, "status": status,
                   "milliseconds": round(seconds * 1000, 1)},
        )  # fmt: skip
        return response


def _speak(app: Flask) -> None:
    """Say every word of a page in its reader's language."""
    Babel(configure_jinja=False).init_app(app, locale_selector=_language)
    teach(app.jinja_env)

    @app.before_request
    def start() -> None:
        refresh()
        g.spoken = ExitStack()
        g.spoken.enter_context(speaking(lambda: tongue(str(get_locale()))))

    @app.teardown_request
    def stop(error: BaseException | None) -> None:
        g.pop("spoken", ExitStack()).close()


def _language() -> str:
    """Return the language of a page: the person's own, or the browser's; of the API, English."""
    if request.path.startswith("/api/"):
        return "en"
    visitor = gate.visitor_or_none()
    chosen = visitor.reader.language if visitor else ""
    asked = list(request.accept_languages.values())
    return chosen or negotiate_locale(asked, list(LANGUAGES), sep="-") or "en"


def _guard(app: Flask, settings: Settings) -> None:
    """Refuse by default: every view but the public ones needs a signed-in person."""

    @app.before_request
    def guard() -> Any:
        reading.set(request.method in SAFE)
        acting.set(PORTAL)
        view = app.view_functions.get(request.endpoint or "")
        if view is None or request.endpoint == "static":
            return None
        if "\0" in request.path:
            raise NotFound
        if _holds_nul():
            abort(400)
        if request.method not in SAFE and _foreign_origin():
            raise Refused(
                say("This form came from another site. Open the page here and try again.")
            )
        if getattr(view, "needs", None) == "public":
            return None
        step = gate.first_step(request.endpoint)
        if step is not None:
            return _to_first_step(step, view)
        kept_to = gate.out_of_reach(request.endpoint, (request.view_args or {}).get("ref"))
        if kept_to is not None:
            if request.endpoint == "home.show":
                return web.see_other(url_for("contracts.show", ref=kept_to))
            raise NotFound
        gate.touch(clock.now())
        actor = gate.acting()
        if actor is not None and not actor.emergency:
            acting.set(actor.organisation_id)
        if request.method not in SAFE and "ref" in (request.view_args or {}):
            take_signature(view, (request.view_args or {})["ref"])
        return None

    @app.teardown_request
    def ended(error: BaseException | None) -> None:
        reading.set(False)
        acting.set(PORTAL)

    @app.after_request
    def finish(response: Response) -> Response:
        response = _entered(response)
        # Who was not asked for on the way here is not on the page, and no database need say it.
        signed_in = "_login_user" in g and current_user.is_authenticated
        headers.add_headers(response, secure=settings.secure_cookies, signed_in=signed_in)
        if request.method not in SAFE:
            # What it wrote is committed; what it read after that was read under the write lock.
            undo()
        return web.mend_for_htmx(response)


def _holds_nul() -> bool:
    """Whether a name or value holds U+0000: no text has one, and PostgreSQL keeps none."""
    sent = [*request.args, *(one for row in request.args.lists() for one in row[1])]
    if request.mimetype in FORMS:
        sent += [*request.form, *(one for row in request.form.lists() for one in row[1])]
        sent += [file.filename or "" for file in request.files.values()]
    return any("\0" in one for one in sent)


def _entered(response: Response) -> Response:
    """Enter a look at a contract under HIPAA before it is shown; what cannot be entered is not."""
    ref = (request.view_args or {}).get("ref")
    if ref is None or request.method != "GET" or response.status_code != 200:
        return response
    actor = gate.acting()
    if actor is None:
        return response
    now, database = clock.now(), regions().home(ref)
    if not actor.emergency and not _is_under_hipaa(ref, now):
        return response
    try:
        note_view(database, ref, actor.log, what=record_of(request.path, ref), at=now)
    except SQLAlchemyError:
        HTTP.exception("a look could not be entered")
        response.close()
        return make_response(render_template("errors/unseen.html"), 503)
    return response


def _is_under_hipaa(ref: str, now: datetime) -> bool:
    return Profile.HIPAA in profiles_of_ref(regions().session_of(ref), ref, at=now)


def _to_first_step(step: str, view: Any) -> Response:
    """Send the visitor to sign in; what they typed is kept where the view asks for that."""
    way_back = getattr(view, "parks", None)
    if request.method == "GET":
        return web.leave_for(url_for(step, next=request.full_path.rstrip("?")))
    if way_back is None:
        return web.leave_for(url_for(step))
    target = url_for(way_back, **(request.view_args or {}))
    return park(web.leave_for(url_for(step, next=target)), at=clock.now())


def _foreign_origin() -> bool:
    origin = request.headers.get("Origin")
    if origin is not None and origin != request.host_url.rstrip("/"):
        return True
    return request.headers.get("Sec-Fetch-Site", "none") not in {"same-origin", "none"}


def _dress_pages(app: Flask, settings: Settings) -> None:
    versions = {
        name: hashlib.sha256((ROOT / "static" / name).read_bytes()).hexdigest()[:12]
        for name in ("portal.css", "keys.js", "passkey.js")
        if (ROOT / "static" / name).exists()
    }

    app.jinja_env.globals["sections_of"] = sections_of
    app.jinja_env.globals["replayable"] = frozenset(replay.TERMS)
    app.jinja_env.globals["reader_zone"] = _reader_zone

    @app.context_processor
    def context() -> dict[str, Any]:
        visitor = current_user if current_user.is_authenticated else None
        return {
            "asset_version": versions.get("portal.css", ""),
            "asset_versions": versions,
            "language": spoken().language,
            "me": _me(visitor) if visitor else None,
            "nav": _navigation(visitor) if visitor else [],
            "operator_name": settings.operator,
            "verify_url": url_for("evidence.verify_page"),
        }


def _reader_zone() -> ZoneInfo:
    """Return the zone in which pages show times to the person of this request."""
    visitor = gate.visitor_or_none()
    return visitor.reader.zone if visitor else ALWAYS.zone


def _me(visitor: gate.Visitor) -> dict[str, Any]:
    organisation = (
        visitor.actor.organisation_name if visitor.actor else say("Portal administration")
    )
    emergency = visitor.actor.emergency if visitor.actor else None
    return {
        "name": visitor.person.name, "organisation_name": organisation, "emergency": emergency,
        "is_member": visitor.actor is not None,
    }  # fmt: skip


def _navigation(visitor: gate.Visitor) -> list[dict[str, Any]]:
    if visitor.actor is None or visitor.actor.emergency:
        return []
    items = [
        (say("Contracts"), "contracts.index"),
        (say("Renewals"), "renewals.index"),
        (say("Plans"), "plans.index"),
        (say("Templates"), "templates.index"),
        (say("Organisation"), "admin.members"),
    ]
    return [
        {
            "label": label,
            "href": url_for(endpoint),
            "current": (request.endpoint or "").split(".")[0] == endpoint.split(".")[0],
        }
        for label, endpoint in items
    ]
