"""Figures of workflows and nodes."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from interlock.core.errors import FieldProblem, InvalidInput
from interlock.core.model.inbox_filters import read_age
from interlock.core.services import figure_documents, metrics
from interlock.dashboard import deps
from interlock.dashboard.http.api import figure_examples
from interlock.dashboard.http.api.answers import answer
from interlock.dashboard.http.api.described import responses

router = APIRouter(tags=["figures"])

MAX_WINDOW = timedelta(days=366)


@router.get("/metrics", responses=responses(figure_examples.METRICS))
def get_metrics(
    window: Annotated[str, Query(max_length=10, description="90s, 5m, 1h, 7d.")] = "1h",
    workflow: Annotated[str | None, Query(max_length=1000)] = None,
    variant: Annotated[str | None, Query(max_length=1000)] = None,
) -> Response:
    """How workflows and nodes did within the window that ends now."""
    length = read_age(window)
    if length is None or length > MAX_WINDOW:
        told = FieldProblem("window", "is no age such as 90s, 5m, 1h or 7d, at most 366d")
        raise InvalidInput("The request does not fit.", problems=[told])
    app = deps.app()
    wanted = metrics.last(app, length, workflow=workflow, variant=variant)
    return answer(figure_documents.of_metrics(metrics.read(app, wanted)))
