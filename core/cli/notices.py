"""The command for what others are told: the rules, the messages, a test, and trying again."""

from __future__ import annotations

import time
from enum import StrEnum
from typing import Annotated

import typer

from interlock.core.cli import printing, reading
from interlock.core.cli.acting import AsOption
from interlock.core.cli.call import Call, actor_of
from interlock.core.errors import UsageError
from interlock.core.model.notices import Notice, NoticeStatus, PublishedRule
from interlock.core.services import notice_desk
from interlock.core.services.context import App
from interlock.core.types import Json

POLL_S = 0.1


class Act(StrEnum):
    """What may be done."""

    TEST = "test"
    RETRY = "retry"


def notices(
    call: Call,
    act: Annotated[
        Act | None,
        typer.Argument(
            metavar="[test|retry]", help="Send a test to a rule, or try a message again."
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Argument(metavar="[NAME|ID]", help="The rule's name; of a message its id."),
    ] = None,
    status: Annotated[
        NoticeStatus | None, typer.Option("--status", help="Only messages of this status.")
    ] = None,
    wait: Annotated[
        float,
        typer.Option("--wait", min=0, metavar="SECONDS", help="How long a test is waited for."),
    ] = 30.0,
    limit: reading.LimitOption = 100,
    who: AsOption = None,
) -> int:
    """List who is told of what, and what became of it. `test`: 1 when it did not arrive."""
    if (act is None) is not (name is None):
        raise UsageError(
            "Give both what to do and of what: `notices test NAME`, `notices retry ID`."
        )
    app = call.open()
    if act is Act.TEST:
        return _test(call, app, name or "", actor=actor_of(app, who), wait_s=wait)
    if act is Act.RETRY:
        found = notice_desk.try_again(app, name or "", actor=actor_of(app, who))
        _print(call, [found])
        return 0
    statuses = () if status is None else (status.value,)
    listed = notice_desk.list_notices(app, statuses=statuses, limit=limit)
    if call.as_json:
        printing.print_json(
            {
                "rules": [of_rule(rule) for rule in listed.rules],
                "counts": {each.value: listed.counts.get(each, 0) for each in NoticeStatus},
                "notices": [of_notice(notice) for notice in listed.notices],
            }
        )
        return 0
    printing.print_table(
        ["rule", "kind", "events", "to", "problem"],
        [
            (
                rule.name,
                rule.kind.value,
                ", ".join(rule.about.get("events", ())),
                ", ".join(rule.about.get("to", ())),
                "; ".join(p for p in rule.about.get("problems", ()) if p),
            )
            for rule in listed.rules
        ],
        empty="No rule: nobody is told of anything. docs/notices.md says how to write one.",
        whole=["rule", "problem"],
    )
    printing.print_text("")
    _print(call, list(listed.notices))
    return 0


def _test(call: Call, app: App, name: str, *, actor: str, wait_s: float) -> int:
    ids = [notice.notice_id for notice in notice_desk.send_test(app, name, actor=actor)]
    deadline = time.monotonic() + wait_s
    while True:
        found = notice_desk.fetch_some(app, ids)
        is_tried = all(n.tries > 0 or n.status is not NoticeStatus.WAITING for n in found)
        if is_tried or time.monotonic() >= deadline:
            break
        time.sleep(POLL_S)
    _print(call, found)
    return 0 if all(notice.status is NoticeStatus.SENT for notice in found) else 1


def _print(call: Call, found: list[Notice]) -> None:
    if call.as_json:
        printing.print_json([of_notice(notice) for notice in found])
        return
    printing.print_table(
        ["notice_id", "created", "event", "rule", "to", "about", "status", "tries", "last error"],
        [
            (
                n.notice_id,
                reading.when(n.created_at),
                n.event.value,
                n.rule,
                n.target,
                n.object,
                n.status.value,
                n.tries,
                n.last_error,
            )
            for n in found
        ],
        empty="Nothing was told yet.",
        whole=["notice_id", "last error"],
    )


def of_rule(rule: PublishedRule) -> dict[str, Json]:
    """One entry of `rules`."""
    return {
        "name": rule.name,
        "kind": rule.kind.value,
        **dict(rule.about),
        "added_at": rule.added_at.isoformat(),
        "read_until": rule.read_until.isoformat(),
        "seen_at": rule.seen_at.isoformat(),
    }


def of_notice(notice: Notice) -> dict[str, Json]:
    """One entry of `notices`; what it says is not in it."""
    return {
        "notice_id": notice.notice_id,
        "kind": notice.kind.value,
        "rule": notice.rule,
        "to": notice.target,
        "event": notice.event.value,
        "object": notice.object,
        "workflow": notice.workflow,
        "at": notice.at.isoformat(),
        "status": notice.status.value,
        "tries": notice.tries,
        "next_at": notice.next_at.isoformat() if notice.status is NoticeStatus.WAITING else None,
        "last_error": notice.last_error,
        "created_at": notice.created_at.isoformat(),
        "settled_at": None if notice.settled_at is None else notice.settled_at.isoformat(),
    }
