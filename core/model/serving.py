"""Which worker serves which workflows, in which version: whose card is shown, and who may take its runs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime

from interlock.core.model.workflows import Workflow
from interlock.core.types import Json, WorkerId

_TIME = "published_at"


@dataclass(frozen=True)
class Coverage:
    """What a worker was told to serve of its project: None is all of it."""

    workflows: frozenset[str] | None = None
    tenants: frozenset[str] | None = None

    @property
    def is_all(self) -> bool:
        """Whether it serves all there is."""
        return self.workflows is None and self.tenants is None

    def covers(self, workflow: str, tenant: str) -> bool:
        """Whether it would serve a workflow, were it in its project."""
        return (self.workflows is None or workflow in self.workflows) and (
            self.tenants is None or tenant in self.tenants
        )


EVERYTHING = Coverage()


@dataclass(frozen=True)
class Served:
    """One workflow of one living worker; `fingerprint` tells versions apart, None where it did not load."""

    worker_id: WorkerId
    workflow: str
    fingerprint: str | None


@dataclass(frozen=True)
class Version:
    """When a version of a workflow was first served, and by which project."""

    first_at: datetime
    project: str


def fingerprint_of(card: Workflow) -> str | None:
    """What is the same as long as the card is, whichever worker published it; None of one with an error."""
    if card.error is not None:
        return None
    said = {field.name: getattr(card, field.name) for field in fields(card) if field.name != _TIME}
    text = json.dumps(said, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def find_current(
    served: Iterable[Served], versions: Mapping[tuple[str, str], Version]
) -> dict[str, str | None]:
    """
    The version of each workflow that is shown: of those that are served the one that came last.

    A worker of older code that starts anew in the middle of a deploy does not bring its version back;
    once no worker has the newer one any more, it does. One that did not load stands behind all others.
    """
    current: dict[str, str | None] = {}
    for each in served:
        shown = current.setdefault(each.workflow, each.fingerprint)
        if each.fingerprint is None or each.fingerprint == shown:
            continue
        new, old = (
            versions.get((each.workflow, f)) if f else None for f in (each.fingerprint, shown)
        )
        if old is None or (new is not None and new.first_at > old.first_at):
            current[each.workflow] = each.fingerprint
    return current


def find_foreign(served: Iterable[Served], worker_id: WorkerId) -> frozenset[str]:
    """The workflows that other workers can carry out and this one cannot."""
    sound = [each for each in served if each.fingerprint is not None]
    own = {each.workflow for each in sound if each.worker_id == worker_id}
    return frozenset(each.workflow for each in sound) - own


def find_taken(
    own: Collection[str], foreign: Collection[str], coverage: Coverage
) -> frozenset[str] | None:
    """
    Of which workflows alone a worker takes runs; None where it takes all but the foreign ones.

    What nobody can carry out is taken by who serves all there is: then a run says what is missing
    instead of waiting for ever.
    """
    return None if coverage.is_all else frozenset(own) - frozenset(foreign)


def find_gone(
    known: Mapping[str, Json],
    served: Iterable[Served],
    of_project: Collection[str],
    *,
    is_only_project: bool,
    coverage: Coverage,
) -> frozenset[str]:
    """
    The cards that disappear: no worker serves them, and this one knows that there is nothing more to come.

    Args:
        known: The workflows that have a card, with their policies.
        served: What living workers serve.
        of_project: Workflows that this worker's project has had.
        is_only_project: Whether all living workers serve it.
        coverage: What this worker serves of it.
    """
    wanted = {each.workflow for each in served}
    return frozenset(
        name
        for name, policy in known.items()
        if name not in wanted
        and (is_only_project or name in of_project)
        and coverage.covers(name, tenant_of(policy))
    )


def share_of(policy: Json) -> int:
    """A workflow's part of the room that workers have for runs, by its policy."""
    share = policy.get("share") if isinstance(policy, dict) else None
    return share if isinstance(share, int) and share > 0 else 1


def tenant_of(policy: Json) -> str:
    """Whose a workflow is, by its policy; empty of the whole house's."""
    tenant = policy.get("tenant") if isinstance(policy, dict) else None
    return tenant if isinstance(tenant, str) else ""
