"""Mail: an outbox row is written in the transaction of its cause; the worker delivers it.

Mail is thin: it says that something waits and where, never what the contract says. A link is a
pointer, never a credential. Leans on `kit` and `settings`.
"""
