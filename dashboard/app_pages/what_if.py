from __future__ import annotations

import streamlit as st

from interlock.core.errors import FieldProblem, InterlockError, InvalidInput
from interlock.core.model.approvals import STANDING, Approval, Intent
from interlock.core.model.payloads import question_of
from interlock.core.services import observing, what_if_plans, what_ifs
from interlock.core.services.what_if_plans import Plan
from interlock.core.types import Json
from interlock.dashboard import deps, keys, state
from interlock.dashboard.app_pages.what_if_result import draw_result
from interlock.dashboard.components import what_if as parts
from interlock.dashboard.components.links import draw_empty, draw_link
from interlock.dashboard.components.notices import draw_problem
from interlock.dashboard.views import answer_forms, answer_intents
from interlock.dashboard.views import what_if as views
from interlock.dashboard.views.answer_forms import AnswerForm
from interlock.dashboard.views.escaping import md_escape
from interlock.dashboard.views.notices import Empty, Link

PROBLEMS = "what-if-problems"  # of the last try, by side
SIDES = ("a", "b")


def form_of(card: Approval) -> AnswerForm:
    snapshot = None
    if card.kind in STANDING:
        snapshot = observing.run_detail(deps.app(), card.run_id).snapshot
    values: Json = snapshot.values if snapshot else None
    return answer_forms.build(question_of(card), is_high_risk=True, state=values)


def press_start(plan: Plan, view: views.StartView, form: AnswerForm | None) -> None:
    state.ask_for_drawing()
    problems: dict[str, tuple[FieldProblem, ...]] = {}
    intents: dict[str, Intent | None] = dict.fromkeys(SIDES)
    given: dict[str, dict[str, Json]] = {}
    version = plan.card.version if plan.card else 0
    for side in SIDES:
        try:
            if form is not None:
                verb, drafts = parts.read_side(form, view.place, version, side)
                intents[side] = answer_intents.read_intent(form, verb, drafts)
            said = parts.read_nodes(view.nodes, view.place, views.BOTH if form else side)
            given[side] = views.read_stand_ins(view.nodes, said)
        except InvalidInput as exc:
            problems[side] = exc.problems or (FieldProblem("", str(exc)),)
    st.session_state[PROBLEMS] = problems
    if problems:
        return
    try:
        started = what_ifs.start(
            deps.app(),
            approval_id=plan.card.approval_id if plan.card else None,
            thread_id=plan.thread_id,
            checkpoint_id=plan.point.checkpoint_id,
            sides=intents,
            stand_ins=given,
            actor=deps.actor(),
        )
    except InterlockError as exc:
        st.session_state[PROBLEMS] = {views.BOTH: (FieldProblem("", str(exc)),)}
    else:
        state.set_params(id=started.what_if_id, card=None, thread=None, at=None)


@st.fragment
def draw_start(approval_id: str | None, thread_id: str | None, at: str | None) -> None:
    """Not live: what is typed here stays."""
    if state.take_drawing():
        st.rerun()
    try:
        plan = what_if_plans.prepare(
            deps.app(), approval_id=approval_id, thread_id=thread_id, checkpoint_id=at
        )
    except InterlockError as exc:
        draw_empty(Empty(str(exc), Link("Inbox", "inbox")))
        return
    view = views.build_start(plan)
    problems = st.session_state.get(PROBLEMS, {})
    st.subheader(md_escape(view.headline), anchor=False)
    st.caption(md_escape(view.about))
    st.info(views.COPIES, icon=":material/call_split:")
    draw_places(plan)
    if view.problem:
        draw_problem(view.problem)
        return
    form = form_of(plan.card) if plan.card else None
    for column, side in zip(st.columns(2, gap="medium"), SIDES, strict=True):
        with column, st.container(border=True):
            st.markdown(f"**Answer {side.upper()}**" if form else f"**Side {side.upper()}**")
            if form is not None and plan.card is not None:
                parts.draw_side(form, view.place, plan.card.version, side, problems.get(side, ()))
            else:
                parts.draw_nodes(view.nodes, view.place, side)
                for problem in problems.get(side, ()):
                    draw_problem(str(problem))
    st.markdown(f"**What runs on the copies** :gray[{md_escape(view.runs)}]")
    if form is not None:
        parts.draw_nodes(view.nodes, view.place, views.BOTH)
    for problem in problems.get(views.BOTH, ()):
        draw_problem(str(problem))
    st.button(
        "Try both",
        key=keys.what_if_part("start", view.place),
        icon=":material/play_arrow:",
        type="primary",
        on_click=press_start,
        args=(plan, view, form),
    )


def draw_places(plan: Plan) -> None:
    point = {"thread": plan.thread_id, "at": plan.point.checkpoint_id}
    with st.container(horizontal=True):
        draw_link(Link("Where the thread stood", "history", point))
        if plan.card is not None:
            draw_link(Link("The card", "inbox", {"approval_id": plan.card.approval_id}))


st.title("What if", anchor=False)
if chosen := state.read_param("id"):
    draw_result(chosen)
elif state.read_param("card") or (state.read_param("thread") and state.read_param("at")):
    draw_start(state.read_param("card"), state.read_param("thread"), state.read_param("at"))
else:
    draw_empty(
        Empty(
            "Open a card, or a point of a thread, and choose What if there.", Link("Inbox", "inbox")
        )
    )
