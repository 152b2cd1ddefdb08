"""The REST API: what the pages show and do, for programs that act for a member.

Words: an *operation* is one method of one address, with the scope it takes and the row of the
permission table it rests on; a *problem* is an answer that says no (RFC 9457); a *cursor* is where
the next page of a list begins. Every operation reads by the queries and writes by the actions of
the pages. What the schemas say is what is checked, what is printed in the OpenAPI document, and
what the tests hold the answers against. Leans on every room below.
"""
