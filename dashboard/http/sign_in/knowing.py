"""Whom a request comes from: the session that its cookie names, where the proxy does not say otherwise."""

from __future__ import annotations

import asyncio

from starlette.requests import HTTPConnection
from starlette.types import Scope

from interlock.core.errors import NotAllowed, SignedOut
from interlock.core.model import sign_ins
from interlock.core.model.people import Caller, CallerKind, Permission, Person, permissions_of
from interlock.core.model.sign_ins import Vouched
from interlock.core.services import permitting, signing_in
from interlock.core.settings import Settings
from interlock.dashboard import deps
from interlock.dashboard.http.sign_in.peers import Peer, peer_of


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
    settings = deps.process_app().settings
    if person is None or settings.sign_in != "proxy":
        return person
    return person if _is_level(person, peer, settings) else None


def _is_level(person: Person, peer: Peer, settings: Settings) -> bool:
    """Whether the proxy still says of them what their account has; else they are let in anew."""
    try:
        told = read_peer(peer, settings)
    except NotAllowed:
        return False
    said = (told.name, told.role, frozenset(told.groups))
    return said == (person.name, person.role, person.groups)


def read_peer(peer: Peer, settings: Settings) -> Vouched:
    """
    Whom a trusted proxy names.

    Raises:
        NotAllowed: Nobody, or the name does not fit.
    """
    roles = dict(settings.sign_in_roles or ())
    return sign_ins.read_vouched(peer.name, sign_ins.split_groups(peer.groups), roles)


def _resolve(caller: Caller) -> Person | None:
    try:
        return deps.person(permitting.bind(deps.process_app(), caller))
    except SignedOut:
        return None
