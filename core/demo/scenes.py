"""What the programs of the demonstration launch: believable inputs, drawn anew each time."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from interlock.core.errors import InterlockError
from interlock.core.model.runs import Run
from interlock.core.services import launching
from interlock.core.services.context import App
from interlock.core.services.launching import Launch
from interlock.core.types import Json

logger = logging.getLogger(__name__)

Draw = Callable[[random.Random], Json]


@dataclass(frozen=True, kw_only=True)
class Scene:
    """
    Work of one kind; the first one of a workflow is what a person is asked about.

    `weight` is its share of the stream; `source` launches it; `context` goes with the input.
    """

    workflow: str
    source: str
    weight: int
    draw: Draw
    context: Draw | None = None


def _large_refunds(rng: random.Random) -> Json:
    return _refund(rng, rng.uniform(510, 2400))


def _small_refunds(rng: random.Random) -> Json:
    return _refund(rng, rng.uniform(15, 480))


def _refund(rng: random.Random, amount: float) -> Json:
    complaints: Sequence[tuple[str, str]] = (
        ("lost parcel", "The parcel never arrived. Please refund me."),
        ("damaged", "This is urgent: the lamp came broken, for the second time!"),
        ("charged twice", "You charged me twice for the same order."),
        ("wrong item", "I ordered the blue one and got the red one. I want my money back."),
        ("other", "I changed my mind and sent it back a week ago."),
    )
    reason, message = rng.choice(complaints)
    return {
        "requests": [
            {
                "customer": str(rng.randint(1000, 9999)),
                "order": str(rng.randint(10_000, 99_999)),
                "amount": round(amount, 2),
                "reason": reason,
                "message": message,
            }
        ]
    }


def _questions(rng: random.Random) -> Json:
    return {
        "requests": [
            {
                "customer": str(rng.randint(1000, 9999)),
                "order": str(rng.randint(10_000, 99_999)),
                "amount": 0,
                "reason": "other",
                "message": "How long does it take until the money is there?",
            }
        ]
    }


def _mails(rng: random.Random) -> Json:
    city = rng.choice(("Vienna", "Graz", "Linz"))
    wish = rng.choice(
        ("to the open day in May", "to try the new planner", "to our round table on deliveries")
    )
    return {"messages": [{"role": "user", "content": f"Invite our customers in {city} {wish}."}]}


def _essays(rng: random.Random) -> Json:
    topics = (
        "Why a good control room is quiet",
        "What a night shift teaches about handovers",
        "How to say no to a feature",
        "The case for smaller releases",
        "Why checklists work",
    )
    return {
        "topic": rng.choice(topics),
        "audience": rng.choice(("engineers", "managers", "students")),
        "max_revisions": rng.choice((0, 1, 2)),
    }


def _stories(rng: random.Random) -> Json:
    subjects = ("Night trams at weekends", "The city's budget", "A new school", "The market square")
    return {
        "subject": rng.choice(subjects),
        "readers": rng.choice(("commuters", "taxpayers", "students")),
    }


def _contracts(rng: random.Random) -> Json:
    supplier, service = rng.choice(
        (
            ("Nordlicht GmbH", "maintenance of the four lifts in the main building"),
            ("Alpina Catering", "lunch for 120 people on working days"),
            ("Horn Bau", "repair of the loading ramp"),
        )
    )
    value_eur = float(rng.randrange(12_000, 190_000, 1_000))
    return {"supplier": supplier, "service": service, "value_eur": value_eur}


def _releases(rng: random.Random) -> Json:
    version = f"{rng.randint(4, 6)}.{rng.randint(0, 9)}.{rng.randint(0, 9)}"
    service = rng.choice(("shop", "checkout", "search"))
    rehearse = rng.choice(("nothing", "nothing", "a deployment that fails twice"))
    return {"service": service, "version": version, "rehearse": rehearse}


def _markets(rng: random.Random) -> Json:
    budget = rng.choice((0, 0, 10_000, 25_000))
    return {"shares": rng.choice((8, 20, 30)), "also": [], "budget_eur": budget}


def _help(rng: random.Random) -> Json:
    messages = (
        "How long does a refund take?",
        "How long does a refund take, please?",
        "Please credit the late fee on invoice INV-2041.",
        "Sync fails with error 504 on all 40 devices since the upgrade.",
        "Can I change the language of the app?",
    )
    return {"message": rng.choice(messages)}


def _customers(rng: random.Random) -> Json:
    number = str(rng.choice((4711, 1207, 3390, 2002)))
    return {"number": number, "tier": rng.choice(("basic", "premium", "business"))}


SCENES: tuple[Scene, ...] = (
    Scene(workflow="refund_desk", source="web shop", weight=3, draw=_large_refunds),
    Scene(workflow="refund_desk", source="web shop", weight=4, draw=_small_refunds),
    Scene(workflow="refund_desk", source="web shop", weight=2, draw=_questions),
    Scene(
        workflow="help_desk",
        source="customer service",
        weight=6,
        draw=_help,
        context=_customers,
    ),
    Scene(workflow="market_data", source="treasury", weight=4, draw=_markets),
    Scene(workflow="outreach", source="customer service", weight=2, draw=_mails),
    Scene(workflow="essay_writer", source="press desk", weight=1, draw=_essays),
    Scene(workflow="newsroom", source="press desk", weight=2, draw=_stories),
    Scene(workflow="contract_signoff", source="legal", weight=1, draw=_contracts),
    Scene(workflow="release_train", source="release calendar", weight=2, draw=_releases),
)


def of_examples(app: App, workflow: str) -> Scene:
    """Work of a workflow without a scene: as its input's schema gives examples."""
    found = launching.fetch_workflow(app, workflow)
    schema = found.input_schema if isinstance(found.input_schema, dict) else {}
    examples = list(schema.get("examples") or [{}])
    return Scene(
        workflow=workflow, source="scheduler", weight=1, draw=lambda rng: rng.choice(examples)
    )


def launch(
    app: App,
    scene: Scene,
    rng: random.Random,
    *,
    recursion_limit: int | None = None,
    break_before: tuple[str, ...] = (),
) -> Run | None:
    """Launch work of a scene; None, and a line in the log, where it is refused."""
    request = Launch(
        workflow=scene.workflow,
        input=scene.draw(rng),
        context=scene.context(rng) if scene.context is not None else None,
        recursion_limit=recursion_limit,
        break_before=break_before,
    )
    try:
        return launching.launch(app, request, actor=scene.source)
    except InterlockError as exc:  # a rate limit, a workflow that was broken by whoever tries it
        logger.warning("demo_not_launched", extra={"reason": str(exc)})
        return None
