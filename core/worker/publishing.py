"""What this worker serves, kept level with what the others do."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from interlock.core.errors import StoreUnavailable
from interlock.core.model.serving import Coverage
from interlock.core.model.workers import Worker
from interlock.core.model.workflows import Workflow
from interlock.core.queue.port import Serves
from interlock.core.services import publishing
from interlock.core.services.context import App
from interlock.core.services.publishing import Publication

logger = logging.getLogger(__name__)


class Desk:
    """Publishes what a worker has loaded; `look` is called from one thread, the rest from any."""

    def __init__(
        self, app: App, worker: Worker, cards: Sequence[Workflow], coverage: Coverage
    ) -> None:
        """Enter it; blocks."""
        self._app = app
        self._publication = Publication(worker, cards, coverage)
        self._standing = publishing.enter(app, self._publication)

    @property
    def serves(self) -> Serves:
        """Of which workflows this worker takes runs by now."""
        return self._standing.serves

    @property
    def is_alone(self) -> bool:
        """Whether there is nothing that only others serve."""
        return self._standing.is_alone

    def leaves(self, workflow: str) -> bool:
        """Whether what is of a workflow is left to other workers."""
        return not self._standing.serves.takes(workflow)

    def look(self) -> None:
        """See whether others have come or gone."""
        try:
            self._standing = publishing.settle(self._app, self._publication, self._standing)
        except StoreUnavailable as exc:  # it is as it was, for as long
            logger.warning("not_looked_for_others", extra={"reason": str(exc)})
        except Exception:  # the next look may go well
            logger.exception("not_looked_for_others")
