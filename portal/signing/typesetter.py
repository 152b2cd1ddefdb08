"""Sets a deed with WeasyPrint, in a process of its own with limits.

Reads one JSON object from standard input (`html`, `css`, `terms` in base64, `terms_name`,
`description`, `created`) and writes the PDF to standard output. Nothing is fetched: the page
arrives as text and the fonts come from `static/fonts` by name.
"""

from __future__ import annotations

import base64
import io
import json
import resource
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

FONTS = Path(__file__).parents[2] / "static" / "fonts"
FONT_SCHEME = "deed-font:"
SEAL_FIELD = "sig_seal"
MEMORY_BYTES = 1 << 30
CPU_SECONDS = 20
LARGEST_FILE_BYTES = 64 << 20

# ISO 19005-3, 6.6.2.3: a property outside the predefined schemas needs its own description.
PDF_UA_XMP = b"""
<rdf:Description xmlns:pdfuaid="http://www.aiim.org/pdfua/ns/id/" rdf:about=""><pdfuaid:part>1</pdfuaid:part></rdf:Description>
<rdf:Description xmlns:pdfaExtension="http://www.aiim.org/pdfa/ns/extension/" xmlns:pdfaSchema="http://www.aiim.org/pdfa/ns/schema#"
 xmlns:pdfaProperty="http://www.aiim.org/pdfa/ns/property#" rdf:about=""><pdfaExtension:schemas><rdf:Bag><rdf:li rdf:parseType="Resource">
<pdfaSchema:schema>PDF/UA identification</pdfaSchema:schema><pdfaSchema:namespaceURI>http://www.aiim.org/pdfua/ns/id/</pdfaSchema:namespaceURI>
<pdfaSchema:prefix>pdfuaid</pdfaSchema:prefix><pdfaSchema:property><rdf:Seq><rdf:li rdf:parseType="Resource">
<pdfaProperty:name>part</pdfaProperty:name><pdfaProperty:valueType>Integer</pdfaProperty:valueType>
<pdfaProperty:category>internal</pdfaProperty:category><pdfaProperty:description>Part of ISO 14289 met by this file</pdfaProperty:description>
</rdf:li></rdf:Seq></pdfaSchema:property></rdf:li></rdf:Bag></pdfaExtension:schemas></rdf:Description>
"""  # noqa: E501  the lines are data


def limit() -> None:
    """Bind this process to the memory, processor time and file size a deed may take."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (LARGEST_FILE_BYTES, LARGEST_FILE_BYTES))


def typeset(order: dict[str, Any]) -> bytes:
    """Set one page as PDF/A-3a and PDF/UA-1; the same order gives the same bytes."""
    from weasyprint import CSS, DEFAULT_OPTIONS, HTML, Attachment
    from weasyprint.pdf import generate_pdf
    from weasyprint.text.fonts import FontConfiguration

    fetcher = _fetcher()
    fonts = FontConfiguration()
    created = datetime.fromisoformat(order["created"])
    terms = Attachment(
        file_obj=io.BytesIO(base64.b64decode(order["terms"])),
        name=order["terms_name"],
        description=order["description"],
        created=created,
        modified=created,
        relationship="Source",
        url_fetcher=fetcher,
    )
    options = DEFAULT_OPTIONS | {
        "pdf_variant": "pdf/a-3a",
        "pdf_version": "1.7",
        "pdf_identifier": True,
        "pdf_tags": True,
        "pdf_forms": True,
        "output_intent": "srgb",
        "attachments": [terms],
    }
    sheet = CSS(string=order["css"], font_config=fonts, url_fetcher=fetcher)
    page = HTML(string=order["html"], url_fetcher=fetcher)
    document = page.render(font_config=fonts, **(options | {"stylesheets": [sheet]}))
    pdf = generate_pdf(document, None, 1, **options)
    finish(pdf)
    written = io.BytesIO()
    # Streams stay compressed; an object stream would make every later check of a signature scan all
    # of it.
    pdf.write(written, version=b"1.7", identifier=True, compress=False)
    return written.getvalue()


def _fetcher() -> Any:
    from weasyprint.urls import FatalURLFetchingError, URLFetcher, URLFetcherResponse

    known = {f"{FONT_SCHEME}{font.name}": font for font in FONTS.glob("*.ttf")}

    class FontsByName(URLFetcher):  # type: ignore[misc]  # the library is untyped
        def fetch(self, url: str, headers: Any = None) -> Any:
            if url not in known:
                raise FatalURLFetchingError(f"refused to fetch {url[:80]}")
            return URLFetcherResponse(url, known[url].read_bytes(), {"Content-Type": "font/ttf"})

    return FontsByName()


def finish(pdf: Any) -> None:
    """Turn form boxes into signature fields and declare what signing would else rewrite."""
    import pydyf

    widgets = [item for item in _dictionaries(pdf) if item.get("Subtype") == "/Widget"]
    _unwrap_structure(pdf)
    for widget in widgets:
        _make_signature_field(pdf, widget)
    form = pydyf.Dictionary({"Fields": pydyf.Array(w.reference for w in widgets), "SigFlags": 3})
    pdf.add_object(form)
    pdf.catalog["AcroForm"] = form.reference
    pdf.catalog["Extensions"] = pydyf.Dictionary(
        {"ESIC": pydyf.Dictionary({"BaseVersion": "/1.7", "ExtensionLevel": 5})}
    )
    _claim_pdf_ua(pdf)


def _dictionaries(pdf: Any) -> Iterator[Any]:
    import pydyf

    return (item for item in pdf.objects if isinstance(item, pydyf.Dictionary))


def _unwrap_structure(pdf: Any) -> None:
    """A validator follows a field's structure element only when /K is the reference itself."""
    for element in _dictionaries(pdf):
        if element.get("S") == "/Form" and len(element["K"]) == 1:
            element["K"] = element["K"][0]


def _make_signature_field(pdf: Any, widget: Any) -> None:
    import pydyf

    drawn = int(next(iter(widget["AP"]["N"].values())).split()[0])
    appearance = pdf.objects[drawn]
    appearance.stream = []
    appearance.extra["Resources"] = pydyf.Dictionary()
    for key in ("AS", "V", "MK", "Border"):
        widget.pop(key, None)
    left, top, right, bottom = widget["Rect"]
    widget["Rect"] = pydyf.Array((left, min(top, bottom), right, max(top, bottom)))
    widget["FT"] = "/Sig"
    widget["F"] = 4 | 128  # Print and Locked, ISO 32000-1 table 165
    widget["AP"] = pydyf.Dictionary({"N": appearance.reference})
    if widget["T"].string == SEAL_FIELD:
        lock = pydyf.Dictionary({"Type": "/SigFieldLock", "Action": "/All", "P": 1})
        pdf.add_object(lock)
        widget["Lock"] = lock.reference


def _claim_pdf_ua(pdf: Any) -> None:
    metadata = pdf.objects[int(pdf.catalog["Metadata"].split()[0])]
    (packet,) = metadata.stream
    metadata.stream = [packet.replace(b"</rdf:RDF>", PDF_UA_XMP + b"</rdf:RDF>")]


def main() -> None:
    """Set the deed that standard input describes."""
    limit()
    order = json.load(sys.stdin)
    sys.stdout.buffer.write(typeset(order))


if __name__ == "__main__":
    main()
