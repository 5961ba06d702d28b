"""
The web process: one server for the pages, the live socket and health. Runs no graph.

Refuses to be reachable from elsewhere where nobody has to sign in, unless told so in so many words.
"""

from __future__ import annotations

import asyncio
import errno
import importlib
import logging
import pkgutil
import secrets
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import streamlit as st
import structlog
import uvicorn
from starlette.requests import Request
from starlette.responses import RedirectResponse
from starlette.routing import Route, WebSocketRoute
from streamlit.web import bootstrap as streamlit_bootstrap

from interlock.core import collecting, logs, parent
from interlock.core.errors import FieldProblem, InterlockError, InvalidInput, SignedOut
from interlock.core.services import opening, rotating
from interlock.core.services.alert_watching import AlertWatch, policies_beside
from interlock.core.settings import Settings
from interlock.dashboard import components, deps, keys, palette
from interlock.dashboard.components.signed_out import draw_signed_out
from interlock.dashboard.http import broadcasting, heads, health, live, metrics, streamlit_queue
from interlock.dashboard.http.api import mounting
from interlock.dashboard.http.attending import Attending
from interlock.dashboard.http.guarding import Guard, Hosts, is_loopback
from interlock.dashboard.http.policy import security_headers
from interlock.dashboard.http.sign_in import routes as sign_in_routes
from interlock.dashboard.http.sign_in.gate import Gate
from interlock.dashboard.http.sign_in.peers import Peers
from interlock.dashboard.views.escaping import md_escape

logger = structlog.get_logger(__name__)

_SCRIPT = Path(__file__).with_name("app.py")
_BACKLOG = 512
_GRACE_S = 3  # for open requests when the process is told to stop
_PING_S = 20.0
_MAX_FRAME_BYTES = 16 * 1024 * 1024  # from the browser to us: inputs and answers


def main(settings: Settings) -> int:
    """
    Serve until told to stop.

    Returns:
        The exit code: 0 after a signal.

    Raises:
        InvalidInput: It would listen beyond loopback without being told to, a key is missing, or
            what signing in needs.
        StoreUnavailable: The database does not answer or does not fit.
        InterlockError: The port cannot be taken.
    """
    parent.watch_parent()
    refuse_open_door(settings)
    with listen(settings.host, settings.port) as listener:
        deps.use(settings)
        rotating.require_keys(deps.process_app())
        missing = opening.open_door(deps.process_app())
        if missing and not parent.is_child():
            print(f"There is no admin yet. {missing}", flush=True)  # noqa: T201 - for who started it
        # `up` says where it is, once all of it is ready.
        return _serve(
            settings, listener, url="" if parent.is_child() else url_of(settings, listener)
        )


def refuse_open_door(settings: Settings) -> None:
    """
    See that only this machine reaches the port, or that the operator wants it otherwise.

    Raises:
        InvalidInput: It would listen beyond loopback without being told to.
    """
    may_stay_open = settings.allow_remote and not settings.is_production
    if is_loopback(settings.host) or settings.sign_in != "none" or may_stay_open:
        return
    raise InvalidInput(
        "Interlock does not listen beyond this machine:",
        problems=[
            FieldProblem(
                "host",
                f"{settings.host} can be reached from elsewhere, nobody has to sign in,"
                " and whoever reaches the port can approve.",
            )
        ],
        hint="Let people sign in (INTERLOCK_SIGN_IN, see docs/sign-in.md), keep 127.0.0.1, or set"
        " INTERLOCK_ALLOW_REMOTE=true if that is what you want; in production it does not do.",
    )


