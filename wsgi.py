"""The WSGI entry: `gunicorn wsgi:app`."""

from portal.app import create_app
from portal.cli.running import refuse_incomplete
from portal.settings.rules import read_settings

refuse_incomplete(read_settings())
app = create_app()
