"""
The first threads of a demonstration: some forty that really run, and what people do to them.

When they are through there are cards that wait, one of them overdue, decisions of several people,
branches, a copy, a failed, a cancelled and a paused run.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from dataclasses import dataclass

from interlock.core.demo import scenes
from interlock.core.demo.crew import Crew
from interlock.core.errors import InterlockError, NotFound
from interlock.core.model.approvals import ApprovalStatus, Intent, Verb
from interlock.core.model.history import FieldEdit, Point
from interlock.core.model.inbox_filters import InboxFilter
from interlock.core.model.rewinding import RewindVerb
from interlock.core.model.runs import OPEN, Run
from interlock.core.services import history, observing, rewinding, running, sifting
from interlock.core.services.context import App
from interlock.core.services.rewinding import ForkRequest
from interlock.core.types import ThreadId

logger = logging.getLogger(__name__)

PATIENCE_S = 90.0  # for the first threads to come to rest; what is left then goes on by itself
LOOK_S = 0.5
MAX_THREADS = 200  # the opening has some forty
MAX_POINTS = 200

Wait = Callable[[float], bool]  # waits so many seconds; whether to go on


@dataclass(frozen=True, kw_only=True)
class Opening:
    """
    What is launched of one workflow.

    `yes`, `no` and `left` are how many of its threads have their cards approved, refused, left.
    """

    workflow: str
    yes: int = 0
    no: int = 0
    left: int = 0


OPENINGS: tuple[Opening, ...] = (
    Opening(
        workflow="market_data", yes=3, no=1, left=1
    ),  # first: its card has the shortest deadline
    Opening(workflow="refund_desk", yes=5, no=2, left=3),
    Opening(workflow="help_desk", yes=5, left=0),
    Opening(workflow="outreach", yes=1, no=1, left=1),
    Opening(workflow="essay_writer", yes=2, left=1),
    Opening(workflow="newsroom", yes=3),
    Opening(workflow="contract_signoff", yes=1, no=1, left=1),
    Opening(workflow="release_train", yes=2, no=1, left=1),
    Opening(workflow="product_launch", yes=2),
    Opening(workflow="design_contest", yes=2),
    Opening(workflow="prescription_check", yes=1, left=1),
    Opening(workflow="customer_memory", yes=1),
)


class First:
    """Starts the first threads, has their cards decided, and sets some of them back."""

    def __init__(self, app: App, crew: Crew, rng: random.Random) -> None:
        self._app = app
        self._crew = crew
        self._rng = rng
        self._fates: dict[ThreadId, bool | None] = {}
        self._through: dict[
            str, list[ThreadId]
        ] = {}  # by workflow: those that everybody let through
        self._doomed: Run | None = None

    def play(self, wait: Wait) -> None:
        """Play it all; `wait` ends it early."""
        known = {each.name for each in observing.list_workflow_names(self._app) if not each.error}
        for opening in OPENINGS:
            if opening.workflow in known:
                self._launch_all(opening)
        self._launch_odd(known)
        waited_s = 0.0
        while waited_s < PATIENCE_S and wait(LOOK_S):
            waited_s += LOOK_S
            if not self._crew.settle(self._fates) and not self._is_busy():
                break
        for act in (self._edit, self._redecide, self._rerun, self._copy, self._cancel):
            try:
                act()
            except InterlockError as exc:  # a person at the screen may have been there first
                logger.warning("demo_act_left_out", extra={"reason": str(exc)})

    def _launch_all(self, opening: Opening) -> None:
        fates: list[bool | None] = [None] * opening.left + [True] * opening.yes
        for fate in fates + [False] * opening.no:
            run = self._start(opening.workflow)
            if run is not None:
                self._fates[run.thread_id] = fate
                if fate:
                    self._through.setdefault(opening.workflow, []).append(run.thread_id)

    def _launch_odd(self, known: set[str]) -> None:
        """A run that cannot end within its steps, one that stops before a node, one to be cancelled."""
        if "newsroom" in known:
            self._start("newsroom", recursion_limit=2)
        if "essay_writer" in known:
            self._start("essay_writer", break_before=("draft",))
            self._doomed = self._start("essay_writer", break_before=("critique",))

    def _start(
        self,
        workflow: str,
        *,
        recursion_limit: int | None = None,
        break_before: tuple[str, ...] = (),
    ) -> Run | None:
        scene = next((each for each in scenes.SCENES if each.workflow == workflow), None)
        return scenes.launch(
            self._app,
            scene or scenes.of_examples(self._app, workflow),
            self._rng,
            recursion_limit=recursion_limit,
            break_before=break_before,
        )

    def _is_busy(self) -> bool:
        """Whether a thread of the opening is still on its way."""
        going = observing.list_runs(self._app, statuses=sorted(OPEN), limit=MAX_THREADS)
        return any(run.thread_id in self._fates for run in going)

    def _first(self, workflow: str, nth: int = 0) -> ThreadId:
        """A thread of a workflow that went through."""
        through = self._through.get(workflow, [])
        if nth >= len(through):
            raise NotFound("thread of", workflow)
        return through[nth]

    def _edit(self) -> None:
        """Somebody wants the essay for other readers: edits the state after the plan, and goes on."""
        thread_id = self._first("essay_writer")
        self._set_back(
            thread_id,
            lambda point: "draft" in point.next,
            verb=RewindVerb.EDIT,
            edits=(FieldEdit(field="audience", value="students"),),
            reason="It is for the trainees now.",
        )

    def _redecide(self) -> None:
        """Somebody takes a refund's approval back."""
        thread_id = self._first("refund_desk")
        cards = sifting.list_cards(
            self._app,
            InboxFilter(statuses=(ApprovalStatus.DECIDED,), thread_id=thread_id),
            limit=1,
        )
        if not cards:
            raise NotFound("decided card of", thread_id)
        reason = "The parcel turned up this morning."
        self._apply(
            thread_id,
            ForkRequest(
                verb=RewindVerb.REDECIDE,
                checkpoint_id=cards[0].checkpoint_id,
                approval_id=cards[0].approval_id,
                intent=Intent(verb=Verb.REJECT, reason=reason),
            ),
            reason,
        )

    def _rerun(self) -> None:
        """Somebody has a story written again from its first step on."""
        self._set_back(
            self._first("newsroom"),
            lambda point: point.source == "loop" and bool(point.next),
            verb=RewindVerb.RERUN,
            reason="The numbers have changed since.",
        )

    def _copy(self) -> None:
        """Somebody keeps a thread as it stands, to try something with it later."""
        self._set_back(
            self._first("refund_desk", 1),
            lambda point: not point.next,
            verb=RewindVerb.COPY,
            reason="To look at with the new colleagues.",
        )

    def _cancel(self) -> None:
        if self._doomed is not None:
            running.cancel(
                self._app,
                self._doomed.run_id,
                actor=self._crew.draw().name,
                reason="The topic was dropped.",
            )

    def _set_back(
        self,
        thread_id: ThreadId,
        is_wanted: Callable[[Point], bool],
        *,
        verb: RewindVerb,
        reason: str,
        edits: tuple[FieldEdit, ...] = (),
    ) -> None:
        points, _ = history.list_points(self._app, thread_id, limit=MAX_POINTS)
        point = next((each for each in reversed(points) if is_wanted(each)), None)
        if point is None:
            raise NotFound("point of", thread_id)
        request = ForkRequest(verb=verb, checkpoint_id=point.checkpoint_id, edits=edits)
        self._apply(thread_id, request, reason)

    def _apply(self, thread_id: ThreadId, request: ForkRequest, reason: str) -> None:
        rewinding.apply(self._app, thread_id, request, actor=self._crew.draw().name, reason=reason)
