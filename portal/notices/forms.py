"""The shape of how a person wants to be told."""

from collections.abc import Mapping
from datetime import time
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from wtforms import BooleanField, Field, SelectField, StringField, ValidationError
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired

from portal.kit.forms import Form, trimmed
from portal.kit.tongues import LANGUAGES
from portal.kit.words import say
from portal.notices.rules.event import CHANNEL_WORDS
from portal.notices.rules.events import EVENTS

# Offered while one types; any other name of the IANA database is taken too.
ZONES = (
    "UTC", "Europe/London", "Europe/Dublin", "Europe/Lisbon", "Europe/Madrid", "Europe/Paris",
    "Europe/Brussels", "Europe/Amsterdam", "Europe/Berlin", "Europe/Vienna", "Europe/Zurich",
    "Europe/Rome", "Europe/Stockholm", "Europe/Oslo", "Europe/Copenhagen", "Europe/Helsinki",
    "Europe/Warsaw", "Europe/Prague", "Europe/Athens", "Europe/Istanbul", "Africa/Johannesburg",
    "Africa/Lagos", "Africa/Nairobi", "Asia/Dubai", "Asia/Kolkata", "Asia/Singapore",
    "Asia/Hong_Kong", "Asia/Shanghai", "Asia/Tokyo", "Asia/Seoul", "Australia/Perth",
    "Australia/Sydney", "Pacific/Auckland", "America/Sao_Paulo", "America/New_York",
    "America/Toronto", "America/Chicago", "America/Denver", "America/Phoenix",
    "America/Los_Angeles", "America/Vancouver",
)  # fmt: skip


class WallTimeField(StringField):  # type: ignore[misc]
    """A time of the day such as 22:00; also 7:30 and 2200."""

    def process_formdata(self, values: list[str]) -> None:
        """Read digits with or without a colon."""
        self.data: Any = values[0].strip() if values else None
        plain = str(self.data or "").replace(":", "").replace(".", "")
        if plain.isascii() and plain.isdigit() and 3 <= len(plain) <= 4:
            hour, minute = int(plain[:-2]), int(plain[-2:])
            if hour < 24 and minute < 60:
                self.data = time(hour, minute)

    def _value(self) -> str:
        return f"{self.data:%H:%M}" if isinstance(self.data, time) else self.data or ""

    def pre_validate(self, form: Any) -> None:
        """Refuse what is no time."""
        if self.data and not isinstance(self.data, time):
            raise ValidationError(say("Type a time such as 22:00."))


def choices(words: Mapping[Any, str]) -> list[SelectChoice]:
    """Return words as the options of a select."""
    return [SelectChoice(value=str(key), label=label) for key, label in words.items()]


def field_of(event: str) -> str:
    """Return the name of the field of an event."""
    return "event-" + event.replace(":", "-").replace("_", "-")


class WishesForm(Form):
    """Zone, language, quiet hours, the digest's time, and a channel for each optional event."""

    zone = StringField(
        say("Your time zone"),
        filters=[trimmed],
        validators=[InputRequired(say("Type a time zone."))],
    )
    quiet = BooleanField(say("Send me no mail at night"))
    quiet_from = WallTimeField(say("Quiet from"))
    quiet_until = WallTimeField(say("Quiet until"))
    digest_at = WallTimeField(
        say("Digest at"), validators=[InputRequired(say("Type a time such as 08:00."))]
    )
    language = SelectField(
        say("Language"), choices=choices({"": say("The one my browser asks for"), **LANGUAGES})
    )
    weekly = SelectField(
        say("Digest on"), choices=choices({"0": say("Every day"), "1": say("Mondays")})
    )

    def validate_zone(self, field: Field) -> None:
        """Take names of the IANA database only."""
        if field.data not in available_timezones():
            raise ValidationError(say("Type a time zone such as Europe/Berlin."))

    def validate_quiet_until(self, field: Field) -> None:
        """Ask for both ends of the night, and for a night that ends."""
        if self.quiet.data and not (self.quiet_from.data and field.data):
            raise ValidationError(say("Type when the quiet begins and when it ends."))
        if self.quiet.data and self.quiet_from.data == field.data:
            raise ValidationError(say("The quiet must end at another time than it begins."))

    @property
    def zone_info(self) -> ZoneInfo:
        """The chosen zone."""
        return ZoneInfo(self.zone.data)


for _event in EVENTS.values():
    if _event.optional:
        _field = SelectField(_event.words, choices=choices(CHANNEL_WORDS))
        setattr(WishesForm, field_of(_event.name), _field)
