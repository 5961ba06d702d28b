"""Providers in turn: where one fails another answers, however the user's model is called."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest
from langchain.chat_models import base
from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.tools import tool
from langchain_core.utils.function_calling import convert_to_openai_tool
from langgraph.graph import START, MessagesState, StateGraph
from pydantic import Field

from interlock.core.graphs.listening import listen
from interlock.core.graphs.model_turns import ModelTurns
from interlock.core.graphs.tracking import Tracker
from interlock.core.model.model_turns import OUTAGE_S
from interlock.core.model.nodes import NodeRun
from interlock.core.model.policies import ModelRules, Policies
from interlock.core.model.runs import Run, RunKind, RunOptions, RunStatus
from interlock.core.worker.model_turns import open_turns

AWAY: dict[str, Exception] = {}
PROVIDED: list[type[BaseChatModel]] = []
ASKED: list[tuple[str, dict[str, Any]]] = []


class Bard(BaseChatModel):
    """A provider's class: answers with its name and place, or fails as it is told."""

    model: str
    base_url: str = "home"
    api_key: str = ""
    temperature: float = 1.0
    client: Any = Field(default=None, exclude=True)

    @property
    def _llm_type(self) -> str:
        return "bard"

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> Any:
        return {"ls_provider": "bards", "ls_model_name": self.model}

    def bind_tools(self, tools: Any, *, tool_choice: Any = None, **kwargs: Any) -> Any:
        return self.bind(tools=[convert_to_openai_tool(t) for t in tools], tool_choice=tool_choice)

    def _say(self, kwargs: dict[str, Any]) -> str:
        ASKED.append((self.model, kwargs))
        if self.model in AWAY:
            raise type(AWAY[self.model])(*AWAY[self.model].args)
        return f"{self.model}@{self.base_url}{self.api_key} {self.temperature}"

    def _generate(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any):
        message = AIMessage(self._say({"stop": stop, **kwargs}))
        return ChatResult(generations=[ChatGeneration(message=message)])


