"""Negotiation: rounds of answers, term by term, until both sides hold the same value.

Words: a *round* is one side's set of *answers*, a private draft until it is sent and immutable
after; an *answer* offers a value, accepts the last offer, or rejects it with a reason; the *turn*
is derived from the sent rounds. Leans on `contracts` and below.
"""
