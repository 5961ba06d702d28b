"""
Golden runs: a run of a graph kept as a readable file, and held against what the graph does today.

    record(graph, {"amount": 620.0}, ScriptedHuman.approving(), "tests/golden/refund.json")   # once

    def test_refunds_run_as_they_did():
        check(graph, "tests/golden/refund.json")
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from langgraph.store.memory import InMemoryStore

from interlock.core.testing import recordings
from interlock.core.testing.cards import AnyGraph
from interlock.core.testing.humans import ScriptedHuman, Session
from interlock.core.testing.playing import aplay, play
from interlock.core.testing.plays import (
    MAX_ROUNDS,
    THREAD_ID,
    Played,
    copy_graph,
    memory_saver,
    require_compiled,
)
from interlock.core.testing.recordings import UPDATE_VARIABLE, Recorded, Scribe
from interlock.core.testing.rules import Rules
from interlock.core.testing.values import as_json

_OFF = frozenset({"", "0", "false", "no"})


def record(
    graph: AnyGraph,
    input: Any,
    human: ScriptedHuman | None,
    path: str | os.PathLike[str],
    *,
    config: Mapping[str, Any] | None = None,
    context: Any = None,
    max_rounds: int = MAX_ROUNDS,
) -> Played:
    """
    Run a graph and keep the run: its input, the questions and decisions, the path, the values.

    The run has a thread of its own in memory, whatever saver and store the graph was compiled with.

    Args:
        graph: As for `play`.
        input: As for `play`; the graph gets it as JSON, as `check` will give it.
        human: Who decides.
        path: The file; it is written anew.
        config: As for `play`.
        context: As for `play`; kept in the file, and given to the graph as JSON.
        max_rounds: As for `play`.
    """
    work = _Work(Path(path), Scribe(as_json(input), as_json(context)), human or ScriptedHuman())
    return work.keep(play(_apart(graph), **work.given(config, max_rounds)))


async def arecord(
    graph: AnyGraph,
    input: Any,
    human: ScriptedHuman | None,
    path: str | os.PathLike[str],
    *,
    config: Mapping[str, Any] | None = None,
    context: Any = None,
    max_rounds: int = MAX_ROUNDS,
) -> Played:
    """The same as `record`, for tests that run on a loop."""
    work = _Work(Path(path), Scribe(as_json(input), as_json(context)), human or ScriptedHuman())
    return work.keep(await aplay(_apart(graph), **work.given(config, max_rounds)))


def check(
    graph: AnyGraph,
    path: str | os.PathLike[str],
    *,
    rules: Rules | None = None,
    update: bool | None = None,
    config: Mapping[str, Any] | None = None,
    max_rounds: int = MAX_ROUNDS,
) -> Played:
    """
    Run a graph again with the decisions of a golden run, and compare.

    Args:
        graph: As for `play`.
        path: The file that `record` wrote.
        rules: What need not be exactly as it was, by the address that a difference is told with
            ("values.summary", "values.lines.*.text", "decisions.*.asked.essay", "path"): `ignore`,
            `any_text`, `approx(rel=..., abs=...)`, or a function of the value that says whether it
            will do.
        update: Whether to write the file anew instead, with the same decisions; None asks the
            variable INTERLOCK_GOLDEN_UPDATE.
        config: As for `play`.
        max_rounds: As for `play`.

    Raises:
        GoldenDiffers: Something is not as it was, and no rule allows it; or a question has changed.
    """
    work = _reopen(Path(path), rules, update=update)
    return work.keep(play(_apart(graph), **work.given(config, max_rounds)))


async def acheck(
    graph: AnyGraph,
    path: str | os.PathLike[str],
    *,
    rules: Rules | None = None,
    update: bool | None = None,
    config: Mapping[str, Any] | None = None,
    max_rounds: int = MAX_ROUNDS,
) -> Played:
    """The same as `check`, for tests that run on a loop."""
    work = _reopen(Path(path), rules, update=update)
    return work.keep(await aplay(_apart(graph), **work.given(config, max_rounds)))


@dataclass(frozen=True)
class _Replayer(ScriptedHuman):
    """Whoever decided in the golden run."""

    session: Session | None = None

    def open(self) -> Session:
        """Begin; a replayer serves one play."""
        assert self.session is not None
        return self.session


@dataclass(frozen=True)
class _Work:
    """A run that is about to be recorded, or held against `recording`."""

    path: Path
    scribe: Scribe
    human: ScriptedHuman
    recording: Mapping[str, Any] | None = None
    rules: Rules | None = None

    def given(self, config: Mapping[str, Any] | None, max_rounds: int) -> dict[str, Any]:
        """What `play` is called with. The thread is always the same, as keys are made of its id."""
        given = dict(config or {})
        given["configurable"] = {"thread_id": THREAD_ID, **given.get("configurable", {})}
        return {
            "input": self.scribe.graph_input,
            "human": self.human,
            "config": given,
            "context": self.scribe.context,
            "max_rounds": max_rounds,
        }

    def keep(self, played: Played) -> Played:
        """Write the run down, or compare it."""
        now = self.scribe.tell(played)
        if self.recording is None:
            recordings.write(self.path, now)
        else:
            recordings.compare(self.path, self.recording, now, self.rules or {})
        return played


def _reopen(path: Path, rules: Rules | None, *, update: bool | None) -> _Work:
    recording = recordings.read(path)
    is_update = _is_wanted() if update is None else update
    scribe = Scribe(recording["input"], recording.get("context"))
    session = Recorded(recording, scribe, rules or {}, is_update=is_update)
    human = _Replayer(session=session)
    return _Work(path, scribe, human, None if is_update else recording, rules)


def _is_wanted() -> bool:
    return os.environ.get(UPDATE_VARIABLE, "").strip().lower() not in _OFF


def _apart(graph: AnyGraph) -> AnyGraph:
    """The graph with a saver and a store of its own, so that runs are alike and leave nothing behind."""
    require_compiled(graph)
    return copy_graph(graph, {"checkpointer": memory_saver(), "store": InMemoryStore()})
