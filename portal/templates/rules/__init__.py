"""Pure rules of templates: what a version sets, locks and allows, and how one is written."""

from portal.templates.rules.template import (
    Allowed,
    Change,
    Slots,
    Template,
    TemplateBroken,
    barred,
    load_template,
    outside_allowed,
    read_template,
    shipped_templates,
    shipped_texts,
    slots_problem,
    template_of_raw,
)

__all__ = [
    "Allowed",
    "Change",
    "Slots",
    "Template",
    "TemplateBroken",
    "barred",
    "load_template",
    "outside_allowed",
    "read_template",
    "shipped_templates",
    "shipped_texts",
    "slots_problem",
    "template_of_raw",
]
