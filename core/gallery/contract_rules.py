"""The house rules that every contract is held against before a person has to read it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

MAX_PAYMENT_DAYS = 30

Holds = Callable[[str, str, float], bool]  # of the text, the supplier and the value


class Rule(NamedTuple):
    """What a contract has to say, and whether a text says it."""

    remark: str
    holds: Holds


def find_problems(text: str, supplier: str, value_eur: float) -> list[str]:
    """The remarks of the rules that the text does not keep, in the order of the rules."""
    return [rule.remark for rule in RULES if not rule.holds(text, supplier, value_eur)]


def _names_supplier(text: str, supplier: str, _value_eur: float) -> bool:
    return supplier.casefold() in text.casefold()


def _states_price(text: str, _supplier: str, value_eur: float) -> bool:
    figures = (re.sub(r"[ ,']", "", figure) for figure in re.findall(r"\d[\d ,']*\.?\d*", text))
    return any(float(figure) == value_eur for figure in figures if figure.strip("."))


def _is_paid_in_time(text: str, _supplier: str, _value_eur: float) -> bool:
    found = re.search(r"within (\d+) days", text, re.IGNORECASE)
    return found is not None and int(found[1]) <= MAX_PAYMENT_DAYS


def _caps_liability(text: str, _supplier: str, _value_eur: float) -> bool:
    return re.search(r"liab\w+ [^.]*\b(limited|capped)\b", text, re.IGNORECASE) is not None


def _can_be_ended(text: str, _supplier: str, _value_eur: float) -> bool:
    return re.search(r"\bnotice\b", text, re.IGNORECASE) is not None


RULES = (
    Rule("Name the supplier.", _names_supplier),
    Rule("State the price in figures, as agreed.", _states_price),
    Rule(f"Invoices are paid within at most {MAX_PAYMENT_DAYS} days.", _is_paid_in_time),
    Rule("Liability has to be limited.", _caps_liability),
    Rule("Say with how much notice either party may end it.", _can_be_ended),
)
