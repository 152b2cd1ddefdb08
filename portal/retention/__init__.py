"""How long a contract's records are kept, what holds them longer, and how their content goes.

Words: retention (the time after the end), hold (a reason to keep everything), deletion (the content
goes, the log stays). Leans on contracts, profiles, residency and accounts.
"""
