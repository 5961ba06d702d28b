"""The inbox as operators sift it: filtered, sorted, by pages, with counts; for screens and command line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from interlock.core.model.approvals import Approval, ApprovalStatus, ApprovalSummary
from interlock.core.model.inbox_filters import InboxFilter, Sort
from interlock.core.services.context import App
from interlock.core.services.finding import find_card
from interlock.core.store import engine, inbox
from interlock.core.types import ApprovalId

MAX_NODES = 200  # to choose from
MAX_AMONG = 100  # of which those are told that are still wanted


@dataclass(frozen=True, kw_only=True)
class Sifted:
    """
    One page of the list, and what stands around it.

    `counts` are by shelf and `total` of the filter itself, each at most `COUNT_LIMIT` + 1; `newer` are
    cards of the same filter that were asked after those listed, newest first.
    """

    rows: tuple[ApprovalSummary, ...]
    total: int
    counts: Mapping[str, int]
    newer: tuple[ApprovalSummary, ...]


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
                name: inbox.count(conn, _on_shelf(wanted, statuses))
                for name, statuses in shelves.items()
            },
            newer=tuple(newer),
        )


def _on_shelf(wanted: InboxFilter, statuses: tuple[ApprovalStatus, ...]) -> InboxFilter:
    """The same filter on another shelf; whose to decide is asked of what waits alone."""
    is_same = statuses == wanted.statuses
    return replace(wanted, statuses=statuses, mine=wanted.mine if is_same else None)


def list_cards(
    app: App,
    wanted: InboxFilter,
    *,
    sort: Sort = Sort.WAITING,
    limit: int = 50,
    offset: int = 0,
    after: str | None = None,
) -> list[Approval]:
    """
    A page of cards, whole; `after` is the last card of the page before, wherever it is by now.

    Raises:
        NotFound: There is no card `after`.
    """
    with engine.read(app.engine) as conn:
        last = find_card(conn, ApprovalId(after)) if after is not None else None
        return inbox.fetch_many(conn, wanted, sort=sort, limit=limit, offset=offset, after=last)


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


def list_nodes(app: App, wanted: InboxFilter) -> list[str]:
    """The nodes that have cards in the wanted statuses and workflow, by name."""
    with engine.read(app.engine) as conn:
        return inbox.fetch_nodes(conn, wanted, limit=MAX_NODES)


def list_next(
    app: App, wanted: InboxFilter, *, among: Sequence[str], sort: Sort = Sort.WAITING
) -> list[ApprovalId]:
    """Those of some cards that are still wanted, and after them the first ones of all, in order."""
    ids = tuple(ApprovalId(each) for each in among)
    with engine.read(app.engine) as conn:
        known = inbox.fetch_summaries(conn, replace(wanted, ids=ids), sort=sort, limit=MAX_AMONG)
        first = inbox.fetch_summaries(conn, wanted, sort=sort, limit=2)
    return list(dict.fromkeys(card.approval_id for card in (*known, *first)))


def count(app: App, wanted: InboxFilter) -> int:
    """How many cards are wanted, at most `COUNT_LIMIT` + 1."""
    with engine.read(app.engine) as conn:
        return inbox.count(conn, wanted)
