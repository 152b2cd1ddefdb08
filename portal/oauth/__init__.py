"""OAuth2: programs that act for a member, within the scopes the member granted.

Words: a *client* is a program an organisation's administrator registered; a *grant* is a member's
yes to one client; *tokens* belong to a grant and end with it. A token stands for the member it
came from and never for more: what a request may do is decided by the member's roles and the
scopes together, and no scope signs, approves or gives notice. Leans on `accounts`, `audit`,
`notices` and `kit`.
"""
