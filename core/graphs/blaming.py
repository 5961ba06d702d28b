"""Which attempt an error came from, and why answers were refused."""

from __future__ import annotations

from langgraph.errors import is_invalid_resume

from interlock.core.model.nodes import NodeRun


class Errors:
    """
    The errors of a run's attempts, by task; whoever uses it from several threads locks.

    All of a task that has not ended well: what fails a run may be the error of an earlier try, as when
    none of the fallbacks after it served.
    """

    def __init__(self) -> None:
        self._of_tasks: dict[str, list[tuple[BaseException, NodeRun]]] = {}
        self.refusals: dict[str, str] = {}  # namespace -> why it refused its answer

    def add(self, error: BaseException, record: NodeRun) -> None:
        """An attempt failed."""
        self._of_tasks.setdefault(record.task_id, []).append((error, record))
        if is_invalid_resume(error):
            self.refusals[record.namespace] = record.error_message or ""

    def forget(self, task_id: str) -> None:
        """The task did not fail after all."""
        self._of_tasks.pop(task_id, None)

    def last_of(self, task_id: str) -> NodeRun | None:
        """The newest attempt of a task that failed."""
        found = self._of_tasks.get(task_id)
        return found[-1][1] if found else None

    def find(self, error: BaseException) -> NodeRun | None:
        """The attempt in which an error was raised: the innermost, if it came up through several."""
        found = [
            record
            for errors in self._of_tasks.values()
            for raised, record in errors
            if raised is error
        ]
        return max(found, key=lambda record: len(record.namespace), default=None)

    @property
    def namespaces(self) -> set[str]:
        """The namespaces of the tasks that failed."""
        return {record.namespace for errors in self._of_tasks.values() for _, record in errors}
