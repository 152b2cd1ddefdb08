"""The shape of plans, outages and the answers to them; times are wall times of a named zone."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from typing import Any

from wtforms import (
    BooleanField,
    DateTimeLocalField,
    IntegerField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
)
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, NumberRange, Optional
from wtforms.widgets import CheckboxInput, ListWidget

from portal.changes.rules.plan import (
    EFFECT_WORDS,
    KIND_WORDS,
    NOTE_WORDS,
    SORT_WORDS,
    TEST_WORDS,
    Effect,
    Kind,
    Plan,
    Sort,
)
from portal.changes.rules.verdict_words import tested_by
from portal.kit.forms import Form, trimmed
from portal.kit.words import say

Choices = Sequence[tuple[str, str]]


def _choices(pairs: Iterable[tuple[str, str]]) -> list[SelectChoice]:
    return [SelectChoice(value=str(value), label=label) for value, label in pairs]


class Ticks(SelectMultipleField):  # type: ignore[misc]
    """Several choices as boxes to tick."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()


def moment_field(label: str, *, needed: bool = True, hint: str = "") -> DateTimeLocalField:
    """Return a field for a wall time to the minute."""
    message = say("Choose a day and a time.")
    rules = [InputRequired(message)] if needed else [Optional()]
    formats = ["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S"]
    return DateTimeLocalField(label, rules, format=formats, description=hint)


def to_utc(wall: datetime | None, zone: tzinfo) -> datetime | None:
    """Return the instant of a wall time of a zone; of two equal wall times the first."""
    return None if wall is None else wall.replace(tzinfo=zone).astimezone(UTC)


def to_wall(moment: datetime | None, zone: tzinfo) -> datetime | None:
    """Return the wall time a field shows for an instant."""
    return None if moment is None else moment.astimezone(zone).replace(tzinfo=None)


def _text(label: str, most: int, *, needed: str = "", hint: str = "") -> dict[str, Any]:
    rules: list[Any] = [
        Length(max=most, message=say("Use at most %(most)s characters.", most=most))
    ]
    if needed:
        rules.insert(0, InputRequired(needed))
    return {"label": label, "validators": rules, "filters": [trimmed], "description": hint}


class PlanForm(Form):
    """A change as it is planned."""

    title = StringField(
        **_text(say("What is done"), 120, needed=say("Say in a few words what is done."))
    )
    kind = RadioField(
        say("Kind"), choices=_choices(KIND_WORDS.items()), default=Kind.MAINTENANCE,
        validators=[InputRequired(say("Choose a kind."))],
    )  # fmt: skip
    sort = RadioField(
        say("Agreed as"), choices=_choices(SORT_WORDS.items()), default=Sort.NORMAL,
        validators=[InputRequired(say("Choose how it is agreed."))],
    )  # fmt: skip
    begin = moment_field(say("Begins"))
    end = moment_field(say("Ends"))
    effect = RadioField(
        say("While it runs, users find the software"), choices=_choices(EFFECT_WORDS.items()),
        default=Effect.DOWN, validators=[InputRequired(say("Choose an effect."))],
    )  # fmt: skip
    modules = Ticks(
        say("Modules affected"), choices=(), description=say("None ticked: the whole software.")
    )
    description = TextAreaField(**_text(say("What changes, and why"), 4000))
    tests = Ticks(say("Tests that are done"), choices=_choices(TEST_WORDS.items()))
    backup = BooleanField(say("A backup that can be restored is taken before"))
    rollback = TextAreaField(
        **_text(
            say("Rollback plan"),
            4000,
            hint=say(
                "How the earlier state comes back, how long it takes, which data could be lost, "
                "and who decides."
            ),
        )
    )
    decide_minutes = IntegerField(
        say("Rollback is decided after, in minutes"),
        [Optional(), NumberRange(0, 1440, say("Use 0 to 1440 minutes."))],
    )
    contact = StringField(**_text(say("Contact while the work runs"), 200))
    note_changes = TextAreaField(**_text(say("Release notes: changes"), 4000))
    note_known_issues = TextAreaField(**_text(say("Release notes: known issues"), 4000))
    note_migration = TextAreaField(**_text(say("Release notes: migration steps"), 4000))
    note_impact = TextAreaField(**_text(say("Release notes: impact"), 4000))
    note_test_evidence = TextAreaField(**_text(say("Release notes: test evidence"), 4000))

    def offer(self, modules: Choices, tests: Mapping[str, str], zone_name: str) -> None:
        """Offer the contract's modules, and its tests with who runs them; name the zone."""
        self.modules.choices = _choices(modules)
        named = ((key, tested_by(TEST_WORDS[key], who)) for key, who in tests.items())
        self.tests.choices = _choices(named)
        self.begin.description = say("Wall time in %(zone)s.", zone=zone_name)

    def plan(self, zone: tzinfo) -> Plan:
        """Return what was typed as a plan."""
        begin, end = to_utc(self.begin.data, zone), to_utc(self.end.data, zone)
        if begin is None or end is None:
            raise ValueError("validate the form first")
        notes = {name: getattr(self, f"note_{name}").data or "" for name in NOTE_WORDS}
        return Plan(
            kind=Kind(self.kind.data),
            sort=Sort(self.sort.data),
            begin=begin,
            end=end,
            title=self.title.data,
            description=self.description.data or "",
            modules=tuple(self.modules.data or ()),
            effect=Effect(self.effect.data),
            tests=frozenset(self.tests.data or ()),
            backup=bool(self.backup.data),
            rollback=self.rollback.data or "",
            decide_minutes=self.decide_minutes.data,
            notes={name: text for name, text in notes.items() if text},
            contact=self.contact.data or "",
        )


