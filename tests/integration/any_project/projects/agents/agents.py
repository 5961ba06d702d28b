"""LangChain agents whose tools are reviewed by a human."""

from collections.abc import Sequence

from langchain.agents import create_agent
from langchain.agents.middleware import HumanInTheLoopMiddleware
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import interrupt

from model import Scripted, call


@tool
def send_email(to: str, subject: str, body: str = "") -> str:
    """Send an e-mail."""
    return f"sent to {to}: {subject}"


@tool
def refund(order: int, amount: float) -> str:
    """Pay money back."""
    return f"refunded {amount} for order {order}"


@tool
def look_up(order: int) -> str:
    """Look an order up."""
    return f"order {order} is paid"


def act(messages: Sequence[BaseMessage]) -> AIMessage:
    results = [m for m in messages if isinstance(m, ToolMessage)]
    if not results:
        return AIMessage(
            "I look it up, pay and write.",
            tool_calls=[
                call("look_up", 1, order=7),
                call("refund", 2, order=7, amount=90.5),
                call("send_email", 3, to="ann@example.com", subject="Your refund"),
            ],
        )
    return AIMessage("Done: " + "; ".join(str(m.content) for m in results))


def agent(mode: str):
    return create_agent(
        Scripted(script=act),
        [send_email, refund, look_up],
        middleware=[
            HumanInTheLoopMiddleware(
                interrupt_on={
                    "refund": {"allowed_decisions": ["approve", "edit", "reject"]},
                    "send_email": True,
                    "look_up": False,
                },
                interrupt_mode=mode,
            )
        ],
        checkpointer=InMemorySaver(),
        name="support agent",
    )


batched = agent("batched")
per_call = agent("per_call")


@tool
def book_hotel(hotel_name: str) -> str:
    """Book a hotel, after asking."""
    response = interrupt(
        {"question": f"Trying to call `book_hotel` with {hotel_name!r}.", "options": ["book", "other", "no"]}
    )
    if response == "no":
        return "not booked"
    return f"booked {hotel_name if response == 'book' else response}"


def travel(messages: Sequence[BaseMessage]) -> AIMessage:
    results = [m for m in messages if isinstance(m, ToolMessage)]
    if results:
        return AIMessage(" and ".join(str(m.content) for m in results))
    calls = [call("book_hotel", n, hotel_name=name) for n, name in enumerate(("Ritz", "Adlon"))]
    return AIMessage("", tool_calls=calls)


tool_asks = create_agent(Scripted(script=travel), [book_hotel])
