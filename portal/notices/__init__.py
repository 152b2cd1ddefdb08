"""Telling people: a notice in the portal and mail beside it, written with their cause.

Words: an *event* is what people are told; a *recipient* is who; a *reader* is how they want to be
told. The *inbox* holds notices, the *outbox* mail that the worker delivers. Neither says what a
contract says; a link is a pointer, never a credential. Leans on `audit`, `kit` and `settings`.
"""
