"""Things with no business noun: database, clock, references, errors, pages, encryption."""
