"""Templates: published starting points for contracts, in numbered versions.

The words: a *template* is one version of the defaults, locks, ranges, signer slots and workflow
settings a contract starts from; it lives in the directory, for it says nothing of any contract.
Leans on `terms` and `accounts` and below.
"""
