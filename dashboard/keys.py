"""
Widget keys, shared by pages and tests. Made from ids, never from positions (law 10).

A key also becomes the class `st-key-<key>` in the page, which is how a browser test finds it:
`selector(key)` is that class. Every key is of letters, digits, `-` and `_`, so that it stays itself.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

_UNSAFE = re.compile(r"[^A-Za-z0-9_-]+")
_JOINT = "--"  # between the parts of a key, and in no part itself ("__" is Streamlit's own)
_HASH_CHARS = 10


def selector(key: str) -> str:
    """The CSS selector under which the element with this key is found."""
    return f".st-key-{key}"


def safe(part: str) -> str:
    """A name of any shape as part of a key; different names stay different."""
    is_unsafe = not part or _UNSAFE.search(part) or any(joint in part for joint in (_JOINT, "__"))
    if not is_unsafe and part.strip("-_") == part:
        return part
    return f"x{_digest([part])}"


def _digest(parts: Iterable[str]) -> str:
    text = "\x1f".join(parts)
    return hashlib.sha256(text.encode()).hexdigest()[:_HASH_CHARS]


def _join(what: str, *parts: str) -> str:
    return _JOINT.join([what, *(safe(part) for part in parts)])


def _of_card(what: str, approval_id: str, version: int) -> str:
    # With the version: a draft or a button of an older question never acts on the newer one.
    return _join(what, approval_id, f"v{version}")


# A card -----------------------------------------------------------------------------------------


def card(approval_id: str) -> str:
    """The container of one card."""
    return _join("card", approval_id)


def card_aftermath(approval_id: str) -> str:
    """The line that says what became of a card."""
    return _join("aftermath", approval_id)


def card_part(name: str, approval_id: str) -> str:
    """A part beside a card that is folded at first: why, graph, steps."""
    return _join(f"beside-{name}", approval_id)


def card_form(approval_id: str, version: int) -> str:
    """The form of one card, its fields and its buttons."""
    return _of_card("form", approval_id, version)


def approve(approval_id: str, version: int) -> str:
    """The button that approves."""
    return _of_card("approve", approval_id, version)


def reject(approval_id: str, version: int) -> str:
    """The button that rejects."""
    return _of_card("reject", approval_id, version)


def edit(approval_id: str, version: int) -> str:
    """The button that approves with changes."""
    return _of_card("edit", approval_id, version)


def respond(approval_id: str, version: int) -> str:
    """The button that sends a response in words."""
    return _of_card("respond", approval_id, version)


def answer(approval_id: str, version: int) -> str:
    """The button that sends an answer."""
    return _of_card("answer", approval_id, version)


def skip(approval_id: str, version: int) -> str:
    """The button that skips the node of a breakpoint."""
    return _of_card("skip", approval_id, version)


def stop(approval_id: str, version: int) -> str:
    """The button that stops at a breakpoint."""
    return _of_card("stop", approval_id, version)


def verb(name: str, approval_id: str, version: int) -> str:
    """The button of a verb, by its name (`approve`, `reject`, ...)."""
    return _of_card(name, approval_id, version)


def reason(approval_id: str, version: int) -> str:
    """The field for the reason of a decision."""
    return _of_card("reason", approval_id, version)


def response(approval_id: str, version: int) -> str:
    """The field for a response in words."""
    return _of_card("response", approval_id, version)


def answer_text(approval_id: str, version: int) -> str:
    """The field for an answer as JSON."""
    return _of_card("answer-text", approval_id, version)


def choice(approval_id: str, version: int) -> str:
    """The choice among the answers that a card lists."""
    return _of_card("choice", approval_id, version)


def choices(approval_id: str, version: int) -> str:
    """The choice of several among the answers that a card lists."""
    return _of_card("choices", approval_id, version)


def json_switch(approval_id: str, version: int) -> str:
    """The switch between a card's form and plain JSON."""
    return _of_card("json", approval_id, version)


def card_field(approval_id: str, version: int, path: str) -> str:
    """A field of a card's form; `path` is its dotted path."""
    return _join("field", approval_id, f"v{version}", path)


