"""Handing work to workers: the port, and the implementations behind it."""
