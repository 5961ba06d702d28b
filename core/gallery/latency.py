"""How long the gallery pretends that a model or a bank takes; it sleeps nowhere else."""

from __future__ import annotations

import os

VARIABLE = "INTERLOCK_GALLERY_LATENCY_S"
DEFAULT_TOKEN_S = 0.015  # seconds a token; about the pace of a hosted chat model
MAX_TOKEN_S = 10
CALL_TOKENS = 10  # a call to another system takes as long as this many tokens


def token_s() -> float:
    """Seconds the local model takes for one token; 0 where the variable says so."""
    text = os.environ.get(VARIABLE, "").strip()
    if not text:
        return DEFAULT_TOKEN_S
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= MAX_TOKEN_S:
        raise ValueError(f"{VARIABLE} must be seconds from 0 to {MAX_TOKEN_S}, and is {text!r}.")
    return seconds


def call_s() -> float:
    """Seconds a call to another system takes."""
    return token_s() * CALL_TOKENS
