"""Errors to Sentry, where `SENTRY_DSN` is set: what the log has as an error, its secrets masked."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from typing import Any

from interlock.core import extras
from interlock.core.masking import mask_tree

MAX_CHARS = 8_000  # of one text; a stack is the longest

logger = logging.getLogger(__name__)


def configure(process: str, environment: Mapping[str, str] = os.environ, **more: Any) -> bool:
    """
    Begin to report the errors of this process, if that is asked for.

    Args:
        process: As the reports call it: web or worker.
        environment: Where the variables are; Sentry's own others hold as well.
        more: Further options of the library, for tests.

    Returns:
        Whether errors are reported.
    """
    if not extras.ERRORS.is_asked_for(environment):
        return False
    if not extras.ERRORS.is_installed:
        logger.warning("extra_missing", extra={"reason": extras.ERRORS.explain_missing()})
        return False
    import sentry_sdk

    options: dict[str, Any] = {
        "dsn": environment[extras.ERRORS.variable],
        "before_send": _mask_event,
        "before_breadcrumb": _mask,
        "include_local_variables": False,  # they hold states, prompts and keys
        "include_source_context": False,
        "max_request_body_size": "never",
        "auto_enabling_integrations": False,  # they would patch the user's libraries
    }
    sentry_sdk.init(**(options | more))
    sentry_sdk.set_tag("process", process)
    return True


def _mask(event: Any, _hint: Any) -> Any:
    return mask_tree(event, limit=MAX_CHARS)


def _mask_event(event: Any, hint: Mapping[str, Any]) -> Any:
    record = hint.get("log_record")
    if record is not None and isinstance(record.msg, dict):  # a line of structlog's
        fields = {k: v for k, v in record.msg.items() if not k.startswith("_")}
        event["logentry"] = {"message": str(fields.pop("event", ""))}
        event["extra"] = {**event.get("extra", {}), **fields}
    event.pop("server_name", None)
    return _mask(event, hint)
