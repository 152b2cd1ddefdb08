"""A statement as a sealed PDF: set in the deed's own type, its figures attached as JSON."""

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from portal.signing.certificates import final_crl
from portal.signing.keys import PortalKeys
from portal.signing.pades import archive, seal
from portal.signing.pdf import disclosed, set_pages
from portal.statements.rules.judged import aim_words
from portal.statements.rules.shown import minutes_shown, percent_shown, time_shown

FIGURES_NAME = "statement.json"
TEMPLATES = Path(__file__).parents[2] / "templates"


def sealed_statement(
    words: Mapping[str, Any], canonical: bytes, keys: PortalKeys, *, created: str, at: datetime
) -> bytes:
    """Return the statement set, sealed by the portal and stamped for the archive.

    `words` are what `templates/statements/report.html` prints; `canonical` the figures' own bytes,
    attached, whose SHA-256 is printed.
    """
    page = _templates().get_template("statements/report.html").render(**words)
    set_page = set_pages(
        page, canonical, name=FIGURES_NAME, description="The figures as canonical JSON",
        created=created,
    )  # fmt: skip
    sealed = seal(set_page, keys.seal, keys.unit, at=at)
    lists = [final_crl(keys.root, at=at)]
    return archive(sealed, keys.root, keys.seal, lists, keys.unit, at=at)


@cache
def _templates() -> Environment:
    templates = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined,
        finalize=_finalize, trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    templates.globals.update(
        minutes_shown=minutes_shown, percent_shown=percent_shown, time_shown=time_shown,
        aim_words=aim_words,
    )  # fmt: skip
    return templates


def _finalize(value: Any) -> Any:
    return value if isinstance(value, Markup) else disclosed(str(value))
