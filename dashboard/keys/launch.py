"""Keys of launches and batches."""

from __future__ import annotations

from collections.abc import Iterable

from interlock.dashboard.keys.making import digest, join


def launch_workflow() -> str:
    """The choice of the workflow."""
    return "launch-workflow"


def launch_form(workflow: str) -> str:
    """The form of a workflow's input."""
    return join("launch-form", workflow)


def launch_field(workflow: str, path: str) -> str:
    """A field of the input form; `path` is its dotted path."""
    return join("launch-field", workflow, path)


def launch_json(workflow: str) -> str:
    """The input as JSON."""
    return join("launch-json", workflow)


def launch_json_switch(workflow: str) -> str:
    """The switch between the form and JSON."""
    return join("launch-json-switch", workflow)


def launch_option(workflow: str, name: str) -> str:
    """Another field of a launch: its thread, context, breakpoints, recursion limit or priority."""
    return join("launch-option", workflow, name)


def launch_submit(workflow: str) -> str:
    """The button that launches."""
    return join("launch-submit", workflow)


def launch_recent(workflow: str, index: int) -> str:
    """The button that fills in one of the recent inputs."""
    return join("launch-recent", workflow, str(index))


def launch_file(workflow: str) -> str:
    """The place for a file of inputs."""
    return join("launch-file", workflow)


def launch_good_only(workflow: str) -> str:
    """The choice to leave out the rows that do not fit."""
    return join("launch-good-only", workflow)


def launch_file_submit(workflow: str) -> str:
    """The button that launches a file."""
    return join("launch-file-submit", workflow)


def launch_chat(workflow: str) -> str:
    """The box for a message to a workflow that talks."""
    return join("launch-chat", workflow)


def launch_chat_anew(workflow: str) -> str:
    """The button that begins another conversation."""
    return join("launch-chat-anew", workflow)


def batch_rows(place: str, ids: Iterable[str]) -> str:
    """A list of a batch's rows with exactly these runs in this order."""
    return f"batch-{place}-{digest(ids)}"


def batch_download(batch_id: str) -> str:
    """The button that downloads all runs of a batch."""
    return join("batch-download", batch_id)


def launch_shortcut(workflow: str) -> str:
    """A button elsewhere that leads to a workflow's launch form."""
    return join("launch-shortcut", workflow)
