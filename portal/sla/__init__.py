"""Measure a promise against the hours in which it counts.

Words: a **calendar** says when the vendor is open; a **target** says how long something may take;
a **pause** is an interval that does not count; the **clock** tells when the target is due, how much
is used and whether it was met; the **ledger** lists every interval and the seconds it counted for.
Everything here is arithmetic on values handed in. Leans on `kit` alone.
"""
