"""What was told to whom, for people: the list, a test of a rule, and trying again what was given up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from interlock.core.errors import Conflict, NotFound, NoWorker
from interlock.core.model import notice_texts
from interlock.core.model.approvals import ApprovalSummary
from interlock.core.model.notice_rules import Event, Occurrence, RuleKind
from interlock.core.model.notices import Notice, NoticeStatus, PublishedRule
from interlock.core.model.people import Permission
from interlock.core.services import observing
from interlock.core.services.context import App
from interlock.core.services.noticing import TOPIC
from interlock.core.services.permitting import command, require_house
from interlock.core.store import approvals, audit, engine, notices, topics
from interlock.core.types import new_id

WHAT = "What others are told"


@dataclass(frozen=True, kw_only=True)
class NoticeList:
    """The rules that workers told of, how many messages there are of each status, and some of them."""

    rules: tuple[PublishedRule, ...]
    counts: dict[NoticeStatus, int]
    notices: tuple[Notice, ...]
    at: datetime


def list_notices(
    app: App, *, statuses: Sequence[str] = (), limit: int = 100, offset: int = 0
) -> NoticeList:
    """
    What was told to whom, newest first; `statuses` empty means any.

    Raises:
        NotAllowed: They belong to tenants; what rules tell of is of all.
    """
    require_house(app, WHAT)
    with engine.read(app.engine) as conn:
        return NoticeList(
            rules=tuple(notices.fetch_rules(conn)),
            counts=notices.count_by_status(conn),
            notices=tuple(notices.fetch_many(conn, statuses=statuses, limit=limit, offset=offset)),
            at=app.clock.now(),
        )


@command(Permission.GUARD)
def send_test(app: App, name: str, *, actor: str) -> tuple[Notice, ...]:
    """
    Send a test to every address of a rule, the way that all its messages go: a worker sends it.

    Args:
        app: The parts.
        name: The rule's or the webhook's.
        actor: Who asks for it.

    Raises:
        NotFound: No worker told of such a rule.
        NoWorker: There is none to send it.
        NotAllowed: They belong to tenants.
    """
    require_house(app, WHAT)
    if not observing.list_workers(app):
        raise NoWorker("No worker is running to send it.", hint="`interlock up` starts one.")
    now = app.clock.now()
    with engine.write(app.engine) as conn:
        found = [rule for rule in notices.fetch_rules(conn) if rule.name == name]
        if not found:
            hint = "`interlock notices` lists those that workers know."
            raise NotFound("rule of notices", name, hint=hint)
        made = [_make(app, rule, n, actor, now) for rule in found for n in range(_count(rule))]
        notices.insert_new(conn, made)
        topics.bump(conn, TOPIC)
        audit.append(
            conn,
            at=now,
            actor=actor,
            action="test notices",
            object_=f"notices:{name}",
            after={"messages": len(made)},
        )
    return tuple(made)


@command(Permission.GUARD)
def try_again(app: App, notice_id: str, *, actor: str) -> Notice:
    """
    Let a message that was given up be tried as if it were new.

    Raises:
        NotFound: No such message.
        Conflict: It was not given up.
        NotAllowed: They belong to tenants.
    """
    require_house(app, WHAT)
    now = app.clock.now()
    with engine.write(app.engine) as conn:
        if not notices.try_again(conn, notice_id, now=now):
            known = notices.fetch(conn, notice_id)
            if known is None:
                raise NotFound("notice", notice_id, hint="`interlock notices` lists them.")
            raise Conflict(f"It was not given up: it is {known.status.value}.")
        topics.bump(conn, TOPIC)
        audit.append(
            conn,
            at=now,
            actor=actor,
            action="try notice again",
            object_=f"notice:{notice_id}",
        )
        found = notices.fetch(conn, notice_id)
    assert found is not None
    return found


def list_newest_cards(app: App, *, limit: int) -> list[ApprovalSummary]:
    """The cards that were asked last and wait, for a browser that tells of new ones."""
    with engine.read(app.engine) as conn:
        return approvals.fetch_summaries(conn, limit=limit, newest_first=True)


def fetch_some(app: App, ids: Sequence[str]) -> list[Notice]:
    """Messages by their ids, as they are now; those that are gone are left out."""
    with engine.read(app.engine) as conn:
        return [n for n in (notices.fetch(conn, each) for each in ids) if n is not None]


def _count(rule: PublishedRule) -> int:
    return len(rule.about.get("to", ()))


def _make(app: App, rule: PublishedRule, position: int, actor: str, now: datetime) -> Notice:
    what = Occurrence(
        event=Event.TEST,
        key=new_id(),
        at=now,
        object=f"notices:{rule.name}",
        link="notices",
        data={"rule": rule.name, "actor": actor},
    )
    is_program = rule.kind is RuleKind.WEBHOOK
    compose = notice_texts.make_document if is_program else notice_texts.compose
    return Notice(
        notice_id=what.key,
        kind=rule.kind,
        rule=rule.name,
        position=position,
        target=str(rule.about["to"][position]),
        event=Event.TEST,
        object=what.object,
        link=what.link,
        workflow="",
        at=now,
        body=compose(what, public_url=app.settings.public_url or ""),
        status=NoticeStatus.WAITING,
        next_at=now,
        created_at=now,
    )
