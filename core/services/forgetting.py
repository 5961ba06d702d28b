"""Deleting what-ifs that are closed, once nobody looks at them any more; a few at a time."""

from __future__ import annotations

from datetime import timedelta

from interlock.core.model.people import Permission
from interlock.core.model.pruning import Retention
from interlock.core.services.context import App
from interlock.core.services.permitting import command
from interlock.core.store import audit, engine, topics, what_ifs

KEPT_FOR = timedelta(days=7)  # where no age is given
AT_ONCE = 200  # in one transaction, with all their sides: others write between
MOST = 10_000  # by one command
BY_SETTINGS = "retention"  # who the audit names for what nobody asked for


def age_of(retention: Retention) -> timedelta | None:
    """How old what-ifs are that go with such threads; None if it is about certain threads or points."""
    is_about_others = retention.thread_ids or retention.points is not None
    return None if is_about_others else retention.older_than or KEPT_FOR


def count_what_ifs(app: App, retention: Retention) -> int:
    """How many closed what-ifs would go with threads of this retention."""
    age = age_of(retention)
    if age is None:
        return 0
    with engine.read(app.engine) as conn:
        found = what_ifs.find_closed(
            conn, before=app.clock.now() - age, workflow=retention.workflow, limit=MOST
        )
    return len(found)


@command(Permission.ADMINISTER)
def forget_what_ifs(
    app: App, retention: Retention, *, most: int = MOST, actor: str, reason: str = ""
) -> int:
    """
    Delete closed what-ifs of this age, the oldest first.

    Args:
        app: The parts.
        retention: Its age, or seven days, and its workflow.
        most: At most so many.
        actor: Who does it.
        reason: Why.

    Returns:
        How many went.
    """
    age = age_of(retention)
    if age is None:
        return 0
    before = app.clock.now() - age
    count = 0
    while count < most:
        wanted = min(AT_ONCE, most - count)
        with engine.read(app.engine) as conn:
            ids = what_ifs.find_closed(
                conn, before=before, workflow=retention.workflow, limit=wanted
            )
        if not ids:
            break
        with engine.write(app.engine) as conn:
            gone = what_ifs.delete_closed(conn, ids)
            topics.bump(conn, "what_ifs")
            audit.append(
                conn,
                at=app.clock.now(),
                actor=actor,
                action="prune:what-ifs",
                object_="what-ifs",
                before={"count": gone, "first": ids[0], "last": ids[-1]},
                reason=reason,
            )
        count += gone
        if len(ids) < wanted:
            break
    return count
