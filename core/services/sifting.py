"""The inbox as operators sift it: filtered, sorted, by pages, with counts; for screens and command line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from interlock.core.model.approvals import Approval, ApprovalStatus, ApprovalSummary
from interlock.core.model.inbox_filters import InboxFilter, Sort
from interlock.core.services.context import App
from interlock.core.store import engine, inbox

MAX_NODES = 200  # to choose from
COUNT_LIMIT = inbox.COUNT_LIMIT


@dataclass(frozen=True, kw_only=True)
class Sifted:
    """
    One page of the list, and what stands around it.

    `counts` are by shelf and `total` of the filter itself, each at most `COUNT_LIMIT` + 1; `newer` are
    cards of the same filter that were asked after those listed, newest first; `nodes` are those that can
    be chosen.
    """

    rows: tuple[ApprovalSummary, ...]
    total: int
    counts: Mapping[str, int]
    newer: tuple[ApprovalSummary, ...]
    nodes: tuple[str, ...]


def sift(
    app: App,
    wanted: InboxFilter,
    *,
    shelves: Mapping[str, tuple[ApprovalStatus, ...]],
    seen_until: datetime | None = None,
    sort: Sort = Sort.WAITING,
    limit: int,
    offset: int = 0,
    newer_limit: int = 100,
) -> Sifted:
    """
    Read what the inbox shows.

    Args:
        app: The application.
        wanted: Which cards.
        shelves: Which statuses are counted together, by name, within the same filter.
        seen_until: Cards asked later are not among the rows but among the newer ones; None lists all.
        sort: In which order.
        limit: How many cards a page has.
        offset: How many cards stand before it.
        newer_limit: How many of the newer cards are read.
    """
    shown = wanted if seen_until is None else wanted.until(seen_until)
    newer: list[ApprovalSummary] = []
    with engine.read(app.engine) as conn:
        if seen_until is not None:
            after = replace(wanted, asked_after=seen_until)
            newer = inbox.fetch_summaries(conn, after, sort=Sort.NEWEST, limit=newer_limit)
        return Sifted(
            rows=tuple(inbox.fetch_summaries(conn, shown, sort=sort, limit=limit, offset=offset)),
            total=inbox.count(conn, shown),
            counts={
                name: inbox.count(conn, replace(wanted, statuses=statuses))
                for name, statuses in shelves.items()
            },
            newer=tuple(newer),
            nodes=tuple(inbox.fetch_nodes(conn, wanted, limit=MAX_NODES)),
        )


def list_cards(
    app: App,
    wanted: InboxFilter,
    *,
    sort: Sort = Sort.WAITING,
    limit: int = 50,
    offset: int = 0,
) -> list[Approval]:
    """A page of cards, whole."""
    with engine.read(app.engine) as conn:
        return inbox.fetch_many(conn, wanted, sort=sort, limit=limit, offset=offset)


def list_rows(
    app: App,
    wanted: InboxFilter,
    *,
    sort: Sort = Sort.WAITING,
    limit: int = 50,
    offset: int = 0,
) -> list[ApprovalSummary]:
    """As `list_cards`, without what may be large."""
    with engine.read(app.engine) as conn:
        return inbox.fetch_summaries(conn, wanted, sort=sort, limit=limit, offset=offset)


def count(app: App, wanted: InboxFilter) -> int:
    """How many cards are wanted, at most `COUNT_LIMIT` + 1."""
    with engine.read(app.engine) as conn:
        return inbox.count(conn, wanted)
