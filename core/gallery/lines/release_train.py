"""The local model's words at the release train."""

from __future__ import annotations

import re
from collections.abc import Mapping

from interlock.core.gallery.speech import Parts, Writer

CHANGE = re.compile(r"^- (.+)$", re.MULTILINE)

ADVICE = {
    "image": "Wait until the image is in every zone, then try again.",
    "probe": "Give the instances longer to start, then try again.",
    "address": "Free an address in zone b, then try again.",
}


def _annotate(parts: Parts) -> str:
    changes = CHANGE.findall(parts.get("changes", "")) or ["Small things run more smoothly"]
    news = " ".join(f"{change.rstrip('.')}." for change in changes)
    return f"{parts.get('release', 'The new version')} is here. {news} You need not do anything."


def _troubleshoot(parts: Parts) -> str:
    failure = parts.get("failure", "")
    found = (advice for word, advice in ADVICE.items() if word in failure)
    return next(found, "Nothing is known about this failure: try again, and look at the logs.")


REPLIES: Mapping[str, Writer] = {"annotate": _annotate, "troubleshoot": _troubleshoot}
