from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from interlock.core.errors import Conflict, FieldProblem, InterlockError, InvalidInput, NotFound
from interlock.core.model.approvals import Approval, ApprovalStatus, ApprovalSummary, Kind, Verb
from interlock.core.services import deciding, observing
from interlock.core.types import Json
from interlock.dashboard import deps, keys, state
from interlock.dashboard.components import inbox_session as session
from interlock.dashboard.components.answer_drafts import read_drafts
from interlock.dashboard.components.approval_card import draw_card
from interlock.dashboard.components.inbox_list import draw_list, draw_new
from interlock.dashboard.components.links import draw_empty
from interlock.dashboard.components.live import live
from interlock.dashboard.components.notices import draw_note
from interlock.dashboard.components.outcome import draw_outcome
from interlock.dashboard.components.tables import read_picked
from interlock.dashboard.views import answer_intents, card, decisions, inbox, outcome
from interlock.dashboard.views.escaping import md_escape
from interlock.dashboard.views.notices import Empty

EVERY = "All workflows"
PENDING_COUNT = 200  # among them the next card is looked for
LIST, DETAIL = "inbox-list-part", "inbox-detail-part"  # the two fragments


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
        done = deciding.decide(app, approval_id, intent, version=version, actor=deps.actor())
    except InvalidInput as exc:
        problems = exc.problems or (FieldProblem("", exc.message),)
        session.keep_problems(approval_id, version, problems)
    except Conflict as exc:
        text = decisions.say_conflict(exc, now=app.clock.now())
        state.leave_note(state.Note("conflict", text))
    except InterlockError as exc:
        state.leave_note(state.Note("refused", str(exc)))
    else:
        session.note_decided(approval_id, version)
        word = str(done.decision.verb)
        session.keep_outcome(
            outcome.Outcome(
                approval_id=approval_id, title=view.title, verb=word, run_id=done.run_id
            )
        )
        session.pick(None, after=approval_id)
        session.turn_list()


def leave(approval_id: str) -> None:
    session.pick(None, after=approval_id)
    session.turn_list()


def pick_row(key: str, ids: Sequence[str], marked: str | None) -> None:
    wanted = read_picked(key, ids, marked)
    if wanted is not None:
        session.pick(wanted)
        session.turn_list()
        st.rerun([LIST, DETAIL])


def show_new(shelf: str) -> None:
    session.let_in(shelf, deps.app().clock.now())


@st.fragment(key=LIST)
def draw_cards() -> None:
    live("inbox", "workflows", key=keys.live("inbox-list"))
    app = deps.app()
    now = app.clock.now()
    workflows = observing.list_workflow_names(app)
    with st.container(key=keys.inbox_list(), gap="small"):
        shelf = st.segmented_control(
            "Cards",
            list(inbox.SHELVES),
            default="pending",
            required=True,
            format_func=inbox.SHELF_NAMES.__getitem__,
            key=keys.inbox_status(),
            label_visibility="collapsed",
        )
        shelf = shelf or "pending"
        chosen = st.selectbox(
            "Workflow",
            [EVERY, *(w.name for w in workflows)],
            key=keys.inbox_workflow(),
            label_visibility="collapsed",
        )
        workflow = None if chosen == EVERY else chosen
        shown = f"{shelf}-{workflow}"
        page = int(st.session_state.get(keys.inbox_page(shown), 1))
        view = find_cards(shelf, workflow, page)
        if inbox.may_let_in(view):
            session.let_in(shown, now)
            view = find_cards(shelf, workflow, page)
        session.keep_order(view.ids)
        draw_new(view, on_show=lambda: show_new(shown))
        draw_list(view, turn=session.turn(), on_pick=pick_row)
        if view.page_count > 1:
            st.pagination(view.page_count, key=keys.inbox_page(shown))


