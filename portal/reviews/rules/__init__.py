"""When reviews are held, and what is on their agenda."""
