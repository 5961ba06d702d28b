"""Caches of what runs within a node: calls of tools by their arguments, of models by their prompt."""

from __future__ import annotations

import json
import logging
import re
import threading
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from functools import wraps
from typing import Any
from uuid import uuid4

from langchain_core.caches import RETURN_VAL_TYPE, BaseCache
from langchain_core.globals import get_llm_cache, set_llm_cache
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import ToolMessage, messages_from_dict, messages_to_dict
from langchain_core.outputs import ChatGeneration, Generation, LLMResult
from langchain_core.runnables import RunnableConfig
from langchain_core.runnables.config import var_child_runnable_config
from langgraph.checkpoint.serde.base import SerializerProtocol

from interlock.core.errors import InterlockError
from interlock.core.graphs import cache_keys
from interlock.core.graphs.cache_asking import Asker, Question
from interlock.core.graphs.guarding import Call
from interlock.core.graphs.guarding import Place as NodePlace
from interlock.core.graphs.model_limits import name_of
from interlock.core.graphs.notes import Notes
from interlock.core.graphs.usage import find_price, read_usage
from interlock.core.model.caches import MODEL_PREFIX, TOOL_MARK, Found, Place
from interlock.core.model.policies import CacheRules, ModelRules, Price, ToolPolicy

SCRATCHPAD = "__pregel_scratchpad"

MAX_KNOWN = 1000  # ways in which models are asked, settings and tools included
_QUOTED = re.compile(r"""["']([^"']{1,200})["']""")

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class RunCalls:
    """What calls within one run need of it."""

    asker: Asker
    notes: Notes
    serde: SerializerProtocol
    workflow: str
    # What the task of this config writes is not its own, and is kept by no cache.
    leave_out: Callable[[RunnableConfig], None] = lambda _: None


current: ContextVar[RunCalls | None] = ContextVar("interlock_run_calls", default=None)


class ToolCaches:
    """A worker's `guarding.ToolHook` for tools whose policy has a cache."""

    def covers(self, place: NodePlace) -> bool:
        """Whether a tool has one."""
        return _rules_of(place) is not None

    async def call_async(self, call: Call, proceed: Callable[[], Awaitable[Any]]) -> Any:
        """One call, in the event loop."""
        run, question = current.get(), _tool_question(call)
        if run is None or question is None or _has_answers():
            return await proceed()
        try:
            hit = await run.asker.find_async(question)
        except InterlockError as exc:
            say_failed(question.place, exc)
            return await proceed()
        if hit is not None and (kept := _restore(run, question, hit)) is not None:
            return kept
        try:
            result = await proceed()
        except BaseException:
            await run.asker.call(drop, run, question)
            raise
        await run.asker.call(_keep_tool, run, question, result)
        return result

    def call(self, call: Call, proceed: Callable[[], Any]) -> Any:
        """One call, from any thread."""
        run, question = current.get(), _tool_question(call)
        if run is None or question is None or _has_answers():
            return proceed()
        try:
            hit = run.asker.find(question)
        except InterlockError as exc:
            say_failed(question.place, exc)
            return proceed()
        if hit is not None and (kept := _restore(run, question, hit)) is not None:
            return kept
        try:
            result = proceed()
        except BaseException:
            drop(run, question)
            raise
        _keep_tool(run, question, result)
        return result


def _rules_of(place: NodePlace) -> CacheRules | None:
    if not place.tool or not isinstance(place.policy, ToolPolicy) or place.policy.side_effects:
        return None
    return place.policy.cache


def _tool_question(call: Call) -> Question | None:
    rules, run = _rules_of(call.place), current.get()
    if rules is None or run is None:
        return None
    place = Place(call.place.workflow, f"{call.place.path}{TOOL_MARK}{call.place.tool}")
    try:
        key = cache_keys.make_key(dict(call.arguments), rules.key, cache_keys.encoder_of(run.serde))
    except cache_keys.NoKey:
        return None
    return Question(place, rules, key)


def _has_answers() -> bool:
    """Whether the node goes on with a human's answer, which the tool may have asked for."""
    around: Mapping[str, Any] = var_child_runnable_config.get() or {}
    scratchpad = around.get("configurable", {}).get(SCRATCHPAD)
    return bool(getattr(scratchpad, "resume", None))


