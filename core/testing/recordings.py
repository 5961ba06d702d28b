"""A golden run as it stands in its file, and the human who decides as it was decided there."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from interlock.core.model.approvals import Intent, Verb
from interlock.core.testing.cards import Card
from interlock.core.testing.differing import find_differences
from interlock.core.testing.failures import AnswersLeft, Failed, GoldenDiffers
from interlock.core.testing.plays import Asked, Played
from interlock.core.testing.rules import Rules, check_addresses
from interlock.core.testing.values import as_json
from interlock.core.testing.volatile import Masker, Span
from interlock.core.types import Json

FORMAT = 1
UPDATE_VARIABLE = "INTERLOCK_GOLDEN_UPDATE"
_HINT = f"If that is as it should be, run the test once with {UPDATE_VARIABLE}=1 and look at what changed."


def read(path: Path) -> dict[str, Json]:
    """
    The golden run of a file.

    Raises:
        Failed: There is none, or it cannot be read.
    """
    try:
        recording = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as exc:
        raise Failed(f"There is no golden run {path}.", hint="Make it by record(...).") from exc
    except ValueError as exc:
        raise Failed(f"The golden run {path} cannot be read: {exc}.") from exc
    if not isinstance(recording, dict) or recording.get("golden") != FORMAT:
        raise Failed(f"{path} is no golden run, or one of another version of Interlock.")
    return recording


def write(path: Path, recording: Json) -> None:
    """Put a golden run into its file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(recording, indent=2, ensure_ascii=False)
    path.write_text(f"{text}\n", encoding="utf-8")


@dataclass(frozen=True)
class Scribe:
    """Writes a run down; what stands in its input stays as it is, ids and times of the day do not."""

    graph_input: Json
    context: Json
    began_s: float = field(default_factory=time.time)

    def tell(self, played: Played) -> dict[str, Json]:
        """The whole run, as it stands in its file."""
        told: dict[str, Json] = {"golden": FORMAT, "input": self.graph_input}
        if self.context is not None:
            told["context"] = self.context
        told["decisions"] = [self.tell_decision(asked) for asked in played.questions]
        told["path"] = list(played.path)
        told["values"] = self._mask(as_json(played.values), played.questions)
        if played.error is not None:
            error = f"{type(played.error).__name__}: {played.error}"
            told["error"] = self._mask(error, played.questions)
        return told

    def tell_card(self, card: Card) -> dict[str, Json]:
        """What was asked."""
        return {
            "node": card.node,
            "kind": card.kind.value,
            "title": self._mask(card.title),
            "takes": [verb.value for verb in card.allowed],
            "asked": self._mask(card.payload),
        }

    def tell_decision(self, asked: Asked) -> dict[str, Json]:
        """What was asked, and decided."""
        told, intent = self.tell_card(asked.card), asked.intent
        if intent.verb is not None:
            told["verb"] = intent.verb.value
        if intent.value is not None or intent.verb is Verb.ANSWER:
            told["value"] = intent.value
        if intent.each is not None:
            told["each"] = list(intent.each)
        if intent.reason:
            told["reason"] = intent.reason
        return told

    def _mask(self, value: Json, questions: tuple[Asked, ...] = ()) -> Json:
        answers = [asked.answer for asked in questions]
        known = json.dumps([self.graph_input, self.context, answers], ensure_ascii=False)
        return Masker(Span.since(self.began_s), known).mask(value)


class Recorded:
    """
    The human of a golden run: to each question what was decided on it, whichever comes first.

    Args:
        recording: The golden run.
        scribe: Of the present run.
        rules: By which questions are the same.
        is_update: Whether a changed question gets the decision of the one before at that node.
    """

    def __init__(
        self, recording: Mapping[str, Json], scribe: Scribe, rules: Rules, *, is_update: bool
    ) -> None:
        self._scribe = scribe
        self._rules = rules
        self._is_update = is_update
        self._left: dict[int, Mapping[str, Json]] = dict(enumerate(recording["decisions"]))

    def decide(self, card: Card) -> Intent:
        """What was decided on this question."""
        told = self._scribe.tell_card(card)
        here = [at for at, decision in self._left.items() if decision["node"] == card.node]
        for at in here:
            if not self._compare(at, told):
                return _intent(self._left.pop(at))
        if not here:
            raise GoldenDiffers(f"The golden run has no decision on {card}.", hint=_HINT)
        if self._is_update:
            return _intent(self._left.pop(here[0]))
        lines = "\n  ".join(self._compare(here[0], told))
        raise GoldenDiffers(
            f"The question {card} is not the one that was decided (decisions.{here[0]}):\n  {lines}\n",
            hint=_HINT,
        )

    def finish(self) -> None:
        """All that was decided must have been asked."""
        if self._left and not self._is_update:
            titles = ", ".join(f'"{d["title"]}" of {d["node"]}' for d in self._left.values())
            raise AnswersLeft(f"The graph no longer asks {titles}.", hint=_HINT)

    def _compare(self, at: int, told: Mapping[str, Json]) -> list[str]:
        asked = {name: self._left[at].get(name) for name in told}
        return find_differences(asked, dict(told), self._rules, at=("decisions", str(at)))


def compare(
    path: Path, recording: Mapping[str, Json], now: Mapping[str, Json], rules: Rules
) -> None:
    """
    Hold the present run against the golden one.

    Raises:
        GoldenDiffers: They differ; the message says where.
    """
    check_addresses(rules, (recording, now))
    names = [name for name in ("path", "values", "error") if name in {**recording, **now}]
    lines: list[str] = []
    for name in names:
        lines += find_differences(
            {name: recording[name]} if name in recording else {},
            {name: now[name]} if name in now else {},
            {address: rule for address, rule in rules.items() if address.split(".")[0] == name},
            at=(),
        )
    if lines:
        shown = "\n  ".join(lines)
        raise GoldenDiffers(f"{path.name} was recorded otherwise:\n  {shown}\n", hint=_HINT)


def _intent(decision: Mapping[str, Any]) -> Intent:
    verb, each = decision.get("verb"), decision.get("each")
    return Intent(
        verb=Verb(verb) if verb is not None else None,
        value=decision.get("value"),
        each=tuple(each) if each is not None else None,
        reason=decision.get("reason", ""),
    )
