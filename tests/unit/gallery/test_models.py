from __future__ import annotations

import sys

import pytest
from langchain_core.language_models import FakeListChatModel
from langchain_core.messages import HumanMessage

from interlock.core.gallery import latency, models
from interlock.core.gallery.models import LocalChatModel, ask, chat_model


@pytest.fixture(autouse=True)
def _no_model_kept():
    yield
    models._open_model.cache_clear()


def test_without_a_setting_the_model_is_the_local_one():
    assert isinstance(chat_model(), LocalChatModel)


def test_the_named_model_is_opened_once(monkeypatch):
    named = []

    def init_chat_model(name):
        named.append(name)
        return FakeListChatModel(responses=["hello"])

    monkeypatch.setenv("INTERLOCK_MODEL", " openai:gpt-5-mini ")
    monkeypatch.setattr(models, "init_chat_model", init_chat_model)

    assert chat_model() is chat_model()
    assert named == ["openai:gpt-5-mini"]


def test_a_named_model_without_its_package_says_what_to_install(monkeypatch):
    monkeypatch.setenv("INTERLOCK_MODEL", "openai:gpt-5-mini")
    monkeypatch.setitem(sys.modules, "langchain_openai", None)

    with pytest.raises(ImportError, match=r"pip install .*langchain-openai"):
        chat_model()


def test_it_says_that_it_is_local():
    reply = LocalChatModel().invoke([HumanMessage("Who are you?")])

    assert "local model" in str(reply.text)
    assert reply.response_metadata["local"] is True
    assert reply.response_metadata["model_name"] == LocalChatModel()._llm_type


def test_an_empty_prompt_gets_the_introduction():
    assert "local model" in str(LocalChatModel().invoke("").text)


def test_the_same_prompt_has_the_same_reply():
    prompt = ask("Draft an essay.", topic="Tea", notes="- One.\n- Two.")

    replies = {str(LocalChatModel().invoke(prompt).text) for _ in range(3)}

    assert len(replies) == 1


async def test_all_four_ways_to_call_it_give_the_same_text():
    model, prompt = LocalChatModel(), ask("Draft an essay.", topic="Tea", audience="students")

    texts = [
        str(model.invoke(prompt).text),
        str((await model.ainvoke(prompt)).text),
        "".join(str(chunk.text) for chunk in model.stream(prompt)),
        "".join([str(chunk.text) async for chunk in model.astream(prompt)]),
    ]

    assert len(set(texts)) == 1
    assert texts[0].startswith("Tea\n\nThis is written for students")


def test_an_empty_reply_is_one_too(monkeypatch):
    monkeypatch.setattr(models.replies, "reply_to", lambda messages: "")
    reply = LocalChatModel().invoke("Anything")
    assert (reply.text, reply.usage_metadata["output_tokens"]) == ("", 0)
    assert reply.response_metadata["local"]


def test_tokens_are_counted():
    usage = LocalChatModel().invoke(ask("Classify this.", message="It broke.")).usage_metadata

    assert usage["output_tokens"] == 1
    assert usage["total_tokens"] == usage["input_tokens"] + 1


async def test_it_waits_the_stated_time_for_each_token_and_no_more(monkeypatch):
    waited = []

    async def sleep(seconds):
        waited.append(seconds)

    monkeypatch.setenv(latency.VARIABLE, "0.25")
    monkeypatch.setattr("time.sleep", waited.append)
    monkeypatch.setattr("asyncio.sleep", sleep)
    prompt = ask("Classify this.", message="It broke.")

    LocalChatModel().invoke(prompt)
    await LocalChatModel().ainvoke(prompt)

    assert waited == [0.25, 0.25]


def test_without_a_setting_a_token_takes_a_moment(monkeypatch):
    monkeypatch.delenv(latency.VARIABLE)

    assert latency.token_s() == latency.DEFAULT_TOKEN_S
    assert latency.call_s() == pytest.approx(10 * latency.DEFAULT_TOKEN_S)


@pytest.mark.parametrize("wrong", ["fast", "-1", "nan", "inf", "11"])
def test_a_wrong_latency_is_named(monkeypatch, wrong):
    monkeypatch.setenv(latency.VARIABLE, wrong)

    with pytest.raises(ValueError, match="INTERLOCK_GALLERY_LATENCY_S must be seconds"):
        latency.token_s()
