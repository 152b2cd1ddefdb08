"""The bill of materials names what is locked and vendored, each once, and who asks for what."""

import importlib.util
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SPEC = importlib.util.spec_from_file_location("sbom", ROOT / "scripts" / "sbom.py")
assert SPEC is not None and SPEC.loader is not None
SBOM = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(SBOM)


def test_the_bill_names_every_locked_package_and_vendored_file_once() -> None:
    bill = SBOM.bill()
    refs = [one["bom-ref"] for one in bill["components"]]
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    pinned = {line.split(" ")[0] for line in lock if "==" in line and not line.startswith(" ")}
    vendored = tomllib.loads((ROOT / "static" / "vendor.toml").read_text(encoding="utf-8"))["file"]
    assert len(refs) == len(set(refs)) == len(pinned) + len(vendored) > 50
    assert {f"{one['name']}=={one['version']}" for one in bill["components"]} >= pinned
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")


def test_the_bill_says_who_asks_for_what() -> None:
    bill = SBOM.bill()
    refs = {"portal", *(one["bom-ref"] for one in bill["components"])}
    asks = {one["ref"]: one["dependsOn"] for one in bill["dependencies"]}
    assert set(asks) <= refs and {ref for some in asks.values() for ref in some} <= refs
    named = {ref.split("@")[0] for ref in asks["portal"]}
    assert {"pkg:pypi/flask", "pkg:pypi/cryptography"} <= named
    flask = next(ref for ref in asks if ref.startswith("pkg:pypi/flask@"))
    assert any(ref.startswith("pkg:pypi/werkzeug@") for ref in asks[flask])
