"""Renewals: when a term ends, by when notice must be given, who decided what, and what follows.

Words: a **term** of the contract (initial, then renewals), its **end date** (exclusive), the
**notice date** (the last day on which a notice counts), a **decision** (one side's own business), a
**notice** (a signed act both sides hold). Leans on `contracts`, `negotiation`, `signing`, `sla`,
`terms`, `accounts`, `notices` and `audit`.
"""
