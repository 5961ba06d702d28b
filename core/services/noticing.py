"""
Putting what happened into the outbox: once a message, however often and by however many it is seen.

It is read from what was written anyway, so that no decision and no run waits for it, and nobody pays
where there are no rules. What is looked at overlaps with what was looked at before, since what is written
late may be dated early; a message's id is made of what it tells, so that it is there once.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice

from sqlalchemy import Connection

from interlock.core.errors import KeyMissing, StoreUnavailable
from interlock.core.model import notice_texts
from interlock.core.model.notice_rules import Event, RuleKind, is_about
from interlock.core.model.notices import Notice, NoticeStatus, make_id
from interlock.core.services.context import App, fetch_now
from interlock.core.services.notice_events import Reader, Seen, token
from interlock.core.services.notice_targets import Target, publish
from interlock.core.store import engine, notices, topics
from interlock.core.store.occurrences import Span

TOPIC = "notices"
OVERLAP = timedelta(minutes=15)  # how late what is written may be dated
NEAR = timedelta(seconds=10)  # the same, looked at each time
DEEP = timedelta(minutes=1)  # how often all of the overlap is looked at
NOTE = timedelta(seconds=30)  # how often it is kept up to when all was seen
FURTHEST = timedelta(days=3)  # what happened while no worker was there is told for so long
LONGEST_WAIT = timedelta(days=400)
AT_ONCE = 200  # messages in one transaction
MOST_KNOWN = 100_000  # things that are remembered, so that they are not told again and again

logger = logging.getLogger(__name__)
Key = tuple[RuleKind, str]


class Collector:
    """Looks for what is to be told; `look` is called every second or so, from one thread."""

    def __init__(self, app: App, targets: Sequence[Target]) -> None:
        self._app = app
        self._public_url = app.settings.public_url or ""
        self._targets = targets
        self._rules = list({id(t.rule): t.rule for t in targets}.values())
        self._added: Mapping[Key, datetime] = {}
        self._since: datetime | None = None
        self._is_first = True  # what waits already is told, too
        self._deep_at: datetime | None = None
        self._noted_at: datetime | None = None
        self._told: OrderedDict[str, None] = OrderedDict()  # tokens of what happened

    def begin(self) -> None:
        """Tell of the rules, and find out how far whoever looked before came."""
        with engine.write(self._app.engine) as conn:
            now = fetch_now(self._app, conn)
            notices.publish(conn, publish(self._targets, now=now))
            own = {(t.kind, t.rule.name) for t in self._targets}
            kept = [rule for rule in notices.fetch_rules(conn) if (rule.kind, rule.name) in own]
            topics.bump(conn, TOPIC)
        self._added = {(rule.kind, rule.name): rule.added_at for rule in kept}
        self._since = max(now - FURTHEST, min(rule.read_until for rule in kept))
        self._noted_at = now

    def look(self) -> int:
        """Look once; how many messages were found that are not known here yet."""
        if self._since is None:
            self.begin()
        try:
            return self._look()
        except BaseException:
            self._told.clear()  # it may not be kept what was told
            raise

    def _look(self) -> int:
        assert self._since is not None
        count = 0
        with engine.read(self._app.engine) as conn:
            now = fetch_now(self._app, conn)
            span = Span(self._since - self._reach(now), now)
            found = self._find(conn, span, now)
            while some := list(islice(found, AT_ONCE)):
                self._put(some)
                count += len(some)
        self._since, self._is_first = now, False
        while len(self._told) > MOST_KNOWN:
            self._told.popitem(last=False)
        self._note(now, is_news=count > 0)
        return count

    def _reach(self, now: datetime) -> timedelta:
        if self._deep_at is not None and now - self._deep_at < DEEP:
            return NEAR
        self._deep_at = now
        return OVERLAP

    def _find(self, conn: Connection, span: Span, now: datetime) -> Iterator[Notice]:
        longest = timedelta(seconds=max((r.waits_s or 0 for r in self._rules), default=0))
        asked_since = now - LONGEST_WAIT if self._is_first else span.since - longest
        reader = Reader(conn, self._rules, self._told)
        for seen in reader.read(span, asked_since=asked_since):
            for target in self._targets:
                if self._is_wanted(target, seen):
                    yield from self._try_to_make(conn, target, seen, now)
            self._told[token(seen.what.event, seen.what.key)] = None

    def _try_to_make(
        self, conn: Connection, target: Target, seen: Seen, now: datetime
    ) -> Iterator[Notice]:
        """A message; none where it cannot be made, which must not keep the others from being told."""
        try:
            made = self._make(conn, target, seen, now)
        except (KeyMissing, StoreUnavailable):  # it can be made later, or by another worker
            raise
        except Exception:
            logger.exception("notice_not_made", extra={"object": seen.what.object})
        else:
            yield made

    def _is_wanted(self, target: Target, seen: Seen) -> bool:
        if not is_about(target.rule, seen.what):
            return False
        if seen.what.event in {Event.CARD_WAITING, Event.ALERT_FIRED}:
            return True  # it holds now, since when ever
        return seen.what.at >= self._added[target.kind, target.rule.name]

    def _make(self, conn: Connection, target: Target, seen: Seen, now: datetime) -> Notice:
        payload = seen.add_payload(conn) if target.rule.payload else None
        is_program = target.kind is RuleKind.WEBHOOK
        compose = notice_texts.make_document if is_program else notice_texts.compose
        what = seen.what
        return Notice(
            notice_id=make_id(target.rule, target.position, what),
            kind=target.kind,
            rule=target.rule.name,
            position=target.position,
            target=target.shown,
            event=what.event,
            object=what.object,
            link=what.link,
            workflow=what.workflow,
            at=what.at,
            body=compose(what, public_url=self._public_url, payload=payload),
            status=NoticeStatus.WAITING,
            next_at=now,
            created_at=now,
        )

    def _put(self, found: Sequence[Notice]) -> None:
        with engine.write(self._app.engine) as conn:
            notices.insert_new(conn, found)
            topics.bump(conn, TOPIC)

    def _note(self, now: datetime, *, is_news: bool) -> None:
        """Keep how far all was seen: not each time, as every write wakes the screens."""
        if not is_news and self._noted_at is not None and now - self._noted_at < NOTE:
            return
        with engine.write(self._app.engine) as conn:
            notices.note_read(conn, [(t.kind, t.rule.name) for t in self._targets], at=now)
        self._noted_at = now
