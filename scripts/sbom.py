"""The bill of materials, from `requirements.lock` and `static/vendor.toml`; nothing is fetched.

The hashes of a package's files stay in the lock: a bill names a package once, a lock each wheel.
"""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;\\]+)")


def bill() -> dict[str, Any]:
    """Return the bill: each component once, and which package asks for which."""
    pins, wanted_by = locked()
    packages = [_package(name, version) for name, version in pins.items()]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    asks: dict[str, list[str]] = {name: [] for name in [*pins, "counterpart"]}
    for name, parents in wanted_by.items():
        for parent in parents:
            asks.setdefault(parent, []).append(name)
    refs = {name: _purl(name, version) for name, version in pins.items()} | {
        "counterpart": "portal"
    }
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application", "name": "counterpart", "bom-ref": "portal",
                "version": project["version"],
            }
        },
        "components": [*packages, *_vendored()],
        "dependencies": [
            {"ref": refs[name], "dependsOn": sorted(refs[one] for one in asks[name])}
            for name in asks
            if name in refs
        ],
    }  # fmt: skip


def locked() -> tuple[dict[str, str], dict[str, list[str]]]:
    """Return the version of each locked package, and by whom it is wanted."""
    pins: dict[str, str] = {}
    wanted_by: dict[str, list[str]] = {}
    name = ""
    for line in (ROOT / "requirements.lock").read_text("utf-8").splitlines():
        found = PIN.match(line)
        if found:
            name = found[1].lower()
            pins[name] = found[2]
            wanted_by[name] = []
        parent = re.match(r"^    #(?: via)? +([A-Za-z0-9._-]+)", line)
        if parent and name and parent[1] not in {"via", "-"}:
            wanted_by[name].append(parent[1].lower())
    return pins, wanted_by


def _purl(name: str, version: str) -> str:
    return f"pkg:pypi/{name}@{version}"


def _package(name: str, version: str) -> dict[str, Any]:
    purl = _purl(name, version)
    return {"type": "library", "name": name, "version": version, "purl": purl, "bom-ref": purl}


def _vendored() -> list[dict[str, Any]]:
    files = tomllib.loads((ROOT / "static" / "vendor.toml").read_text("utf-8"))["file"]
    return [
        {
            "type": "library", "name": one["name"], "version": one["version"],
            "purl": f"pkg:npm/{one['name']}@{one['version']}",
            "bom-ref": f"pkg:npm/{one['name']}@{one['version']}",
            "hashes": [{"alg": "SHA-256", "content": one["sha256"]}],
            "licenses": [{"license": {"id": one["licence"]}}],
        }
        for one in files
    ]  # fmt: skip


if __name__ == "__main__":
    print(json.dumps(bill(), indent=2))
