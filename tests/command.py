"""`counterpart` in the process of the test: one of its own would first load a thousand modules."""

import os
from pathlib import Path

from click.testing import CliRunner, Result

from portal.cli import main
from portal.kit.db import reading


def run(home: Path, *words: str) -> Result:
    """Run one command over a home, as an operator types it; a fault in it fails the test."""
    environment = {**os.environ, "COUNTERPART_HOME": str(home)}
    done = CliRunner().invoke(main, words, env=environment)
    reading.set(False)  # it may have said that it only reads; the next is a command of its own
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done


def beside(*words: object) -> list[str]:
    """Return a command as one that ends when this thread does, however that ends."""
    return ["setpriv", "--pdeathsig", "TERM", "--", *map(str, words)]
