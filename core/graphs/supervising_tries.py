"""
When a node is tried again, after how long, and how long a try may take.

Decides only; `supervising_attempts` waits and calls.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from datetime import datetime

from langgraph.errors import NodeTimeoutError, is_invalid_resume
from langgraph.pregel._retry import _should_retry_on
from langgraph.types import RetryPolicy, TimeoutPolicy

from interlock.core.model import failure_kinds
from interlock.core.model.failure_kinds import TRANSIENT, FailureKind
from interlock.core.model.policies import NodePolicy, Retry, Timeout


class Tries:
    """The tries of one task; `wait_s` is asked after each that failed."""

    def __init__(
        self,
        policy: NodePolicy,
        *,
        own: Sequence[RetryPolicy],
        own_timeout: TimeoutPolicy | None,
        may_repeat: bool,
        now: Callable[[], datetime],
    ) -> None:
        """
        Args:
            policy: The node's policy.
            own: LangGraph's retry policies of the node, which hold where the policy says nothing.
            own_timeout: Its time limit, likewise.
            may_repeat: Whether a try that ran out of time may be followed by another: it has surely
                ended, or does nothing outside.
            now: The time, for a `Retry-After` that is a date.
        """
        self._policy = policy
        self._own = own
        self._own_timeout = own_timeout
        self._may_repeat = may_repeat
        self._now = now
        self._failed_count = 0
        self._timed_out_count = 0

    @property
    def limit(self) -> TimeoutPolicy | None:
        """How long the next try may take: longer after each that ran out of time."""
        longer = self._policy.retry.longer if self._policy.retry else 1.0
        return limit_of(self._policy, self._own_timeout, longer**self._timed_out_count)

    def wait_s(self, error: Exception) -> float | None:
        """Seconds from the failed try to the next; None if there is none."""
        self._failed_count += 1
        if isinstance(error, NodeTimeoutError):
            self._timed_out_count += 1
        if not self._may_repeat and failure_kinds.kind_of(error) is FailureKind.TIMEOUT:
            return None  # it may still be at it: the effect would be had twice
        retry = self._policy.retry
        if is_invalid_resume(error) or _is_refused(error):
            return None
        return self._wait_by_own(error) if retry is None else self._wait(retry, error)

    def _wait(self, retry: Retry, error: Exception) -> float | None:
        if self._failed_count >= retry.attempts or not may_retry(retry, error):
            return None
        grown: float = retry.initial_s * retry.backoff ** (self._failed_count - 1)
        wait = min(retry.max_s, grown) + _jitter(retry.jitter_s)
        asked = failure_kinds.find_retry_after_s(error, self._now())
        if asked is None:
            return wait
        # Earlier than the service asked for would be refused again.
        return max(wait, asked) if asked <= retry.max_s else None

    def _wait_by_own(self, error: Exception) -> float | None:
        """As LangGraph does it. Source: langgraph 1.2 `pregel._retry`; a test holds it against the library."""
        policy = next((p for p in self._own if _should_retry_on(p, error)), None)
        if policy is None or self._failed_count >= policy.max_attempts:
            return None
        grown = policy.initial_interval * policy.backoff_factor ** (self._failed_count - 1)
        wait = min(policy.max_interval, grown)
        return wait + _jitter(1) if policy.jitter else wait


def limit_of(
    policy: NodePolicy, own: TimeoutPolicy | None, factor: float = 1.0
) -> TimeoutPolicy | None:
    """How long a try of a node may take; LangGraph's own limit where its policy says nothing."""
    return own if policy.timeout is None else _scale(policy.timeout, factor)


def may_retry(retry: Retry, error: BaseException) -> bool:
    """Whether a policy tries again after this error, were there a try left."""
    kind = failure_kinds.kind_of(error, permanent=retry.permanent)
    if kind is None or kind is FailureKind.REFUSED:
        return False
    if failure_kinds.is_named(error, retry.permanent):
        return False
    if retry.on == "any" or kind in TRANSIENT:
        return True
    return retry.on != "transient" and failure_kinds.is_named(error, retry.on)


def _jitter(most_s: float) -> float:
    return random.uniform(0, most_s)  # noqa: S311  no secret


def _is_refused(error: BaseException) -> bool:
    return failure_kinds.kind_of(error) is FailureKind.REFUSED


def _scale(timeout: Timeout, factor: float) -> TimeoutPolicy | None:
    run_s = None if timeout.run_s is None else timeout.run_s * factor
    idle_s = None if timeout.idle_s is None else timeout.idle_s * factor
    return TimeoutPolicy.coerce(TimeoutPolicy(run_timeout=run_s, idle_timeout=idle_s))
