"""Whom a request comes from: the session that its cookie names, where the proxy does not say otherwise."""

from __future__ import annotations

import asyncio
import threading
from collections import OrderedDict

from starlette.requests import HTTPConnection
from starlette.types import Scope

from interlock.core.errors import SignedOut
from interlock.core.model.people import Caller, CallerKind, Permission, Person, permissions_of
from interlock.core.services import permitting, signing_in
from interlock.core.services.context import App
from interlock.dashboard import deps
from interlock.dashboard.http.sign_in.peers import Peer, peer_of

_MOST = 10_000

_lock = threading.Lock()
_groups: OrderedDict[str, str] = OrderedDict()  # by session, as the proxy told them when it began


def note_groups(session_id: str, groups: str) -> None:
    """Remember with which groups a session began: when the proxy tells others, another has to begin."""
    with _lock:
        _groups[session_id] = groups
        while len(_groups) > _MOST:
            _groups.popitem(last=False)


def caller_of(scope: Scope) -> Caller | None:
    """The session that the browser holds, good or not."""
    secret = deps.secret_of(HTTPConnection(scope).cookies)
    return deps.caller_of(secret) if secret else None


async def find_person(scope: Scope) -> Person | None:
    """
    Who is signed in, as of a moment ago; None if nobody is.

    Raises:
        StoreUnavailable: The database does not answer.
    """
    caller = caller_of(scope)
    if caller is None:
        return None
    return await asyncio.to_thread(_find, caller, peer_of(scope))


async def may_see(secret: str) -> bool:
    """
    Whether a token may read.

    Raises:
        StoreUnavailable: The database does not answer.
    """
    token = Caller(CallerKind.TOKEN, deps.caller_of(secret).id)
    person = await asyncio.to_thread(_resolve, token)
    return person is not None and Permission.SEE in permissions_of(person)


async def note_seen(scope: Scope) -> None:
    """Note that a session is in use; a failure of that is nobody's trouble."""
    caller = caller_of(scope)
    if caller is not None:
        await asyncio.to_thread(signing_in.note_seen, permitting.bind(deps.process_app(), caller))


def _find(caller: Caller, peer: Peer) -> Person | None:
    person = _resolve(caller)
    if person is None or not _is_by_proxy(deps.process_app()):
        return person
    with _lock:
        is_level = _groups.get(caller.id) == peer.groups
    return person if is_level and peer.name == person.name else None


def _resolve(caller: Caller) -> Person | None:
    try:
        return deps.person(permitting.bind(deps.process_app(), caller))
    except SignedOut:
        return None


def _is_by_proxy(app: App) -> bool:
    return app.settings.sign_in == "proxy"
