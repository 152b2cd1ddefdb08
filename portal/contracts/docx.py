"""The frozen terms as a Word document, by python-docx; a reading copy and no deed."""

import io
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from docx import Document
from docx.shared import Pt

from portal.terms.rules import Schema, show

# A fixed date in the file's properties, so that the same version gives the same bytes inside.
LONG_AGO = datetime(2000, 1, 1)  # noqa: DTZ001  the format has no zone


def terms_docx(document: Mapping[str, Any], schema: Schema, *, sha256: str) -> bytes:
    """Return the terms of a frozen document, chapter by chapter, each with its code."""
    file = Document()
    file.styles["Normal"].font.size = Pt(10)
    file.core_properties.title = str(document["title"])
    file.core_properties.author = "Counterpart"
    file.core_properties.created = file.core_properties.modified = LONG_AGO
    file.add_heading(str(document["title"]), 0)
    parties = document["parties"]
    file.add_paragraph(f"{parties['vendor']['name']} and {parties['customer']['name']}")
    file.add_paragraph(
        f"Contract {document['ref']}, version {document['version']}. Reading copy: the sealed deed "
        f"is the agreement. SHA-256 of the terms: {sha256}"
    )
    for code, title in ((group.code, group.title) for group in schema.groups):
        terms = [
            term
            for term in schema.terms.values()
            if term.group == code and term.id in document["terms"]
        ]
        if terms:
            file.add_heading(f"{code}. {title}", 1)
            table = file.add_table(rows=0, cols=3, style="Table Grid")
            for term in terms:
                cells = table.add_row().cells
                cells[0].text, cells[1].text = term.id, term.label
                cells[2].text = show(term, document["terms"][term.id])
    for clause in document["special_terms"]:
        file.add_heading(f"{clause['number']} {clause['title']}", 2)
        file.add_paragraph(str(clause["text"]))
    out = io.BytesIO()
    file.save(out)
    return out.getvalue()
