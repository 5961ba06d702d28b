"""Giving a worker the caches that its project's policies ask for."""

from __future__ import annotations

import importlib
import logging
from collections.abc import Iterator

from interlock.core.errors import InvalidInput
from interlock.core.graphs.caching import NodeCaches
from interlock.core.graphs.call_caching import ToolCaches, install_model_caches
from interlock.core.graphs.guarding import Hooks
from interlock.core.graphs.stream_caching import install_stream_caches
from interlock.core.model import embedding
from interlock.core.model.policies import CacheRules, Policies
from interlock.core.services.context import App
from interlock.core.settings import Settings
from interlock.core.store.redis_caches import RedisCaches
from interlock.core.worker.caches import Caches, Embed

logger = logging.getLogger(__name__)


def open_caches(app: App, policies: Policies) -> Caches | None:
    """
    The tiers of this worker; None where no policy has a cache, and then nothing costs anything.

    Raises:
        InvalidInput: Redis's client or the embedder that the settings name cannot be used.
    """
    rules = list(_find_rules(policies))
    if not rules:
        return None
    settings = app.settings
    needs_embedder = any(each.semantic is not None for each in rules)
    return Caches(
        app,
        embed=load_embedder(settings.embedder) if needs_embedder else embedding.embed,
        redis=_open_redis(settings),
        memory_bytes=settings.cache_memory_bytes,
    )


def add_hooks(hooks: Hooks, caches: Caches, policies: Policies) -> Hooks:
    """The hooks with those of the caches; the caches of models are put in place for the process."""
    install_model_caches(policies.models, policies.prices)
    if any(rules.cache is not None for rules in policies.models.values()):
        install_stream_caches()
    return Hooks(guards=hooks.guards, tools=(ToolCaches(), *hooks.tools), caches=NodeCaches(caches))


def load_embedder(name: str | None) -> Embed:
    """
    The function that turns texts into vectors; without a name, the one that ships.

    Raises:
        InvalidInput: It cannot be imported.
    """
    if not name:
        return embedding.embed
    module, _, function = name.partition(":")
    try:
        found: Embed = getattr(importlib.import_module(module), function)
    except Exception as exc:  # a module of the user's raises what it likes
        raise InvalidInput(
            f"INTERLOCK_EMBEDDER names {name!r}, which cannot be imported: {exc}.",
            hint="Give module:function; it takes a list of texts and gives a list of vectors.",
        ) from exc
    return found


def _open_redis(settings: Settings) -> RedisCaches | None:
    return RedisCaches(settings.redis_url) if settings.redis_url else None


def _find_rules(policies: Policies) -> Iterator[CacheRules]:
    for workflow in policies.workflow.values():
        nodes = [*workflow.node.values(), *([workflow.default] if workflow.default else [])]
        for node in nodes:
            parts = [node, *node.tool.values()]
            yield from (part.cache for part in parts if part.cache is not None)
    yield from (rules.cache for rules in policies.models.values() if rules.cache is not None)
