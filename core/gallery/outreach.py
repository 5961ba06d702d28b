"""
Outreach: an agent that looks up whom to write to and drafts the mails; a person lets each one out.

    model -> find_contacts -> model -> send_email, n times -> model
                                       a person approves, edits, rejects or answers each mail

It is LangChain's `create_agent` with its HumanInTheLoopMiddleware, as any project would write it. All
mails of one turn are asked about at once: one card, one decision for each mail.
"""

from __future__ import annotations

from typing import Annotated, Literal

from langchain.agents import create_agent
from langchain.agents.middleware import HumanInTheLoopMiddleware
from langchain_core.tools import tool
from langgraph.config import get_stream_writer
from langgraph.prebuilt import ToolRuntime
from pydantic import BaseModel, Field

from interlock.core.gallery import mailbox
from interlock.core.gallery.mailbox import Contact, Place
from interlock.core.gallery.models import chat_model

PROMPT = (
    "Reach out to our customers by e-mail, as the user asks. First look up the contacts, then write "
    "one short, personal mail to each of them, all in the same turn. Do not send a mail again that "
    "was not let out. At the end say in one sentence a mail what became of it."
)


class Signature(BaseModel):
    """Who signs."""

    name: str = Field(default="Rosa Lind", min_length=1, max_length=80)
    phone: str | None = Field(default=None, max_length=40, description="Where to call back.")


@tool
def find_contacts(
    city: Annotated[Place, Field(description="Where they live.")] = "any",
) -> list[Contact]:
    """Look up who may be written to."""
    return mailbox.find(city)


@tool
def send_email(
    to: Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$", description="The address.")],
    subject: Annotated[str, Field(min_length=1, max_length=120)],
    body: Annotated[str, Field(min_length=1, max_length=5_000)],
    runtime: ToolRuntime,
    priority: Annotated[
        Literal["low", "normal", "high"], Field(description="How the mail is marked.")
    ] = "normal",
    follow_up_days: Annotated[
        int, Field(ge=0, le=60, description="Remind us after so many days; 0 does not.")
    ] = 0,
    signature: Annotated[Signature, Field(description="Who signs.")] = Signature(),
) -> str:
    """Send one mail. It cannot be taken back."""
    thread = runtime.execution_info.thread_id if runtime.execution_info else None
    number = mailbox.send(key=f"{thread}:{runtime.tool_call_id}", to=to)
    get_stream_writer()({"sent": number, "to": to, "subject": subject, "words": len(body.split())})
    marked = "" if priority == "normal" else f", marked {priority}"
    reminder = f", reminder in {follow_up_days} days" if follow_up_days else ""
    return f"Sent {number} to {to}, signed {signature.name}{marked}{reminder}."


graph = create_agent(
    chat_model(),
    tools=[find_contacts, send_email],
    system_prompt=PROMPT,
    middleware=[
        HumanInTheLoopMiddleware(
            interrupt_on={
                "send_email": {
                    "allowed_decisions": ["approve", "edit", "reject", "respond"],
                    "description": "Read it before it goes out: a mail cannot be taken back.",
                }
            },
            interrupt_mode="batched",
        )
    ],
    name="outreach",
)
builder = graph.builder