def _keep_tool(run: RunCalls, question: Question, result: Any) -> None:
    """Only what a tool said when it went well; a command moves the graph and is never kept."""
    try:
        if not isinstance(result, ToolMessage) or result.status == "error":
            run.asker.drop(question)
            return
        run.asker.keep(question, *run.serde.dumps_typed(result))
    except Exception as exc:  # noqa: BLE001 - an artifact without a lasting form
        say_failed(question.place, exc)
        drop(run, question)


def drop(run: RunCalls, question: Question) -> None:
    """An answer did not come about: that a cache cannot be told so is no matter of whoever asked."""
    try:
        run.asker.drop(question)
    except InterlockError as exc:
        say_failed(question.place, exc)


def _restore(run: RunCalls, question: Question, hit: Found) -> Any:
    try:
        kept = run.serde.loads_typed((hit.entry.encoding, hit.entry.value))
    except Exception as exc:  # noqa: BLE001 - what was kept before the code changed
        say_failed(question.place, exc)
        run.asker.refuse(question, hit)
        return None
    _tell(run, question.place, hit)
    return kept


def _tell(run: RunCalls, place: Place, hit: Found) -> None:
    path, _, tool = place.path.partition(TOOL_MARK)
    how = str(hit.tier)
    if hit.similarity is not None:
        how += f", similarity {hit.similarity:.3f} to {hit.entry.question!r}"
    run.notes.warn(f"{tool} was served from a cache: {how}.", "" if path == "model" else path)


def say_failed(place: Place, error: Exception) -> None:
    """In the worker's log: a cache could not be used here."""
    reason = f"{type(error).__name__}: {error}"
    logger.warning("cache_failed", extra={"place": str(place), "reason": reason})


# -- models --------------------------------------------------------------------------------


class ModelCaches(BaseCache):
    """
    LangChain's cache of model calls, for the models whose policy has one.

    Other models, and calls outside of a run, have the cache that was set before, if there was one.
    """

    def __init__(
        self,
        models: Mapping[str, ModelRules],
        before: BaseCache | None,
        prices: Mapping[str, Price],
    ) -> None:
        self.prices = prices
        self._rules = {name: rules.cache for name, rules in models.items() if rules.cache}
        self._names = {name: name for name in self._rules}
        self._before = before
        self._known: OrderedDict[str, str | None] = OrderedDict()
        self._lock = threading.Lock()

    def lookup(self, prompt: str, llm_string: str) -> RETURN_VAL_TYPE | None:
        """What the model said to this prompt."""
        run, question = self.question_of(prompt, llm_string)
        if run is None or question is None:
            return self._before.lookup(prompt, llm_string) if self._before else None
        try:
            return generations_of(run, question, run.asker.find(question))
        except InterlockError as exc:
            say_failed(question.place, exc)
            return None

    async def alookup(self, prompt: str, llm_string: str) -> RETURN_VAL_TYPE | None:
        """The same."""
        run, question = self.question_of(prompt, llm_string)
        if run is None or question is None:
            return await self._before.alookup(prompt, llm_string) if self._before else None
        try:
            return generations_of(run, question, await run.asker.find_async(question))
        except InterlockError as exc:
            say_failed(question.place, exc)
            return None

    def update(self, prompt: str, llm_string: str, return_val: RETURN_VAL_TYPE) -> None:
        """Keep what the model said."""
        run, question = self.question_of(prompt, llm_string)
        if run is None or question is None:
            if self._before:
                self._before.update(prompt, llm_string, return_val)
            return
        keep_said(run, question, return_val, self.prices)

    async def aupdate(self, prompt: str, llm_string: str, return_val: RETURN_VAL_TYPE) -> None:
        """The same."""
        run, question = self.question_of(prompt, llm_string)
        if run is None or question is None:
            if self._before:
                await self._before.aupdate(prompt, llm_string, return_val)
            return
        await run.asker.call(keep_said, run, question, return_val, self.prices)

    def clear(self, **kwargs: Any) -> None:
        """Ours is cleared by operators."""
        if self._before:
            self._before.clear(**kwargs)

    def question_of(self, prompt: str, llm_string: str) -> tuple[RunCalls | None, Question | None]:
        """What is asked of our own caches, and within which run; None where there is none."""
        run = current.get()
        name = self._find_model(llm_string)
        rules = self._rules[name] if name is not None else None
        if run is None or rules is None:
            return run, None
        said, rest = _last_words(prompt)
        key = cache_keys.Key(
            exact=cache_keys.digest(prompt, llm_string),
            rest=cache_keys.digest(rest, llm_string),
            texts=(said,) if said.strip() else (),
            question=said[: cache_keys.MAX_QUESTION_CHARS],
        )
        return run, Question(Place(run.workflow, f"{MODEL_PREFIX}{name}"), rules, key)

    def learn(self, model: BaseChatModel, llm_string: str) -> None:
        """A chat model is about to ask, as this string: its name is found as for limits."""
        if llm_string not in self._known:
            name = name_of(model, self._names)
            with self._lock:
                self._known[llm_string] = name
                if len(self._known) > MAX_KNOWN:
                    self._known.popitem(last=False)

    def _find_model(self, llm_string: str) -> str | None:
        """Which of the policy's models is called; one of plain text is known by what it quotes."""
        if llm_string in self._known:
            return self._known[llm_string]
        for quoted in dict.fromkeys(_QUOTED.findall(llm_string)):
            provider, _, bare = quoted.rpartition(":")
            about = {"ls_provider": provider, "ls_model_name": bare}
            name = find_price(self._names, "", about)
            if name is not None:
                return name
        return None