def action_choice(approval_id: str, version: int, index: int) -> str:
    """The verb for one of several actions; their order is part of what is asked."""
    return _join("action", approval_id, f"v{version}", str(index))


def action_message(approval_id: str, version: int, index: int) -> str:
    """The words that go with the decision on one of several actions."""
    return _join("action-message", approval_id, f"v{version}", str(index))


def yes_no(approval_id: str, version: int) -> str:
    """The answer to a yes or no."""
    return _of_card("yes-no", approval_id, version)


def state_fields(approval_id: str, version: int) -> str:
    """Which fields of the state are to be changed at a breakpoint."""
    return _of_card("state-fields", approval_id, version)


# The inbox --------------------------------------------------------------------------------------


def inbox_table(ids: Iterable[str]) -> str:
    """
    The list of cards with exactly these ids in this order.

    Row selection is by position; a list with other rows is another widget, so that a selection never
    moves to another card.
    """
    return f"inbox-table-{_digest(ids)}"


def inbox_list() -> str:
    """The container of the list."""
    return "inbox-list"


def inbox_detail() -> str:
    """The container of the chosen card."""
    return "inbox-detail"


def decision_bar() -> str:
    """The bar with the buttons of the chosen card."""
    return "decision-bar"


def decision_row(approval_id: str, version: int) -> str:
    """The buttons of one version: those of the card before leave with their row."""
    return _of_card("decision-row", approval_id, version)


def inbox_outcome() -> str:
    """The quiet line about the last decision."""
    return "inbox-outcome"


def inbox_status() -> str:
    """The choice of which cards are listed: pending, decided, ..."""
    return "inbox-status"


def inbox_filter(name: str) -> str:
    """A filter of the list by its name (`workflow`, `node`, ...); it is in the URL by this name, too."""
    return f"inbox-{name}"


def inbox_sort(*, is_pending: bool) -> str:
    """The order of the list: what waits has orders of its own."""
    return "inbox-sort" if is_pending else "inbox-sort-closed"


def inbox_filters() -> str:
    """What opens the filters that are not always seen."""
    return "inbox-filters"


def inbox_clear(place: str) -> str:
    """A button that clears all filters."""
    return _join("inbox-clear", place)


def inbox_step(by: int) -> str:
    """The button that goes to the card after the chosen one, or to the one before it."""
    return "inbox-next" if by > 0 else "inbox-previous"


def inbox_page(shown: str, turn: str) -> str:
    """The page number within one filter; `turn` counts how often it was turned elsewhere."""
    return _join("inbox-page", shown, turn)


def inbox_show_new() -> str:
    """The button that lets new cards into the list."""
    return "inbox-show-new"


def inbox_keyboard() -> str:
    """The keys, and the line that shows them."""
    return "inbox-keyboard"


def open_card(approval_id: str) -> str:
    """A button elsewhere that opens a card in the inbox."""
    return _join("open", approval_id)


# Launching --------------------------------------------------------------------------------------


def launch_workflow() -> str:
    """The choice of the workflow."""
    return "launch-workflow"


def launch_form(workflow: str) -> str:
    """The form of a workflow's input."""
    return _join("launch-form", workflow)


def launch_field(workflow: str, path: str) -> str:
    """A field of the input form; `path` is its dotted path."""
    return _join("launch-field", workflow, path)


def launch_json(workflow: str) -> str:
    """The input as JSON."""
    return _join("launch-json", workflow)


def launch_json_switch(workflow: str) -> str:
    """The switch between the form and JSON."""
    return _join("launch-json-switch", workflow)


def launch_option(workflow: str, name: str) -> str:
    """Another field of a launch: its thread, context, breakpoints, recursion limit or priority."""
    return _join("launch-option", workflow, name)


def launch_submit(workflow: str) -> str:
    """The button that launches."""
    return _join("launch-submit", workflow)


def launch_recent(workflow: str, index: int) -> str:
    """The button that fills in one of the recent inputs."""
    return _join("launch-recent", workflow, str(index))


