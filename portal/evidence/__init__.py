"""What the other side can check alone: receipts, checkpoints of the log, evidence bundles, erasure.

Words: a *checkpoint* is a signed statement of how many entries a region holds and of the root over
them; a *receipt* is the head of a contract's chain, mailed with the checkpoint that covers it; a
*bundle* is everything about one contract in one file that needs no portal to be checked; an
*erasure* takes a person's name from behind the entries and leaves every proof valid. Leans on
`negotiation`, `signing` and all below them.
"""
