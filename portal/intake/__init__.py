"""Bringing past records in from files: incidents for replays, outages for the record.

Words: an *intake* is one CSV file of one organisation for one contract. It is read in the
background, row by row; every fault is named with its line and column; nothing is taken before a
person has seen the counts and said so, and then all good rows are taken in one transaction or
none. Leans on `statements`, `changes`, `contracts` and `residency`.
"""
