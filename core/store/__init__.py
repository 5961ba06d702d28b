"""The tables and all SQL: one module a noun, functions that take a connection and return model objects."""
