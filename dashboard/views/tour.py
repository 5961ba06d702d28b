"""
The guided tour of a demonstration: what each step says, where it leads, and how far somebody is.

A step leads to the live thing; while that is not there, to what makes it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from interlock.core.model.demonstration import Demonstration, Service
from interlock.core.model.tours import STEPS, Tour, TourFacts, TourStatus, TourStep
from interlock.dashboard.views.notices import SHOWCASE, Link

TRIPPED = Service.MARKET  # one launch calls it often enough for its breaker
TRIPPED_WORKFLOW = "market_data"
CACHED_WORKFLOW = "help_desk"
TOPIC = "demonstration"

# What of the live data a step looks at: the others are not redrawn by it.
_TOPICS: Mapping[TourStep, tuple[str, ...]] = {
    TourStep.LAUNCH: ("runs",),
    TourStep.DECIDE: ("inbox",),
    TourStep.BREAKER: ("breakers",),
    TourStep.REWIND: ("runs",),
    TourStep.COMPARE: ("inbox",),
}


@dataclass(frozen=True, kw_only=True)
class StepView:
    """One step: what to do, what to look at, and the ways there, of which the first is the step's own."""

    step: TourStep
    title: str
    text: str
    links: tuple[Link, ...]
    is_done: bool
    is_shown: bool


class Said(NamedTuple):
    """What a step says as things stand."""

    text: str
    links: tuple[Link, ...]


@dataclass(frozen=True, kw_only=True)
class TourView:
    """
    The tour as one person has it.

    `shown` is the step that is under way, None where no tour is; `offer` then says the button that
    begins or resumes it. `place` is how far the person is, empty for who has not begun.
    """

    place: str
    offer: str
    is_resumed: bool
    steps: tuple[StepView, ...]
    shown: StepView | None
    has_back: bool
    next_label: str


def topics_of(tour: Tour | None) -> tuple[str, ...]:
    """What must be drawn again when it moves: as little as the step that is shown needs."""
    if tour is None or tour.status is not TourStatus.OPEN:
        return (TOPIC,)
    return (TOPIC, *_TOPICS.get(tour.step, ()))


def step_before(step: TourStep) -> TourStep:
    """The step before; the first one stays."""
    return STEPS[max(0, STEPS.index(step) - 1)]


def build(tour: Tour | None, facts: TourFacts, playing: Demonstration) -> TourView:
    """
    Say all steps, and which is shown.

    Args:
        tour: How far the person is; None who has not begun.
        facts: What was done, and what there is to point at.
        playing: What plays, and what is made to fail.
    """
    shown = tour.step if tour is not None and tour.status is TourStatus.OPEN else None
    steps = tuple(_build_step(s, facts, playing, is_shown=s is shown) for s in STEPS)
    number = STEPS.index(tour.step) + 1 if tour is not None else 0
    is_left = tour is not None and tour.status is TourStatus.LEFT
    return TourView(
        place="" if tour is None or tour.status is TourStatus.DONE else f"{number} of {len(STEPS)}",
        offer=_say_offer(tour),
        is_resumed=is_left,
        steps=steps,
        shown=next((step for step in steps if step.is_shown), None),
        has_back=number > 1,
        next_label="Finish" if number == len(STEPS) else "Next",
    )


def _say_offer(tour: Tour | None) -> str:
    if tour is None:
        return "Take the tour"
    words = {TourStatus.LEFT: "Resume the tour", TourStatus.DONE: "Take the tour again"}
    return words.get(tour.status, "")


def _build_step(
    step: TourStep, facts: TourFacts, playing: Demonstration, *, is_shown: bool
) -> StepView:
    title, say = _STEPS[step]
    text, links = say(facts, playing)
    return StepView(
        step=step,
        title=title,
        text=text,
        links=links,
        is_done=step in facts.done,
        is_shown=is_shown,
    )


_LAUNCH = Link("Launch the refund desk", "launch", {"workflow": SHOWCASE})


def _launch(_facts: TourFacts, _playing: Demonstration) -> Said:
    return Said(
        "The form is filled in. Press Launch, and watch the graph: two refunds are above 500 EUR,"
        " so the run stands and asks a person.",
        (_LAUNCH,),
    )


def _decide(facts: TourFacts, _playing: Demonstration) -> Said:
    if facts.card is None:
        return Said("No card waits at the moment. The refund desk asks for two.", (_LAUNCH,))
    return Said(
        "Read what is asked and why, change a field if you like, and press Approve or Reject. A"
        " line above the card says how the run goes on.",
        (Link("Open the card", "inbox", {"approval_id": facts.card}),),
    )


def _figures(_facts: TourFacts, _playing: Demonstration) -> Said:
    return Said(
        "Every node with its errors and times, the worst first, of the week before. Choose 5 min"
        " for what you have just done.",
        (Link("The week's metrics", "figures", {"window": "7d"}),),
    )


def _breaker(facts: TourFacts, playing: Demonstration) -> Said:
    launch = Link("Launch market data", "launch", {"workflow": TRIPPED_WORKFLOW})
    switch = Link("The switches", "demonstration")
    board = Link("Breakers", "breakers")
    is_failing, has_tripped = TRIPPED in playing.faults, TourStep.BREAKER in facts.done
    if is_failing and has_tripped:
        return Said(
            "It is open: calls are refused at once, yesterday's prices serve. Turn “Make the"
            " market data fail” off again.",
            (switch, board),
        )
    if is_failing:
        return Said(
            "The market data fails now. Launch a run that needs it: after five failures the"
            " breaker “market feed” opens.",
            (launch, board),
        )
    if has_tripped:
        return Said(
            "20 s after it opened the next call is tried: half open, then closed. Launch market"
            " data again to see it.",
            (board, launch),
        )
    return Said(
        "Turn on “Make the market data fail”. Then this step says how its breaker opens.",
        (switch, board),
    )


def _cache(_facts: TourFacts, _playing: Demonstration) -> Said:
    launch = Link("Launch the help desk", "launch", {"workflow": CACHED_WORKFLOW})
    return Said(
        "Ask the help desk the same question twice: the second answer is there already, and the"
        " hits on Caches go up.",
        (Link("Caches", "caches"), launch),
    )


def _rewind(facts: TourFacts, _playing: Demonstration) -> Said:
    if facts.thread is None:
        return Said(
            "No run has ended that could be set back. Launch the refund desk, and decide its cards.",
            (_LAUNCH,),
        )
    return Said(
        "Click Start in the tree, press Run again from here, read what would happen, press Apply."
        " A branch grows; the old one stays.",
        (Link("Open its history", "history", {"thread": facts.thread}),),
    )


def _compare(facts: TourFacts, _playing: Demonstration) -> Said:
    if facts.question is None:
        return Said("No card waits to be tried. The refund desk asks for two.", (_LAUNCH,))
    return Said(
        "One answer approves, the other rejects. Press Try both: they run on copies, and the page"
        " says how their ends differ.",
        (Link("Try two answers", "what_if", {"card": facts.question}),),
    )


_STEPS: Mapping[TourStep, tuple[str, Callable[[TourFacts, Demonstration], Said]]] = {
    TourStep.LAUNCH: ("Launch a run", _launch),
    TourStep.DECIDE: ("Decide what it asks", _decide),
    TourStep.FIGURES: ("Read the figures", _figures),
    TourStep.BREAKER: ("Trip a breaker", _breaker),
    TourStep.CACHE: ("Watch the cache", _cache),
    TourStep.REWIND: ("Set a thread back", _rewind),
    TourStep.COMPARE: ("Compare two answers", _compare),
}
