"""When reviews are held, what is on their agenda, and what calls executives to the table."""
