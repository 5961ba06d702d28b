from __future__ import annotations

import errno
import io
import json
import logging
import time
import warnings
from logging.handlers import RotatingFileHandler

import pytest
import structlog

from interlock.core import logs
from interlock.core.settings import Settings


@pytest.fixture(autouse=True)
def _restore():
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    yield
    for handler in root.handlers:
        if handler not in before:
            handler.close()
    root.handlers[:] = before
    root.setLevel(level)
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def configured(tmp_path, **settings):
    stream = io.StringIO()
    path = logs.configure(Settings(data_dir=tmp_path, **settings), process="worker", stream=stream)
    return stream, path


def test_our_lines_and_those_of_libraries_have_the_same_shape(tmp_path):
    stream, path = configured(tmp_path, log_format="json")
    structlog.contextvars.bind_contextvars(run_id="r1")
    structlog.get_logger("ours").info("run started", node="a")
    logging.getLogger("theirs").warning("careful %s", "now", extra={"why": "ice"})
    first, second = (json.loads(line) for line in stream.getvalue().splitlines())
    assert (
        first["event"],
        first["node"],
        first["run_id"],
        first["level"],
        first["process"],
    ) == ("run started", "a", "r1", "info", "worker")
    assert (second["event"], second["run_id"], second["logger"]) == ("careful now", "r1", "theirs")
    assert second["why"] == "ice"
    assert [json.loads(line)["event"] for line in path.read_text().splitlines()] == [
        "run started",
        "careful now",
    ]


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_secrets_are_masked_wherever_they_stand(tmp_path, log_format):
    stream, _ = configured(tmp_path, log_format=log_format)
    structlog.get_logger().info(
        "connecting to postgresql://me:hunter2@db/x",
        api_key="hunter2",
        nested={"headers": [{"Authorization": "Bearer hunter2"}], "ok": "seen"},
        cookies=["hunter2"],
        tokens=812,
    )
    logging.getLogger("x").warning("Authorization: Bearer hunter2 and password=hunter2; done")
    try:
        raise ValueError("token='hunter2'")
    except ValueError:
        logging.getLogger("x").exception("failed")
    text = stream.getvalue()
    assert "hunter2" not in text
    assert "seen" in text
    assert "812" in text
    assert "done" in text
    assert "ValueError" in text


def test_long_values_are_cut_and_say_so(tmp_path):
    stream, _ = configured(tmp_path)
    structlog.get_logger().info("x", value="v" * 10_000)
    assert len(stream.getvalue()) < 3000
    assert "8000 more characters" in stream.getvalue()


def test_a_line_cannot_be_forged_by_what_is_logged(tmp_path):
    stream, _ = configured(tmp_path)
    logging.getLogger("agent").warning("fine\n2026-01-01 [error] forged \x1b[31m")
    assert len(stream.getvalue().splitlines()) == 1
    assert "\x1b" not in stream.getvalue()


def test_a_trace_keeps_its_lines_in_text(tmp_path):
    stream, _ = configured(tmp_path)
    try:
        raise ValueError("no")
    except ValueError:
        structlog.get_logger().exception("failed")
    assert "\nTraceback (most recent call last):\n" in stream.getvalue()


def test_the_level_is_a_setting_and_chatty_libraries_stay_quiet(tmp_path):
    stream, _ = configured(tmp_path, log_level="info")
    logging.getLogger("users.code").info("heard")
    logging.getLogger("users.code").debug("not heard")
    logging.getLogger("httpx").info("not heard either")
    assert "heard" in stream.getvalue()
    assert "not heard" not in stream.getvalue()


def test_a_second_call_replaces_the_first(tmp_path):
    first, _ = configured(tmp_path)
    second, _ = configured(tmp_path)
    logging.getLogger("x").warning("once")
    assert first.getvalue() == ""
    assert second.getvalue().count("once") == 1


def test_a_folder_that_cannot_be_written_leaves_stderr(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    stream, path = configured(blocked)
    assert path is None
    assert "Logging to stderr only" in stream.getvalue()


def test_warnings_are_logged(tmp_path):
    stream, _ = configured(tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=True)
        warnings.showwarning(UserWarning("old thing"), UserWarning, "f.py", 1)
    assert "old thing" in stream.getvalue()


def test_a_library_with_handlers_of_its_own_is_adopted(tmp_path):
    stream, _ = configured(tmp_path)
    own = io.StringIO()
    library = logging.getLogger("selfish.part")
    library.addHandler(logging.StreamHandler(own))
    library.propagate = False
    logs.adopt("selfish")
    library.warning("heard")
    assert own.getvalue() == ""
    assert "heard" in stream.getvalue()


def test_a_log_is_its_owners_alone(tmp_path):
    _, path = configured(tmp_path)
    logging.getLogger("ours").warning("hello")
    assert path.stat().st_mode & 0o077 == 0


def test_a_log_that_cannot_be_written_is_said_once(tmp_path, capsys, monkeypatch):
    configured(tmp_path)
    (file,) = (h for h in logging.getLogger().handlers if isinstance(h, RotatingFileHandler))
    monkeypatch.setattr(file, "shouldRollover", fail_as_full_disk)
    logging.getLogger("ours").warning("one")
    logging.getLogger("ours").warning("two")
    told = capsys.readouterr().err
    assert told.count("cannot be written") == 1
    assert "Traceback" not in told


def fail_as_full_disk(_record):
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("log_format", ["json", "text"])
@pytest.mark.parametrize("log", [structlog.get_logger, logging.getLogger])
def test_secrets_of_an_exception_are_masked_in_every_part_of_a_line(tmp_path, log_format, log):
    stream, path = configured(tmp_path, log_format=log_format)
    try:
        try:
            raise ValueError("postgresql://ann:hunter2@db/x does not answer")
        except ValueError as cause:
            raise RuntimeError("refused: api_key=hunter2, sk-hunter2hunter2hunter2") from cause
    except RuntimeError:
        log("any").exception("calling with token=hunter2")
    log("any").error("failed %s", ValueError("password: hunter2"))
    for text in (stream.getvalue(), path.read_text()):
        assert "hunter2" not in text
        assert "RuntimeError" in text
        assert "does not answer" in text


def test_masking_costs_a_line_little(tmp_path):
    event = {
        "event": "node failed",
        "run_id": "0198c0de" * 4,
        "node": "team/charge",
        "why": "x" * 500,
    }
    began = time.process_time()
    for _ in range(1000):
        logs.mask_secrets(None, "info", dict(event))
    assert time.process_time() - began < 2  # 0.1 s; a regular expression gone wild takes minutes
