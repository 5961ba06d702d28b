"""
When a breaker lets a call through, when it opens, and when it closes again: rules only, no clock.

Closed lets all through and counts failures in a rolling window. Open refuses until its reset time has
passed. Half open lets through one call, the probe, whose end decides. What an interrupt or a
cancellation ends is neither success nor failure, and so is an error that does not count.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from interlock.core.model.failure_kinds import FailureKind, is_named, kind_of
from interlock.core.model.policies import BreakerRules

# What a service does: it is slow, gone or broken. What a caller did wrong says nothing about it,
# and a limit passes by waiting. An error that nobody knows is taken for the service's.
COUNTED = frozenset(
    {FailureKind.TIMEOUT, FailureKind.NETWORK, FailureKind.SERVER, FailureKind.UNKNOWN}
)
_WENT_WELL = frozenset({"langgraph.errors.ParentCommand"})  # how a node hands over to its parent
PROBE_LEASE_S = (
    30.0  # a probe says that it lives three times as often; a dead worker's ends by this
)
MAX_NAME_CHARS = 300
_MARK_CHARS = 10


class BreakerState(StrEnum):
    """Where a breaker stands."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Order(StrEnum):
    """What an operator may ask for; `open` and `close` hold until `reset`."""

    OPEN = "open"
    CLOSE = "close"
    RESET = "reset"


class Answer(StrEnum):
    """What a call is told that wants through."""

    PASS = "pass"  # noqa: S105  no password
    PROBE = "probe"  # it may try to become the probe
    REFUSE = "refuse"


class Outcome(StrEnum):
    """How a call ended, for its breaker."""

    SUCCESS = "success"
    FAILURE = "failure"
    NEUTRAL = "neutral"


@dataclass(frozen=True)
class Served:
    """A node that a breaker stands before, or one tool of it."""

    workflow: str
    path: str
    tool: str = ""

    def __str__(self) -> str:
        return f"{self.workflow}/{self.path}{f':{self.tool}' if self.tool else ''}"


@dataclass(frozen=True, kw_only=True)
class Breaker:
    """
    One breaker, shared by all workers.

    `failures` are when they happened, oldest first, at most as many as open it. `forced` is the state
    that an operator holds it in, or None. `retry_at` is None unless a probe may follow. `epoch`
    rises with every change of state: a call that began before one says nothing about what came after.
    """

    name: str
    rules: BreakerRules
    serves: tuple[Served, ...] = ()
    state: BreakerState = BreakerState.CLOSED
    forced: BreakerState | None = None
    failures: tuple[datetime, ...] = ()
    opened_at: datetime | None = None
    retry_at: datetime | None = None
    probe_by: str | None = None
    probe_until: datetime | None = None
    short_circuited: int = 0
    epoch: int = 0
    updated_at: datetime | None = None


@dataclass(frozen=True)
class BreakerEvent:
    """One change of state. `actor` is empty where no person made it, `run_id` whose call did."""

    event_id: str
    name: str
    at: datetime
    before: BreakerState
    after: BreakerState
    cause: str
    actor: str = ""
    run_id: str | None = None


@dataclass(frozen=True)
class Pass:
    """What a call was let through with: the epoch it began in, and its id if it is the probe."""

    epoch: int
    probe: str | None = None


def name_breaker(rules: BreakerRules, served: Served) -> str:
    """The breaker's own name, else that of what it stands before, cut where it is too long for one."""
    name = rules.name or str(served)
    if len(name) <= MAX_NAME_CHARS:
        return name
    mark = hashlib.sha256(name.encode(errors="surrogatepass")).hexdigest()[:_MARK_CHARS]
    return f"{name[: MAX_NAME_CHARS - _MARK_CHARS - 1]}~{mark}"


def ask(breaker: Breaker, now: datetime) -> Answer:
    """Whether a call may go through."""
    if breaker.state is BreakerState.CLOSED:
        return Answer.PASS
    if breaker.forced is not None:
        return Answer.REFUSE
    if breaker.state is BreakerState.OPEN:
        is_due = breaker.retry_at is not None and breaker.retry_at <= now
        return Answer.PROBE if is_due else Answer.REFUSE
    return Answer.REFUSE if _has_probe(breaker, now) else Answer.PROBE


def judge(error: BaseException | None, rules: BreakerRules) -> Outcome:
    """How a call ended, by what it raised; None if it raised nothing."""
    if error is None or is_named(error, _WENT_WELL):
        return Outcome.SUCCESS
    kind = kind_of(error)
    if kind is None or kind is FailureKind.REFUSED:
        return Outcome.NEUTRAL
    return Outcome.FAILURE if rules.counts == "any" or kind in COUNTED else Outcome.NEUTRAL


