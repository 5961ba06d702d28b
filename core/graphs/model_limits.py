"""
Limits of calls to a model, put before LangChain's own call without touching the user's models.

LangChain asks a chat model for its `rate_limiter` after its cache and before the provider, in every
way to call it. For models that a policy limits that is ours, and the user's own after it.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any, Protocol
from uuid import UUID

from langchain_core.language_models import BaseChatModel
from langchain_core.rate_limiters import BaseRateLimiter

from interlock.core.graphs.usage import find_price
from interlock.core.model.policies import ModelRules

FIELD = "rate_limiter"
_IS_FREE = "__interlock_free"


class Gate(Protocol):
    """Lets calls to models through as their limits allow; `call_id` is None where nobody tells its end."""

    def enter(self, model: str, call_id: str | None) -> None:
        """Wait in this thread."""
        ...

    async def enter_async(self, model: str, call_id: str | None) -> None:
        """Wait in the event loop."""
        ...

    def leave(self, call_id: str) -> None:
        """A call ended, well or not; of any call, from any thread, and never blocks."""
        ...


def begin(call_id: UUID) -> None:
    """A call to a model begins in this context (LangChain's callback)."""
    if _installed is not None:
        _current.set(str(call_id))


def end(call_id: UUID) -> None:
    """It ended, well or not."""
    if _installed is not None:
        _installed.leave(str(call_id))


def install(models: Mapping[str, ModelRules], gate: Gate) -> None:
    """Put a gate before the chat models of this process that a policy limits."""
    global _installed
    limited = {name: name for name, each in models.items() if each.per_minute or each.in_flight}
    _installed = gate

    def find(model: BaseChatModel) -> BaseRateLimiter | None:
        if _IS_FREE in vars(model):
            return None
        own: BaseRateLimiter | None = vars(model).get(FIELD)
        name = name_of(model, limited)
        return own if name is None else _Limiter(name, gate, own)

    def keep(model: BaseChatModel, own: BaseRateLimiter | None) -> None:
        vars(model)[FIELD] = own

    setattr(BaseChatModel, FIELD, property(find, keep))


def set_free(model: BaseChatModel) -> None:
    """No limit holds for this object: it asks no provider."""
    vars(model).update({FIELD: None, _IS_FREE: True})


def uninstall() -> None:
    """As before."""
    global _installed
    if _installed is not None:
        delattr(BaseChatModel, FIELD)
        _installed = None


_installed: Gate | None = None
_current: ContextVar[str | None] = ContextVar("interlock_model_call", default=None)


class _Limiter(BaseRateLimiter):
    def __init__(self, model: str, gate: Gate, own: BaseRateLimiter | None) -> None:
        self._model = model
        self._gate = gate
        self._own = own

    def acquire(self, *, blocking: bool = True) -> bool:
        self._gate.enter(self._model, _current.get())
        return self._own is None or self._own.acquire(blocking=blocking)

    async def aacquire(self, *, blocking: bool = True) -> bool:
        await self._gate.enter_async(self._model, _current.get())
        return self._own is None or await self._own.aacquire(blocking=blocking)


def name_of(model: BaseChatModel, limited: Mapping[str, str]) -> str | None:
    """Under which of the policy's names a model goes: with its provider, without, without a date."""
    about: Mapping[str, Any] = model._get_ls_params()  # noqa: SLF001  how LangChain names it to its callbacks
    return find_price(limited, "", about)
