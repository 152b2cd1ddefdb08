"""Webhooks by the Standard Webhooks specification: an organisation's own addresses are told.

Words: an *endpoint* is one address of an organisation in one region; a *delivery* is one entry of
a contract's log on its way there; a *try* is one attempt. What is sent is thin: which contract,
which entry, its hash, and nothing a contract says. The log is the source: every entry of a
contract that both its sides may read is told to the endpoints of both. Leans on `contracts`,
`audit`, `residency` and `accounts`.
"""
