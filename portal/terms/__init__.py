"""Terms: what a support contract can say, as typed values.

The words: a *term* is one negotiable value with a type, a range and an owner; the *schema* is the
versioned list of all terms; a value of ``None`` is the explicit "none". Every type parses what
people type and prints it back. *Coherence* is the set of thirteen checks between terms.
Leans on nothing above `kit`.
"""
