"""What workflows print: whole in the record of their run, and harmless on the worker's terminal."""

from __future__ import annotations

import asyncio
import io
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from interlock.core.worker import lines, output
from interlock.core.worker.lines import Line, inert


@pytest.fixture
def terminal() -> io.StringIO:
    """The worker's stdout."""
    return io.StringIO()


@contextmanager
def worker(terminal: io.StringIO) -> Iterator[None]:
    """The ears on it as in a worker process; entered by a test, as pytest swaps the streams too."""
    root = logging.getLogger()
    streams, handlers = (sys.stdout, sys.stderr), list(root.handlers)
    sys.stdout, sys.stderr = terminal, io.StringIO()
    output.install()
    try:
        yield
    finally:
        sys.stdout, sys.stderr = streams
        root.handlers[:] = handlers


@pytest.fixture
def told() -> list[str]:
    """The lines kept with a run."""
    return []


@pytest.fixture
def clock():
    """Seconds that pass when a test says so."""
    return [0.0]


@pytest.fixture
def run(terminal, told):
    """Print as a run's code."""

    def run(*texts: str) -> None:
        with worker(terminal), output.captured(lambda _, text: told.append(text)):
            for text in texts:
                print(text, end="")

    return run


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain, größer, 日本　語, a b", "plain, größer, 日本　語, a b"),
        ("\x1b[2J\x1b]0;title\x07", r"\x1b[2J\x1b]0;title\x07"),
        ("\x9b31m", r"\x9b31m"),
        ("a\x08b\x7f\x00", r"a\x08b\x7f\x00"),
        ("pay \u202e001", r"pay \u202e001"),
        ("one\u2028two", r"one\u2028two"),
        ("tab\tstays", "tab\tstays"),
        ("family \U0001f468\u200d\U0001f469", "family \U0001f468\u200d\U0001f469"),
        ("half \ud800", r"half \ud800"),
    ],
)
def test_what_a_terminal_obeys_is_shown_as_an_escape(text, shown):
    assert inert(text) == shown


def test_control_characters_reach_neither_the_terminal_nor_the_record(terminal, told, run):
    run("\x1b[31mred\x1b[0m\x07\n")

    assert terminal.getvalue() == "\\x1b[31mred\\x1b[0m\\x07\n"
    assert told == ["\\x1b[31mred\\x1b[0m\\x07"]


def test_a_carriage_return_overwrites_nothing_on_the_terminal(terminal, told, run):
    run("refused\rapproved\n")

    assert terminal.getvalue() == "refused\napproved\n"
    assert told == ["refused", "approved"]


def test_lines_of_other_systems_are_lines(terminal, told, run):
    run("one\r\ntwo\r", "\n")

    assert told == ["one", "two"]
    assert "\r" not in terminal.getvalue()


def test_a_progress_bar_is_a_line_now_and_then_and_its_end(clock):
    line, seen = Line(now=lambda: clock[0]), []
    for percent in range(41):
        clock[0] += 0.25
        seen += line.feed(f"\r{percent:3}%")
    seen += line.feed("\n")

    assert seen == ["  0%", " 20%", " 40%"]


def test_a_progress_bar_that_was_left_is_told_with_its_last_state(terminal, told, run):
    run("\r 1%", "\r 2%", "\r 3%")

    assert told == [" 1%", " 3%"]
    assert terminal.getvalue() == " 1%\n"


def test_what_is_printed_in_pieces_is_one_line_and_seen_at_once(terminal, told, run):
    run("one ", "two")

    assert terminal.getvalue() == "one two"
    assert told == ["one two"]


async def test_nodes_side_by_side_do_not_mix(terminal, told):
    async def node(name: str) -> None:
        for _ in range(2):
            print(name, end="")
            await asyncio.sleep(0)

    with worker(terminal), output.captured(lambda _, text: told.append(text)):
        await asyncio.gather(node("a"), node("b"))

    assert told == ["aa", "bb"]


def test_a_long_line_is_cut_in_the_record(terminal, told, run):
    run("x" * (lines.MAX_LINE + 1), "y\n")

    assert told == ["x" * lines.MAX_LINE]


def test_what_is_printed_outside_of_a_run_is_harmless_too(terminal, told):
    with worker(terminal):
        print("importing\x1b[2J")

    assert terminal.getvalue() == "importing\\x1b[2J\n"
    assert told == []


def test_what_is_logged_is_kept_harmless_with_its_lines(terminal, told):
    with (
        worker(terminal),
        output.captured(lambda name, text: told.append(f"{name} {text}")),
    ):
        logging.getLogger("their.code").error("two\nlines\x1b[2J\r")

    assert told == ["their.code ERROR: two\nlines\\x1b[2J\\r"]


def test_programs_are_not_told_that_colours_are_obeyed(terminal):
    with worker(terminal):
        assert not sys.stdout.isatty()
