"""The log: entries chained per subject by SHA-256, appended in the transaction of the change.

Words: an *entry* is one dated fact; a *chain* is the entries of one subject (a contract, an
organisation); the *head* is the hash of the last entry. Leans on `kit` alone.
"""
