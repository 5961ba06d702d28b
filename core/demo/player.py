"""
The process that plays a demonstration, beside the dashboard and the worker.

It fills the week before, starts the first threads, and lets new work come until it is stopped.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import random
import signal
import threading
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from interlock.core import bootstrap
from interlock.core.clock import FrozenClock
from interlock.core.demo import weeks
from interlock.core.demo.crew import Crew
from interlock.core.demo.opening import First
from interlock.core.demo.past import Past
from interlock.core.demo.plays import SCRIPTS
from interlock.core.demo.stream import Stream
from interlock.core.errors import FieldProblem, InterlockError, InvalidInput, NotFound
from interlock.core.model.demonstration import FAULTS_FILE, Demonstration, Service
from interlock.core.model.people import SYSTEM
from interlock.core.queue.played import PlayedQueue
from interlock.core.services import demonstrating, figuring, observing
from interlock.core.services.context import App
from interlock.core.settings import Settings

logger = logging.getLogger(__name__)

STEP_S = 1.0
PAST_COUNT = 2000  # threads of the week before, where the variable says nothing else
MAX_PAST_COUNT = 100_000
PAST_VARIABLE = "INTERLOCK_DEMO_PAST"
POLITENESS = 5  # added to the process's niceness: pages and runs come first


def main(settings: Settings) -> int:
    """
    Play until SIGTERM or SIGINT.

    Returns:
        The exit code.

    Raises:
        NotFound: No demonstration was begun in this data folder.
        StoreUnavailable: The database does not answer.
    """
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with contextlib.suppress(OSError):
        os.nice(POLITENESS)
    # What is played is in the audit; a line of the log for each would hide what goes wrong.
    logging.getLogger("interlock.core.store.audit").setLevel(logging.WARNING)
    app = bootstrap.build_app(
        settings, name="interlock-demo", origin="demo", may_create=False, caller=SYSTEM
    )
    try:
        found = demonstrating.read(app)
        if found is None:
            raise NotFound(
                "demonstration", str(settings.data_dir), hint="`interlock up --demo` begins one."
            )
        play(app, found, stop)
    finally:
        app.engine.dispose()
    return 0


def faults_path(settings: Settings) -> Path:
    """The file by which the shipped workflows' services are told to fail."""
    return settings.data_dir.absolute() / FAULTS_FILE


def play(app: App, demonstration: Demonstration, stop: threading.Event) -> None:
    """Play until `stop` is set."""
    past_count()  # said wrong, it is told before anything begins
    write_faults(faults_path(app.settings), demonstration.faults)
    filling = threading.Thread(
        target=_fill, args=(app, demonstration, stop), name="fill the past", daemon=True
    )
    if demonstration.filled_at is None:
        filling.start()
    rng = random.Random(demonstration.seed)  # noqa: S311  a play
    crew = Crew(app, rng)
    pulse = threading.Thread(target=_beat, args=(app, stop), name="beat", daemon=True)
    pulse.start()
    if demonstration.opened_at is None and _wait_for_worker(app, stop):
        First(app, crew, rng).play(lambda seconds: not stop.wait(seconds))
        if not stop.is_set():
            demonstrating.tell_opened(app)
    stream = Stream(app, crew, rng)
    while not stop.wait(STEP_S):
        try:
            found = demonstrating.read(app)
            if found is not None:
                stream.step(found, app.clock.now())
        except InterlockError as exc:  # the database is away, or a person was first
            logger.warning("demo_step_left_out", extra={"reason": str(exc)})
    for thread in (filling, pulse):
        if thread.is_alive():
            thread.join(timeout=5.0)


def past_count() -> int:
    """
    How many threads the week before has.

    Raises:
        InvalidInput: The variable is no number of threads.
    """
    said = os.environ.get(PAST_VARIABLE, "").strip() or str(PAST_COUNT)
    if not said.isascii() or not said.isdigit() or not 1 <= int(said) <= MAX_PAST_COUNT:
        problem = FieldProblem(
            PAST_VARIABLE, f"must be from 1 to {MAX_PAST_COUNT} (it is {said!r})"
        )
        raise InvalidInput("The demonstration cannot begin.", problems=[problem])
    return int(said)


def write_faults(path: Path, faults: Iterable[Service]) -> None:
    """Tell the services of the shipped workflows which of them fail; at once or not at all."""
    text = json.dumps({str(service): True for service in sorted(faults)})
    with contextlib.suppress(OSError):
        if path.read_text(encoding="utf-8") == text:
            return
    unfinished = path.with_suffix(".new")
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(path)


def _beat(app: App, stop: threading.Event) -> None:
    """Give signs of life, and carry out what people switch on the page."""
    while not stop.wait(STEP_S):
        try:
            found = demonstrating.tell_alive(app)
        except InterlockError as exc:
            logger.warning("demo_beat_left_out", extra={"reason": str(exc)})
            continue
        if found is not None:
            write_faults(faults_path(app.settings), found.faults)


def _wait_for_worker(app: App, stop: threading.Event) -> bool:
    while not stop.is_set():
        if observing.list_workers(app) and observing.list_workflow_names(app):
            return True
        stop.wait(0.2)
    return False


def _fill(app: App, demonstration: Demonstration, stop: threading.Event) -> None:
    """Play the week before the demonstration began, then count its figures."""
    demonstrating.close_cut_off(app)
    if observing.list_runs(app, limit=1):  # begun before, and stopped: it is not begun again
        demonstrating.tell_filled(app)
        return
    week = weeks.before(demonstration.begun_at, count=past_count())
    clock = FrozenClock(week.begin)
    played = replace(app, queue=PlayedQueue(), clock=clock)
    count = Past(played, clock, SCRIPTS, week, seed=demonstration.seed).play(
        may_go_on=lambda: not stop.is_set()
    )
    if stop.is_set():
        return
    figuring.rebuild(app)
    demonstrating.tell_filled(app)
    logger.info("demo_past_filled", extra={"threads": count})