def launch_file(workflow: str) -> str:
    """The place for a file of inputs."""
    return _join("launch-file", workflow)


def launch_good_only(workflow: str) -> str:
    """The choice to leave out the rows that do not fit."""
    return _join("launch-good-only", workflow)


def launch_file_submit(workflow: str) -> str:
    """The button that launches a file."""
    return _join("launch-file-submit", workflow)


def launch_chat(workflow: str) -> str:
    """The box for a message to a workflow that talks."""
    return _join("launch-chat", workflow)


def launch_chat_anew(workflow: str) -> str:
    """The button that begins another conversation."""
    return _join("launch-chat-anew", workflow)


def batch_rows(place: str, ids: Iterable[str]) -> str:
    """A list of a batch's rows with exactly these runs in this order."""
    return f"batch-{place}-{_digest(ids)}"


def batch_download(batch_id: str) -> str:
    """The button that downloads all runs of a batch."""
    return _join("batch-download", batch_id)


def launch_shortcut(workflow: str) -> str:
    """A button elsewhere that leads to a workflow's launch form."""
    return _join("launch-shortcut", workflow)


# Runs -------------------------------------------------------------------------------------------


def runs_table(ids: Iterable[str]) -> str:
    """The list of runs with exactly these ids in this order."""
    return f"runs-table-{_digest(ids)}"


def runs_status() -> str:
    """The filter by status."""
    return "runs-status"


def runs_workflow() -> str:
    """The filter by workflow."""
    return "runs-workflow"


def runs_page(turn: str) -> str:
    """The page number; `turn` counts how often it was turned elsewhere."""
    return _join("runs-page", turn)


def runs_search() -> str:
    """The words that runs are looked for by."""
    return "runs-search"


def runs_error_off() -> str:
    """The button that takes the filter by error away."""
    return "runs-error-off"


def runs_group(what: str, error_type: str) -> str:
    """A part of a group of failed runs: `show`, `act`, `reason`, `retry` or `cancel`."""
    return _join("runs-group", what, error_type)


def runs_report_off() -> str:
    """The button that puts the report of a group's act away."""
    return "runs-report-off"


def open_run(run_id: str) -> str:
    """A button or link that opens a run."""
    return _join("open-run", run_id)


def run_cancel(run_id: str) -> str:
    """The button that cancels a run."""
    return _join("run-cancel", run_id)


def run_ask(run_id: str) -> str:
    """The button that puts a failed run into the inbox."""
    return _join("run-ask", run_id)


def run_retry(run_id: str) -> str:
    """The button that retries a run."""
    return _join("run-retry", run_id)


def run_reason(run_id: str) -> str:
    """The reason for cancelling or retrying a run."""
    return _join("run-reason", run_id)


def run_tabs(run_id: str) -> str:
    """The tabs beneath a run."""
    return _join("run-tabs", run_id)


def run_steps(ids: Iterable[str]) -> str:
    """The steps of a run, with exactly these attempts in this order."""
    return f"run-steps-{_digest(ids)}"


def run_step(task_id: str) -> str:
    """What one chosen step was handed and gave out."""
    return _join("run-step", task_id)


def run_step_again(task_id: str) -> str:
    """The button that reads a step once more."""
    return _join("run-step-again", task_id)


def run_state_form(run_id: str) -> str:
    """The switch between the state to read and the state as JSON."""
    return _join("run-state-form", run_id)


def run_older(what: str, run_id: str) -> str:
    """The button that shows older entries of a run's log or events."""
    return _join("run-older", what, run_id)


def confirm(what: str, object_id: str) -> str:
    """The button that confirms an act that was asked for."""
    return _join("confirm", what, object_id)


# Live parts and the frame -----------------------------------------------------------------------


def live(place: str) -> str:
    """The live socket of one part of a page."""
    return _join("live", place)


def sidebar_foot() -> str:
    """The foot of the sidebar: who acts, and whether a worker is there."""
    return "sidebar-foot"
