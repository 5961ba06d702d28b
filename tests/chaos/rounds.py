"""One round: launches and decisions go on, a fault strikes, all comes to rest, the books are held together."""

from __future__ import annotations

import random
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from crew import Crew, draw_launches
from effects import Fate
from faults import Act, Fault, Scene
from fleet import Fleet
from ledger import PLACES, Found, Ledger
from stage import WAIT_S, Database, Late, wait_until

LOAD_S = 4.0  # launches of a round are spread over this
STRIKE_S = 1.5  # into it, when much is under way
TICK_S = 0.1
IS_QUIET = """
    SELECT NOT EXISTS (SELECT 1 FROM runs WHERE status IN ('queued', 'running')) AS is_quiet
"""
IN_FLIGHT = "SELECT job_id FROM jobs WHERE status = 'doing' AND claimed_by = %s AND kind = 'run'"
STILL_THERE = """
    SELECT job_id FROM jobs WHERE job_id = ANY(%s)
    AND (status = 'todo' OR (status = 'doing' AND claimed_by = ANY(%s)))
"""


@dataclass
class TakeOver:
    """The work a worker had in flight when it was lost, and when each piece of it was somebody else's."""

    lost_at: float
    worker_ids: list[str]
    jobs: set[str]
    after_s: list[float] = field(default_factory=list)


@dataclass
class Round:
    """What came of one fault."""

    number: int
    fault: Fault
    threads: int
    in_flight: int = 0
    taken_over_s: list[float] = field(default_factory=list)
    gave_up: list[str] = field(default_factory=list)
    replaced: int = 0
    rest_s: float = 0.0
    is_stuck: bool = False
    losses: list[str] = field(default_factory=list)


class Chaos:
    """All that goes on. Nothing waits here for longer than a tick, so that all of it is seen to."""

    def __init__(
        self, database: Database, fleet: Fleet, crew: Crew, scene: Scene, ledger: Ledger
    ) -> None:
        self._database = database
        self._fleet = fleet
        self._crew = crew
        self._scene = scene
        self._ledger = ledger
        self._drawn: random.Random = scene.drawn
        self._launched = 0

    def play(self, number: int, fault: Fault, threads: int) -> Round:
        """Let a round happen."""
        told = Round(number, fault, threads)
        self._crew.keeps_ratio = self._drawn.uniform(0.0, 0.4)
        over = self._load_and_strike(told)
        resting_at = time.monotonic()
        told.is_stuck = not self._rest(over)
        told.rest_s = time.monotonic() - resting_at
        told.taken_over_s = [after_s for each in over for after_s in each.after_s]
        ended = self._fleet.take_ended()
        told.replaced = len(ended)
        told.gave_up = [f"{life} {life.exit_code}" for life in ended if life.gave_up]
        told.losses = self.look().losses
        if told.is_stuck:
            told.losses.append(f"nothing came to rest within {WAIT_S:g} s")
        return told

    def finish(self, *, is_stuck: bool) -> Found:
        """Decide what was left, let all end, and hold the books together once more, whole."""
        self._crew.keeps_ratio = 0.0
        if not is_stuck:
            self._rest([])
        codes = self._fleet.end()
        found = self.look(again=True)
        # 1: it was found dead in that very moment, and knows it.
        found.losses += [f"a worker ended with {code}" for code in codes if code not in (0, 1)]
        pending = self._database.ask("SELECT thread_id FROM approvals WHERE status = 'pending'")
        found.losses += [f"{row['thread_id']}: nobody decided its card" for row in pending]
        return found

    def look(self, *, again: bool = False) -> Found:
        """Hold the books together."""
        fates = {
            life.pid: Fate(tuple(life.lost_at), life.died_at if life.gave_up else None)
            for life in self._fleet.lives
        }
        return self._ledger.look(fates, again=again)

    def _load_and_strike(self, told: Round) -> list[TakeOver]:
        """Launch what there is to launch, and strike in the midst of it."""
        launches = deque(draw_launches(tuple(PLACES), told.threads, self._drawn))
        acts: deque[Act] | None = None
        over: list[TakeOver] = []
        began_at, struck_at = time.monotonic(), 0.0
        while launches or acts is None or acts:
            passed_s = time.monotonic() - began_at
            while launches and passed_s >= LOAD_S * (1 - len(launches) / told.threads):
                self._launch(*launches.popleft())
            if acts is None and passed_s >= STRIKE_S and (not launches or self._is_at_work()):
                acts, over = self._plan(told)
                struck_at = time.monotonic()
            while acts and time.monotonic() - struck_at >= acts[0][0]:
                acts.popleft()[1]()
            self._tick(over)
        return over

    def _plan(self, told: Round) -> tuple[deque[Act], list[TakeOver]]:
        """What is done when, and to whose work one has to look."""
        fault = told.fault
        slots = self._choose(fault)
        told.in_flight = self._count_in_flight()
        acts = sorted(fault.plan(self._scene, slots), key=lambda act: act[0])
        # Who leaves in turn is somebody else by then.
        is_watched = fault.ends_work and len(slots) < len(self._fleet.slots)
        return deque(acts), [self._watch(slots)] if is_watched else []

    def _launch(self, workflow: str, pace_s: float) -> None:
        self._launched += 1
        self._crew.launch(f"t{self._launched:05}", workflow, pace_s)

    def _tick(self, over: Sequence[TakeOver]) -> None:
        self._fleet.see_to()
        if self._database.is_there():
            self._crew.deal()
            self._see_to_take_overs(over)
        time.sleep(TICK_S)

    def _rest(self, over: Sequence[TakeOver]) -> bool:
        """
        Wait until every worker is there again, every client idle, and every thread ended or waits.

        Returns:
            Whether it came to that.
        """

        def is_over() -> bool:
            self._tick(over)
            return (
                self._fleet.are_ready()
                and self._crew.is_idle()
                and self._database.ask(IS_QUIET)[0]["is_quiet"]
                and not any(each.jobs for each in over)
                and not self._crew.deal()
            )

        try:
            wait_until(is_over, "Rest")
        except Late:
            return False
        return True

    def _is_at_work(self) -> bool:
        return self._count_in_flight() >= len(self._fleet.slots)

    def _count_in_flight(self) -> int:
        found = self._database.ask("SELECT count(*) AS n FROM runs WHERE status = 'running'")
        return int(found[0]["n"])

    def _choose(self, fault: Fault) -> list[str]:
        """Whom it hits: where work is to be taken over, those who carry the most."""
        slots = self._drawn.sample(self._fleet.slots, len(self._fleet.slots))
        if fault.ends_work:
            slots.sort(key=lambda slot: -len(self._watch([slot]).jobs))
        return slots[: fault.hits]

    def _watch(self, slots: Sequence[str]) -> TakeOver:
        ids = [found for slot in slots if (found := self._fleet.worker_id(slot)) is not None]
        jobs = {row["job_id"] for each in ids for row in self._database.ask(IN_FLIGHT, (each,))}
        return TakeOver(time.monotonic(), ids, jobs)

    def _see_to_take_overs(self, over: Sequence[TakeOver]) -> None:
        for each in over:
            if each.jobs:
                rows = self._database.ask(STILL_THERE, (sorted(each.jobs), each.worker_ids))
                left = {row["job_id"] for row in rows}
                passed_s = time.monotonic() - each.lost_at
                each.after_s += [passed_s] * len(each.jobs - left)
                each.jobs = left


@contextmanager
def at_work(fleet: Fleet, crew: Crew) -> Iterator[None]:
    """See that nothing is left behind, however it ends."""
    try:
        yield
    finally:
        crew.end()
        fleet.kill_all()
