"""A human by script: answers the cards of a graph, each answer checked as the product checks it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, Self

from interlock.core.errors import InvalidInput
from interlock.core.model import payloads, plain_answers
from interlock.core.model.approvals import Intent, Kind, Verb
from interlock.core.model.texts import join_words
from interlock.core.testing.cards import Card
from interlock.core.testing.failures import AnswersLeft, NoAnswer
from interlock.core.types import Json

Rule = Callable[[Card], Any]  # gives an Intent, a Verb or its word, or the raw answer

_WORDS = {verb.value: verb for verb in Verb}
_ACTION_KINDS = frozenset({Kind.AGENT_INBOX, Kind.LANGCHAIN, Kind.LANGCHAIN_CALL})


class Session(Protocol):
    """A human during one play."""

    def decide(self, card: Card) -> Any:
        """What is said to a card: as a rule gives it."""

    def finish(self) -> None:
        """The graph has ended; complain of what was not asked."""


@dataclass(frozen=True)
class ScriptedHuman:
    """
    Somebody who answers by a script. Holds nothing of a play, so that one may serve many tests.

        ScriptedHuman.approving()
        ScriptedHuman.rejecting("Too expensive.")
        ScriptedHuman.by_rule(lambda card: "approve" if "refund" in card.title else "reject")
        ScriptedHuman(["approve", {"approved": True, "amount": 500.0}])

    Args:
        answers: What is said to the cards in the order in which they are asked, those of one round
            in the order of the graph's tasks: an `Intent`, a `Verb` or its word ("approve"), or the
            raw answer. A word of a verb always means the verb: to say it as a text, write
            `Intent(verb=Verb.ANSWER, value="approve")`.
        rule: What gives such an answer to any card, instead of a list.
    """

    answers: Sequence[Any] = ()
    rule: Rule | None = None

    def __post_init__(self) -> None:
        if self.answers and self.rule is not None:
            raise InvalidInput("A scripted human has a list of answers or a rule, not both.")

    @classmethod
    def approving(cls, reason: str = "") -> Self:
        """Somebody who lets everything through, whatever the shape of the card."""
        return cls.by_rule(lambda card: _plainly(card, is_yes=True, reason=reason))

    @classmethod
    def rejecting(cls, reason: str = "") -> Self:
        """Somebody who refuses everything; a breakpoint is stopped at."""
        return cls.by_rule(lambda card: _plainly(card, is_yes=False, reason=reason))

    @classmethod
    def by_rule(cls, rule: Rule) -> Self:
        """Somebody who decides by looking at the card."""
        return cls(rule=rule)

    def open(self) -> Session:
        """Begin a play."""
        return _Ruled(self.rule) if self.rule is not None else _Listed(tuple(self.answers))


class _Ruled:
    def __init__(self, rule: Rule) -> None:
        self._rule = rule

    def decide(self, card: Card) -> Any:
        """What the rule says."""
        return self._rule(card)

    def finish(self) -> None:
        """A rule may never be asked."""


class _Listed:
    def __init__(self, answers: tuple[Any, ...]) -> None:
        self._answers = answers
        self._used_count = 0

    def decide(self, card: Card) -> Any:
        """The next of the list."""
        if self._used_count == len(self._answers):
            raise NoAnswer(
                f"The graph asks {card}, and all {len(self._answers)} answers are given.",
                hint=_takes(card),
            )
        self._used_count += 1
        return self._answers[self._used_count - 1]

    def finish(self) -> None:
        """All answers must have been asked for."""
        left = self._answers[self._used_count :]
        if left:
            shown = ", ".join(map(repr, left[:5]))
            raise AnswersLeft(f"The graph ended, and {len(left)} answers are left: {shown}.")


def decide(session: Session, card: Card) -> tuple[Intent, Json]:
    """
    What is decided on a card, and the answer that the graph gets.

    Raises:
        InvalidInput: The answer does not fit the card; nothing was sent.
        NoAnswer: There is none.
    """
    intent = _read(card, session.decide(card))
    try:
        return intent, payloads.build_answer(card, intent)
    except InvalidInput as exc:
        raise InvalidInput(
            f"{card}: {exc.message}", problems=exc.problems, hint=exc.hint or _takes(card)
        ) from exc


def _plainly(card: Card, *, is_yes: bool, reason: str) -> Intent:
    intent = plain_answers.answer(card, is_yes=is_yes, reason=reason)
    if intent is None:
        word = "yes" if is_yes else "no"
        raise NoAnswer(
            f"{card} takes no plain {word}.",
            hint=f"{_takes(card)} Say what by ScriptedHuman.by_rule(...) or a list of answers.",
        )
    return intent


def _read(card: Card, said: Any) -> Intent:
    """What a rule or a list gave, as an intent."""
    if isinstance(said, Intent):
        return said if said.verb is None else replace(said, verb=_verb(card, said.verb))
    if said is None:
        raise NoAnswer(
            f"The script says nothing to {card}.",
            hint="To answer null, say Intent(verb=Verb.ANSWER, value=None).",
        )
    if isinstance(said, str) and said in _WORDS:
        return Intent(verb=_WORDS[said])
    if card.kind in _ACTION_KINDS:
        each = _each(said)
        if each is not None:
            return Intent(verb=None, each=each)
    return Intent(verb=Verb.ANSWER, value=said)


def _verb(card: Card, word: str) -> Verb:
    if word not in _WORDS:
        raise InvalidInput(f"{card}: {word!r} is no verb.", hint=_takes(card))
    return _WORDS[word]


def _each(said: Any) -> tuple[Json, ...] | None:
    """The decisions in a raw answer to a card of actions, in its shape's own words."""
    if isinstance(said, Mapping):
        said = said.get("decisions", [said])
    return tuple(said) if isinstance(said, (list, tuple)) else None


def _takes(card: Card) -> str:
    return f"It takes {join_words([verb.value for verb in card.allowed])}."
