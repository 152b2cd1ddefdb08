"""Finding terms, dates, decisions and notices. A contract of others is not found."""