def find_cards(shelf: str, workflow: str | None, page: int) -> inbox.InboxList:
    app = deps.app()
    now = app.clock.now()
    statuses = inbox.SHELVES[shelf]
    cards = observing.list_inbox_rows(
        app,
        statuses=statuses,
        workflow=workflow,
        limit=inbox.PAGE_COUNT,
        offset=(page - 1) * inbox.PAGE_COUNT,
        newest_first=shelf != "pending",
    )
    newest: Sequence[ApprovalSummary] = ()
    if shelf == "pending":
        newest = observing.list_inbox_rows(
            app, workflow=workflow, limit=inbox.NEW_LIMIT_COUNT + 1, newest_first=True
        )
    return inbox.build(
        cards,
        newest=newest,
        seen_until=session.seen_until(f"{shelf}-{workflow}", now),
        total=observing.count_inbox(app, statuses=statuses, workflow=workflow),
        shelf=shelf,
        wanted_id=session.picked(),
        is_filtered=workflow is not None,
        workflows=observing.list_workflow_names(app),
        now=now,
    )


@st.fragment(key=DETAIL)
def draw_detail() -> None:
    """Not live: what is typed here stays until the operator does something."""
    # Made even where it stays empty: a fragment writes outside of itself only where it did so before.
    bar = st.bottom.container(key=keys.decision_bar(), gap=None)
    draw_last_outcome()
    draw_note(state.take_note())
    with st.container(key=keys.inbox_detail()):
        approval_id = choose_card()
        if approval_id is None:
            draw_nothing()
            return
        try:
            found = observing.get_card(deps.app(), approval_id)
        except NotFound:
            draw_empty(Empty("There is no such card. Choose one from the list."))
            return
        view = card.build(found, state=read_state(found.approval), now=deps.app().clock.now())
        problems = session.problems(view.approval_id, view.version)
        draw_card(
            view,
            bar=bar,
            problems=problems,
            draw_fresh=lambda: draw_fresh(view.approval_id, view.version),
            on_decide=decide,
            on_next=leave,
        )


def read_state(approval: Approval) -> Json:
    """The values at a breakpoint, as they were kept when the run stopped there."""
    if approval.kind is not Kind.BREAKPOINT or approval.status is not ApprovalStatus.PENDING:
        return None
    snapshot = observing.run_detail(deps.app(), approval.run_id).snapshot
    return snapshot.values if snapshot else None


def choose_card() -> str | None:
    """The chosen card, which stays chosen; where there is none the next one in turn."""
    wanted = session.picked()
    if wanted is None:
        pending = [
            a.approval_id for a in observing.list_inbox_rows(deps.app(), limit=PENDING_COUNT)
        ]
        wanted = inbox.choose_next(session.order(), pending, session.after())
        if session.after() is not None:
            session.note_coming(wanted)
    if wanted is not None:
        session.pick(wanted)
    return wanted


@st.fragment
def draw_nothing() -> None:
    live("inbox", "workflows", key=keys.live("inbox-empty"))
    app = deps.app()
    if observing.count_inbox(app):
        st.rerun()
    draw_empty(inbox.say_nothing_chosen(observing.list_workflow_names(app)))


@st.fragment
def draw_fresh(approval_id: str, version: int) -> None:
    """Says when the card on the screen was decided elsewhere; the form below stays as it is."""
    live("inbox", key=keys.live(f"fresh-{approval_id}"))
    app = deps.app()
    found = observing.get_card(app, approval_id)
    closed = decisions.say_stale(found.approval, found.decisions, version, now=app.clock.now())
    st.caption(f":orange[{md_escape(closed)}]" if closed else "\N{NO-BREAK SPACE}")


@st.fragment
def draw_last_outcome() -> None:
    last = session.outcome()
    topics = [f"run:{last.run_id}"] if last else []
    live("runs", *topics, key=keys.live("outcome"))
    line = None
    if last:
        app = deps.app()
        detail = observing.run_detail(app, last.run_id)
        line = outcome.build(last, detail.run, detail.nodes, now=app.clock.now())
    draw_outcome(line)


st.title("Inbox", anchor=False)
choose_card()  # before the list is drawn, which marks it
list_part, detail_part = st.columns([2, 3], gap="medium")
with list_part:
    draw_cards()
with detail_part:
    draw_detail()
