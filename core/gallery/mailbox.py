"""A stand-in for the address book and the mail server that a real outreach agent would talk to."""

from __future__ import annotations

import hashlib
import time
from typing import Literal, TypedDict

from interlock.core.gallery import faults, latency

City = Literal["Vienna", "Graz", "Linz"]
Place = Literal["any", "Vienna", "Graz", "Linz"]


class Contact(TypedDict):
    """Somebody who may be written to."""

    name: str
    email: str
    company: str
    city: City


CONTACTS: tuple[Contact, ...] = (
    {
        "name": "Ada Brandt",
        "email": "ada@nordlicht.example",
        "company": "Nordlicht",
        "city": "Vienna",
    },
    {
        "name": "Bela Horn",
        "email": "bela@hornbach.example",
        "company": "Horn Bau",
        "city": "Vienna",
    },
    {
        "name": "Cleo Winter",
        "email": "cleo@winter.example",
        "company": "Winter AG",
        "city": "Vienna",
    },
    {"name": "Dora Klein", "email": "dora@klein.example", "company": "Klein Optik", "city": "Graz"},
    {
        "name": "Emil Stark",
        "email": "emil@stark.example",
        "company": "Stark Logistik",
        "city": "Linz",
    },
)


def find(city: Place) -> list[Contact]:
    """The contacts of a city, or all of them."""
    time.sleep(latency.call_s())
    return [contact for contact in CONTACTS if city in {"any", contact["city"]}]


def send(*, key: str, to: str) -> str:
    """
    Send a mail and return its number.

    The same key always returns the same number, as a mail server does that takes an idempotency key:
    a step that is repeated after a crash does not send twice.
    """
    faults.check("mail")
    time.sleep(latency.call_s())
    return f"M-{hashlib.sha256(f'{key}:{to}'.encode()).hexdigest()[:8].upper()}"
