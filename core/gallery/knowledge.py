"""A stand-in for the knowledge base that a real help desk would search."""

from __future__ import annotations

import asyncio
import re

from interlock.core.gallery import faults, latency

ARTICLES = (
    "A refund is on the account it was paid from within three working days.",
    "Invoices are due after 14 days; a late fee of 12.50 EUR is added once.",
    "Your data can be exported as CSV under Settings, Export, at any time.",
    "Sync error 504 means that a device did not answer in time: update its app, then sync again.",
    "To reset a password, choose 'Forgot password' and follow the mail.",
    "The office is open from Monday to Friday, 8 to 18 o'clock.",
)
MAX_ARTICLES = 2
_COMMON = frozenset(
    {"a", "an", "do", "does", "how", "i", "is", "it", "my", "of", "the", "to", "you"}
)


async def search(question: str) -> list[str]:
    """The articles that share most words with a question; none where nothing fits."""
    faults.check("knowledge")
    await asyncio.sleep(latency.call_s())
    asked = _words(question)
    ranked = sorted(ARTICLES, key=lambda article: -len(asked & _words(article)))
    return [article for article in ranked[:MAX_ARTICLES] if asked & _words(article)]


def _words(text: str) -> frozenset[str]:
    stems = (word.rstrip("s") for word in re.findall(r"\w+", text.lower()))
    return frozenset(stems) - _COMMON
