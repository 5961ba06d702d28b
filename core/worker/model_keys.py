"""The keys that a worker's models use in turn, and what is told of them to the screens."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

from interlock.core.errors import InterlockError
from interlock.core.graphs.model_keys import Turns
from interlock.core.model.key_ring import Key, KeyRing
from interlock.core.model.policies import Policies
from interlock.core.services import limiting
from interlock.core.services.context import App

GAP = timedelta(seconds=5)  # between two writes of what is left of a key

logger = logging.getLogger(__name__)


class Keys:
    """Rings in place for this process."""

    def __init__(self, app: App, rings: list[KeyRing]) -> None:
        self._app = app
        self._told: dict[tuple[str, str], datetime] = {}
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="keys")
        self._turns = Turns(rings, now=app.clock.now, tell=self._tell)
        for ring in rings:
            known = limiting.list_keys(app, ring.model)
            for key in ring.keys:
                until = next((k.blocked_until for k in known if k.variable == key.variable), None)
                if until is not None:
                    ring.block(key, until)
        self._turns.install()

    def stop(self) -> None:
        """As before, and all written; blocks."""
        self._turns.uninstall()
        self._pool.shutdown(wait=True)

    def _tell(
        self, ring: KeyRing, key: Key, rests: datetime | None, quota: Mapping[str, Any]
    ) -> None:
        """From any thread; never blocks."""
        now, place = self._app.clock.now(), (ring.model, key.variable)
        if rests is not None:
            about = {"model": ring.model, "variable": key.variable, "until": rests.isoformat()}
            logger.warning("model_key_rests", extra=about)
        last = self._told.get(place)
        if rests is None and last is not None and now - last < GAP:
            return
        self._told[place] = now
        self._pool.submit(self._write, ring.model, key.variable, rests, dict(quota))

    def _write(
        self, model: str, variable: str, rests: datetime | None, quota: dict[str, Any]
    ) -> None:
        try:
            limiting.tell_key(self._app, model, variable, blocked_until=rests, quota=quota)
        except InterlockError as exc:  # the next answer tells the same
            logger.warning("model_key_not_told", extra={"reason": str(exc)})


def open_keys(app: App, policies: Policies) -> Keys | None:
    """Put the rings of the policies in place; None where there is none."""
    rings = []
    for model, rules in policies.models.items():
        values = {name: os.environ.get(name, "").strip() for name in rules.keys}
        missing = [name for name, value in values.items() if not value]
        if missing:
            about = {"model": model, "variables": missing}
            logger.warning("model_keys_not_set", extra=about)
        keys = [Key(name, value) for name, value in values.items() if value]
        if keys:
            rings.append(KeyRing(model, keys))
    return Keys(app, rings) if rings else None
