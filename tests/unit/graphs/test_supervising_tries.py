"""When a node is tried again, after how long, and for how long."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from langgraph.errors import NodeTimeoutError
from langgraph.pregel import _retry as langgraphs
from langgraph.types import PregelExecutableTask, RetryPolicy, TimeoutPolicy

from interlock.core.errors import BreakerOpen
from interlock.core.graphs.supervising_tries import Tries, may_retry
from interlock.core.model.policies import NodePolicy, Retry

NOW = datetime(2026, 1, 5, 9, 30, tzinfo=UTC)
TIME_OUT = NodeTimeoutError("n", 1.0, kind="run", run_timeout=1.0, idle_timeout=None)


def tries(
    own: Any = (), *, may_repeat: bool = True, own_timeout: Any = None, **policy: Any
) -> Tries:
    return Tries(
        NodePolicy.model_validate(policy),
        own=own,
        own_timeout=own_timeout,
        may_repeat=may_repeat,
        now=lambda: NOW,
    )


def limited(after: str) -> Exception:
    error = RuntimeError("slow down")
    error.response = SimpleNamespace(status_code=429, headers={"Retry-After": after})  # type: ignore[attr-defined]
    return error


def test_waits_grow_up_to_a_bound_and_end_with_the_attempts() -> None:
    retry = {"attempts": 5, "initial_s": 1, "backoff": 3, "max_s": 10, "jitter_s": 0}
    of = tries(retry=retry)
    assert [of.wait_s(ConnectionError()) for _ in range(5)] == [1.0, 3.0, 9.0, 10.0, None]


def test_the_longest_waits_there_can_be_are_no_overflow() -> None:
    of = tries(retry={"attempts": 100, "initial_s": 86_400, "backoff": 100, "jitter_s": 0})
    assert [of.wait_s(ConnectionError()) for _ in range(100)][-2:] == [60.0, None]


def test_jitter_is_added_to_a_wait() -> None:
    waits = {tries(retry={"jitter_s": 5}).wait_s(ConnectionError()) for _ in range(50)}
    assert len(waits) > 1
    assert all(wait is not None and 1 <= wait <= 6 for wait in waits)


def test_a_service_is_left_alone_for_as_long_as_it_asks_or_not_asked_again() -> None:
    retry = {"initial_s": 1, "jitter_s": 0, "max_s": 30}
    assert tries(retry=retry).wait_s(limited("20")) == 20.0
    assert tries(retry=retry).wait_s(limited("0")) == 1.0
    assert tries(retry=retry).wait_s(limited("Mon, 05 Jan 2026 09:30:12 GMT")) == 12.0
    assert tries(retry=retry).wait_s(limited("31")) is None


def test_time_limits_grow_with_each_time_out_and_with_nothing_else() -> None:
    of = tries(timeout={"run_s": 2, "idle_s": 1}, retry={"attempts": 9, "longer": 3})
    limits = [of.limit]
    for error in (ConnectionError(), TIME_OUT, TIME_OUT):
        of.wait_s(error)
        limits.append(of.limit)
    assert [(limit.run_timeout, limit.idle_timeout) for limit in limits if limit] == [
        (2.0, 1.0),
        (2.0, 1.0),
        (6.0, 3.0),
        (18.0, 9.0),
    ]
    once = tries(timeout={"idle_s": 1})
    once.wait_s(TIME_OUT)
    assert once.limit == TimeoutPolicy(idle_timeout=1.0)
    assert tries(timeout={}).limit is None


def test_a_nodes_own_limit_holds_where_the_policy_has_none() -> None:
    own = TimeoutPolicy(run_timeout=7.0)
    assert tries(own_timeout=own).limit is own
    assert tries(own_timeout=own, timeout={"run_s": 1}).limit == TimeoutPolicy(run_timeout=1.0)


def test_what_may_still_be_at_its_effect_is_not_tried_again_after_a_time_out() -> None:
    for error in (TIME_OUT, TimeoutError("a tool's"), RuntimeError("504")):
        if str(error) == "504":
            error.status_code = 504  # type: ignore[attr-defined]
        assert tries(may_repeat=False, retry={"jitter_s": 0}).wait_s(error) is None
        assert tries([RetryPolicy(retry_on=Exception)], may_repeat=False).wait_s(error) is None
        assert tries(may_repeat=True, retry={"jitter_s": 0}).wait_s(error) == 1.0
    assert tries(may_repeat=False, retry={"jitter_s": 0}).wait_s(ConnectionError()) == 1.0


@pytest.mark.parametrize(
    ("on", "permanent", "retried"),
    [
        ("transient", (), {"ConnectionError"}),
        ("any", (), {"ConnectionError", "ValueError", "RuntimeError"}),
        (("ValueError",), (), {"ConnectionError", "ValueError"}),
        ("any", ("RuntimeError",), {"ConnectionError", "ValueError"}),
        ("transient", ("ConnectionError",), set()),
    ],
)
def test_which_errors_are_tried_again(on: Any, permanent: Any, retried: set[str]) -> None:
    retry = Retry(on=on, permanent=permanent)
    errors = (ConnectionError(), ValueError(), RuntimeError(), BreakerOpen("no", name="b"))
    assert {type(e).__name__ for e in errors if may_retry(retry, e)} == retried


def test_what_is_refused_is_never_tried_again_whatever_a_node_says_itself() -> None:
    own = [RetryPolicy(retry_on=Exception, initial_interval=0, jitter=False)]
    assert tries(own).wait_s(ConnectionError()) == 0
    assert tries(own).wait_s(BreakerOpen("no", name="b")) is None
    assert tries(retry={"on": "any"}).wait_s(BreakerOpen("no", name="b")) is None


async def test_a_nodes_own_policies_are_followed_as_langgraph_follows_them(monkeypatch) -> None:
    waited: list[float] = []

    async def note(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr(langgraphs.asyncio, "sleep", note)
    monkeypatch.setattr(langgraphs.random, "uniform", lambda _, most: most / 2)
    own = [
        RetryPolicy(2.0, 3.0, 20.0, 5, False, KeyError),
        RetryPolicy(1.0, 2.0, 8.0, 4, True, (KeyError, OSError)),
        RetryPolicy(0.5, retry_on=lambda error: str(error) == "odd"),
    ]
    for error in (KeyError(), OSError(), ValueError("odd"), ValueError("even")):

        class Fails:
            async def ainvoke(self, given: Any, config: Any, error: Exception = error) -> Any:
                raise error

        task: Any = PregelExecutableTask(
            "n",
            None,
            Fails(),
            SimpleNamespace(clear=list),
            {"configurable": {}},
            (),
            own,
            None,
            "1",
            (),  # type: ignore[arg-type]
        )
        with pytest.raises(type(error)):
            await langgraphs.arun_with_retry(task, None)
        of = tries(own)
        found = []
        while (wait := of.wait_s(error)) is not None:
            found.append(wait)
        assert found == waited
        waited.clear()
