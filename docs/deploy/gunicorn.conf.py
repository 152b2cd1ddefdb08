"""gunicorn's own settings, for `gunicorn -c docs/deploy/gunicorn.conf.py wsgi:app`.

`counterpart serve` sets the same. A process count above the cores gains nothing; threads wait for
the database and the store.
"""

import os
from pathlib import Path

from portal.kit import logs, metrics

bind = "127.0.0.1:8000"
workers = 2
threads = 4
worker_class = "gthread"
timeout = 60
graceful_timeout = 10
keepalive = 5
max_requests = 10_000
max_requests_jitter = 1_000
limit_request_line = 4094
limit_request_fields = 60
forwarded_allow_ips = "127.0.0.1"
accesslog = None  # the portal writes a line an answer itself, without addresses


def on_starting(server: object) -> None:
    """Let the processes share what they count."""
    home = Path(os.environ.get("COUNTERPART_HOME", "instance")).resolve()
    metrics.prepare(home / "run" / "metrics", empty=True)


def post_fork(server: object, worker: object) -> None:
    """Write log lines as JSON."""
    logs.configure()
