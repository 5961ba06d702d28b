"""
Making the chat models that answer in another's place, and giving them what that one was called with.

Of another class is made what LangChain's `init_chat_model` makes, with the settings that the user gave
his own model; of the same class one like it, but for what differs.
"""

from __future__ import annotations

import inspect
import os
import threading
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from langchain.chat_models import init_chat_model
from langchain_core.language_models import BaseChatModel
from langchain_core.runnables import Runnable, RunnableBinding
from langchain_core.utils.function_calling import convert_to_openai_tool

from interlock.core.errors import InvalidInput
from interlock.core.model.policies import StandIn

MAX_MADE = 64  # models kept; a project that makes its own anew for each call has many
# Under LangChain's own names for what every provider has, the fields that hold it.
_SETTINGS = {
    "temperature": ("temperature",),
    "max_tokens": ("max_tokens", "max_completion_tokens"),
    "timeout": ("timeout", "request_timeout", "default_request_timeout"),
    "max_retries": ("max_retries",),
}
_MODEL_NAMES = ("model", "model_name", "model_id")
# What every provider understands by the same name when it is called.
_COMMON = frozenset({"stop", "temperature", "max_tokens", "top_p", "ls_structured_output_format"})
_TOOLS = ("tools", "tool_choice", "parallel_tool_calls")


class Maker:
    """The models made so far; from any thread."""

    def __init__(self) -> None:
        self._made: OrderedDict[tuple[int, StandIn], tuple[BaseChatModel, BaseChatModel]] = (
            OrderedDict()
        )
        self._ids: set[int] = set()
        self._lock = threading.Lock()

    def has_made(self, model: BaseChatModel) -> bool:
        """Whether a model is one of these."""
        return id(model) in self._ids

    def make(self, model: BaseChatModel, stand_in: StandIn) -> BaseChatModel:
        """What answers in a model's place."""
        key = (id(model), stand_in)
        with self._lock:
            found = self._made.get(key)  # holds the model, so that its id stays its own
            if found is None:
                found = self._made[key] = model, _make(stand_in, model)
                self._ids.add(id(found[1]))
            if len(self._made) > MAX_MADE:
                _, (_, oldest) = self._made.popitem(last=False)
                self._ids.discard(id(oldest))
            self._made.move_to_end(key)
            return found[1]

    def check(self, stand_in: StandIn) -> str | None:
        """Why it surely cannot be made, in words; None if it can, or depends on the model."""
        try:
            if stand_in.provider is not None:
                _make(stand_in, None)
            else:
                _read_place(stand_in)
        except (ImportError, ValueError, InvalidInput) as exc:
            # Pydantic's holds what it was given: only of what it is.
            is_ours = type(exc) in {ImportError, ValueError, InvalidInput}
            return (
                str(exc) if is_ours else f"{type(exc).__name__}: {str(exc).partition(chr(10))[0]}"
            )
        except Exception as exc:  # noqa: BLE001  a provider's package says what it lacks
            return f"{type(exc).__name__}: {str(exc).partition(chr(10))[0]}"
        return None


def carry_over(
    model: BaseChatModel, other: BaseChatModel, kwargs: Mapping[str, Any]
) -> tuple[Runnable[Any, Any], dict[str, Any]]:
    """
    What to call instead, and with what: tools and settings as the other's class spells them.

    Raises:
        InvalidInput: Something of it has no meaning for another class.
    """
    if type(model) is type(other):
        return other, dict(kwargs)
    rest = {name: value for name, value in kwargs.items() if name not in _TOOLS}
    strange = sorted(name for name in rest if name not in _COMMON)
    if strange:
        what = ", ".join(strange)
        raise InvalidInput(f"The call has {what}, which only a model of the same class takes.")
    if not kwargs.get("tools"):
        return other, rest
    bound = other.bind_tools(
        [convert_to_openai_tool(tool) for tool in kwargs["tools"]], **_say_choice(other, kwargs)
    )
    assert isinstance(bound, RunnableBinding)  # as LangChain has it of `bind_tools`
    return other, {**bound.kwargs, **rest}


def _say_choice(other: BaseChatModel, kwargs: Mapping[str, Any]) -> dict[str, Any]:
    said: dict[str, Any] = {}
    choice = kwargs.get("tool_choice")
    if isinstance(choice, Mapping):
        function = choice.get("function") or choice
        choice = function.get("name") or choice.get("type")
    if choice is not None:
        if choice is False or choice == "none":
            raise InvalidInput("The call forbids its tools, which not every provider can say.")
        said["tool_choice"] = "any" if choice in ("required", True) else choice
    parallel = kwargs.get("parallel_tool_calls")
    if parallel is not None:
        if "parallel_tool_calls" in inspect.signature(other.bind_tools).parameters:
            said["parallel_tool_calls"] = parallel
        elif not parallel:
            raise InvalidInput("The call wants one tool at a time, which this model cannot say.")
    return said


def _make(stand_in: StandIn, model: BaseChatModel | None) -> BaseChatModel:
    place = _read_place(stand_in)
    if stand_in.provider is None:
        assert model is not None  # one like it
        return _make_alike(model, {"model": stand_in.model, **place})
    settings: dict[str, Any] = {} if model is None else _read_settings(model)
    settings |= place
    made: BaseChatModel = init_chat_model(
        stand_in.model, model_provider=stand_in.provider, **settings
    )
    return made


def _read_place(stand_in: StandIn) -> dict[str, str]:
    place = {} if stand_in.base_url is None else {"base_url": stand_in.base_url}
    if stand_in.key is not None:
        value = os.environ.get(stand_in.key, "").strip()
        if not value:
            raise InvalidInput(f"The variable {stand_in.key} is not set.")
        place["api_key"] = value
    return place


def _read_settings(model: BaseChatModel) -> dict[str, Any]:
    """What the user himself gave his model."""
    given = {name: getattr(model, name) for name in model.model_fields_set}
    return {
        wanted: given[name]
        for wanted, names in _SETTINGS.items()
        for name in names
        if given.get(name) is not None
    }


def _make_alike(model: BaseChatModel, wanted: Mapping[str, Any]) -> BaseChatModel:
    kind = type(model)
    fields = {
        (field.alias or name): getattr(model, name)
        for name, field in kind.model_fields.items()
        # What is excluded are clients, made for the old place.
        if name in model.model_fields_set and not field.exclude
    }
    for what, value in wanted.items():
        fields[_find_field(kind, what)] = value
    return kind(**fields)


def _find_field(kind: type[BaseChatModel], what: str) -> str:
    """How a class is given something that others are given by this name."""
    for name in _MODEL_NAMES if what == "model" else (what,):
        for own, field in kind.model_fields.items():
            if name in (own, field.alias):
                return field.alias or own
    raise InvalidInput(f"{kind.__name__} takes no {what}.")
