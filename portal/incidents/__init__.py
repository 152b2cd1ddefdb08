"""Incidents: faults reported under a signed contract, and the clocks that run on them.

Words: an *incident* is a log of *events* and pins the contract's version in force when it was
reported; a *clock record* is one target's start, due instant and result, derived from the events
and kept so that lists and charts need not derive it; a *note* is read by one side only. Leans on
`contracts` and below.
"""
