"""Plans: a vendor's tiers, each a versioned preset over the terms of a contract, with a price.

The words: a *catalogue* is one version of a vendor's offer; a *tier* is one column of it.
Leans on `terms` and on nothing above it.
"""
