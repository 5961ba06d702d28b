"""
Who a request comes from: a program by its token, a browser by its session, else whoever reaches the port.

What is found here is only a claim; the door lets the services look who that is, anew for each request.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import structlog
from fastapi import Depends
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import Scope

from interlock.core.errors import InterlockError, SignedOut
from interlock.core.model import people
from interlock.core.model.people import Caller, CallerKind, Permission, Person
from interlock.core.services import signing_in, token_keeping
from interlock.core.services.context import App
from interlock.core.services.token_keeping import PREFIX as TOKEN_PREFIX
from interlock.dashboard import deps
from interlock.dashboard.deps import Visitor

logger = structlog.get_logger(__name__)

ORIGIN = "api"  # for the audit
MAX_TOKEN_CHARS = 500
API_KEY = "x-api-key"  # how LangGraph's clients send a token
_KEY = "interlock.admitted"


@dataclass(frozen=True)
class Admitted:
    """Who was let in, and the application as they may use it."""

    app: App
    person: Person


def find_visitor(scope: Scope) -> Visitor:
    """
    Who asks. A token that does not fit never falls back to the browser's session, nor to nobody.

    Raises:
        SignedOut: The Authorization header is none of ours.
    """
    headers = Headers(scope=scope)
    given, keys = headers.getlist("authorization"), headers.getlist(API_KEY)
    if given:
        caller = Caller(CallerKind.TOKEN, people.hash_secret(_read_bearer(given)))
    elif keys:
        caller = _read_key(keys)
    else:
        caller = deps.caller_of(deps.secret_of(Request(scope).cookies))
    client = scope.get("client")
    return Visitor(caller=caller, origin=ORIGIN, address=client[0] if client else "")


def admit(visitor: Visitor, *, is_reading: bool) -> Admitted:
    """
    Look who that is, and whether they may read at all; what commands take is looked at by the services.

    Raises:
        SignedOut: Nobody known asks.
        NotAllowed: They may not read.
    """
    deps.forget(visitor.caller)  # what a page has just seen of them is not enough
    app = deps.app()
    person = deps.person(app)
    if is_reading:
        people.require(person, Permission.SEE, actor=person.name)
    return Admitted(app, person)


def note_use(app: App) -> None:
    """Note that a token or a session is in use; who asks has been answered by then."""
    try:
        token_keeping.note_used(app)
        signing_in.note_seen(app)
    except InterlockError as exc:
        logger.warning("a use was not noted", reason=str(exc))


def with_admitted(scope: Scope, admitted: Admitted) -> Scope:
    """The request, with who was let in."""
    return {**scope, _KEY: admitted}


async def actor_of(request: Request) -> str:
    """Under whose name a request is carried out."""
    admitted: Admitted = request.scope[_KEY]
    return admitted.person.name


async def app_of(request: Request) -> App:
    """The application as who asks may use it, for what runs on the loop: nothing is read for it."""
    admitted: Admitted = request.scope[_KEY]
    return admitted.app


Actor = Annotated[str, Depends(actor_of)]
Bound = Annotated[App, Depends(app_of)]


def _read_key(given: list[str]) -> Caller:
    """
    Who sends this key. One that is no token of ours was meant for somebody else: LangGraph's clients
    send whatever key of LangSmith they find in their environment.
    """
    if any(key.strip().startswith(TOKEN_PREFIX) for key in given):
        return Caller(CallerKind.TOKEN, people.hash_secret(_read_bearer([f"bearer {given[0]}"])))
    return deps.caller_of(None)


def _read_bearer(given: list[str]) -> str:
    kind, _, secret = given[0].strip().partition(" ")
    secret = secret.strip()
    is_one = len(given) == 1 and kind.lower() == "bearer"
    if not is_one or not 0 < len(secret) <= MAX_TOKEN_CHARS or not secret.isascii():
        raise SignedOut("The Authorization header takes one token: `Bearer ilk_…`.")
    return secret
