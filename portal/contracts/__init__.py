"""Contracts: parties, stakeholders, signer slots, frozen versions and the dated facts of a life.

Words: a *side* is vendor or customer; the *owner* of a side coordinates its stakeholders; a
*version* is frozen canonical JSON with its SHA-256; *state* is derived from facts, never set.
Leans on `plans`, `terms`, `accounts`, `residency` and below.
"""
