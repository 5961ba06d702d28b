"""
What pages and requests need from outside: the application, and who asks. The only place of the
dashboard that builds it; tests replace these functions.

Who asks is a page's session by its cookie, or what the API's door has found; it is read from the
database anew for each command (`permitting`), here only often enough that nobody sees what they may not.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from interlock.core import bootstrap
from interlock.core.errors import SignedOut, StoreUnavailable
from interlock.core.model import people
from interlock.core.model.people import LOCAL, SYSTEM, Caller, CallerKind, Person
from interlock.core.services import permitting
from interlock.core.services.context import App
from interlock.core.settings import Settings, load_settings
from interlock.core.types import new_id

COOKIE = "interlock_session"
SAFE_PREFIX = (
    "__Host-"  # before a cookie that came by https: no other site of the domain can set it
)
_SEEN_S = 2.0  # how long a look at who asks is good for drawing
_SEEN_MOST = 1000


@dataclass(frozen=True, kw_only=True)
class Visitor:
    """Who a request comes from, as its door has found it."""

    caller: Caller
    origin: str = ""
    address: str = ""


visitor: ContextVar[Visitor | None] = ContextVar("interlock_visitor", default=None)

_lock = threading.Lock()
_seen: OrderedDict[Caller, tuple[float, Person | None, Settings | None]] = OrderedDict()
_settings: Settings | None = None
_app: App | None = None


def use(settings: Settings) -> None:
    """Serve with these settings, read once from the command line, instead of the environment's."""
    global _settings, _app
    with _lock:
        _settings, _app = settings, None
        _seen.clear()


def process_app() -> App:
    """
    The application of this process, for what it does by itself; built on the first call.

    Raises:
        StoreUnavailable: The database does not answer; the next call tries again.
    """
    global _app
    with _lock:
        if _app is None:
            _app = bootstrap.build_app(
                _settings or load_settings(),
                name=f"interlock-web-{new_id()}",  # each process by its own, so that they are counted
                origin="web",
                caller=SYSTEM,
            )
        return _app


def app() -> App:
    """
    The application as whoever looks at this page, or sent this request, may use it.

    Raises:
        StoreUnavailable: The database does not answer; the next call tries again.
        SignedOut: One has to sign in, and nobody known asks.
    """
    who = _find_visitor()
    bound = permitting.bind(process_app(), who.caller, origin=who.origin, address=who.address)
    return permitting.see(bound, person(bound))


def actor() -> str:
    """Under whose name this session or request acts."""
    return person(app()).name


def person(bound: App) -> Person:
    """
    Who asks, as of a moment ago: for what is drawn, never for what is done.

    Raises:
        SignedOut: Nobody known asks.
        StoreUnavailable: The database does not answer, and nobody has seen them before.
    """
    if bound.caller.kind is CallerKind.LOCAL and bound.settings.sign_in != "none":
        # A process that was started for people who sign in stays closed to all others, also when
        # somebody ends sign-in in the database beside it: it may be reached from anywhere.
        raise SignedOut(
            "One has to sign in here.",
            hint="After `interlock sign-in off`, start again without INTERLOCK_SIGN_IN.",
        )
    now = time.monotonic()
    with _lock:
        at, known, settings = _seen.get(bound.caller, (0.0, None, None))
    if settings is not bound.settings:  # seen by another application of this process
        known = None
    if known is not None and now - at < _SEEN_S:
        return known
    try:
        found = permitting.resolve(bound)
    except StoreUnavailable:
        if known is None:
            raise
        return known  # nothing can be read but what the process remembers, as that the database is away
    with _lock:
        _seen[bound.caller] = (now, found, bound.settings)
        _seen.move_to_end(bound.caller)
        while len(_seen) > _SEEN_MOST:
            _seen.popitem(last=False)
    return found


def forget(caller: Caller) -> None:
    """Look anew who this is: they signed out, or in."""
    with _lock:
        _seen.pop(caller, None)


def forget_all() -> None:
    """Look anew who everybody is: somebody signed out, or became something else."""
    with _lock:
        _seen.clear()


def is_public_safe(settings: Settings) -> bool:
    """Whether people open the dashboard by https."""
    return (settings.public_url or "").lower().startswith("https://")


def secret_of(cookies: Mapping[str, str]) -> str | None:
    """What a browser holds of its session."""
    safe = cookies.get(SAFE_PREFIX + COOKIE)
    if safe or is_public_safe(process_app().settings):
        return safe
    return cookies.get(COOKIE)


def caller_of(secret: str | None) -> Caller:
    """Who holds a session's cookie; without one, whoever opened the page."""
    if not secret:
        return LOCAL
    return Caller(CallerKind.SESSION, people.hash_secret(secret))


def _find_visitor() -> Visitor:
    known = visitor.get()
    if known is not None:
        return known
    if get_script_run_ctx(suppress_warning=True) is None:
        return Visitor(caller=LOCAL)
    return Visitor(
        caller=caller_of(secret_of(st.context.cookies)), address=st.context.ip_address or ""
    )
