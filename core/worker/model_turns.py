"""Putting the models in place that answer where another's provider fails."""

from __future__ import annotations

import logging

from interlock.core.graphs.model_turns import ModelTurns
from interlock.core.model.policies import Policies
from interlock.core.services.context import App

logger = logging.getLogger(__name__)


def open_turns(app: App, policies: Policies) -> ModelTurns | None:
    """Those of the policies, told of what cannot answer; None where there is none."""
    models = {name: rules for name, rules in policies.models.items() if rules.then}
    if not models:
        return None
    turns = ModelTurns(models, now=app.clock.now)
    for model, then, reason in turns.find_unusable():
        about = {"model": model, "then": then, "reason": reason}
        logger.warning("model_stand_in_unusable", extra=about)
    turns.install()
    return turns
