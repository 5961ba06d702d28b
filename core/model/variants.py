"""
Variants of a workflow: a name, or names with weights of which a launch draws one.

The name is kept on the run and given to the graph, so that what two of them cost can be compared.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from interlock.core.errors import FieldProblem, InvalidInput
from interlock.core.model.texts import show

MAX_VARIANTS = 20
MAX_NAME_CHARS = 100
_ONE = re.compile(r"([\w.-]+)(?:\s+(\d+(?:\.\d+)?)\s*%?)?")


@dataclass(frozen=True)
class Share:
    """One variant and its weight beside the others'."""

    name: str
    weight: float


def parse(text: str) -> tuple[Share, ...]:
    """
    Read `a`, `a, b` or `a 90, b 10`; without weights all are as likely.

    Returns:
        The variants in order; nothing for an empty text.

    Raises:
        InvalidInput: It cannot be read so; the problem's path is `variant`.
    """
    if not text.strip():
        return ()
    shares = tuple(_read(part.strip()) for part in text.split(","))
    if len(shares) > MAX_VARIANTS:
        raise _refuse(f"names {len(shares)} variants; at most {MAX_VARIANTS} are drawn from")
    if len({share.name for share in shares}) < len(shares):
        raise _refuse("names one of them twice")
    total = sum(share.weight for share in shares)
    if not 0 < total < math.inf:
        raise _refuse("needs a weight above 0")
    return shares


def draw(shares: Sequence[Share], ratio: float) -> str:
    """
    The variant in whose part of the whole a number falls.

    Args:
        shares: As `parse` gives them; empty draws nothing.
        ratio: From 0 up to, but not, 1: a random number of the caller.
    """
    left = ratio * sum(share.weight for share in shares)
    for share in shares:
        left -= share.weight
        if left < 0:
            return share.name
    drawable = [share.name for share in shares if share.weight]
    return drawable[-1] if drawable else ""  # the sum lost its last digits


def _read(part: str) -> Share:
    match = _ONE.fullmatch(part)
    if match is None:
        raise _refuse(
            f"{show(part)!r} is no variant: a name of letters, digits, dots, - and _, then perhaps"
            " its weight, as in `a 90, b 10`"
        )
    name, weight = match.groups()
    if len(name) > MAX_NAME_CHARS:
        raise _refuse(f"a name has at most {MAX_NAME_CHARS} characters")
    return Share(name, 1.0 if weight is None else float(weight))


def _refuse(message: str) -> InvalidInput:
    return InvalidInput(
        "This is no choice of variants.", problems=[FieldProblem("variant", message)]
    )
