"""
Tokens and their cost, per attempt of a node: what the model calls within it say they used.

Calls are told apart by the task that made them, so what a nested node used is its own and not its
parent's too. A result that came from a cache used nothing.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeVar
from uuid import UUID

from interlock.core.model.nodes import NodeRun
from interlock.core.model.policies import Price
from interlock.core.model.usage import NO_USAGE, Usage

T = TypeVar("T")
PER = 1_000_000  # tokens that a price is for
_DATED = re.compile(r"[-@:]?(\d{4}-?\d{2}-?\d{2}|latest|\d{3,4})$")  # gpt-4o-2024-08-06


class Meter:
    """Adds up what one run's model calls used; called in any thread."""

    def __init__(self, prices: Mapping[str, Price] | None = None) -> None:
        self._prices = prices or {}
        self._lock = threading.Lock()
        self._calls: dict[UUID, tuple[list[str], Mapping[str, Any]]] = {}
        self._spent: dict[str, Usage] = {}  # by task id
        self._costs: dict[str, float] = {}  # by task id, what ran within it included
        self.total = NO_USAGE

    def begin(self, call_id: UUID, about: Mapping[str, Any] | None) -> None:
        """A model is called; `about` is the metadata of the callback."""
        if about and "langgraph_checkpoint_ns" in about:
            namespace = str(about["langgraph_checkpoint_ns"])
            tasks = [part.rpartition(":")[2] for part in namespace.split("|")]
            with self._lock:
                self._calls[call_id] = (tasks, about)

    def end(self, call_id: UUID, response: Any) -> None:
        """It answered; a response of None is a call that failed."""
        with self._lock:
            tasks, about = self._calls.pop(call_id, ([""], {}))
            if not tasks[-1] or response is None:
                return
            usage = read_usage(response, about, self._prices)
            if usage != NO_USAGE:
                self._spent[tasks[-1]] = self._spent.get(tasks[-1], NO_USAGE) + usage
                self.total += usage
            for task_id in tasks if usage.cost else ():
                self._costs[task_id] = self._costs.get(task_id, 0.0) + (usage.cost or 0.0)

    def cost_of(self, task_id: str) -> float:
        """What the model calls of a task cost so far, in all its tries and all that ran within it."""
        with self._lock:
            return self._costs.get(task_id, 0.0)

    def fill(self, record: NodeRun) -> NodeRun:
        """The record of an attempt that just ended, with what was used in it."""
        with self._lock:
            usage = self._spent.pop(record.task_id, None)
        if usage is None:
            return record
        return replace(
            record, tokens_in=usage.tokens_in, tokens_out=usage.tokens_out, cost=usage.cost
        )


def read_usage(response: Any, about: Mapping[str, Any], prices: Mapping[str, Price]) -> Usage:
    """
    What a model call used.

    Args:
        response: LangChain's `LLMResult`.
        about: The metadata of the call, which names the model.
        prices: By name of the model, with or without its provider: "openai:gpt-4o", "gpt-4o".
    """
    output = getattr(response, "llm_output", None) or {}
    found, named = NO_USAGE, str(output.get("model_name") or output.get("model") or "")
    for generations in getattr(response, "generations", None) or ():
        for generation in generations[:1]:
            message = getattr(generation, "message", None)
            told = getattr(message, "usage_metadata", None) or {}
            if told.get("total_cost") == 0:  # LangChain's mark of an answer from its cache
                return NO_USAGE
            answered = getattr(message, "response_metadata", None) or {}
            named = named or str(answered.get("model_name") or answered.get("model") or "")
            found += Usage(
                tokens_in=_count(told.get("input_tokens")),
                tokens_out=_count(told.get("output_tokens")),
            )
    if found == NO_USAGE:
        told = output.get("token_usage") or output.get("usage") or {}
        found = Usage(
            tokens_in=_count(told.get("prompt_tokens", told.get("input_tokens"))),
            tokens_out=_count(told.get("completion_tokens", told.get("output_tokens"))),
        )
    if found == NO_USAGE:
        return NO_USAGE
    price = find_price(prices, named, about)
    if price is None:
        return found
    cost = (found.tokens_in * price.input + found.tokens_out * price.output) / PER
    return replace(found, cost=cost)


def find_price(prices: Mapping[str, T], named: str, about: Mapping[str, Any]) -> T | None:
    """What a table has for a model by the name it gives itself, or it was asked for by; a date is left off."""
    if not prices:
        return None
    provider = str(about.get("ls_provider") or "")
    for name in dict.fromkeys(n for n in (named, str(about.get("ls_model_name") or "")) if n):
        for spelled in (name, _DATED.sub("", name)):
            for key in (f"{provider}:{spelled}", spelled):
                if key in prices:
                    return prices[key]
    return None


def _count(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0
