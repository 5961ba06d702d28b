"""
The watch over everything: a thread that settles the alerts every few seconds and tells people.

The worker's watch sees to all rules. The web process's sees to the one that a worker cannot tell of:
that there is none.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from interlock.core import policy
from interlock.core.errors import StoreUnavailable
from interlock.core.model import alert_rules
from interlock.core.model.alerts import (
    RULES,
    Alert,
    AlertStatus,
    RuleName,
    Rules,
    WorkflowHistory,
    rules_with,
)
from interlock.core.model.policies import Policies
from interlock.core.services import alert_reading, alerting
from interlock.core.services.context import App
from interlock.core.services.notifying import Notifier, find_addresses
from interlock.core.settings import Settings
from interlock.core.types import new_id

LOOK_S = 15.0
HISTORY = timedelta(minutes=5)  # how old what is usual may get
TRY_AGAIN = timedelta(minutes=10)  # how long a message that reached nobody is tried again
LEAVE_S = 2.0  # how long an end waits for a message that is on its way

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class _Outage:
    began_at: datetime
    reason: str
    told: Alert | None = None


def policies_beside(settings: Settings) -> Policies:
    """
    The policies of the project, where its file can be read from here; else none.

    Only for what holds for all workflows; a web process need not have the project at all.
    """
    if settings.config is None:
        return Policies()
    config = Path(settings.config)
    return policy.read_policies(config if config.is_dir() else config.parent, ())


def rules_in_force(app: App) -> Rules:
    """The rules as this process sees them."""
    return rules_with(policies_beside(app.settings).alerts)


class AlertWatch:
    """Looks every few seconds, from `start` to `stop`, in a thread of its own (law 5)."""

    def __init__(self, app: App, policies: Policies, *, workers_only: bool = False) -> None:
        self._app = app
        self._rules: Rules = rules_with(policies.alerts)
        self._addresses = [a.get_secret_value() for a in app.settings.notify]
        self._addresses += policies.notify
        self._workers_only = workers_only
        self._notifier: Notifier | None = None
        self._history: Mapping[str, WorkflowHistory] = {}
        self._history_at: datetime | None = None
        self._outage: _Outage | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="alerts", daemon=True)
        unknown = sorted(set(policies.alerts) - set(RULES))
        if unknown and not workers_only:
            logger.warning("alert_rules_unknown", extra={"rules": unknown, "known": sorted(RULES)})

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._stop.set()
        self._thread.join(timeout=LEAVE_S)

    def look(self) -> None:
        """Look once: bring the alerts level, and tell whoever is to be told."""
        try:
            untold = self._settle()
        except StoreUnavailable as exc:
            self._suffer(str(exc))
            return
        self._recover()
        for alert in untold:
            self._tell(alert)

    def _watch(self) -> None:
        while True:
            try:
                self.look()
            except Exception:  # the next look may go well; who works must not be ended by a watch
                logger.exception("alerts_not_settled")
            if self._stop.wait(LOOK_S):
                return

    def _settle(self) -> tuple[Alert, ...]:
        if self._workers_only:
            seen = alert_reading.read_workers(self._app)
            only = {RuleName.NO_WORKER}
            return alerting.settle(self._app, seen, rules=self._rules, covered=only)
        now = self._app.clock.now()
        if self._history_at is None or now - self._history_at >= HISTORY:
            self._history = alert_reading.read_history(self._app)
            self._history_at = now
        seen = alert_reading.read_figures(self._app, self._history)
        return alerting.settle(self._app, seen, rules=self._rules)

    @property
    def _people(self) -> Notifier:
        if self._notifier is None:
            self._notifier = Notifier(
                find_addresses(self._addresses), public_url=self._app.settings.public_url
            )
        return self._notifier

    def _tell(self, alert: Alert) -> None:
        if not self._people.has_somebody:
            return
        claimed_at = alerting.claim_telling(self._app, alert)
        if claimed_at is None or self._people.tell(alert):
            return
        if claimed_at - (alert.resolved_at or alert.fired_at) < TRY_AGAIN:
            alerting.give_back_telling(self._app, alert, claimed_at=claimed_at)

    def _suffer(self, reason: str) -> None:
        """The database does not answer: remember since when, and tell people without it."""
        now = self._app.clock.now()
        rule = self._rules[RuleName.STORE_OUTAGE]
        if self._outage is None:
            logger.warning("store_unavailable", extra={"reason": reason})
            self._outage = _Outage(began_at=now, reason=reason)
        began_at = self._outage.began_at
        is_due = now - began_at >= timedelta(seconds=rule.for_s)
        if self._workers_only or not rule.enabled or not is_due or self._outage.told is not None:
            return
        alert = Alert(
            **vars(alert_rules.outage(rule, reason)),
            alert_id=new_id(),
            status=AlertStatus.OPEN,
            fired_at=began_at,
            seen_at=now,
        )
        logger.error("store_outage", extra={"since": began_at.isoformat(), "reason": reason})
        self._outage = replace(self._outage, told=alert)
        if self._people.has_somebody:
            self._people.tell(alert)

    def _recover(self) -> None:
        """The database answers: if it did not for long, keep that, and tell whoever was told."""
        outage, self._outage = self._outage, None
        if outage is None or outage.told is None:
            return
        kept = alerting.keep_outage(self._app, outage.told)
        if self._people.has_somebody:
            self._people.tell(kept)
