"""Statements over the rows of figures, each built once: building them took a tenth of a reading."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, select, tuple_

from interlock.core.model.spans import Tier


class Query:
    """A statement over the rows of a tier, built once for each way in which it is narrowed."""

    def __init__(
        self, *columns: Any, by: Sequence[Any] = (), where: Sequence[ColumnElement[bool]] = ()
    ) -> None:
        of = (*by, *columns)[0].table
        self._of = of
        self._base = (
            select(*by, *columns)
            .where(
                of.c.tier == bindparam("of_tier"),
                of.c.start >= bindparam("of_start"),
                of.c.start < bindparam("of_end"),
                *where,
            )
            .group_by(*by)
        )
        self._narrowed: dict[tuple[str, ...], Any] = {}

    def run(
        self, conn: Connection, tier: Tier, start: datetime, end: datetime, **which: Any
    ) -> Sequence[Any]:
        """
        The rows from `start` to before `end`.

        Args:
            conn: The connection.
            tier: Of this tier.
            start: Included.
            end: Not included.
            which: Values of columns, and `nodes`, as pairs of workflow and path; None for any.
        """
        given = {f"of_{name}": value for name, value in which.items() if value is not None}
        statement = self._narrow(tuple(name for name in which if which[name] is not None))
        times = {"of_tier": tier.value, "of_start": start, "of_end": end}
        return conn.execute(statement, times | given).all()

    def _narrow(self, names: tuple[str, ...]) -> Any:
        if names not in self._narrowed:
            given = [self._is(name) for name in names]
            self._narrowed[names] = self._base.where(*given)
        return self._narrowed[names]

    def _is(self, name: str) -> ColumnElement[bool]:
        if name == "nodes":
            pairs = tuple_(self._of.c.workflow, self._of.c.path)
            return pairs.in_(bindparam("of_nodes", expanding=True))
        column: ColumnElement[Any] = self._of.c[name]
        return column == bindparam(f"of_{name}")
