"""The month as both sides settle it: statements, the credit ledger, risk, and replays of offers.

Words: a *statement* is a month computed from recorded facts, in numbered *revisions*; the vendor
confirms it, the customer accepts or disputes it, and an accepted one is frozen and sealed. A
*replay* runs proposed terms over incidents that have happened. Leans on `incidents`, `changes`,
`signing` (keys and PAdES) and everything below.
"""