def install_model_caches(
    models: Mapping[str, ModelRules], prices: Mapping[str, Price] | None = None
) -> None:
    """Put the caches of models in place; nothing where no policy has one."""
    if any(rules.cache is not None for rules in models.values()):
        _let_models_tell()
        set_llm_cache(ModelCaches(models, get_llm_cache(), prices or {}))


def _let_models_tell() -> None:
    """LangChain asks a cache with a string alone, which names no provider: note who asks so."""
    inner = BaseChatModel._get_llm_string  # noqa: SLF001  there is no public place
    if hasattr(inner, "__wrapped__"):
        return

    @wraps(inner)
    def get_llm_string(model: BaseChatModel, stop: list[str] | None = None, **kwargs: Any) -> str:
        llm_string = inner(model, stop, **kwargs)
        cache = get_llm_cache()
        if isinstance(cache, ModelCaches):
            cache.learn(model, llm_string)
        return llm_string

    setattr(BaseChatModel, "_get_llm_string", get_llm_string)  # noqa: B010  mypy lets no method be assigned


def _last_words(prompt: str) -> tuple[str, str]:
    """The text of the newest message, and all of the prompt but that; a plain prompt is all text."""
    try:
        messages = json.loads(prompt)
        last = messages[-1]["kwargs"]
        said = last["content"]
    except (ValueError, KeyError, TypeError, IndexError):
        return prompt, ""
    if not isinstance(said, str):
        return "", prompt
    last["content"] = ""
    return said, json.dumps(messages, sort_keys=True)


def generations_of(run: RunCalls, question: Question, hit: Found | None) -> list[Generation] | None:
    """What a hit holds, told in the run's log; None where it holds nothing that can be used."""
    if hit is None:
        return None
    try:
        kept = json.loads(hit.entry.value)
        said = [_restore_generation(each) for each in kept]
    except Exception as exc:  # noqa: BLE001 - what was kept before LangChain changed
        say_failed(question.place, exc)
        run.asker.refuse(question, hit)
        return None
    _tell(run, question.place, hit)
    return said


def _restore_generation(kept: Mapping[str, Any]) -> Generation:
    if kept["message"] is None:
        return Generation(text=kept["text"], generation_info=kept["info"])
    (message,) = messages_from_dict([kept["message"]])
    message.id = str(uuid4())  # else it would replace the earlier answer of its thread
    return ChatGeneration(message=message, generation_info=kept["info"])


def keep_said(
    run: RunCalls,
    question: Question,
    said: Sequence[Generation],
    prices: Mapping[str, Price],
) -> None:
    """As JSON: nothing but texts and plain values comes back from it."""
    try:
        kept = [
            {
                "text": each.text,
                "info": each.generation_info,
                "message": messages_to_dict([each.message])[0]
                if isinstance(each, ChatGeneration)
                else None,
            }
            for each in said
        ]
        about = {"ls_model_name": question.place.path.removeprefix(MODEL_PREFIX)}
        used = read_usage(LLMResult(generations=[list(said)]), about, prices)
        run.asker.keep(question, "json", json.dumps(kept).encode(), cost=used.cost or 0.0)
    except Exception as exc:  # noqa: BLE001 - a provider's extras without a lasting form
        say_failed(question.place, exc)
        drop(run, question)
