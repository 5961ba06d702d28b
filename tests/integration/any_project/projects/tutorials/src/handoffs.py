"""A swarm: agents are subgraphs that hand over by Command(graph=PARENT)."""

import warnings
from typing import Annotated

from langchain_core.messages import ToolMessage
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import InjectedToolCallId, tool
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import InjectedState, create_react_agent
from langgraph.types import Command, interrupt

from chat import RuleModel, tool_call


def create_handoff_tool(*, agent_name: str, description: str):
    @tool(f"transfer_to_{agent_name}", description=description)
    def handoff_tool(
        state: Annotated[MessagesState, InjectedState],
        tool_call_id: Annotated[str, InjectedToolCallId],
    ) -> Command:
        tool_message = ToolMessage(
            f"Successfully transferred to {agent_name}",
            name=f"transfer_to_{agent_name}",
            tool_call_id=tool_call_id,
        )
        return Command(
            goto=agent_name,
            update={"messages": state["messages"] + [tool_message]},
            graph=Command.PARENT,
        )

    return handoff_tool


@tool
def book_flight(from_airport: str, to_airport: str):
    """Book a flight"""
    answer = interrupt({"type": "approval_needed", "question": f"Book {from_airport}-{to_airport}?"})
    if not answer["approved"]:
        return f"Not booked: {answer['reason']}"
    return f"Booked {from_airport}-{to_airport}."


@tool
def book_hotel(hotel_name: str):
    """Book a hotel"""
    return f"Booked {hotel_name}."


def fly(messages: list):
    names = {m.name for m in messages if m.type == "tool"}
    if "book_flight" not in names:
        return tool_call("book_flight", from_airport="BOS", to_airport="JFK")
    return tool_call("transfer_to_hotel_assistant")


def stay(messages: list):
    if messages[-1].name == "book_hotel":
        return "All is booked."
    return tool_call("book_hotel", hotel_name="McKittrick")


async def make_graph(config: RunnableConfig):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        flight = create_react_agent(
            RuleModel(rule=fly),
            [book_flight, create_handoff_tool(agent_name="hotel_assistant", description="x")],
            name="flight_assistant",
        )
        hotel = create_react_agent(
            RuleModel(rule=stay),
            [book_hotel, create_handoff_tool(agent_name="flight_assistant", description="x")],
            name="hotel_assistant",
        )
    return (
        StateGraph(MessagesState)
        .add_node(flight, destinations=("hotel_assistant",))
        .add_node(hotel, destinations=("flight_assistant",))
        .add_edge(START, "flight_assistant")
        .compile()
    )
