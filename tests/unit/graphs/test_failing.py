"""What is kept of a failure holds no secret."""

from __future__ import annotations

import time

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


def test_an_error_of_megabytes_is_cut_before_it_is_searched_for_secrets():
    error = ValueError("api_key=hunter2 " + "z" * 3_000_000 + " token=hunter2")
    began = time.process_time()
    for _ in range(5):
        failure = failing.describe(error, attempt=None, state=None)
    assert time.process_time() - began < 2
    message = failure.message
    assert message.startswith("api_key=*** zzz")
    assert message.endswith("z … (cut)")
    assert len(message) == failing.MAX_MESSAGE + len(" … (cut)")
    assert len(failure.stack) <= failing.MAX_STACK
    assert "hunter2" not in message + failure.stack


def test_a_secret_where_an_error_is_cut_is_not_half_shown():
    for place in range(failing.MAX_MESSAGE - 60, failing.MAX_MESSAGE):
        text = "w " * (place // 2) + "postgresql://app:hunter2hunter2@db/x" + " more" * 2_000
        assert "hunt" not in failing.message_of(ValueError(text))
