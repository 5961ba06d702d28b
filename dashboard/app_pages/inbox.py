from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from interlock.core.errors import Conflict, FieldProblem, InterlockError, InvalidInput, NotFound
from interlock.core.model.approvals import STANDING, Approval, ApprovalStatus, Verb
from interlock.core.services import (
    attaching,
    deadlines,
    deciding,
    durability,
    explaining,
    observing,
)
from interlock.core.services.deciding import Decided
from interlock.core.services.voting import Counted
from interlock.core.types import Json
from interlock.dashboard import deps, keys, state
from interlock.dashboard.app_pages.inbox_beside import draw_beside, draw_fresh
from interlock.dashboard.app_pages.inbox_bulk import draw_bulk
from interlock.dashboard.app_pages.inbox_cards import DETAIL, choose_card, draw_cards, draw_nothing
from interlock.dashboard.components import bulk_session as chosen
from interlock.dashboard.components import inbox_session as session
from interlock.dashboard.components.answer_drafts import read_drafts
from interlock.dashboard.components.approval_card import draw_card
from interlock.dashboard.components.keyboard import keyboard
from interlock.dashboard.components.links import draw_empty
from interlock.dashboard.components.live import live
from interlock.dashboard.components.notices import draw_aside, draw_note
from interlock.dashboard.components.outcome import draw_outcome
from interlock.dashboard.views import (
    answer_intents,
    attached,
    card,
    decisions,
    hiding,
    inbox,
    outcome,
    routing,
)
from interlock.dashboard.views.keyboard import build as build_keyboard
from interlock.dashboard.views.notices import Empty


def press(view: card.CardView, verb: Verb | None) -> None:
    """Decide, and have it drawn what came of it, under whichever fragment's name the click arrived."""
    state.ask_for_drawing()
    decide(view, verb)


def decide(view: card.CardView, verb: Verb | None) -> None:
    """Carry out a pressed button on exactly the version that was drawn."""
    app, approval_id, version = deps.app(), view.approval_id, view.version
    assert view.form is not None
    if session.has_just_decided(approval_id, version):
        return  # the second click of a double click, on its way while the first was carried out
    if session.has_just_come(approval_id):
        session.keep_problems(approval_id, version, (FieldProblem("", inbox.JUST_CAME),))
        return
    session.keep_problems(approval_id, version, ())
    try:
        drafts = read_drafts(view.form, approval_id, version)
        intent = answer_intents.read_intent(view.form, verb, drafts)
        if app.settings.mask_cards:
            hiding.require_whole(intent.value)
        done = deciding.decide(app, approval_id, intent, version=version, actor=deps.actor())
    except InvalidInput as exc:
        problems = exc.problems or (FieldProblem("", exc.message),)
        session.keep_problems(approval_id, version, problems)
    except Conflict as exc:
        text = decisions.say_conflict(exc, kind=view.kind, now=app.clock.now())
        state.leave_note(state.Note("conflict", text))
    except InterlockError as exc:
        state.leave_note(state.Note("refused", str(exc)))
    else:
        note_done(view, done, count=len(view.form.actions) if verb is None else 1)


def note_done(view: card.CardView, done: Decided | Counted, *, count: int = 1) -> None:
    """Go on to the next card, and tell what came of the last one."""
    session.note_decided(view.approval_id, view.version)
    if isinstance(done, Counted):
        session.keep_outcome(None)
        state.leave_note(state.Note("done", routing.say_counted(done, view.title)))
    else:
        session.keep_outcome(
            outcome.Outcome(
                approval_id=view.approval_id,
                title=view.title,
                verb=str(done.decision.verb),
                run_id=done.run_id,
                kind=view.kind,
                count=count,
            )
        )
    session.pick(None, after=view.approval_id)
    session.turn_list()


def agree(view: card.CardView, name: str) -> None:
    """Vote on exactly the version that was drawn as somebody has who is named beside it."""
    state.ask_for_drawing()
    app = deps.app()
    if session.has_just_decided(view.approval_id, view.version):
        return
    try:
        done = deciding.agree(
            app, view.approval_id, with_=name, version=view.version, actor=deps.actor()
        )
    except Conflict as exc:
        text = decisions.say_conflict(exc, kind=view.kind, now=app.clock.now())
        state.leave_note(state.Note("conflict", text))
    except InterlockError as exc:
        state.leave_note(state.Note("refused", str(exc)))
    else:
        note_done(view, done)