class Singer(Bard):
    """The same, word by word; `BREAKS` lets it fail after the first."""

    breaks: bool = False

    def _stream(
        self,
        messages: Any,
        stop: Any = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        for word in self._say(kwargs).split():
            yield ChatGenerationChunk(message=AIMessageChunk(word))
            if self.breaks:
                raise ConnectionError("cut off")


class Other(Bard):
    """Another provider's class, which spells tools and their choice in its own way."""

    def bind_tools(self, tools: Any, *, tool_choice: Any = None, **kwargs: Any) -> Any:
        names = [convert_to_openai_tool(each)["function"]["name"] for each in tools]
        return self.bind(functions=names, choose=tool_choice, **kwargs)


class Parallel(Other):
    def bind_tools(self, tools: Any, *, parallel_tool_calls: bool | None = None, **kwargs: Any):
        return super().bind_tools(tools, calls_at_once=parallel_tool_calls, **kwargs)


@tool
def pay(amount: int) -> str:
    """Pay."""
    return f"paid {amount}"


@pytest.fixture(autouse=True)
def services() -> None:
    AWAY.clear()
    ASKED.clear()


@pytest.fixture
def put(frozen) -> Iterator[Callable[..., ModelTurns]]:
    opened: list[ModelTurns] = []

    def put_one(*then: Any, **more: tuple[Any, ...]) -> ModelTurns:
        while opened:
            opened.pop().stop()
        models = {name: ModelRules(then=each) for name, each in {"bard": then, **more}.items()}
        opened.append(ModelTurns(models, now=frozen.now))
        opened[0].install()
        return opened[0]

    yield put_one
    for each in opened:
        each.stop()


def make_provided(**given: Any) -> BaseChatModel:
    return PROVIDED[0](**given)


@pytest.fixture
def provide(monkeypatch) -> Iterator[Callable[[type[BaseChatModel]], None]]:
    """Have LangChain find this class as a provider's package, which is none of ours."""
    base._get_chat_model_creator.cache_clear()

    def provide_one(kind: type[BaseChatModel]) -> None:
        PROVIDED[:] = [kind]
        module = ModuleType("langchain_openai")
        module.ChatOpenAI = make_provided
        monkeypatch.setitem(sys.modules, "langchain_openai", module)

    yield provide_one
    base._get_chat_model_creator.cache_clear()  # LangChain keeps what it found


async def call_each_way(model: BaseChatModel) -> list[str]:
    said = [model.invoke("?").text, (await model.ainvoke("?")).text]
    said.append("".join(part.text for part in model.stream("?")))
    said.append("".join([part.text async for part in model.astream("?")]))
    return said


@pytest.mark.parametrize("kind", [Bard, Singer])
async def test_however_a_model_is_called_the_next_answers_where_it_fails(put, frozen, kind):
    AWAY["bard"] = ConnectionError("the provider is away")
    put("poet")
    model = kind(model="bard", temperature=0.5)
    for _ in range(2):  # not at once again: it rests
        said = await call_each_way(model)
        assert {each.replace(" ", "") for each in said} == {"poet@home0.5"}
    assert [name for name, _ in ASKED].count("bard") == 1
    frozen.advance(seconds=OUTAGE_S)
    AWAY.clear()
    assert {each.replace(" ", "") for each in await call_each_way(model)} == {"bard@home0.5"}


async def test_the_order_holds_and_when_all_fail_its_own_error_tells_of_the_others(put):
    AWAY["bard"] = TimeoutError("too slow")
    AWAY["poet"] = ValueError("no such model")
    put("poet", {"model": "sage", "base_url": "elsewhere"})
    model = Singer(model="bard")
    assert model.invoke("?").text == "sage@elsewhere 1.0"
    AWAY["sage"] = ConnectionError("gone")
    calls: list[Callable[[], Any]] = [
        lambda: model.invoke("?"),
        lambda: list(model.stream("?")),
        lambda: list(Bard(model="bard").stream("?")),
    ]
    for call in calls:
        ASKED.clear()
        AWAY["bard"] = TimeoutError("too slow")
        with pytest.raises(TimeoutError) as failed:
            call()
        assert sorted(failed.value.__notes__) == [
            "poet in its place failed, too: ValueError: no such model",
            "sage in its place failed, too: ConnectionError: gone",
        ]
        assert sorted(name for name, _ in ASKED) == ["bard", "poet", "sage"]  # each once


async def test_only_an_outage_or_a_rate_limit_is_answered_by_another(put):
    put("poet")
    for error in (ValueError("a wrong prompt"), PermissionError("no"), RuntimeError("?")):
        AWAY["bard"] = error
        with pytest.raises(type(error)):
            Bard(model="bard").invoke("?")
        with pytest.raises(type(error)):
            await Bard(model="bard").ainvoke("?")
    assert {name for name, _ in ASKED} == {"bard"}


async def test_what_was_heard_is_not_taken_back(put):
    put("poet")
    with pytest.raises(ConnectionError):
        list(Singer(model="bard", breaks=True).stream("?"))
    with pytest.raises(ConnectionError):
        _ = [part async for part in Singer(model="bard", breaks=True).astream("?")]
    assert {name for name, _ in ASKED} == {"bard"}


async def test_other_models_and_those_that_answer_are_left_alone(put):
    AWAY["sage"] = AWAY["poet"] = ConnectionError("away")
    put("poet")
    with pytest.raises(ConnectionError):
        Bard(model="sage").invoke("?")
    with pytest.raises(ConnectionError):
        list(Singer(model="sage").stream("?"))
    AWAY["bard"] = ConnectionError("away")
    put("poet", poet=("bard",))  # each in the other's place: nobody is asked for ever
    ASKED.clear()
    with pytest.raises(ConnectionError):
        Bard(model="bard").invoke("?")
    assert [name for name, _ in ASKED] == ["bard", "poet"]


def test_another_provider_gets_the_tools_the_settings_and_the_place(put, provide, monkeypatch):
    provide(Other)
    monkeypatch.setenv("OTHER_KEY", "sk-1")
    AWAY["bard"] = ConnectionError("away")
    put({"provider": "openai", "model": "gpt", "base_url": "there", "key": "OTHER_KEY"})
    model = Bard(model="bard", temperature=0.2)
    for given, chosen in [
        ({"type": "function", "function": {"name": "pay"}}, "pay"),
        ({"type": "tool", "name": "pay"}, "pay"),
        ({"type": "any"}, "any"),
        ("required", "any"),
        (None, None),
    ]:
        answer = model.bind_tools([pay], tool_choice=given).invoke("?", stop=["."])
        assert answer.text == "gpt@theresk-1 0.2"
        wanted = {"functions": ["pay"], "choose": chosen, "stop": ["."]}
        assert ASKED[-1] == ("gpt", wanted)
    assert model.invoke("?", config={"run_id": None}).text == "gpt@theresk-1 0.2"


def test_what_another_class_cannot_be_told_is_not_left_out_but_said(put, provide):
    provide(Other)
    AWAY["bard"] = ConnectionError("away")
    put("openai:gpt")
    bound = Bard(model="bard").bind_tools([pay])
    for kwargs, reason in [
        ({"response_format": {}}, "The call has response_format"),
        ({"tool_choice": "none"}, "The call forbids its tools"),
        ({"parallel_tool_calls": False}, "The call wants one tool at a time"),
    ]:
        with pytest.raises(ConnectionError) as failed:
            bound.invoke("?", **kwargs)
        assert reason in failed.value.__notes__[-1]
    assert bound.invoke("?", parallel_tool_calls=True).text.startswith("gpt")
    provide(Parallel)
    bound = Bard(model="bard").bind_tools([pay])
    assert bound.invoke("?", parallel_tool_calls=False).text.startswith("gpt")
    assert ASKED[-1][1]["calls_at_once"] is False


def test_what_cannot_answer_is_told_at_load(put, provide, monkeypatch):
    monkeypatch.delenv("NO_KEY", raising=False)
    turns = put("poet", {"model": "poet", "key": "NO_KEY"}, "anthropic:claude", "nobody:x")
    found = {then: reason for _, then, reason in turns.find_unusable()}
    assert found["poet"] == "The variable NO_KEY is not set."
    assert "langchain-anthropic" in found["anthropic:claude"]
    assert "nobody" in found["nobody:x"]
    provide(Other)
    assert list(put("openai:gpt").find_unusable()) == []

    class Needy(Other):
        wanted: str

    provide(Needy)
    ((_, _, reason),) = put("openai:gpt").find_unusable()
    assert reason == "ValidationError: 1 validation error for Needy"

    class Odd(Other):
        def __init__(self, **_: Any) -> None:
            raise RuntimeError("no licence\nsk-secret")

    provide(Odd)
    ((_, _, reason),) = put("openai:gpt").find_unusable()
    assert reason == "RuntimeError: no licence"


def test_a_class_that_takes_no_such_place_is_passed_over(put):
    class Plain(Bard):
        model_config = {"extra": "forbid"}

    AWAY["bard"] = ConnectionError("away")
    put({"model": "poet", "base_url": "x"}, "sage")
    del Plain.model_fields["base_url"]
    said = Plain(model="bard", client=object()).invoke("?").text
    assert said.startswith("sage")


def test_models_that_are_made_anew_for_each_call_are_not_kept_for_ever(put, monkeypatch):
    monkeypatch.setattr("interlock.core.graphs.model_making.MAX_MADE", 2)
    AWAY["bard"] = ConnectionError("away")
    turns = put("poet")
    for number in range(5):
        answer = Bard(model="bard", temperature=number).invoke("?")
        assert answer.text == f"poet@home {number}.0"
    assert len(turns._maker._made) == len(turns._maker._ids) == 2


async def test_the_step_and_the_run_say_who_answered(put, frozen):
    AWAY["bard"] = ConnectionError("away")
    put("poet")
    model = Bard(model="bard")

    async def ask(_: MessagesState):
        return {"messages": [await model.ainvoke("?")]}

    graph = StateGraph(MessagesState).add_node("ask", ask).add_edge(START, "ask").compile()
    told = []
    for _ in range(2):
        tracker = Tracker(make_run(frozen), now=frozen.now, last_seq=0)
        await graph.ainvoke({"messages": []}, listen({}, tracker, store=None))
        assert tracker.notes.is_degraded
        records = tracker.take()
        (step,) = [each for each in records if isinstance(each, NodeRun)]
        assert (step.origin, step.error_type) == ("stand-in:poet", None)
        told += [e for e in records if getattr(e, "kind", "") == "warning"]
    assert [(each.path, each.data["text"]) for each in told] == [
        ("ask", "poet answered in place of bard: ConnectionError: away"),
        ("ask", "poet answered in place of bard: it rests until 09:30:15 UTC"),
    ]


def make_run(frozen) -> Run:
    return Run(
        run_id="r1",
        thread_id="t1",
        workflow="songs",
        kind=RunKind.START,
        status=RunStatus.RUNNING,
        input=None,
        context=None,
        options=RunOptions(),
        priority=0,
        created_at=frozen.now(),
        created_by="ann",
    )


def test_a_worker_puts_them_in_place_and_tells_who_cannot_answer(app, caplog):
    assert open_turns(app, Policies(models={"bard": ModelRules(per_minute=1)})) is None
    rules = ModelRules(then=["poet", "nobody:x"])
    before = BaseChatModel.invoke
    turns = open_turns(app, Policies(models={"bard": rules}))
    try:
        assert BaseChatModel.invoke is not before
    finally:
        turns.stop()
    assert BaseChatModel.invoke is before
    (told,) = [each for each in caplog.records if each.message == "model_stand_in_unusable"]
    assert (told.model, told.then) == ("bard", "nobody:x")
