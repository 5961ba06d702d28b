"""The part of the launch page where a file of inputs is looked at and launched."""

from __future__ import annotations

from typing import Any

import streamlit as st

from interlock.core.errors import InterlockError
from interlock.core.model.launch_batches import CheckedFile
from interlock.core.model.workflows import Workflow
from interlock.core.services import batch_launching
from interlock.dashboard import deps, keys, state
from interlock.dashboard.app_pages.launch_requests import make_request
from interlock.dashboard.components import launch_file, launch_form
from interlock.dashboard.components.notices import draw_problem
from interlock.dashboard.views import batch
from interlock.dashboard.views.launch import LaunchForm

STARTED = "launch-started-batch"
CHECKED = "launch-checked-file"
RECENT_COUNT = 10


def start(form: LaunchForm, file: CheckedFile, batch_id: str, only_good_key: str) -> None:
    app, actor = deps.app(), deps.actor()
    only_good = bool(st.session_state.get(only_good_key))
    try:
        request = make_request(form, None)
        state.once(
            batch_id,
            lambda: batch_launching.launch(
                app, file, request, batch_id=batch_id, actor=actor, only_good=only_good
            ),
        )
    except InterlockError as exc:
        state.leave_note(state.Note("refused", str(exc)))
    else:
        left_out = len(file.bad) if only_good else 0
        st.session_state[STARTED] = (batch_id, left_out)


def check(workflow: Workflow, upload: Any) -> CheckedFile | str:
    """The file with all its rows looked at, once for each file and state of the workflow."""
    wanted = (workflow.name, workflow.published_at, upload.file_id)
    kept = st.session_state.get(CHECKED)
    if kept is None or kept[0] != wanted:
        try:
            found: CheckedFile | str = batch_launching.check(
                deps.app(), workflow.name, upload.getvalue(), source=upload.name
            )
        except InterlockError as exc:
            found = str(exc)
        kept = (wanted, found)
        st.session_state[CHECKED] = kept
    checked: CheckedFile | str = kept[1]
    return checked


def draw_file_mode(workflow: Workflow, form: LaunchForm) -> None:
    app = deps.app()
    drawn = state.drawn_form(STARTED)
    upload = launch_file.draw_upload(workflow.name, drawn, max_bytes=app.settings.batch_max_bytes)
    file = check(workflow, upload) if upload is not None else None
    only_good_key = launch_file.good_only_key(workflow.name, drawn)
    view = None
    if isinstance(file, str):
        draw_problem(file)
    elif file is not None:
        view = batch.build_file(file, only_good=bool(st.session_state.get(only_good_key)))
        launch_file.draw_file(view, key=keys.launch_file(workflow.name))
        if view.choice:
            launch_file.draw_choice(view, workflow.name, drawn)
    launch_form.draw_options(form, app.settings.recursion_limit, has_thread=False)
    st.button(
        (view and view.action) or "Launch",
        key=keys.launch_file_submit(workflow.name),
        icon=":material/rocket_launch:",
        type="primary",
        disabled=view is None or not view.action,
        on_click=start,
        args=(form, file, drawn, only_good_key),
    )


def draw_recent_files() -> None:
    app = deps.app()
    found = batch_launching.list_batches(app, limit=RECENT_COUNT)
    launch_file.draw_recent(batch.list_recent(found, now=app.clock.now()))