def extend(view: card.CardView, by: timedelta) -> None:
    """Put the deadline of exactly the card that was drawn off; a stale tab is told who was first."""
    state.ask_for_drawing()
    app = deps.app()
    try:
        deadlines.extend(app, view.approval_id, by=by, version=view.version, actor=deps.actor())
    except Conflict as exc:
        text = decisions.say_conflict(
            exc, kind=view.kind, now=app.clock.now(), unused="Its deadline was not moved."
        )
        state.leave_note(state.Note("conflict", text))
    except InterlockError as exc:
        state.leave_note(state.Note("refused", str(exc)))
    else:
        session.turn_list()


def leave(approval_id: str) -> None:
    session.pick(None, after=approval_id)
    session.turn_list()


@st.fragment(key=DETAIL)
def draw_detail() -> None:
    """Not live: what is typed here stays until the operator does something."""
    state.take_drawing()
    # Made even where it stays empty: a fragment writes outside of itself only where it did so before.
    bar = st.bottom.container(key=keys.decision_bar(), gap=None)
    draw_last_outcome()
    draw_note(state.take_note())
    if chosen.is_choosing():
        draw_bulk(bar)
        return
    view = draw_chosen(bar)
    with bar:
        keyboard(build_keyboard(view), drawn=session.next_drawing())


def draw_chosen(bar: DeltaGenerator) -> card.CardView | None:
    with st.container(key=keys.inbox_detail()):
        approval_id = choose_card()
        if approval_id is None:
            draw_nothing()
            return None
        try:
            found = observing.get_card(deps.app(), approval_id)
        except NotFound:
            draw_empty(Empty("There is no such card. Choose one from the list."))
            return None
        app = deps.app()
        steps, may_have_repeated = durability.read_mark(app, found.approval.run_id)
        values = read_state(found.approval)
        if app.settings.mask_cards:
            approval, values = hiding.hide_fields(found.approval, values)
            found = replace(found, approval=approval)
        view = card.build(
            found,
            state=values,
            now=app.clock.now(),
            max_media_bytes=app.settings.max_media_bytes,
            steps_in_memory=steps,
            may_have_repeated=may_have_repeated,
            person=deps.person(app),
        )
        problems = session.problems(view.approval_id, view.version)
        if app.settings.attach is not None:
            thread = attaching.find_thread(app, found.approval.thread_id)
            is_open = view.form is not None
            draw_aside(attached.say_of_thread(thread, is_open=is_open))
        draw_card(
            view,
            bar=bar,
            problems=problems,
            draw_fresh=lambda: draw_fresh(
                view.approval_id,
                view.version,
                is_open=view.form is not None,
                may_act=not view.routing.blocked,
            ),
            draw_beside=lambda: draw_beside(found.approval),
            on_decide=press,
            on_next=leave,
            on_extend=extend,
            on_agree=agree,
        )
    return view


def read_state(approval: Approval) -> Json:
    """The values at a breakpoint or a failed node, as they were kept when the run stopped there."""
    if approval.kind not in STANDING or approval.status is not ApprovalStatus.PENDING:
        return None
    snapshot = observing.run_detail(deps.app(), approval.run_id).snapshot
    return snapshot.values if snapshot else None


@st.fragment
def draw_last_outcome() -> None:
    last = session.outcome()
    topics = [f"run:{last.run_id}"] if last else []
    live("runs", *topics, key=keys.live("outcome"))
    line = None
    if last:
        app = deps.app()
        run, nodes = explaining.follow_run(app, last.run_id)
        line = outcome.build(last, run, nodes, now=app.clock.now())
    draw_outcome(line)


st.title("Inbox", anchor=False)
if not chosen.is_choosing():
    choose_card()  # before the list is drawn, which marks it
list_part, detail_part = st.columns([2, 3], gap="medium")
with list_part:
    draw_cards()
with detail_part:
    draw_detail()
