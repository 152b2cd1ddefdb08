"""People, organisations, roles and the permission table; sign-in, TOTP and MFA policy.

Words: a *person* is one verified e-mail; a *member* is a person in one organisation with roles;
an *actor* is the member who asks. Everything here lives in the directory. Leans on `audit`,
`notices`, `kit`.
"""
