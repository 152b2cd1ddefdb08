"""Pages of the templates room."""

from portal.templates.routes import editor, library
from portal.templates.routes.library import bp

__all__ = ["bp", "editor", "library"]
