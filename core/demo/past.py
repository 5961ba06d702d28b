"""
The week before a demonstration, played thread by thread on a simulated clock.

Every row is written by the services that write those of real runs; only what the nodes did is made up,
from scripts and a seed. The threads have no checkpoints, and say so.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from interlock.core.clock import FrozenClock
from interlock.core.demo import people, weeks
from interlock.core.demo.playing import Played, Story, play
from interlock.core.demo.scripts import Script
from interlock.core.demo.weeks import Week
from interlock.core.model.approvals import Intent, Verb
from interlock.core.model.runs import RunStatus
from interlock.core.services import claiming, demonstrating, recording, simulating
from interlock.core.services.context import App
from interlock.core.services.launching import Launch
from interlock.core.services.recording import Batch, Ending
from interlock.core.types import ThreadId, WorkerId

WORKER = WorkerId("the-past")
QUEUE_S = 0.15  # a run waits for a worker, at the median
MAX_AT_ONCE = 100  # jobs that one look takes; there are hardly two
KEPT_BACK = 50  # threads that are marked as ended together


class Past:
    """
    Plays a week.

    Args:
        app: The parts, with a queue in memory and the clock that is given as well.
        clock: Told to move on from launch to launch.
        scripts: How runs go.
        week: When runs begin, and what was down when.
        seed: The same one plays the same week, but for its ids.
    """

    def __init__(
        self, app: App, clock: FrozenClock, scripts: Sequence[Script], week: Week, *, seed: int
    ) -> None:
        self._app = app
        self._clock = clock
        self._scripts = scripts
        self._week = week
        self._rng = random.Random(seed)  # noqa: S311  a play
        self._stories: dict[ThreadId, Story] = {}
        self._ended: list[ThreadId] = []

    def play(self, *, may_go_on: Callable[[], bool] = lambda: True) -> int:
        """
        Play it, until it is over or `may_go_on` says no.

        Returns:
            How many threads were played to their end.
        """
        count = 0
        for moment in weeks.draw_launches(self._week, self._rng):
            if not may_go_on():
                break
            self._clock.advance(seconds=max(0.0, (moment - self._clock.now()).total_seconds()))
            self._launch()
            if len(self._ended) >= KEPT_BACK:
                count += self._mark_ended()
        return count + self._mark_ended()

    def _launch(self) -> None:
        script = self._rng.choices(self._scripts, [each.weight for each in self._scripts])[0]
        names = [name for name, _ in script.variants]
        weights = [weight for _, weight in script.variants]
        run = simulating.launch(
            self._app,
            Launch(workflow=script.workflow, input=script.input),
            actor=self._rng.choice(people.SOURCES),
            variant=self._rng.choices(names, weights)[0] if names else "",
        )
        self._stories[run.thread_id] = Story(script)
        self._carry(self._clock.now())

    def _carry(self, moment: datetime) -> None:
        """Carry what waits to its end at once, so that no screen ever shows it wait since days."""
        waited_s = people.vary(self._rng, QUEUE_S)
        begun = self._at(moment + timedelta(seconds=waited_s))
        for claimed in claiming.claim_jobs(begun, WORKER, limit=MAX_AT_ONCE).runs:
            story = self._stories[claimed.run.thread_id]
            self._end(
                play(
                    story,
                    claimed,
                    at=begun.clock.now(),
                    is_down=self._week.is_down,
                    rng=self._rng,
                )
            )

    def _at(self, moment: datetime) -> App:
        """The parts, at a moment that the others have not come to yet."""
        return replace(self._app, clock=FrozenClock(moment))

    def _end(self, played: Played) -> None:
        claimed = played.claimed
        thread_id = claimed.run.thread_id
        ending = Ending(
            run=claimed.run,
            job=claimed.job,
            status=played.status,
            head=played.head,
            failure=played.failure,
            is_first=True,
            last_seq=played.last_seq,
            usage=played.usage,
        )
        batch = Batch(nodes=played.nodes, events=played.events, endings=[ending])
        ended = self._at(played.at)
        if played.status is RunStatus.WAITING:
            self._decide(ended, thread_id, batch)
            return
        recording.record(ended, batch)
        del self._stories[thread_id]
        self._ended.append(thread_id)

    def _decide(self, ended: App, thread_id: ThreadId, batch: Batch) -> None:
        person = people.choose(self._rng)
        is_yes = self._rng.random() < person.approves
        reason = self._rng.choice(people.REASONS if is_yes else people.REFUSALS)
        now = ended.clock.now()
        wait_s = min(people.vary(self._rng, person.seconds), self._week.left_s(now))
        at = now + timedelta(seconds=wait_s)
        simulating.end_and_decide(
            ended,
            batch,
            Intent(verb=Verb.APPROVE if is_yes else Verb.REJECT, reason=reason),
            later=self._at(at),
            thread_id=thread_id,
            actor=person.name,
        )
        self._stories[thread_id].answer(is_yes=is_yes)
        self._carry(at)

    def _mark_ended(self) -> int:
        ended, self._ended = self._ended, []
        demonstrating.end_played(self._app, ended)
        return len(ended)
