"""
Prescription check: three checks at once, and a pharmacist before anything doubtful is handed out.

    receive -> check_dose, check_interactions, check_allergies -> weigh
        weigh: nothing found -> dispense
               else explain -> review: a pharmacist
                   approves as it is -> dispense
                   changes a line    -> the three checks again
                   refuses           -> the end

`prescription_doubts.py` has the checks, `prescription_state.py` says how the state may change,
`prescription_forms.py` what people fill in. It shows a workflow; it is no medical reference.
"""

from __future__ import annotations

from typing import Any, Literal

from langgraph.config import get_stream_writer
from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime
from langgraph.types import Overwrite, interrupt

from interlock.core.gallery import formulary
from interlock.core.gallery.models import ask, chat_model
from interlock.core.gallery.prescription_doubts import (
    check_allergies,
    check_dose,
    check_interactions,
)
from interlock.core.gallery.prescription_forms import Prescription, decision_form
from interlock.core.gallery.prescription_state import PRIORITY, Case, Finding, Medicine

CHECKS = ("check_dose", "check_interactions", "check_allergies")
POINTS = {"note": 5, "caution": 25, "danger": 60}  # of 100

Update = dict[str, Any]
AFRESH: Update = {
    "step": "received",
    "open_checks": Overwrite(["dose", "interactions", "allergies"]),
    "findings": Overwrite({}),
    "alerts": Overwrite([]),
    "advice": "",
    "note": "",
}


def receive(state: Prescription) -> Update:
    """Open the case; what was found about an earlier one is put away."""
    log = [f"{state.patient}: {tell(state.medicines)}"]
    return {**dict(state), **AFRESH, "log": log, "counts": {"prescriptions": 1}}


def tell(medicines: list[Medicine], between: str = ", ") -> str:
    """The medicines as a prescription says them."""
    return between.join(f"{m.name} {m.dose_mg} mg {m.times_a_day} x a day" for m in medicines)


def weigh(state: Case) -> Update:
    """Add up what was found."""
    points = sum(POINTS[finding.severity] for finding in state.findings.values())
    return {"risk": min(100, points), "step": "checked"}


def after_weigh(state: Case) -> Literal["dispense", "explain"]:
    """Trouble nobody where nothing was found."""
    return "explain" if state.findings else "dispense"


async def explain(state: Case) -> Update:
    """Say in plain words what the pharmacist has to think of."""
    job = "Counsel the pharmacist in two sentences: what is doubtful here, and what may be done."
    prompt = ask(job, patient=f"{state.patient}, {state.age}", alerts="\n".join(state.alerts))
    return {"advice": str((await chat_model().ainvoke(prompt)).text)[:5_000], "step": "held"}


def review(state: Case) -> Update:
    """Hold it until a pharmacist has decided; what was handed out cannot be taken back."""
    decision = interrupt(
        {
            "question": f"Dispense what was prescribed to {state.patient} ({state.age})?",
            "prescribed": tell(state.medicines, "\n"),
            "risk": f"{state.risk} of 100",
            "allergies": ", ".join(state.allergies) or "none known",
            "takes_already": ", ".join(state.takes) or "nothing",
            "findings": "\n".join(
                f"{found.severity.upper()}  {name}: {found.text}"
                for name, found in worst_first(state.findings)
            ),
            "advice": state.advice,
        },
        response_schema=decision_form(state.medicines),
    )
    if not decision.approved:
        return {"step": "refused", "note": decision.note, "log": ["refused"]}
    if decision.medicines == state.medicines:
        return {"note": decision.note, "log": ["approved as it is"]}
    log = [f"changed to {tell(decision.medicines)}"]
    return {**AFRESH, "medicines": decision.medicines, "note": decision.note, "log": log}


def worst_first(findings: dict[str, Finding]) -> list[tuple[str, Finding]]:
    """What was found, the gravest first."""
    return sorted(findings.items(), key=lambda item: -PRIORITY[item[1].severity])


def after_review(state: Case) -> str | list[str]:
    """Hand it out, end it, or check what was changed."""
    if state.step == "received":
        return list(CHECKS)
    return "dispense" if state.step == "held" else END


def dispense(state: Case, runtime: Runtime) -> Update:
    """Hand the medicines out; the key makes it safe to run this step twice."""
    thread = runtime.execution_info.thread_id if runtime.execution_info else None
    slip = formulary.hand_out(key=f"{thread}:{state.counts['prescriptions']}")
    get_stream_writer()({"dispensed": slip, "medicines": tell(state.medicines)})
    return {"step": "dispensed", "log": [f"dispensed, slip {slip}"]}


builder = StateGraph(Case, input_schema=Prescription)
nodes: tuple[Any, ...] = (check_dose, check_interactions, check_allergies, weigh, explain, review)
for node in (receive, *nodes, dispense):
    builder.add_node(node)
builder.add_edge(START, "receive")
for check in CHECKS:
    builder.add_edge("receive", check)
builder.add_edge(list(CHECKS), "weigh")
builder.add_conditional_edges("weigh", after_weigh)
builder.add_edge("explain", "review")
builder.add_conditional_edges("review", after_review, ["dispense", END, *CHECKS])
builder.add_edge("dispense", END)
graph = builder.compile(name="prescription_check")
