"""Profiles of contracts: HIPAA and 21 CFR Part 11, each put on by both parties; and who looked.

Words: profile, turn (a contract put under a profile or out of it), meaning (of a signature), view
(a look at a record of a contract under HIPAA). Leans on contracts and accounts; signing on it.
"""
