"""The project as a worker holds it: its graphs, prepared for runs on this worker's database."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.pregel import Pregel
from langgraph.store.base import BaseStore

from interlock.core.ciphers import Cipher
from interlock.core.errors import WorkflowNotLoaded
from interlock.core.graphs.describing import describe, describe_failure, name_nodes
from interlock.core.graphs.explaining import explain_description_failure
from interlock.core.graphs.guarding import Hooks
from interlock.core.graphs.keeping import Keeping
from interlock.core.graphs.loading import LoadedGraph
from interlock.core.graphs.notes import Notes
from interlock.core.graphs.preparing import prepare
from interlock.core.graphs.project import Project
from interlock.core.graphs.savers import Savers
from interlock.core.graphs.serde import FaithfulSerializer, serializer_for
from interlock.core.graphs.supervising import asks_on_failure, supervise
from interlock.core.graphs.supervising_attempts import Supervision
from interlock.core.graphs.tools import name_tools
from interlock.core.graphs.trusting import ProjectTypes
from interlock.core.model import policy_files
from interlock.core.model.policies import Policies, WorkflowPolicy
from interlock.core.model.policy_checks import find_unknown
from interlock.core.model.runs import Run
from interlock.core.model.workflows import Workflow

logger = logging.getLogger(__name__)

AnyGraph = Pregel[Any, Any, Any, Any]


@dataclass
class Workshop:
    """
    Opens a workflow's graph for one run: our saver, our store, the project's trusted types.

    `policies` is what the project's interlock.toml says, without the workflows that it does not fit;
    `hooks` is what else stands around nodes.
    """

    project: Project
    graphs: dict[str, LoadedGraph]
    savers: Savers
    store: BaseStore
    policies: Policies = field(init=False)
    hooks: Hooks = field(default_factory=Hooks)
    cipher: Cipher | None = None  # what is kept in caches is encrypted with
    _serializers: dict[str, FaithfulSerializer] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.policies = self.project.policies

    @asynccontextmanager
    async def open(
        self,
        workflow: str,
        config: RunnableConfig,
        *,
        context: Any = None,
        run: Run | None = None,
        notes: Notes | None = None,
        keeping: Keeping | None = None,
    ) -> AsyncIterator[AnyGraph]:
        """
        Open a graph for one run.

        Args:
            workflow: Its name.
            config: What a factory is called with.
            context: Likewise.
            run: The run that the graph is opened for; without one only its state is looked at, and
                no policy holds.
            notes: What policies have to say of the run's attempts goes here.
            keeping: Where the run's checkpoints are kept while their database is away.

        Raises:
            WorkflowNotLoaded: The project has no such graph, or it cannot be opened.
        """
        loaded = self.graphs.get(workflow)
        if loaded is None:
            raise WorkflowNotLoaded(
                f"The project has no graph {workflow!r} (any more).",
                hint=(
                    f"It has {', '.join(self.graphs) or 'none'}. Put it back into langgraph.json "
                    "under this name, or serve the project that has it."
                ),
            )
        async with loaded.open(config, store=self.store, context=context) as graph:
            serializer = self._serializer(loaded, graph)
            saver = (
                self.savers.for_run(serializer)
                if keeping is None
                else self.savers.for_run(serializer, keeping)
            )
            notes = notes or Notes()
            async with self._with_caches(run, notes, serializer):
                supervised = {} if run is None else self._supervise(graph, run, notes)
                yield prepare(
                    graph,
                    checkpointer=saver,
                    store=self.store,
                    name=workflow,
                    supervised=supervised,
                )

    def _with_caches(
        self, run: Run | None, notes: Notes, serializer: FaithfulSerializer
    ) -> AbstractAsyncContextManager[None]:
        caches = self.hooks.caches
        return (
            nullcontext()
            if run is None or caches is None
            else caches.around(run, notes, serializer.with_cipher(self.cipher))
        )

    def _supervise(self, graph: AnyGraph, run: Run, notes: Notes) -> dict[str, Any]:
        policy = self.policies.workflow.get(run.workflow)
        if policy is None:
            return {}
        return supervise(graph, Supervision(run=run, policy=policy, notes=notes, hooks=self.hooks))

    def goes_on_in_memory(self, workflow: str) -> bool:
        """Whether its runs go on while the database is away, by its policy."""
        return self.policies.for_workflow(workflow).goes_on_in_memory

    def asks_on_failure(self, workflow: str, path: str | None) -> bool:
        """Whether a human is asked when the node of this path fails for good, by its policy."""
        return asks_on_failure(self.policies.for_workflow(workflow), path)

    def _serializer(self, loaded: LoadedGraph, graph: AnyGraph) -> FaithfulSerializer:
        """One serializer a workflow: it remembers which types it has seen."""
        if loaded.name not in self._serializers:
            self._serializers[loaded.name] = serializer_for(
                graph, ProjectTypes(self.project), self.project.allow_types
            )
        return self._serializers[loaded.name]

    async def describe_all(self, now: datetime) -> list[Workflow]:
        """The cards of all graphs; one that cannot be opened says why."""
        return [await self._describe(loaded, now) for loaded in list(self.graphs.values())]

    async def _describe(self, loaded: LoadedGraph, now: datetime) -> Workflow:
        if loaded.error is not None:
            return describe_failure(loaded.name, loaded.description, loaded.error, now)
        try:
            async with loaded.open({}, store=self.store, access="assistants.read") as graph:
                card = describe(loaded.name, loaded.description, graph, now)
                return self._with_policy(card, graph)
        except WorkflowNotLoaded as exc:
            error, cause = str(exc), exc.__cause__
        except Exception as exc:  # noqa: BLE001 - a schema or a drawing runs code of the user's
            error, cause = explain_description_failure(loaded.spec, exc), exc
        logger.warning("workflow_not_described", exc_info=cause, extra={"workflow": loaded.name})
        return describe_failure(loaded.name, loaded.description, error, now)

    def _with_policy(self, card: Workflow, graph: AnyGraph) -> Workflow:
        """The card with its policy; if that names what the graph has not, the workflow is refused."""
        policy = self.policies.workflow.get(card.name, WorkflowPolicy())
        unknown = find_unknown(card.name, policy, nodes=name_nodes(graph), tools=name_tools(graph))
        if not unknown:
            return replace(card, policy=policy.publish(self.policies.models))
        problem = f"{self.policies.path}: {policy_files.say(unknown)}"
        logger.error("policy_refused", extra={"workflow": card.name, "reason": problem})
        self.policies = self.policies.without(card.name, problem)
        self.graphs[card.name] = replace(self.graphs[card.name], exported=None, error=problem)
        return describe_failure(card.name, card.description, problem, card.published_at)
