"""Run a compiled graph to its end with a scripted human: `play` in step, `aplay` on a loop."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from interlock.core.errors import InvalidInput
from interlock.core.testing.cards import AnyGraph
from interlock.core.testing.humans import ScriptedHuman
from interlock.core.testing.plays import MAX_ROUNDS, Play, Played, needs_loop

_NOBODY = ScriptedHuman()  # who is asked anything fails the test


def play(
    graph: AnyGraph,
    input: Any,
    human: ScriptedHuman | None = None,
    *,
    config: Mapping[str, Any] | None = None,
    context: Any = None,
    max_rounds: int = MAX_ROUNDS,
) -> Played:
    """
    Run a graph to its end and answer what it asks, as Interlock would hand the answers back.

    All questions that are open at once are answered together, each by its id. A breakpoint is a card,
    too, which is approved (go on), edited, skipped or stopped.

    Args:
        graph: A compiled StateGraph, an entrypoint, an agent. It is not changed: without a saver
            or a store of its own, a copy with one in memory is run.
        input: What the graph is given.
        human: Who answers; with nobody there a question fails the test.
        config: As for `graph.invoke`; a thread and a bound of 100 steps are put in where missing.
        context: As for `graph.invoke`.
        max_rounds: How often the graph may be sent something.

    Returns:
        How it ended. What the graph raised is in `error` (`.or_raise()` raises it).

    Raises:
        Failed: The graph asked more or less than the human has answers to, or does not end.
        InvalidInput: An answer does not fit its card; nothing of that round was sent.
    """
    run = _begin(graph, input, human, config=config, max_rounds=max_rounds)
    if needs_loop(run.graph):
        return _on_a_loop(run, context)
    while run.goes_on:
        run.begin_round()
        try:
            parts: Any = run.graph.stream(
                run.input, run.config, context=context, stream_mode=["tasks"], subgraphs=True
            )
            for namespace, _, task in parts:
                run.track.hear(namespace, task)
        except Exception as error:  # noqa: BLE001  a graph may raise what it likes
            run.fail(error)
        writes = run.settle(run.graph.get_state(run.config, subgraphs=True))
        for at, updates in writes:
            run.graph.bulk_update_state(at, [updates])
        if writes:
            run.settle_skip(run.graph.get_state(run.config))
    return run.end()


async def aplay(
    graph: AnyGraph,
    input: Any,
    human: ScriptedHuman | None = None,
    *,
    config: Mapping[str, Any] | None = None,
    context: Any = None,
    max_rounds: int = MAX_ROUNDS,
) -> Played:
    """The same as `play`, for tests that run on a loop."""
    run = _begin(graph, input, human, config=config, max_rounds=max_rounds)
    return await _go(run, context)


async def _go(run: Play, context: Any) -> Played:
    while run.goes_on:
        run.begin_round()
        try:
            parts: Any = run.graph.astream(
                run.input, run.config, context=context, stream_mode=["tasks"], subgraphs=True
            )
            async for namespace, _, task in parts:
                run.track.hear(namespace, task)
        except Exception as error:  # noqa: BLE001  a graph may raise what it likes
            run.fail(error)
        writes = run.settle(await run.graph.aget_state(run.config, subgraphs=True))
        for at, updates in writes:
            await run.graph.abulk_update_state(at, [updates])
        if writes:
            run.settle_skip(await run.graph.aget_state(run.config))
    return run.end()


def _begin(
    graph: AnyGraph,
    graph_input: Any,
    human: ScriptedHuman | None,
    *,
    config: Mapping[str, Any] | None,
    max_rounds: int,
) -> Play:
    session = (human or _NOBODY).open()
    return Play(graph, graph_input, session, config=config, max_rounds=max_rounds)


def _on_a_loop(run: Play, context: Any) -> Played:
    """Nodes that can only be awaited, played by who does not await."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(_go(run, context))
    raise InvalidInput(
        "This graph has async nodes, and play() was called on a running loop.",
        hint="Write `await aplay(...)`.",
    )
