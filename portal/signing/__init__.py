"""Signing: the deed, the order of signers, the ceremony with a code, PAdES signatures, the seal.

Words: the *deed* is the PDF of a frozen version; a *slot* is a place to sign; the *signature* is
the act, in one transaction; the *seal* is the portal's own signature after the last signer. Leans
on `contracts` and below.
"""
