"""Settings out of their bounds are refused by name."""

from pathlib import Path

import pytest

from portal.settings.rules import BadSetting, settings_from


@pytest.mark.parametrize(
    ("name", "value"),
    [("idle_minutes", 61), ("idle_minutes", 0), ("absolute_minutes", 24 * 60 + 1),
     ("absolute_minutes", 0)],
)  # fmt: skip
def test_no_setting_lets_a_session_live_longer_than_its_bound(
    tmp_path: Path, name: str, value: int
) -> None:
    with pytest.raises(BadSetting, match=name):
        settings_from(tmp_path, {name: value}, {})


def test_a_list_of_breached_passwords_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match="breached_passwords"):
        settings_from(tmp_path, {"breached_passwords": str(tmp_path / "none.txt")}, {})
