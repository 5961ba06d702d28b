"""The local model's words at the refund desk."""

from __future__ import annotations

import re
from collections.abc import Mapping

from interlock.core.gallery.speech import Parts, Writer

URGENT = re.compile(r"urgent|immediately|right now|at once|today|lawyer|third time", re.IGNORECASE)
MONEY_BACK = re.compile(r"refund me|money back|charged|pay me back|reimburse", re.IGNORECASE)


def _classify(parts: Parts) -> str:
    message = parts.get("message", "")
    if "?" in message and not MONEY_BACK.search(message):
        return "question"
    return "urgent" if URGENT.search(message) else "general"


def _reassure(parts: Parts) -> str:
    return (
        f"We are sorry about order {parts.get('order', '')}. Your request is at the front of the "
        "queue, and a person looks at it now."
    )


def _answer(parts: Parts) -> str:
    return (
        "Thank you for asking. We pay a refund to the account the order was paid from, usually "
        f"within three working days. Your order {parts.get('order', '')} is still covered: write "
        "to us once more if you want the money back."
    )


REPLIES: Mapping[str, Writer] = {
    "classify": _classify,
    "reassure": _reassure,
    "answer": _answer,
}
