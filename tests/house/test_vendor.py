"""What we serve from others is exactly what the record says, and nothing more."""

import hashlib
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
STATIC = ROOT / "static"
FILES = tomllib.loads((STATIC / "vendor.toml").read_text(encoding="utf-8"))["file"]


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("file", FILES, ids=lambda file: file["name"])
def test_a_vendored_file_matches_its_recorded_sum(file: dict[str, str]) -> None:
    assert digest(STATIC / file["path"]) == file["sha256"]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file["name"])
def test_a_vendored_file_comes_with_its_licence(file: dict[str, str]) -> None:
    assert digest(STATIC / file["licence_path"]) == file["licence_sha256"]
    assert file["licence"]


def test_the_vendor_folder_holds_only_recorded_files() -> None:
    recorded = {file[key] for file in FILES for key in ("path", "licence_path")}
    found = {str(path.relative_to(STATIC)) for path in (STATIC / "vendor").iterdir()}
    assert found == recorded


def test_the_layout_loads_every_vendored_script_and_no_other() -> None:
    layout = (ROOT / "templates" / "layout.html").read_text(encoding="utf-8")
    assert set(re.findall(r"vendor/[\w.-]+\.js", layout)) == {file["path"] for file in FILES}


def test_a_vendored_file_carries_its_version_in_its_name() -> None:
    assert all(file["version"] in file["path"] for file in FILES)
