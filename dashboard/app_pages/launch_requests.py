"""What the launch page asks the services for, put together from its widgets."""

from __future__ import annotations

from interlock.core.services.launching import Launch
from interlock.core.types import Json
from interlock.dashboard.components import launch_form
from interlock.dashboard.views import launch


def make_request(form: launch.LaunchForm, value: Json, *, thread_id: str | None = None) -> Launch:
    """
    A launch as the page's options say.

    Args:
        form: The workflow's form.
        value: The input.
        thread_id: The thread to go on with; None takes a new one.

    Raises:
        InvalidInput: The context is not JSON.
    """
    options = launch_form.read_options(form)
    return Launch(
        workflow=form.workflow,
        input=value,
        context=launch.read_context(form, options["context"] or ""),
        thread_id=thread_id,
        break_before=tuple(options["break_before"] or ()),
        break_after=tuple(options["break_after"] or ()),
        recursion_limit=options["recursion_limit"],
        priority=options["priority"] or 0,
        variant=options["variant"] or "",
        asks_on_failure=bool(options["asks_on_failure"]),
    )
