"""The local model's words at the contract sign-off."""

from __future__ import annotations

import re
from collections.abc import Mapping

from interlock.core.gallery.speech import Parts, Writer

CLAUSE = re.compile(r"^\d+\. ", re.MULTILINE)
LATE = re.compile(r"within \d+ days", re.IGNORECASE)
LIABILITY = "Liability of either party is limited to the price, except for intent."
NOTICE = "Either party may end this contract at the end of a month, with three months' notice."


def _formulate(parts: Parts) -> str:
    """A first draft that breaks three of the house rules, as first drafts do."""
    supplier, price = parts.get("supplier", "the supplier"), parts.get("price", "0.00 EUR")
    return (
        f"CONTRACT between us and {supplier}\n\n"
        f"1. {supplier} provides: {parts.get('service', 'the service')}.\n"
        f"2. It runs for {parts.get('months', '12')} months from the day of signature.\n"
        f"3. The price for the whole term is {price}. Invoices are paid within 60 days.\n"
        "4. What one party learns of the other stays between them."
    )


def _redraft(parts: Parts) -> str:
    """Mend what the remark names; what it does not know becomes a clause of its own."""
    text, remark = parts.get("contract", ""), parts.get("remark", "").strip()
    if "paid within" in remark:
        return LATE.sub("within 30 days", text)
    if "Liability" in remark:
        return _add_clause(text, LIABILITY)
    if "notice" in remark:
        return _add_clause(text, NOTICE)
    return _add_clause(text, f"The parties agree on this besides: {remark}")


def _add_clause(text: str, clause: str) -> str:
    return f"{text}\n{len(CLAUSE.findall(text)) + 1}. {clause}"


REPLIES: Mapping[str, Writer] = {"formulate": _formulate, "redraft": _redraft}
