"""Commands for alerts: what is wrong, seeing to it, and keeping it quiet."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated

import typer

from interlock.core.cli import printing, reading
from interlock.core.cli.acting import AsOption, ReasonOption
from interlock.core.cli.call import Call, actor_of
from interlock.core.errors import UsageError
from interlock.core.model.alerts import Alert, Silence
from interlock.core.model.inbox_filters import read_age
from interlock.core.services import alerting
from interlock.core.types import Json


class Act(StrEnum):
    """What may be done about an alert."""

    ACK = "ack"
    SILENCE = "silence"
    UNSILENCE = "unsilence"


def alerts(
    call: Call,
    every: Annotated[
        bool, typer.Option("--all", help="Those that have ended, too, and the silences.")
    ] = False,
    limit: reading.LimitOption = 100,
) -> None:
    """List what is wrong now, newest first."""
    found = alerting.list_alerts(call.open(), ended_count=limit if every else 0)
    listed = [*found.open, *found.ended][:limit]
    if call.as_json:
        printing.print_json([of_alert(alert) for alert in listed])
        return
    printing.print_table(
        ["alert_id", "severity", "status", "since", "what", "advice"],
        [
            (a.alert_id, a.severity, _say_status(a), reading.when(a.fired_at), a.title, a.advice)
            for a in listed
        ],
        empty="Nothing is wrong.",
        whole=["alert_id", "what"],
    )
    if every and found.silences:
        printing.print_text("")
        printing.print_table(
            ["silence_id", "rule", "about", "until", "by", "reason"],
            [
                (s.silence_id, s.rule, s.object, reading.when(s.until), s.created_by, s.reason)
                for s in found.silences
            ],
            empty="",
            whole=["silence_id"],
        )


def alert(
    call: Call,
    object_id: Annotated[
        str,
        typer.Argument(
            metavar="ID", help="As `alerts` prints it; of a silence, to end it (`alerts --all`)."
        ),
    ],
    act: Annotated[
        Act,
        typer.Argument(
            metavar="ack|silence|unsilence", help="See to it, or keep it quiet a while."
        ),
    ],
    for_: Annotated[
        str,
        typer.Option("--for", metavar="TIME", help="How long it is silenced: 90s, 15m, 4h, 2d."),
    ] = "1h",
    rule: Annotated[
        bool, typer.Option("--rule", help="Silence the whole rule, whatever it is about.")
    ] = False,
    reason: ReasonOption = "",
    who: AsOption = None,
) -> None:
    """Acknowledge an alert, silence it for a while, or end a silence."""
    app = call.open()
    actor = actor_of(app, who)
    if act is Act.ACK:
        seen = alerting.acknowledge(app, object_id, actor=actor, reason=reason)
        _print(call, of_alert(seen), f"{actor} looks after it: {seen.title}")
    elif act is Act.SILENCE:
        age = read_age(for_)
        if age is None:
            raise UsageError(f"--for takes a time such as 90s, 15m, 4h or 2d, not {for_!r}.")
        made = alerting.silence(
            app,
            object_id,
            for_s=age.total_seconds(),
            actor=actor,
            reason=reason,
            whole_rule=rule,
        )
        _print(call, of_silence(made), f"Silenced until {reading.when(made.until)}.")
    else:
        alerting.end_silence(app, object_id, actor=actor, reason=reason)
        _print(call, {"silence_id": object_id, "ended": True}, "The silence has ended.")


def of_alert(found: Alert) -> dict[str, Json]:
    """One entry of `alerts`."""
    return {
        "alert_id": found.alert_id,
        "rule": str(found.rule),
        "object": found.object,
        "severity": str(found.severity),
        "status": str(found.status),
        "title": found.title,
        "advice": found.advice,
        "link": found.link,
        "value": found.value,
        "threshold": found.threshold,
        "fired_at": _iso(found.fired_at),
        "seen_at": _iso(found.seen_at),
        "resolved_at": _iso(found.resolved_at),
        "acknowledged_at": _iso(found.acknowledged_at),
        "acknowledged_by": found.acknowledged_by,
        "note": found.note,
        "notified_at": _iso(found.notified_at),
        "silenced": found.silenced,
    }


def of_silence(made: Silence) -> dict[str, Json]:
    """What `alert ID silence` prints."""
    return {
        "silence_id": made.silence_id,
        "rule": made.rule,
        "object": made.object or None,
        "until": _iso(made.until),
        "created_by": made.created_by,
        "reason": made.reason,
    }


def _say_status(found: Alert) -> str:
    return f"{found.status}, silenced" if found.silenced else str(found.status)


def _print(call: Call, document: Json, text: str) -> None:
    if call.as_json:
        printing.print_json(document)
    else:
        printing.print_text(text)


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
