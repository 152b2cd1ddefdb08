"""Counterpart: negotiate a software support contract, sign it, and run the service on it.

Rooms lean only on rooms below them (see docs/house.md); `app` and `cli` wire them together.
"""
