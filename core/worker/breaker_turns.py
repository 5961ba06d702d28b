"""
Who of one run waits for whom at a breaker that may let a probe through.

LangGraph cancels the other branches of a run when one fails. A branch that is refused while another
branch of its run is the probe would cancel it each time, and the breaker would never close. So
they come one after the other: who comes later waits until the probe is over, and then asks.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

from interlock.core.graphs.guarding import Call, Place

Key = tuple[str, str]  # a breaker's name and a run's id


class Turn:
    """Who asks or probes, and a sign for when that is over."""

    def __init__(self, call: Call) -> None:
        self.call = call
        self.is_over = asyncio.Event()


class Turns:
    """One turn for each breaker and run; of the worker's event loop alone."""

    def __init__(self) -> None:
        self._held: dict[Key, Turn] = {}

    async def take(self, name: str, call: Call, *, longest_s: float) -> None:
        """
        Wait for whoever of this run has the turn, then have it until `end`.

        A call within the one that has the turn does not wait: they would wait for each other. Nor
        does anybody longer than `longest_s`; both ask beside it, as calls of other runs do.
        """
        key = name, call.run.run_id
        with suppress(TimeoutError):
            async with asyncio.timeout(longest_s):
                while (held := self._held.get(key)) and not _is_within(call.place, held.call.place):
                    await held.is_over.wait()
        self._held.setdefault(key, Turn(call))

    def end(self, name: str, call: Call) -> None:
        """Let the next one ask, if the turn is this call's."""
        held = self._held.get((name, call.run.run_id))
        if held is not None and held.call is call:
            del self._held[name, call.run.run_id]
            held.is_over.set()


def _is_within(place: Place, outer: Place) -> bool:
    if place.path == outer.path:
        return bool(place.tool) and not outer.tool
    return place.path.startswith(f"{outer.path}/")
