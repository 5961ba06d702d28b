"""Remembers notes of a user across threads, as LangGraph's guide on memory does."""

import uuid
from dataclasses import dataclass
from typing import Annotated, TypedDict

from langchain_core.messages import AIMessage
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.config import get_store
from langgraph.func import entrypoint
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import InjectedStore, ToolNode
from langgraph.runtime import Runtime
from langgraph.store.base import BaseStore
from langgraph.store.memory import InMemoryStore
from langgraph.types import interrupt


@dataclass
class Context:
    user_id: str


class State(TypedDict, total=False):
    note: str
    wanted: str
    found: list[str]


async def keep(state: State, runtime: Runtime[Context]) -> dict:
    if "note" in state:
        namespace = (runtime.context.user_id, "notes")
        await runtime.store.aput(namespace, str(uuid.uuid4()), {"text": state["note"]})
    return {}


def look(state: State, *, store: BaseStore, runtime: Runtime[Context]) -> dict:
    items = store.search((runtime.context.user_id, "notes"), query=state.get("wanted"), limit=2)
    return {"found": [item.value["text"] for item in items]}


def confirm(state: State, runtime: Runtime[Context]) -> dict:
    if "note" in state:
        interrupt({"question": "Keep this note?", "note": state["note"]})
    return {}


builder = StateGraph(State, context_schema=Context)
builder.add_sequence([confirm, keep, look])
builder.add_edge(START, "confirm")
graph = builder.compile(checkpointer=InMemorySaver(), store=InMemoryStore())


@entrypoint(store=InMemoryStore())
async def remember(fruit: str, *, store: BaseStore) -> list[str]:
    await store.aput(("fruits",), fruit, {"text": fruit})
    return sorted(item.key for item in await store.asearch(("fruits",)))


@tool
def save(fact: str, store: Annotated[BaseStore, InjectedStore()]) -> str:
    """Save a fact."""
    store.put(("facts",), fact, {"text": fact})
    return f"{len(get_store().search(('facts',)))} facts"


def call_tool(state: MessagesState) -> dict:
    fact = state["messages"][-1].content
    call = {"name": "save", "args": {"fact": fact}, "id": "1", "type": "tool_call"}
    return {"messages": [AIMessage("", tool_calls=[call])]}


with_tool = (
    StateGraph(MessagesState)
    .add_node("agent", call_tool)
    .add_node("tools", ToolNode([save]))
    .add_edge(START, "agent")
    .add_edge("agent", "tools")
    .compile()
)


def make(config: RunnableConfig):
    def count(state: State, store: BaseStore) -> dict:
        return {"found": [item.key for item in store.search(("fruits",))]}

    return StateGraph(State).add_node("count", count).add_edge(START, "count")
