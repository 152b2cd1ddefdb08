"""A PKCS#11 token in a folder (SoftHSM), for tests."""

import subprocess
from pathlib import Path

import pytest

from portal.kit import token

MODULE = Path("/usr/lib/softhsm/libsofthsm2.so")
PIN = "271828"


def new_token(folder: Path, label: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a fresh token with the PIN above; return the library that reaches it."""
    if not MODULE.exists():
        pytest.fail("SoftHSM is missing: run scripts/setup --dev")
    (folder / "tokens").mkdir()
    conf = folder / "softhsm2.conf"
    conf.write_text(f"directories.tokendir = {folder / 'tokens'}\nobjectstore.backend = file\n")
    monkeypatch.setenv("SOFTHSM2_CONF", str(conf))
    token.close_all(MODULE)  # the library reads that once: another test may have had its own
    subprocess.run(
        ["softhsm2-util", "--init-token", "--free", "--label", label, "--pin", PIN,
         "--so-pin", "314159"], check=True, capture_output=True,
    )  # fmt: skip
    return MODULE
