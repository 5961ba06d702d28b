"""
What was let through lately, for limits that all processes share.

The algorithm is pyrate-limiter's (a log of a rolling window, with the wait of what is refused); its
own buckets keep a table for each limit, lose count between two processes on SQLite, and on Postgres
refuse whoever comes while another is counted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from interlock.core.model.key_ring import KeyState
from interlock.core.store import dialect
from interlock.core.store.schema_limits import model_calls, model_keys, rate_takes
from interlock.core.types import Json, new_id

if TYPE_CHECKING:
    from interlock.core.model.rates import Limit

_INSERT = insert(rate_takes)
_OF_KEY = rate_takes.c.key == bindparam("of_key")
_COUNT = select(func.count()).where(_OF_KEY, rate_takes.c.at_ms >= bindparam("since"))
_PEEK = (
    select(rate_takes.c.at_ms)
    .where(_OF_KEY)
    .order_by(rate_takes.c.at_ms.desc())
    .limit(1)
    .offset(bindparam("place"))
)
_LEAK = delete(rate_takes).where(_OF_KEY, rate_takes.c.at_ms < bindparam("before"))
_CLEAR = delete(rate_takes).where(rate_takes.c.at_ms < bindparam("before"))

_OF_CALL = model_calls.c.call_id == bindparam("of_call")
_CALLS = select(func.count()).where(
    model_calls.c.model == bindparam("of_model"), model_calls.c.until > bindparam("now")
)
_ALL_CALLS = (
    select(model_calls.c.model, func.count().label("calls"))
    .where(model_calls.c.until > bindparam("now"))
    .group_by(model_calls.c.model)
    .order_by(model_calls.c.model)
)
_ADD_CALL = insert(model_calls)
_RENEW_CALL = update(model_calls).where(_OF_CALL).values(until=bindparam("new_until"))
_END_CALL = delete(model_calls).where(_OF_CALL)
_CLEAR_CALLS = delete(model_calls).where(model_calls.c.until <= bindparam("now"))

_TELL_KEY = dialect.upsert(model_keys)
_KEYS = select(model_keys).order_by(model_keys.c.model, model_keys.c.variable).limit(1000)

NEVER = float("inf")


def take(conn: Connection, limit: Limit, *, now_ms: int, count: int = 1) -> float | None:
    """
    Count starts towards a limit, if they keep it.

    Several limits are taken in the same order everywhere: each is locked until the transaction ends.

    Returns:
        None if they were counted. Else the seconds until they might be, and nothing was written;
        `NEVER` if they are more than the limit itself.
    """
    # 0.2 s to import, which only who has a limit pays.
    from pyrate_limiter import Rate, RateItem

    dialect.lock_name(conn, limit.key)
    bucket = _bucket_class()(conn, limit.key, Rate(limit.count, limit.window_s * 1000))
    decision = bucket.put_decision(RateItem(limit.key, now_ms, weight=count))
    if decision.allowed:
        bucket.leak(now_ms)
        return None
    wait_ms = decision.retry_after_ms
    return NEVER if wait_ms is None else wait_ms / 1000


def lock_model(conn: Connection, model: str) -> None:
    """Let one call to a model be counted at a time, until the transaction ends."""
    dialect.lock_name(conn, f"model:{model}")


def count_calls(conn: Connection, model: str, *, now: datetime) -> int:
    """How many calls to a model are under way, on all workers."""
    return int(conn.execute(_CALLS, {"of_model": model, "now": now}).scalar_one())


def add_call(conn: Connection, model: str, call_id: str, *, until: datetime) -> None:
    """A call is under way, at the latest until then."""
    conn.execute(_ADD_CALL, {"call_id": call_id, "model": model, "until": until})


def renew_calls(conn: Connection, call_ids: Sequence[str], *, until: datetime) -> None:
    """These go on."""
    if call_ids:
        conn.execute(_RENEW_CALL, [{"of_call": each, "new_until": until} for each in call_ids])


def end_calls(conn: Connection, call_ids: Sequence[str]) -> None:
    """These ended."""
    if call_ids:
        conn.execute(_END_CALL, [{"of_call": each} for each in call_ids])


def count_all_calls(conn: Connection, *, now: datetime) -> dict[str, int]:
    """How many calls are under way, by model."""
    return {row.model: int(row.calls) for row in conn.execute(_ALL_CALLS, {"now": now})}


def tell_key(
    conn: Connection,
    model: str,
    variable: str,
    *,
    blocked_until: datetime | None,
    quota: Mapping[str, Json],
    now: datetime,
) -> None:
    """Keep what was last heard of a key."""
    row = {
        "model": model,
        "variable": variable,
        "blocked_until": blocked_until,
        "quota": dict(quota),
        "seen_at": now,
    }
    conn.execute(_TELL_KEY.on(conn), row)


def fetch_keys(conn: Connection) -> list[KeyState]:
    """What was last heard of all keys."""
    return [
        KeyState(row.model, row.variable, row.blocked_until, row.quota or {}, row.seen_at)
        for row in conn.execute(_KEYS)
    ]


def clear(conn: Connection, *, before_ms: int, now: datetime) -> None:
    """Forget what is in no window any more, and calls of workers that died."""
    conn.execute(_CLEAR, {"before": before_ms})
    conn.execute(_CLEAR_CALLS, {"now": now})


def _bucket_class() -> Any:
    global _bucket  # made once: its base is imported late
    if _bucket is None:
        _bucket = _make_bucket_class()
    return _bucket


_bucket: Any = None


def _make_bucket_class() -> Any:
    from pyrate_limiter import AbstractBucket, Rate, RateItem

    class Bucket(AbstractBucket):
        """One limit, within a transaction that holds its lock."""

        is_async = False

        def __init__(self, conn: Connection, key: str, rate: Rate) -> None:
            self._conn = conn
            self._key = key
            self.rates = [rate]

        def put(self, item: RateItem) -> bool:
            since = [self._algorithm.window_start(rate, item.timestamp) for rate in self.rates]
            counts = [self._count_since(each) for each in since]
            decision = self._algorithm.decide(
                self.rates, counts, item.weight, item.timestamp, self._peek_ms
            )
            if not self._record(item, decision):
                return False
            rows = [
                {"take_id": new_id(), "key": self._key, "at_ms": item.timestamp}
                for _ in range(item.weight)
            ]
            self._conn.execute(_INSERT, rows)
            return True

        def leak(self, current_timestamp: int | None = None) -> int:
            bound = self._algorithm.leak_bound(self.rates, current_timestamp or 0)
            return self._conn.execute(_LEAK, {"of_key": self._key, "before": bound}).rowcount

        def flush(self) -> None:
            self._conn.execute(_LEAK, {"of_key": self._key, "before": 1 << 62})

        def count(self) -> int:
            return self._count_since(0)

        def peek(self, index: int) -> RateItem | None:
            at_ms = self._peek_ms(index)
            return None if at_ms is None else RateItem(self._key, at_ms)

        def _count_since(self, since: int) -> int:
            values = {"of_key": self._key, "since": since}
            return int(self._conn.execute(_COUNT, values).scalar_one())

        def _peek_ms(self, place: int) -> int | None:
            values = {"of_key": self._key, "place": place}
            return self._conn.execute(_PEEK, values).scalar_one_or_none()

    return Bucket
