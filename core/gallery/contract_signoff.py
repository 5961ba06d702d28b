"""
Contract sign-off: have a contract written, signed off by one approver after the other, and sign it.

    open -> write -> sign_off: a card for each approver, in turn
              ^        |- revise:  back with what has to change; then everybody is asked anew
              +--------+- reject:  the end
                       '- approve: the next approver, after the last one `sign`
    sign: a person binds the house, or does not -> send

`contract_text.py` is how it is written, `contract_forms.py` what people fill in.
"""

from __future__ import annotations

from typing import Literal, TypedDict

from langgraph.config import get_stream_writer
from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime
from langgraph.types import interrupt

from interlock.core.gallery import contract_text, mailbox
from interlock.core.gallery.contract_forms import (
    Approver,
    ContractRequest,
    Verdict,
    signing_form,
)
from interlock.core.gallery.contract_text import Text


class SignOff(TypedDict):
    """What one approver said to the text as it was then."""

    name: str
    role: str
    decision: Literal["approve", "revise", "reject"]
    comment: str


class Contract(Text):
    """The contract on its way; `sign_offs` are about the present text, `record` about all."""

    contact: str
    approvers: list[Approver]
    sign_offs: list[SignOff]
    record: list[SignOff]
    status: Literal["drafted", "approved", "rejected", "signed", "not signed", "sent"]
    note: str


def open_file(state: ContractRequest) -> dict[str, object]:
    """Begin a file without a text, whatever was in this thread before."""
    empty = {"text": "", "remarks": [], "sign_offs": [], "record": [], "note": ""}
    return {**dict(state), **empty, "status": "drafted"}


def sign_off(state: Contract) -> dict[str, object]:
    """Ask the approver whose turn it is; a text that was changed is approved by all again."""
    given, total = state["sign_offs"], len(state["approvers"])
    approver = state["approvers"][len(given)]
    facts = {
        "question": f"{approver.role.capitalize()}: sign off the contract with "
        f"{state['supplier']}?",
        "approver": approver.name,
        "turn": f"{len(given) + 1} of {total}",
        "price": f"{state['value_eur']:,.2f} EUR",
        "house_rules": "\n".join(state["remarks"]) or "all kept",
        "contract": state["text"],
        "said_before": "\n".join(map(tell, state["record"])) or "nothing yet",
    }
    verdict = interrupt(facts, response_schema=Verdict)
    said = SignOff(
        name=approver.name,
        role=approver.role,
        decision=verdict.decision,
        comment=verdict.comment,
    )
    record = [*state["record"], said]
    if verdict.decision == "revise":
        return {"sign_offs": [], "record": record, "remarks": [verdict.comment], "redrafts": 0}
    if verdict.decision == "reject":
        return {"record": record, "status": "rejected", "note": verdict.comment}
    status = "approved" if len(given) + 1 == total else "drafted"
    return {"sign_offs": [*given, said], "record": record, "status": status}


def tell(said: SignOff) -> str:
    """One line for the file."""
    line = f"{said['name']} ({said['role']}): {said['decision']}"
    return f"{line}. {said['comment']}" if said["comment"] else line


def after_sign_off(state: Contract) -> Literal["write", "sign_off", "sign", "__end__"]:
    """Back to the desk, to the next approver, to the signature, or to the end."""
    if state["record"][-1]["decision"] == "revise":
        return "write"
    if state["status"] == "rejected":
        return "__end__"
    return "sign" if state["status"] == "approved" else "sign_off"


def sign(state: Contract) -> dict[str, str]:
    """Hold the contract until a person binds the house to it: that cannot be taken back."""
    price = f"{state['value_eur']:,.2f} EUR"
    signing = interrupt(
        {
            "question": f"Sign the contract with {state['supplier']} over {price}?",
            "signed_off": "\n".join(map(tell, state["sign_offs"])),
            "contract": state["text"],
        },
        response_schema=signing_form(state["contact"]),
    )
    status = "signed" if signing.approved else "not signed"
    return {"status": status, "contact": signing.send_to, "note": signing.note}


def after_sign(state: Contract) -> Literal["send", "__end__"]:
    """Send only what was signed."""
    return "send" if state["status"] == "signed" else "__end__"


def send(state: Contract, runtime: Runtime) -> dict[str, str]:
    """Send the signed contract; the key makes it safe to run this step twice."""
    thread = runtime.execution_info.thread_id if runtime.execution_info else None
    number = mailbox.send(key=f"{thread}:{state['text']}", to=state["contact"])
    get_stream_writer()({"sent": number, "to": state["contact"], "supplier": state["supplier"]})
    return {"status": "sent"}


builder = StateGraph(Contract, input_schema=ContractRequest)
builder.add_node("open", open_file)
builder.add_node("write", contract_text.graph)
for node in (sign_off, sign, send):
    builder.add_node(node)
builder.add_edge(START, "open")
builder.add_edge("open", "write")
builder.add_edge("write", "sign_off")
builder.add_conditional_edges("sign_off", after_sign_off)
builder.add_conditional_edges("sign", after_sign)
builder.add_edge("send", END)
graph = builder.compile(name="contract_signoff")
