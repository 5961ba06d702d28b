"""
What a caller has written in the transaction of a decision or of a rewind, each part in its turn.

On Postgres topics are locked from their bump to the commit, and so is the end of the audit's chain.
Whoever takes other locks after these can wait for one who waits for him.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Connection

from interlock.core.types import RunId

Write = Callable[[Connection, RunId], None]


def _nothing(_conn: Connection, _run_id: RunId) -> None:
    """Write nothing."""


@dataclass(frozen=True, kw_only=True)
class Beside:
    """
    Rows beside those of a decision or of a rewind, given the run that carries it out.

    `write` comes before the topics, of which `topics` are bumped with the others, and `tell`, which
    only adds to the audit, after all else.
    """

    write: Write = _nothing
    topics: tuple[str, ...] = ()
    tell: Write = _nothing


NOTHING = Beside()
