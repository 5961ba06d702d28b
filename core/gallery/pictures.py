"""A stand-in for the picture archive; it is small, and now and then it does not answer."""

from __future__ import annotations

import re
import time

from interlock.core.gallery import faults, latency

PICTURES = {
    "tram": "P-2207, a tram in the rain",
    "bike": "P-0418, a bicycle against a wall",
    "market": "P-1930, the market at six in the morning",
    "school": "P-3312, a class seen from behind",
}


class NoPicture(LookupError):
    """The archive holds nothing that fits, and will not in a minute either."""


def find(subject: str) -> str:
    """The number of a picture that fits, and what is on it."""
    faults.check("pictures")
    time.sleep(latency.call_s())
    words = re.findall(r"\w+", subject.lower())
    for key, picture in PICTURES.items():
        if any(word.startswith(key) for word in words):
            return picture
    raise NoPicture("There is no picture that fits.")