def find_end(error: BaseException | None) -> bool | None:
    """Whether a call that ended has failed; None if it did not: it asks, was cancelled or refused."""
    if error is None or is_named(error, _WENT_WELL):
        return False
    return None if kind_of(error) in {None, FailureKind.REFUSED} else True


def wait_until(breaker: Breaker, now: datetime) -> datetime | None:
    """When a refused call may come again; None while an operator holds the breaker open."""
    if breaker.forced is not None:
        return None
    later = breaker.probe_until if breaker.state is BreakerState.HALF_OPEN else breaker.retry_at
    return max(now, later) if later is not None else now


def start_probe(breaker: Breaker, probe: str, now: datetime) -> Breaker:
    """The breaker with this call as its probe; ask first."""
    return replace(
        breaker,
        state=BreakerState.HALF_OPEN,
        probe_by=probe,
        probe_until=now + timedelta(seconds=PROBE_LEASE_S),
        epoch=breaker.epoch + 1,
        updated_at=now,
    )


def conclude(breaker: Breaker, passed: Pass, outcome: Outcome, now: datetime) -> Breaker:
    """
    The breaker after a call that it let through; the same one if the call says nothing about it.

    Args:
        breaker: As it is now, which need not be as it was when the call began.
        passed: What the call was let through with.
        outcome: How it ended.
        now: Aware UTC time.
    """
    if passed.probe is not None:
        return _conclude_probe(breaker, passed.probe, outcome, now)
    is_of_now = breaker.state is BreakerState.CLOSED and passed.epoch == breaker.epoch
    if outcome is not Outcome.FAILURE or not is_of_now:
        return breaker
    limit = breaker.rules.failures
    failures = (*count_recent(breaker, now), now)[-limit:]
    if len(failures) < limit or breaker.forced is not None:
        return replace(breaker, failures=failures, updated_at=now)
    return _open(replace(breaker, failures=failures), now)


def obey(breaker: Breaker, order: Order, now: datetime) -> Breaker:
    """The breaker as an operator wants it; a probe that is in flight no longer decides anything."""
    fresh = replace(
        breaker,
        state=BreakerState.CLOSED,
        forced=None,
        failures=(),
        opened_at=None,
        retry_at=None,
        probe_by=None,
        probe_until=None,
        epoch=breaker.epoch + 1,
        updated_at=now,
    )
    if order is Order.RESET:
        return fresh
    if order is Order.CLOSE:
        return replace(fresh, forced=BreakerState.CLOSED)
    opened_at = breaker.opened_at or now
    failures = breaker.failures
    return replace(
        fresh,
        state=BreakerState.OPEN,
        forced=BreakerState.OPEN,
        opened_at=opened_at,
        failures=failures,
    )


def count_recent(breaker: Breaker, now: datetime) -> tuple[datetime, ...]:
    """The failures that still count: those of the window, or those that opened it."""
    if breaker.state is not BreakerState.CLOSED:
        return breaker.failures
    since = now - timedelta(seconds=breaker.rules.window_s)
    return tuple(at for at in breaker.failures if at > since)


def say_cause(before: Breaker, after: Breaker) -> str:
    """Why a call changed the state, in words."""
    if after.state is BreakerState.HALF_OPEN:
        return f"{before.rules.reset_s:g} s are over: one probe is let through"
    if after.state is BreakerState.CLOSED:
        return "the probe went well"
    if before.state is BreakerState.HALF_OPEN:
        return "the probe failed"
    count = before.rules.failures
    return f"{count} failure{'' if count == 1 else 's'} within {before.rules.window_s:g} s"


def join_served(served: Iterable[Served], others: Iterable[Served]) -> tuple[Served, ...]:
    """All of both, each once, in order."""
    return tuple(dict.fromkeys([*served, *others]))


def _conclude_probe(breaker: Breaker, probe: str, outcome: Outcome, now: datetime) -> Breaker:
    if breaker.state is not BreakerState.HALF_OPEN or breaker.probe_by != probe:
        return breaker  # its lease ran out, or an operator stepped in
    free = replace(breaker, probe_by=None, probe_until=None, updated_at=now)
    if outcome is Outcome.NEUTRAL:
        return free
    if outcome is Outcome.FAILURE:
        return _open(free, now)
    return replace(
        free,
        state=BreakerState.CLOSED,
        failures=(),
        opened_at=None,
        retry_at=None,
        epoch=breaker.epoch + 1,
    )


def _open(breaker: Breaker, now: datetime) -> Breaker:
    return replace(
        breaker,
        state=BreakerState.OPEN,
        opened_at=breaker.opened_at or now,
        retry_at=now + timedelta(seconds=breaker.rules.reset_s),
        epoch=breaker.epoch + 1,
        updated_at=now,
    )


def _has_probe(breaker: Breaker, now: datetime) -> bool:
    until = breaker.probe_until
    return breaker.probe_by is not None and until is not None and until > now