def plan_data(plan: Plan, zone: tzinfo) -> dict[str, Any]:
    """Return a plan as the form's fields show it."""
    return {
        "title": plan.title,
        "kind": plan.kind.value,
        "sort": plan.sort.value,
        "begin": to_wall(plan.begin, zone),
        "end": to_wall(plan.end, zone),
        "effect": plan.effect.value,
        "modules": list(plan.modules),
        "description": plan.description,
        "tests": sorted(plan.tests),
        "backup": plan.backup,
        "rollback": plan.rollback,
        "decide_minutes": plan.decide_minutes,
        "contact": plan.contact,
        **{f"note_{name}": plan.notes.get(name, "") for name in NOTE_WORDS},
    }


class ReasonForm(Form):
    """A reason or a note that the other side reads."""

    reason = TextAreaField(**_text(say("Reason"), 2000))


class PostponeForm(Form):
    """A later time for an announced change."""

    begin = moment_field(say("Begins instead"))
    reason = TextAreaField(**_text(say("Reason"), 2000))


class StartForm(Form):
    """When the work began."""

    happened = moment_field(say("The work began"))


class FinishForm(Form):
    """How and when the work ended."""

    outcome = RadioField(
        say("How it ended"),
        choices=_choices([("completed", say("Completed")), ("rolled_back", say("Rolled back"))]),
        validators=[InputRequired(say("Say how it ended."))],
    )
    happened = moment_field(say("It was over"))
    note = TextAreaField(**_text(say("Result, and anything left open"), 2000))


class OutageForm(Form):
    """An outage as one side saw it."""

    effect = RadioField(
        say("The software was"),
        choices=_choices([("down", say("Down")), ("degraded", say("Degraded"))]),
        validators=[InputRequired(say("Say whether it was down or degraded."))],
    )
    modules = Ticks(say("Modules"), choices=(), description=say("None ticked: the whole software."))
    begin = moment_field(say("It began"))
    end = moment_field(say("It ended"), needed=False, hint=say("Leave it empty while it lasts."))
    seen = TextAreaField(**_text(say("What was seen"), 2000, needed=say("Say what was seen.")))

    def offer(self, modules: Choices, zone_name: str) -> None:
        """Offer the contract's modules and name the zone of the times."""
        self.modules.choices = _choices(modules)
        self.begin.description = say("Wall time in %(zone)s.", zone=zone_name)


class EndForm(Form):
    """When an outage ended."""

    end = moment_field(say("It ended"))


class DisputeForm(Form):
    """What the other side saw instead."""

    begin = moment_field(say("We saw it begin"), needed=False, hint=say("Empty: we saw no outage."))
    end = moment_field(say("We saw it end"), needed=False)
    reason = TextAreaField(
        **_text(say("Why"), 2000, needed=say("Say why: the other side will read it."))
    )


class CauseForm(Form):
    """A cause the contract does not count, with what shows it."""

    cause = SelectField(say("Cause"), choices=())
    evidence = TextAreaField(
        **_text(
            say("What shows it"), 2000, needed=say("Show the cause: the customer will read it.")
        )
    )

    def offer(self, causes: Choices) -> None:
        """Offer the causes the contract excludes."""
        self.cause.choices = _choices(causes)


class CauseAnswerForm(Form):
    """The customer's answer to a claimed cause."""

    accepted = RadioField(
        say("Do you accept this cause?"),
        choices=_choices(
            [("yes", say("Yes: these minutes are excluded")), ("no", say("No: they count"))]
        ),
        validators=[InputRequired(say("Accept the cause or refuse it."))],
    )
    reason = TextAreaField(**_text(say("Why, if not"), 2000))


class MonitorForm(Form):
    """A name for a monitor."""

    name = StringField(
        **_text(say("Name of the monitor"), 80, needed=say("Give the monitor a name."))
    )
