"""The terms inside an evidence bundle, for a new contract that starts from them."""

import io
import zipfile

from portal.evidence.rules import bundle as form
from portal.evidence.rules.reading import check_bundle
from portal.kit.errors import Refused
from portal.kit.words import say

ZIP = b"PK"
MOST_MEMBERS = 20_000


def is_bundle(content: bytes) -> bool:
    """Return whether a file is a zip, whatever its name says."""
    return content.startswith(ZIP)


def terms_in(content: bytes) -> bytes:
    """Return the canonical bytes of the newest frozen version in a bundle.

    The whole bundle is checked first: a damaged one, one of another form, or terms that the log
    does not name by their hash are refused.
    """
    _demand_few(content)
    found = check_bundle(content)
    if not found.ok:
        wrong = next(one for one in found.findings if one.level == "error")
        raise Refused(say("This bundle cannot be relied on. %(message)s", message=wrong.message))
    named = found.named
    for number in sorted(_numbers(found.files), reverse=True):
        path = form.terms_path(number)
        if named.get(path) == form.sha256(found.files[path]):
            return found.files[path]
    raise Refused(say("This bundle holds no frozen terms."))


def _demand_few(content: bytes) -> None:
    """Refuse a zip of very many files before any is read; the check refuses size and packing."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
    except Exception as error:  # zipfile raises a dozen kinds for damaged files
        raise Refused(say("This file is not an evidence bundle.")) from error
    count = len(members)
    if count > MOST_MEMBERS:
        raise Refused(
            say("The bundle holds %(count)s files; no portal writes so many.", count=f"{count:,}")
        )
    # Nothing is packed in a bundle: what says it holds more than the file does would be read over
    # and over, each time from the same bytes.
    if sum(member.file_size for member in members) > len(content):
        raise Refused(say("This file is not an evidence bundle."))


def _numbers(files: dict[str, bytes]) -> list[int]:
    parts = [path.removeprefix("terms/").removesuffix(".json") for path in files]
    return [int(part) for part in parts if part.isascii() and part.isdecimal() and len(part) < 6]
