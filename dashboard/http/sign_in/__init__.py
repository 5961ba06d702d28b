"""Signing in: who comes to the web process, the gate before its pages, and the routes that lead through it."""
