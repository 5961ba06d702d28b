"""A stand-in for the payment provider that a real refund desk would call over the network."""

from __future__ import annotations

import hashlib
import time

from interlock.core.gallery import faults, latency


def pay(*, key: str, amount: float) -> str:
    """
    Pay the amount and return the receipt's number.

    The same key always returns the same receipt, as a provider does that takes an idempotency key:
    a step that is repeated after a crash does not pay twice.
    """
    if amount <= 0:
        raise ValueError(f"The amount must be above 0 EUR, and is {amount}.")
    faults.check("payments")
    time.sleep(latency.call_s())
    return f"R-{hashlib.sha256(key.encode()).hexdigest()[:8].upper()}"
