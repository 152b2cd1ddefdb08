"""Home: what waits for a member, what is about to happen, what went wrong; nothing else.

Leans on every room whose facts it shows, and holds none of its own.
"""
