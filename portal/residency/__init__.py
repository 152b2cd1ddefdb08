"""Regions: which database, document store and key belong to a contract.

Words: a *region* is one place data may live; the *region key* wraps one *data key* a contract.
Every regional session is explicit; at most one region is written in a request. Leans on `kit`,
`settings`, `audit` and `notices`.
"""
