"""The only SQL: `tables` and one module a noun, whose functions are verbs of the domain.

Functions take a transaction that the caller opened (`Database.transaction`), so that a step commits at its
edge and nowhere else. `embedded` is the database that comes with the package.
"""
