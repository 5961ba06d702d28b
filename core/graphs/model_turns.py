"""
Providers in turn: where the provider of a chat model fails, another answers, and the user's models stay.

A call is one of LangChain's `invoke`, `ainvoke`, `stream` and `astream`, to which all others come
down. Where it fails as an outage or a rate limit does, once its client and the keys in turn
(`model_keys`) have given up, the same messages go to the next model with the same tools and settings.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from datetime import datetime
from functools import partial, wraps
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.runnables import Runnable, RunnableConfig
from langchain_core.runnables.config import ensure_config
from langgraph._internal._config import patch_configurable

from interlock.core.graphs import call_caching, failing, listening
from interlock.core.graphs.model_limits import name_of
from interlock.core.graphs.model_making import Maker, carry_over
from interlock.core.graphs.namespaces import path_of
from interlock.core.model.failure_kinds import TRANSIENT, find_retry_after_s, kind_of
from interlock.core.model.model_turns import Lineup
from interlock.core.model.policies import ModelRules

MAX_WHY_CHARS = 300
HAS_BEGUN = "__interlock_turns"  # in a config: who answers is settled by a call around this one

logger = logging.getLogger(__name__)


class ModelTurns:
    """The models of a process that others answer for."""

    def __init__(self, models: Mapping[str, ModelRules], *, now: Callable[[], datetime]) -> None:
        self._lineups = {name: Lineup(name, each.then) for name, each in models.items()}
        self._names = {name: name for name in models}
        self._now = now
        self._maker = Maker()
        self._before: dict[str, Any] = {}

    def find_unusable(self) -> Iterator[tuple[str, str, str]]:
        """Of what can be said before a call: the model, who should answer for it, why that cannot be."""
        for lineup in self._lineups.values():
            for stand_in in lineup.stand_ins:
                problem = self._maker.check(stand_in)
                if problem is not None:
                    yield lineup.model, stand_in.label, problem

    def install(self) -> None:
        """Stand before every chat model of this process."""
        for name, wrap in _WRAPS.items():
            self._before[name] = getattr(BaseChatModel, name)
            setattr(BaseChatModel, name, wrap(self, self._before[name]))

    def stop(self) -> None:
        """As before."""
        while self._before:
            setattr(BaseChatModel, *self._before.popitem())

    def begin(
        self, model: BaseChatModel, config: RunnableConfig | None, kwargs: Mapping[str, Any]
    ) -> _Call | None:
        """A call to a model that others answer for; None for any other."""
        if self._maker.has_made(model) or HAS_BEGUN in (config or {}).get("configurable", {}):
            return None
        name = name_of(model, self._names)
        if name is None:
            return None
        return _Call(self._lineups[name], self._maker, model, config, kwargs, self._now)


class _Call:
    """One call, and who was asked so far."""

    def __init__(
        self,
        lineup: Lineup,
        maker: Maker,
        model: BaseChatModel,
        config: RunnableConfig | None,
        kwargs: Mapping[str, Any],
        now: Callable[[], datetime],
    ) -> None:
        self._lineup = lineup
        self._maker = maker
        self._model = model
        self._config = config
        self._kwargs = kwargs
        self._now = now
        self._left = lineup.order(now())
        self._place = 0
        self._own: Exception | None = None
        self._failed: list[str] = []

    def next(self, inner: Callable[..., Any], name: str) -> Callable[[Any], Any]:
        """How to ask the next one, given the input; the model itself is asked by `inner`."""
        while True:
            self._place = self._left.pop(0)
            if self._place == 0:
                config = self._config_of_own() if "stream" in name else self._config
                return lambda given: inner(self._model, given, config, **self._kwargs)
            try:
                other, kwargs = self._prepare()
            except Exception as exc:  # noqa: BLE001  what a foreign package says while it is set up
                self._note(exc)
                if not self._left:
                    raise self._give_up() from None
                continue
            # Its own call: an id that the caller chose is that of the first.
            rest = {k: v for k, v in (self._config or {}).items() if k != "run_id"}
            return partial(_ask, getattr(other, name), rest, kwargs)

    async def next_async(self, inner: Callable[..., Any], name: str) -> Callable[[Any], Any]:
        """The same in the event loop; what may have to be imported first is in a thread."""
        if self._left[0] == 0:
            return self.next(inner, name)
        return await asyncio.to_thread(self.next, inner, name)

    def fail(self, error: Exception) -> None:
        """
        Learn of an error.

        Raises:
            Exception: Nobody else is to be asked: the model's own error, with those of the others.
        """
        kind = kind_of(error)
        is_own = self._place == 0
        if kind is None or (is_own and kind not in TRANSIENT):
            raise error
        now = self._now()
        asked_s = find_retry_after_s(error, now)
        self._lineup.let_rest(self._place, kind, now, asked_s=asked_s)
        if is_own:
            self._own = error
        else:
            self._note(error)
        if not self._left:
            raise self._give_up()

    def tell(self) -> None:
        """The one that was asked last has answered; that it was another is seen in the run."""
        if self._place == 0:
            return
        lineup, label = self._lineup, self._label
        if self._own is not None:
            why = f"{type(self._own).__name__}: {failing.message_of(self._own)}"[:MAX_WHY_CHARS]
        else:
            until = lineup.find_rest(0, self._now()) or self._now()
            why = f"it rests until {until:%H:%M:%S} UTC"
        logger.warning("model_stood_in", extra={"model": lineup.model, "by": label, "reason": why})
        config = ensure_config(self._config)
        listener = listening.find_listener(config)
        if listener is None:
            return
        namespace = str(config.get("metadata", {}).get("langgraph_checkpoint_ns", ""))
        listener.notes.warn(
            f"{label} answered in place of {lineup.model}: {why}", path_of(namespace)
        )
        listener.notes.mark_degraded()
        listener.notes.tell_stand_in(namespace.rpartition(":")[2], label)
        if (caches := call_caching.current.get()) is not None:
            caches.leave_out(config)

    @property
    def _label(self) -> str:
        return self._lineup.stand_ins[self._place - 1].label

    def _config_of_own(self) -> RunnableConfig:
        """A model that has no stream is invoked by LangChain, which is the same call."""
        return patch_configurable(ensure_config(self._config), {HAS_BEGUN: True})

    def _prepare(self) -> tuple[Runnable[Any, Any], dict[str, Any]]:
        other = self._maker.make(self._model, self._lineup.stand_ins[self._place - 1])
        return carry_over(self._model, other, self._kwargs)

    def _note(self, error: Exception) -> None:
        text = f"{type(error).__name__}: {failing.message_of(error)}"
        self._failed.append(f"{self._label} in its place failed, too: {text}")

    def _give_up(self) -> Exception:
        assert self._own is not None  # the model itself is among those that are asked
        for line in self._failed:
            self._own.add_note(line)
        return self._own


def _ask(
    ask: Callable[..., Any], config: Mapping[str, Any], kwargs: Mapping[str, Any], given: Any
) -> Any:
    return ask(given, config, **kwargs)


def _wrap_invoke(turns: ModelTurns, inner: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(inner)
    def invoke(
        model: BaseChatModel, input: Any, config: RunnableConfig | None = None, **kwargs: Any
    ) -> Any:
        call = turns.begin(model, config, kwargs)
        if call is None:
            return inner(model, input, config, **kwargs)
        while True:
            ask = call.next(inner, "invoke")
            try:
                answer = ask(input)
            except Exception as exc:  # noqa: BLE001  a provider's; told apart by its kind
                call.fail(exc)
            else:
                call.tell()
                return answer

    return invoke


def _wrap_ainvoke(turns: ModelTurns, inner: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(inner)
    async def ainvoke(
        model: BaseChatModel, input: Any, config: RunnableConfig | None = None, **kwargs: Any
    ) -> Any:
        call = turns.begin(model, config, kwargs)
        if call is None:
            return await inner(model, input, config, **kwargs)
        while True:
            ask = await call.next_async(inner, "ainvoke")
            try:
                answer = await ask(input)
            except Exception as exc:  # noqa: BLE001  a provider's; told apart by its kind
                call.fail(exc)
            else:
                call.tell()
                return answer

    return ainvoke


def _wrap_stream(turns: ModelTurns, inner: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(inner)
    def stream(
        model: BaseChatModel, input: Any, config: RunnableConfig | None = None, **kwargs: Any
    ) -> Iterator[Any]:
        call = turns.begin(model, config, kwargs)
        if call is None:
            yield from inner(model, input, config, **kwargs)
            return
        while True:
            ask = call.next(inner, "stream")
            has_begun = False
            try:
                for part in ask(input):
                    if not has_begun:
                        has_begun = True
                        call.tell()
                    yield part
            except Exception as exc:
                if has_begun:  # what was heard cannot be taken back
                    raise
                call.fail(exc)
            else:
                return

    return stream


def _wrap_astream(turns: ModelTurns, inner: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(inner)
    async def astream(
        model: BaseChatModel, input: Any, config: RunnableConfig | None = None, **kwargs: Any
    ) -> AsyncIterator[Any]:
        call = turns.begin(model, config, kwargs)
        if call is None:
            async for part in inner(model, input, config, **kwargs):
                yield part
            return
        while True:
            ask = await call.next_async(inner, "astream")
            has_begun = False
            try:
                async for part in ask(input):
                    if not has_begun:
                        has_begun = True
                        call.tell()
                    yield part
            except Exception as exc:
                if has_begun:  # what was heard cannot be taken back
                    raise
                call.fail(exc)
            else:
                return

    return astream


_WRAPS = {
    "invoke": _wrap_invoke,
    "ainvoke": _wrap_ainvoke,
    "stream": _wrap_stream,
    "astream": _wrap_astream,
}
