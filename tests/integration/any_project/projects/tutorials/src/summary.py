"""How to add a summary of the conversation history: old messages are removed."""

from typing import Literal

from langchain_core.messages import HumanMessage, RemoveMessage, SystemMessage
from langgraph.checkpoint.memory import MemorySaver
from langgraph.graph import END, START, MessagesState, StateGraph

from chat import RuleModel

model = RuleModel(rule=lambda messages: f"Reply to {messages[-1].content}")


class State(MessagesState):
    summary: str


def call_model(state: State):
    summary = state.get("summary", "")
    messages = state["messages"]
    if summary:
        messages = [SystemMessage(content=f"Summary: {summary}")] + messages
    return {"messages": [model.invoke(messages)]}


def should_continue(state: State) -> Literal["summarize_conversation", END]:
    return "summarize_conversation" if len(state["messages"]) > 4 else END


def summarize_conversation(state: State):
    response = model.invoke(state["messages"] + [HumanMessage(content="Create a summary")])
    delete_messages = [RemoveMessage(id=m.id) for m in state["messages"][:-2]]
    return {"summary": response.content, "messages": delete_messages}


workflow = StateGraph(State)
workflow.add_node("conversation", call_model)
workflow.add_node(summarize_conversation)
workflow.add_edge(START, "conversation")
workflow.add_conditional_edges("conversation", should_continue)
workflow.add_edge("summarize_conversation", END)
app = workflow.compile(checkpointer=MemorySaver())
