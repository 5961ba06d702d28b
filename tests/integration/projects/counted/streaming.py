"""A model that writes word by word, as fast as it is taken, and waits where it is told to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import book
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langgraph.config import get_stream_writer
from langgraph.graph import START, MessagesState, StateGraph


class State(MessagesState):
    book: str
    words: int


class Teller(BaseChatModel):
    folder: str
    words: int

    @property
    def _llm_type(self) -> str:
        return "teller"

    def _generate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        text = "".join(f"w{n} " for n in range(self.words))
        return ChatResult(generations=[ChatGeneration(message=AIMessage(text))])

    async def _astream(
        self, messages: list[BaseMessage], *_: Any, **__: Any
    ) -> AsyncIterator[ChatGenerationChunk]:
        for n in range(self.words):
            if n == self.words // 2:
                await book.wait_for(self.folder, "half")
            yield ChatGenerationChunk(message=AIMessageChunk(f"w{n} "))
        book.note(self.folder, "told")


async def tell(state: State) -> dict[str, Any]:
    get_stream_writer()({"about": "to tell"})
    model = Teller(folder=state["book"], words=state["words"])
    whole = await model.ainvoke(state["messages"])
    return {"messages": [whole]}


telling = StateGraph(State).add_node("tell", tell).add_edge(START, "tell").compile()
