"""What a card asks, whatever the shape it came in: one question, its actions, and what may be done."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from interlock.core.model.approvals import Kind, Verb
from interlock.core.types import Json

VERB_ORDER = tuple(Verb)  # the order in which verbs are offered, on every screen


@dataclass(frozen=True, kw_only=True)
class Action:
    """One action of an agent-inbox or LangChain interrupt; `schema` is that of its args or None."""

    name: str
    args: Mapping[str, Json]
    description: str
    allowed: tuple[Verb, ...]
    schema: Json


@dataclass(frozen=True, kw_only=True)
class Question:
    """
    What a graph asks.

    Args:
        kind: The shape, which decides what the answer looks like.
        title: One line for lists.
        text: The question in full, as the graph wrote it; may be Markdown, is never trusted.
        allowed: The verbs that decide the whole card. With several actions those that all of them
            take; what a single action takes is in `actions`.
        schema: JSON Schema of the answer (of a breakpoint or a failure: of the state), or None.
        options: The values to choose from. Binding for a `choice`, else a suggestion.
        actions: What an agent wants to do, in the order in which it is answered.
        takes_several: Whether the answer is meant to be a list of some of the options.
        is_list: Whether an agent-inbox request came as a list; the answer is a list in any case.
        answers: What a verb sends, where a policy says so.
    """

    kind: Kind
    title: str
    text: str
    allowed: tuple[Verb, ...]
    schema: Json
    options: tuple[Json, ...]
    actions: tuple[Action, ...]
    is_list: bool
    takes_several: bool = False
    answers: Mapping[Verb, Json] = field(default_factory=dict)


def in_order(verbs: Iterable[Verb]) -> tuple[Verb, ...]:
    """Put verbs into the order of the screens, each once."""
    wanted = set(verbs)
    return tuple(verb for verb in VERB_ORDER if verb in wanted)
