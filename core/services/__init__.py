"""One use case per function; each owns its transaction and checks who acts (law 8)."""
