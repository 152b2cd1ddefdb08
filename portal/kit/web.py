"""Pages and redirects. The edge cases of htmx live here and nowhere else.

Every view declares who may reach it with `public`, `signed_in` or `needs`; the house tests read
the declarations from the URL map.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from flask import Response, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue

View = TypeVar("View", bound=Callable[..., Any])


def public(view: View) -> View:
    """Declare a view that anyone may open."""
    view.needs = "public"  # type: ignore[attr-defined]
    return view


def machine(view: View) -> View:
    """Declare a view that machines call with a token of their own: it has no form and no cookie."""
    view.machine = True  # type: ignore[attr-defined]
    return view


def signed_in(view: View) -> View:
    """Declare a view for any signed-in person."""
    view.needs = "signed_in"  # type: ignore[attr-defined]
    return view


def needs(action: str) -> Callable[[View], View]:
    """Declare the row of the permission table that the view's action checks."""

    def declare(view: View) -> View:
        view.needs = action  # type: ignore[attr-defined]
        return view

    return declare


def parks(endpoint: str) -> Callable[[View], View]:
    """Declare that what was typed here survives a lost session, and the page that takes it back."""

    def declare(view: View) -> View:
        view.parks = endpoint  # type: ignore[attr-defined]
        return view

    return declare


def page(template: str, status: int = 200, **context: Any) -> ResponseReturnValue:
    """Render a whole page; 422 shows the same page with its errors."""
    return render_template(template, **context), status


def see_other(url: str) -> Response:
    """Answer a successful POST: 303 to the page that shows the result."""
    return make_response(redirect(url, 303))


def mend_for_htmx(response: Response) -> Response:
    """Make an error or sign-in page replace the main part when htmx asked for a region.

    Without this, an answer that lacks the selected region would make the panel vanish.
    """
    if not request.headers.get("HX-Request"):
        return response
    if response.status_code >= 400 and response.status_code != 422:
        fill_main(response)
    return response


def fill_main(response: Response) -> Response:
    """Have htmx replace the main part, whatever region it asked for."""
    response.headers["HX-Retarget"] = "#main"
    response.headers["HX-Reselect"] = "#main"
    response.headers["HX-Reswap"] = "outerHTML"
    return response


def leave_for(url: str) -> Response:
    """Send the whole browser to a page (sign in, code needed), also from an htmx request."""
    if request.headers.get("HX-Request"):
        response = make_response("", 200)
        response.headers["HX-Redirect"] = url
        return response
    return see_other(url)


def download(content: bytes, *, name: str, mimetype: str, inline: bool = False) -> Response:
    """Answer with a file; never sniffed, never run as a page."""
    response = make_response(content)
    response.mimetype = mimetype
    kind = "inline" if inline else "attachment"
    response.headers["Content-Disposition"] = f'{kind}; filename="{name}"'
    return response
