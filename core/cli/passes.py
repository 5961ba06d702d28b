"""Commands for what people and programs hold: sessions of browsers, and tokens."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from interlock.core.cli import printing, reading
from interlock.core.cli.acting import AsOption, ReasonOption
from interlock.core.cli.call import Call, actor_of
from interlock.core.errors import UsageError
from interlock.core.model.people import Permission, Session, Token
from interlock.core.services import opening, signing_in, token_keeping
from interlock.core.services.context import App
from interlock.core.types import Json

MIN_ID = 6  # characters of an id that `session end` takes


def list_tokens(call: Call) -> None:
    """List tokens: one's own, or everybody's for an admin."""
    found = token_keeping.list_tokens(call.open())
    if call.as_json:
        printing.print_json([of_token(each) for each in found])
        return
    printing.print_table(
        ["token_id", "operator", "label", "scopes", "expires", "used", "ended"],
        [
            (
                each.token_id,
                each.operator,
                each.label,
                " ".join(scope.value for scope in each.scopes),
                reading.when(each.expires_at),
                reading.when(each.used_at),
                reading.when(each.ended_at),
            )
            for each in found
        ],
        empty="There are no tokens.",
        whole=["token_id", "operator"],
    )


def make_token(
    call: Call,
    label: Annotated[str, typer.Argument(metavar="LABEL", help="What it is for.")],
    scope: Annotated[
        list[Permission],
        typer.Option("--scope", metavar="SCOPE", help="What it may do; repeatable."),
    ],
    days: Annotated[
        float, typer.Option("--days", metavar="N", help="How long it is good, at most 366.")
    ] = 30.0,
    operator: Annotated[
        str | None, typer.Option("--operator", metavar="NAME", help="Whose it is, for an admin.")
    ] = None,
    recover: Annotated[
        bool,
        typer.Option("--recover", help="Without a token, as whoever holds the database."),
    ] = False,
    who: AsOption = None,
) -> None:
    """Make a token. It is printed once and kept nowhere."""
    app = opening.enter_as_holder(call.open_unasked()) if recover else call.open()
    made = token_keeping.make(
        app, label, scopes=scope, days=days, operator=operator, actor=actor_of(app, who)
    )
    _print(call, of_token(made.token) | {"secret": made.secret}, made.secret)
    if not call.as_json:
        printing.say("This is shown once. It goes into INTERLOCK_TOKEN, or after `Bearer`.")


def end_token(
    call: Call,
    token_id: Annotated[str, typer.Argument(metavar="ID", help="As `token list` prints it.")],
    reason: ReasonOption = "",
    who: AsOption = None,
) -> None:
    """Make a token good for nothing."""
    app = call.open()
    ended = token_keeping.end(app, token_id, actor=actor_of(app, who), reason=reason)
    _print(call, of_token(ended) | {"ended": True}, f"The token {ended.label!r} has ended.")


def list_sessions(call: Call) -> None:
    """List open sessions: one's own, or everybody's for an admin."""
    found = signing_in.list_sessions(call.open())
    if call.as_json:
        printing.print_json([of_session(each) for each in found])
        return
    printing.print_table(
        ["session_id", "operator", "by", "since", "seen", "until", "address", "browser"],
        [
            (
                each.session_id[:12],
                each.operator,
                each.method,
                reading.when(each.created_at),
                reading.when(each.seen_at),
                reading.when(each.expires_at),
                each.address,
                each.agent,
            )
            for each in found
        ],
        empty="Nobody is signed in.",
        whole=["session_id", "operator"],
    )


def end_session(
    call: Call,
    session_id: Annotated[
        str, typer.Argument(metavar="ID", help="As `session list` prints it, or its beginning.")
    ],
    reason: ReasonOption = "",
    who: AsOption = None,
) -> None:
    """End a session; its next command is refused."""
    app = call.open()
    ended = signing_in.end_session(
        app, _find_session(app, session_id), actor=actor_of(app, who), reason=reason
    )
    _print(call, of_session(ended) | {"ended": True}, f"A session of {ended.operator} has ended.")


def of_token(each: Token) -> dict[str, Json]:
    """One entry of `token list`."""
    return {
        "token_id": each.token_id,
        "operator": each.operator,
        "label": each.label,
        "scopes": [scope.value for scope in each.scopes],
        "created_at": _iso(each.created_at),
        "expires_at": _iso(each.expires_at),
        "used_at": _iso(each.used_at),
        "ended_at": _iso(each.ended_at),
    }


def of_session(each: Session) -> dict[str, Json]:
    """One entry of `session list`."""
    return {
        "session_id": each.session_id,
        "operator": each.operator,
        "method": each.method,
        "created_at": _iso(each.created_at),
        "seen_at": _iso(each.seen_at),
        "expires_at": _iso(each.expires_at),
        "address": each.address,
        "agent": each.agent,
    }


def _find_session(app: App, start: str) -> str:
    """The session whose id begins so; what is not one of theirs is refused by the service."""
    if len(start) < MIN_ID:
        raise UsageError(f"A session is named by at least {MIN_ID} characters of its id.")
    found = [each.session_id for each in signing_in.list_sessions(app)]
    return next((session_id for session_id in found if session_id.startswith(start)), start)


def _print(call: Call, document: Json, text: str) -> None:
    if call.as_json:
        printing.print_json(document)
    else:
        printing.print_text(text)


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
