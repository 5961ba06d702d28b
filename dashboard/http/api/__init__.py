"""The HTTP API under `/api/v1`: what command line and screen do, through the same services."""
