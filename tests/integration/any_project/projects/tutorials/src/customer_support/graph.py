"""Customer support bot, part 3: sensitive tools wait for the user (interrupt_before)."""

from datetime import date, datetime
from typing import Annotated, Literal, Optional, Union

from langchain_core.messages import ToolMessage
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import Runnable, RunnableConfig, RunnableLambda
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.message import AnyMessage, add_messages
from langgraph.prebuilt import ToolNode, tools_condition
from typing_extensions import TypedDict

from chat import RuleModel, tool_call

FLIGHTS = {"LX0112": {"from": "CDG", "to": "BSL", "ticket": "7240005432906569"}}


@tool
def fetch_user_flight_information(config: RunnableConfig) -> list[dict]:
    """Fetch all tickets for the user along with corresponding flight information."""
    passenger_id = config.get("configurable", {}).get("passenger_id", "3442 587242")
    return [{"passenger": passenger_id, **flight} for flight in FLIGHTS.values()]


@tool
def search_flights(
    departure_airport: Optional[str] = None,
    start_time: Optional[Union[date, datetime]] = None,
    limit: int = 20,
) -> list[dict]:
    """Search for flights based on departure airport and departure time range."""
    return [f for f in FLIGHTS.values() if departure_airport in (None, f["from"])][:limit]


@tool
def update_ticket_to_new_flight(ticket_no: str, new_flight_id: int, *, config: RunnableConfig) -> str:
    """Update the user's ticket to a new valid flight."""
    return f"Ticket {ticket_no} successfully updated to {new_flight_id}."


@tool
def cancel_ticket(ticket_no: str, *, config: RunnableConfig) -> str:
    """Cancel the user's ticket and remove it from the database."""
    return "Ticket successfully cancelled."


def handle_tool_error(state) -> dict:
    error = state.get("error")
    tool_calls = state["messages"][-1].tool_calls
    return {
        "messages": [
            ToolMessage(content=f"Error: {error!r}\n please fix your mistakes.", tool_call_id=tc["id"])
            for tc in tool_calls
        ]
    }


def create_tool_node_with_fallback(tools: list):
    return ToolNode(tools).with_fallbacks([RunnableLambda(handle_tool_error)], exception_key="error")


class State(TypedDict):
    messages: Annotated[list[AnyMessage], add_messages]
    user_info: str


class Assistant:
    def __init__(self, runnable: Runnable):
        self.runnable = runnable

    def __call__(self, state: State, config: RunnableConfig):
        while True:
            result = self.runnable.invoke(state)
            if not result.tool_calls and not result.content:
                messages = state["messages"] + [("user", "Respond with a real output.")]
                state = {**state, "messages": messages}
            else:
                break
        return {"messages": result}


def decide(messages: list):
    last = messages[-1]
    if last.type == "human" and "cancel" in last.content:
        return tool_call("search_flights", departure_airport="CDG")
    if last.type == "tool" and last.name == "search_flights":
        return tool_call("cancel_ticket", ticket_no="7240005432906569")
    if last.type == "tool" and last.name == "cancel_ticket":
        return f"Done: {last.content}"
    if last.type == "tool":
        return f"I did not do it: {last.content}"
    return "How can I help?"


primary_assistant_prompt = ChatPromptTemplate.from_messages(
    [
        (
            "system",
            "You are a helpful customer support assistant for Swiss Airlines. "
            "\n\nCurrent user:\n<User>\n{user_info}\n</User>\nCurrent time: {time}.",
        ),
        ("placeholder", "{messages}"),
    ]
).partial(time=datetime.now)

part_3_safe_tools = [fetch_user_flight_information, search_flights]
part_3_sensitive_tools = [update_ticket_to_new_flight, cancel_ticket]
sensitive_tool_names = {t.name for t in part_3_sensitive_tools}
llm = RuleModel(rule=decide)
part_3_assistant_runnable = primary_assistant_prompt | llm.bind_tools(
    part_3_safe_tools + part_3_sensitive_tools
)

builder = StateGraph(State)


def user_info(state: State, config: RunnableConfig):
    return {"user_info": fetch_user_flight_information.invoke({}, config)}


builder.add_node("fetch_user_info", user_info)
builder.add_edge(START, "fetch_user_info")
builder.add_node("assistant", Assistant(part_3_assistant_runnable))
builder.add_node("safe_tools", create_tool_node_with_fallback(part_3_safe_tools))
builder.add_node("sensitive_tools", create_tool_node_with_fallback(part_3_sensitive_tools))
builder.add_edge("fetch_user_info", "assistant")


def route_tools(state: State) -> Literal["safe_tools", "sensitive_tools", "__end__"]:
    next_node = tools_condition(state)
    if next_node == END:
        return END
    first_tool_call = state["messages"][-1].tool_calls[0]
    if first_tool_call["name"] in sensitive_tool_names:
        return "sensitive_tools"
    return "safe_tools"


builder.add_conditional_edges(
    "assistant", route_tools, ["safe_tools", "sensitive_tools", END]
)
builder.add_edge("safe_tools", "assistant")
builder.add_edge("sensitive_tools", "assistant")

memory = InMemorySaver()
part_3_graph = builder.compile(checkpointer=memory, interrupt_before=["sensitive_tools"])
