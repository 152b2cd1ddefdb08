"""The address book of an organisation: its customers and their contacts, before any contract.

Words: a *customer* is a row of one organisation's address book, which nobody else ever sees; its
*contacts* are people there. To begin a contract, the customer becomes a *prospect*: an organisation
of this portal that only its keeper sees, until the first contact who accepts the invitation claims
it and it looks after itself. Leans on `accounts`, `notices` and `audit`.
"""
