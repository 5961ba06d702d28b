"""What is kept of a failure holds no secret."""

from __future__ import annotations

from interlock.core.graphs import failing


def test_secrets_in_an_error_are_hidden_in_message_stack_and_state():
    try:
        raise ConnectionError("no answer from postgresql://app:hunter2@db/x, api_key=sk-123")
    except ConnectionError as exc:
        failure = failing.describe(exc, attempt=None, state={"api_key": "sk-123", "n": 1})

    assert failure.type == "ConnectionError"
    assert "no answer from postgresql://app:***@db/x" in failure.message
    kept = str(failure.as_json())
    assert "hunter2" not in failure.message
    assert "sk-123" not in failure.message
    assert failure.snapshot == {"api_key": "***", "n": 1}
    assert "ConnectionError" in kept
