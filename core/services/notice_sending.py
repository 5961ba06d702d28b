"""
Sending what is in the outbox: each address in a thread of its own, so that none waits for another.

A message is claimed for as long as a try may last. Whoever dies meanwhile leaves it claimed, and another
sends it when that is over: it arrives at least once, under the same id. A try that does not end is left
behind.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from interlock.core.errors import StoreUnavailable
from interlock.core.model import notice_texts
from interlock.core.model.approvals import ApprovalStatus
from interlock.core.model.flags import Flag
from interlock.core.model.notice_rules import PENDING, RuleKind, Webhook
from interlock.core.model.notices import Notice, NoticeStatus, Outcome, settle
from interlock.core.services import flagging, notifying, webhooking
from interlock.core.services.context import App, fetch_now
from interlock.core.services.notice_targets import Place, Target
from interlock.core.services.noticing import TOPIC
from interlock.core.store import approvals, engine, notices, topics
from interlock.core.types import ApprovalId

TRY_S = 45.0  # beyond which a try is left behind; the services' own limits are shorter
CLAIM = timedelta(seconds=90)
HOLD_S = (
    30.0  # of a claim: what is not begun by then is given back, as a try must end within the claim
)
AT_ONCE = 50  # messages to one address
FEW = 3  # messages to people that are sent one by one; more become one
MOST_THREADS = 32  # those left behind among them
MOST_REST_S = 60.0  # an address that failed is left alone for at most so long
STRAY = timedelta(days=1)
NO_RULE = "No worker that runs knows where this goes: the rule is no longer in interlock.toml."
KEEP = timedelta(days=14)
PRUNE_AT_ONCE = 1000

logger = logging.getLogger(__name__)


@dataclass
class _Errand:
    """
    What one thread carries to one address; `is_left` once nobody waits for it any more.

    `current` is what is being tried, since `began`; all of it was claimed at `claimed`.
    """

    target: Target
    found: Sequence[Notice]
    until: datetime
    current: Sequence[Notice] = ()
    claimed: float = field(default_factory=time.monotonic)
    began: float = field(default_factory=time.monotonic)
    is_left: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)
    thread: threading.Thread | None = None


class Courier:
    """Sends what is due; `work` is called every second or so, from one thread, and does not wait."""

    def __init__(self, app: App, targets: Iterable[Target], *, try_s: float = TRY_S) -> None:
        self._app = app
        self._targets: Mapping[Place, Target] = {target.place: target for target in targets}
        self._try_s = try_s
        self._errands: dict[Place, _Errand] = {}
        self._left: list[_Errand] = []
        self._rests: dict[Place, float] = {}  # until when, by the monotonic clock

    def work(self) -> int:
        """Begin to send what is due; to how many addresses. While notices are switched off, it waits."""
        self._leave_behind()
        if not flagging.is_on(self._app, Flag.NOTICES):
            return 0
        now_s = time.monotonic()
        busy = {*self._errands, *(place for place, until in self._rests.items() if until > now_s)}
        room = MOST_THREADS - len(self._errands) - len(self._left)
        with engine.read(self._app.engine) as conn:
            now = fetch_now(self._app, conn)
            due = notices.fetch_places(conn, now=now)
        wanted = [self._targets[place] for place in due if place in self._targets]
        begun = (
            [self._begin(target) for target in wanted if target.place not in busy]
            if room > 0
            else []
        )
        return sum(begun[:room])

    def settle_rest(self) -> None:
        """Give up what no worker knows an address for, and forget what was settled long ago."""
        with engine.write(self._app.engine) as conn:
            now = fetch_now(self._app, conn)
            lost = notices.give_up_stray(
                conn, known=self._targets, before=now - STRAY, now=now, why=NO_RULE
            )
            pruned = notices.prune(conn, before=now - KEEP, limit=PRUNE_AT_ONCE)
            if lost or pruned:
                topics.bump(conn, TOPIC)

    def wait(self, timeout_s: float) -> None:
        """Wait for what is on its way."""
        deadline = time.monotonic() + timeout_s
        for errand in list(self._errands.values()):
            if errand.thread is not None:
                errand.thread.join(max(0.0, deadline - time.monotonic()))

    def _begin(self, target: Target) -> bool:
        with engine.write(self._app.engine) as conn:
            now = fetch_now(self._app, conn)
            until = now + CLAIM
            found = notices.claim_due(conn, target.place, now=now, until=until, limit=AT_ONCE)
        if not found:
            return False
        errand = _Errand(target, found, until)
        errand.thread = threading.Thread(
            target=self._run, args=(errand,), name=f"notices {target.rule.name}", daemon=True
        )
        self._errands[target.place] = errand
        errand.thread.start()
        return True

    def _leave_behind(self) -> None:
        """Let go of tries that have ended, and of those that do not."""
        self._left = [e for e in self._left if e.thread is not None and e.thread.is_alive()]
        for place, errand in list(self._errands.items()):
            if errand.thread is not None and not errand.thread.is_alive():
                del self._errands[place]
            elif time.monotonic() - errand.began > self._try_s:
                with errand.lock:
                    errand.is_left = True
                del self._errands[place]
                self._left.append(errand)
                outcome = Outcome(f"The try did not end within {self._try_s:g} s.")
                self._keep_safely(errand, outcome)

    def _run(self, errand: _Errand) -> None:
        """One thread's work, from its beginning to its end."""
        try:
            self._carry(errand)
        except StoreUnavailable as exc:  # the claim ends by itself
            logger.warning("notices_not_kept", extra={"reason": str(exc)})
        except Exception:  # a thread of its own: nobody else would hear of it
            logger.exception("notices_not_sent")

    def _carry(self, errand: _Errand) -> None:
        target = errand.target
        found = [n for n in errand.found if not self._is_needless(errand, n)]
        if target.problem:
            for notice in found:
                self._keep(errand, [notice], Outcome(f"{target.problem}."))
        elif target.kind is RuleKind.PEOPLE and len(found) > FEW:
            self._send(errand, found, lambda: _tell(target, notice_texts.join(found)))
        else:
            for index, notice in enumerate(found):
                is_late = time.monotonic() - errand.claimed > HOLD_S
                if is_late or not self._send(errand, [notice], self._sending(target, notice)):
                    # Whoever is down is down for the others, too: they keep their turn.
                    self._let_go(errand, found[index:])
                    return

    def _sending(self, target: Target, notice: Notice) -> Callable[[], Outcome]:
        if not isinstance(target.rule, Webhook):
            return lambda: _tell(target, notice.body)
        timeout_s, now = target.rule.timeout_s, self._app.clock.now()
        return lambda: webhooking.post(target, notice, now=now, timeout_s=timeout_s)

    def _send(self, errand: _Errand, found: Sequence[Notice], send: Callable[[], Outcome]) -> bool:
        errand.current, errand.began = found, time.monotonic()
        outcome = send()
        self._keep(errand, found, outcome)
        return outcome.is_sent

    def _is_needless(self, errand: _Errand, notice: Notice) -> bool:
        """Whether people would be told of a card that needs nobody any more; programs are told in any case."""
        if notice.kind is not RuleKind.PEOPLE or notice.event not in PENDING:
            return False
        with engine.read(self._app.engine) as conn:
            card = approvals.fetch_summary(conn, ApprovalId(notice.object.partition(":")[2]))
        if card is not None and card.status is ApprovalStatus.PENDING:
            return False
        with engine.write(self._app.engine) as conn:
            now = fetch_now(self._app, conn)
            done = {"status": NoticeStatus.NEEDLESS, "settled_at": now, "body": {}}
            notices.settle(conn, notice, done, until=errand.until)
            topics.bump(conn, TOPIC)
        return True

    def _keep(self, errand: _Errand, found: Sequence[Notice], outcome: Outcome) -> None:
        with errand.lock:
            if errand.is_left:
                return
            self._write(errand, found, outcome)

    def _keep_safely(self, errand: _Errand, outcome: Outcome) -> None:
        try:
            self._write(errand, errand.current, outcome)
            self._let_go(errand, errand.found)
        except StoreUnavailable as exc:
            logger.warning("notices_not_kept", extra={"reason": str(exc)})

    def _write(self, errand: _Errand, found: Sequence[Notice], outcome: Outcome) -> None:
        rule = errand.target.rule
        with engine.write(self._app.engine) as conn:
            now = fetch_now(self._app, conn)
            for notice in found:
                changed = settle(notice, outcome, now=now, tries=rule.tries, retry_s=rule.retry_s)
                notices.settle(conn, notice, changed, until=errand.until)
                self._log(errand.target, notice, changed, outcome)
            topics.bump(conn, TOPIC)
        if not outcome.is_sent:
            self._rests[errand.target.place] = time.monotonic() + min(rule.retry_s, MOST_REST_S)

    def _let_go(self, errand: _Errand, found: Sequence[Notice]) -> None:
        if found:
            with engine.write(self._app.engine) as conn:
                notices.let_go(conn, [n.notice_id for n in found], until=errand.until)

    def _log(
        self, target: Target, notice: Notice, changed: Mapping[str, object], outcome: Outcome
    ) -> None:
        if outcome.is_sent:
            return
        told = {
            "notice_id": notice.notice_id,
            "rule": target.rule.name,
            "target": target.shown,
            "tries": changed["tries"],
            "reason": outcome.error,
        }
        if changed["status"] is NoticeStatus.GIVEN_UP:
            logger.error("notice_given_up", extra=told)
        else:
            logger.warning("notice_not_sent", extra=told)


def _tell(target: Target, message: Mapping[str, object]) -> Outcome:
    title, text = str(message.get("title", "")), str(message.get("text", ""))
    kind = str(message.get("kind", "info"))
    return Outcome(notifying.send(target.address, title=title, text=text, kind=kind))
