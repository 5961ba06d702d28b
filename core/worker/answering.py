"""
A worker's own `/metrics`, `/healthz` and `/readyz`, on a small server in threads of its own.

User code may block the loop of the worker; whoever asks is answered all the same, and told so.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
import logging
import socket
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from interlock.core.errors import FieldProblem, InterlockError, InvalidInput
from interlock.core.services import health
from interlock.core.services.context import App
from interlock.core.services.exposing import CONTENT_TYPE, Exposition
from interlock.core.services.health import Check, health_of
from interlock.core.settings import Settings
from interlock.core.worker import threads

LOOP_S = 1.0  # the longest a probe waits for the loop to turn
IDLE_S = 10.0  # a connection on which nothing is asked is closed
_JSON = "application/json"
_PLAIN = "text/plain; charset=utf-8"

logger = logging.getLogger(__name__)


class Vitals(Collector):
    """What only this worker knows; its numbers are read when somebody asks."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._count: Callable[[], Mapping[str, float]] | None = None

    def is_ready(self, count: Callable[[], Mapping[str, float]]) -> None:
        """The graphs are loaded; `count` tells what goes on, from any thread."""
        self._count = count

    def describe(self) -> Iterable[Metric]:
        """Nothing before it is asked."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """The worker's own figures."""
        yield GaugeMetricFamily(
            "interlock_worker_threads_left", _TEXTS["threads_left"], threads.left.count
        )
        if self._count is not None:
            for name, number in self._count().items():
                yield GaugeMetricFamily(f"interlock_worker_{name}", _TEXTS[name], number)

    def look_at_loop(self) -> Check:
        """How long the loop takes to turn; not needed, as a node that blocks it ends some time."""
        turned = threading.Event()
        started = time.perf_counter()
        with suppress(RuntimeError):  # it is closed: the process ends
            self._loop.call_soon_threadsafe(turned.set)
        has_turned = turned.wait(LOOP_S)
        took_ms = (time.perf_counter() - started) * 1000
        message = "turns" if has_turned else f"has not turned for {LOOP_S:g} s: a node blocks it"
        return Check(has_turned, message, took_ms, is_needed=False)

    def look_at_graphs(self) -> Check:
        """Whether it takes runs: its graphs are loaded, and it is not on its way out."""
        if self._count is None:
            return Check(ok=False, message="being loaded")
        if self._count()["is_draining"]:
            return Check(ok=False, message="loaded, but the worker stops and takes no more runs")
        if self._count()["is_over_memory"]:
            message = "loaded; takes no further runs, as it needs more memory than it may"
            return Check(ok=False, message=message, is_needed=False)
        return Check(ok=True, message="loaded")


_TEXTS = {
    "runs": "Runs this worker carries.",
    "room": "Runs it could take besides.",
    "records_waiting": "Records of runs that wait to be written.",
    "records_limit": "How many of them slow the graphs down.",
    "threads_left": "Sync nodes whose thread goes on after a time-out or a cancellation, unheard.",
    "is_draining": "1 while it stops and takes no more runs.",
    "is_over_memory": "1 while it needs more memory than it may, and takes no further runs.",
}


@asynccontextmanager
async def answering(app: App, vitals: Vitals) -> AsyncIterator[None]:
    """
    Answer while the block runs, where a port is set.

    Raises:
        InvalidInput: The port cannot be taken, or would be open to other machines.
    """
    if app.settings.worker_port is None:
        yield
        return
    answers = await asyncio.to_thread(Answers, app, vitals)
    logger.info("worker_answers", extra={"host": app.settings.host, "port": answers.port})
    try:
        yield
    finally:
        await asyncio.to_thread(answers.close)


class Answers:
    """The server; `close` may be called from anywhere, and twice."""

    def __init__(self, app: App, vitals: Vitals) -> None:
        """
        Begin to answer.

        Raises:
            InvalidInput: The port cannot be taken, or would be open to other machines.
        """
        assert app.settings.worker_port is not None
        refuse_open_door(app.settings)
        address = (app.settings.host, app.settings.worker_port)
        try:
            self._server = _Server(address, _handler(app, vitals))
        except OSError as exc:
            raise InvalidInput(
                f"The worker cannot listen on {address[0]}, port {address[1]}: {exc.strerror}.",
                hint="Choose another INTERLOCK_WORKER_PORT; 0 picks a free one.",
            ) from exc
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(
            target=self._server.serve_forever, name="answers", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Answer no more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def refuse_open_door(settings: Settings) -> None:
    """
    See that only this machine can ask, or that the operator wants it otherwise.

    Raises:
        InvalidInput: It would listen beyond loopback without being told to.
    """
    if settings.allow_remote or _is_loopback(settings.host):
        return
    raise InvalidInput(
        "A worker does not listen beyond this machine:",
        problems=[FieldProblem("host", f"{settings.host} can be reached from elsewhere.")],
        hint="Keep 127.0.0.1, or set INTERLOCK_ALLOW_REMOTE=true if that is what you want.",
    )


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        super().__init__(address, handler)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002  # the library's
        logger.debug("answer_failed", exc_info=sys.exc_info())


def _handler(app: App, vitals: Vitals) -> type[BaseHTTPRequestHandler]:
    exposition = Exposition(app, own=[vitals])
    names = {"localhost", app.settings.host, socket.gethostname(), *app.settings.allowed_hosts}

    class Handler(BaseHTTPRequestHandler):
        server_version = "Interlock"
        sys_version = ""
        timeout = IDLE_S

        def do_GET(self) -> None:
            status, kind, body = self._answer()
            self.send_response(status)
            self.send_header("content-type", kind)
            self.send_header("cache-control", "no-store")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def _answer(self) -> tuple[int, str, bytes]:
            if not _is_name_of_ours(self.headers.get("host", ""), names):
                return 421, _PLAIN, b"This host name is not in INTERLOCK_ALLOWED_HOSTS.\n"
            path = self.path.partition("?")[0]
            if path == "/metrics":
                return _answer_metrics(exposition)
            if path == "/healthz":
                found = health_of({"loop": vitals.look_at_loop()}, datetime.now(UTC))
                return 200, _JSON, json.dumps({"status": "ok"} | found.as_json()).encode()
            if path == "/readyz":
                found = health_of(_look(app, vitals), datetime.now(UTC))
                return 200 if found.ready else 503, _JSON, json.dumps(found.as_json()).encode()
            return 404, _PLAIN, b"There are /metrics, /healthz and /readyz.\n"

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing: a probe asks every few seconds."""

    return Handler


def _look(app: App, vitals: Vitals) -> dict[str, Check]:
    own = {"graphs": vitals.look_at_graphs(), "loop": vitals.look_at_loop()}
    return health.check_store(app) | own | health.check_outside(app)


def _answer_metrics(exposition: Exposition) -> tuple[int, str, bytes]:
    try:
        return 200, CONTENT_TYPE, exposition.text()
    except InterlockError as exc:
        logger.warning("no_figures", extra={"reason": str(exc)})
        return 503, _PLAIN, b"The database does not answer.\n"


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_name_of_ours(host: str, names: set[str]) -> bool:
    """An address as such cannot be rebound to this machine by a foreign name server, so it may be any."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    return name in names or _is_address(name)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
