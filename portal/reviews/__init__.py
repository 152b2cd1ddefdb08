"""Reviews: both sides sit down with the numbers, on a schedule tied to the sales cycle.

Words: a **review** (of the service, or of targets before a peak), its **agenda** written from the
facts, its **minutes**, and **actions** with an owner and a date. Leans on `renewals`, `statements`,
`incidents`, `changes` and `contracts`.
"""
