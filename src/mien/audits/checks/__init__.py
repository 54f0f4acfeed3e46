"""The checks, one a file; the file's name says the question, `CHECKS` the order of the report."""
