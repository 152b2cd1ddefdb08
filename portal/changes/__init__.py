"""Changes of the service: planned work and releases, outages, and the monitors that report them.

Words: a *change* is work on the software with a plan; its *verdict* is what the contract's rules
say about the plan before it is announced; an *outage* is a stretch in which the software was down
or degraded, as one side or a monitor recorded it and the other confirms or disputes. Leans on
`contracts`, `sla`, `terms`, `notices` and `audit`.
"""