def listen(host: str, port: int) -> socket.socket:
    """
    Take the port; 0 takes any free one.

    Raises:
        InterlockError: It is taken, reserved, or the address is not of this machine.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as exc:
        raise InterlockError(f"{host} is not an address to listen on ({exc.strerror}).") from exc
    try:
        if sys.platform != "win32":  # there it would share a port that is in use
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(_BACKLOG)
        listener.setblocking(False)
    except OSError as exc:
        listener.close()
        raise _explain(exc, host, port) from exc
    return listener


def _explain(exc: OSError, host: str, port: int) -> InterlockError:
    if exc.errno == errno.EADDRINUSE:
        return InterlockError(
            f"Port {port} on {host} is in use.",
            hint="Stop what uses it (another Interlock?), or choose another with --port; 0 picks one.",
        )
    if exc.errno == errno.EACCES:
        return InterlockError(
            f"Port {port} is reserved.", hint="Choose one above 1024 with --port."
        )
    return InterlockError(f"Cannot listen on {host}, port {port}: {exc.strerror}.")


def url_of(settings: Settings, listener: socket.socket) -> str:
    """Where a browser on this machine finds the pages."""
    port = listener.getsockname()[1]
    host = "127.0.0.1" if settings.host in {"0.0.0.0", "::", ""} else settings.host  # noqa: S104 - compared, not listened on
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def build(settings: Settings, *, url: str = "") -> Peers:
    """
    The whole application, guarded. One a process: Streamlit keeps its state in the process.

    Args:
        settings: What an operator has set.
        url: Where it is, to be printed once it serves; empty prints nothing.
    """
    streamlit_queue.mend()
    streamlit_bootstrap.load_config_options(streamlit_options(settings))
    logging.getLogger("streamlit.error_util").addFilter(_is_not_ours_to_tell)
    hosts = Hosts(settings)
    pages = st.App(
        _SCRIPT,
        routes=[
            *sign_in_routes.routes(settings, hosts),
            WebSocketRoute(live.PATH, live.serve),
            Route("/healthz", health.answer_alive),
            Route("/readyz", health.answer_ready),
            Route("/metrics", metrics.answer_metrics),
            mounting.mount(mounting.PATH),
            mounting.mount(mounting.AGENT_SERVER_PATH, "agent_server"),
            Route("/overview", _lead_home),  # Streamlit knows its first page by no other name
        ],
        lifespan=partial(_live_while_serving, url),
        on_script_error=tell_failure,
    )
    gate = Gate(pages, settings=settings, hosts=hosts)
    return Peers(Guard(gate, hosts=hosts, headers=security_headers()), settings=settings)


def _lead_home(_request: Request) -> RedirectResponse:
    return RedirectResponse("/")


def streamlit_options(settings: Settings) -> dict[str, Any]:
    """
    Streamlit's options, all that matter, whatever a config.toml in the user's folder says.

    Environment variables do not reach an embedded Streamlit, so nothing is left to them.
    """
    return (
        palette.theme_options()
        | {
            "global.developmentMode": False,
            "server.address": settings.host,
            "server.port": settings.port,
            "server.baseUrlPath": "",
            "server.headless": True,
            "server.runOnSave": False,
            "server.fileWatcherType": "none",
            "server.allowedHosts": ["*"],  # the guard around it has the list
            "server.enableCORS": True,
            "server.enableXsrfProtection": True,
            "server.enableAgentApi": False,
            "server.enableStaticServing": True,
            "server.maxUploadSize": max(1, -(-settings.batch_max_bytes // 1_048_576)),  # MB
            "server.disconnectedSessionTTL": 60,
            "server.trustedUserHeaders": {},
            "client.allowedOrigins": [],  # no other site may steer a page by messages
            "client.showErrorDetails": "none",
            "client.showErrorLinks": False,
            "client.toolbarMode": "minimal",
            "client.showSidebarNavigation": True,
            "browser.gatherUsageStats": False,
            "runner.postScriptGC": False,  # a full collection after every fragment costs 95 ms
            "runner.magicEnabled": False,
            "runner.fastReruns": False,  # a drawing that is cut short leaves what it replaced on the page
            "logger.hideWelcomeMessage": True,
            "logger.enableRich": False,  # its traces hold the values of all variables
        }
    )


def tell_failure(exc: Exception) -> bool:
    """Say on the page that it failed, with a number under which the log has the reason."""
    if isinstance(exc, SignedOut):
        draw_signed_out(exc.message, key=keys.signed_out(secrets.token_hex(4)))
        return True
    if isinstance(exc, InterlockError):
        logger.warning("a page was refused", error=str(exc), type=type(exc).__name__)
        st.error(md_escape(exc), icon=":material/error:")
        return True
    reference = secrets.token_hex(4)
    logger.error("a page failed", reference=reference, exc_info=exc)
    st.error(
        f"This page could not be drawn. The log of the web process has the reason under `{reference}`."
        " Nothing you decided before is lost; reload to try again.",
        icon=":material/error:",
    )
    return True


def _is_not_ours_to_tell(record: logging.LogRecord) -> bool:
    """Keep Streamlit from logging what `tell_failure` logs with its reference, secrets masked."""
    exc = record.exc_info[1] if record.exc_info else None
    return exc is None or isinstance(exc, SyntaxError)


@asynccontextmanager
async def _live_while_serving(url: str, _app: st.App) -> AsyncIterator[dict[str, Any]]:
    logs.adopt("streamlit", "uvicorn")  # theirs would pass our log and its masks by
    import_components()
    collecting.spare_what_stays()
    app = deps.process_app()
    broadcaster = broadcasting.Broadcaster(partial(heads.ServiceHeads, app), poll_s=heads.POLL_S)
    broadcaster.start()
    broadcasting.use(broadcaster)
    # No worker can tell that there is none.
    alerts = AlertWatch(app, policies_beside(app.settings), workers_only=True)
    alerts.start()
    attending = Attending(app, broadcaster.opened)
    attending.start()
    if url:
        print(f"Interlock is at {url}", flush=True)  # noqa: T201 - the line people and scripts wait for
    try:
        yield {"broadcaster": broadcaster}
    finally:
        alerts.stop()
        await asyncio.to_thread(attending.stop)
        broadcasting.use(None)
        await broadcaster.stop()


def import_components() -> None:
    """
    Import whatever pages are drawn with, before the first tab asks.

    Two first tabs would import pandas in two threads, and one could meet it half loaded. It needs the
    running Streamlit: a component that is declared before belongs to none.
    """
    for found in pkgutil.iter_modules(components.__path__, f"{components.__name__}."):
        importlib.import_module(found.name)


def _serve(settings: Settings, listener: socket.socket, *, url: str) -> int:
    config = uvicorn.Config(
        build(settings, url=url),
        lifespan="on",
        log_config=None,
        log_level="warning",  # not every socket that opens and closes
        access_log=False,
        server_header=False,
        proxy_headers=False,  # it would believe whoever connects from this machine
        ws="websockets-sansio",
        ws_ping_interval=_PING_S,
        ws_ping_timeout=_PING_S,
        ws_max_size=_MAX_FRAME_BYTES,
        ws_per_message_deflate=False,
        timeout_graceful_shutdown=_GRACE_S,
    )
    server = uvicorn.Server(config)
    # The server handles the signal, then sends it on to whoever handled it before: us, who are done.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    server.run(sockets=[listener])
    return 0 if server.started else 1
