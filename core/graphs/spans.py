"""
Traces of runs to where the variables of OpenTelemetry or LangSmith say, their secrets masked.

Nothing is sent unless such a variable is set. The spans are made by OpenInference's instrumentation,
one a run and one a node, with the thread as the session.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from langsmith import run_trees
from langsmith.utils import tracing_is_enabled

from interlock.core import extras
from interlock.core.masking import mask_tree

MAX_CHARS = 20_000  # of one text: a prompt with its history is long
FLUSH_S = 3.0  # the longest a stopping worker waits for spans to be sent
SERVICE = "interlock-worker"

logger = logging.getLogger(__name__)


@contextmanager
def tracing(environment: Mapping[str, str] = os.environ) -> Iterator[None]:
    """Send traces while the block runs; enter it before user code is imported."""
    mask_langsmith()
    provider = _instrument() if extras.TRACES.is_asked_for(environment) else None
    try:
        yield
    finally:
        if provider is not None:
            _close(provider)


def mask_langsmith() -> bool:
    """
    See that what LangChain sends to LangSmith is masked, if it sends anything.

    The client that is made first is the one that all of LangChain uses.
    """
    if not tracing_is_enabled():
        return False
    run_trees.get_cached_client(anonymizer=_mask)
    return True


def _mask(value: Any) -> Any:
    return mask_tree(value, limit=MAX_CHARS)


def _instrument() -> Any:
    if not extras.TRACES.is_installed:
        logger.warning("extra_missing", extra={"reason": extras.TRACES.explain_missing()})
        return None
    from openinference.instrumentation.langchain import LangChainInstrumentor
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import OTELResourceDetector, Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    named = Resource({"service.name": SERVICE}).merge(OTELResourceDetector().detect())
    # Ours alone, not the process's: a project may trace itself as it likes.
    provider = TracerProvider(resource=named)
    provider.add_span_processor(BatchSpanProcessor(_masking(OTLPSpanExporter())))
    LangChainInstrumentor().instrument(tracer_provider=provider)
    logger.info("traces_are_sent")
    return provider


def _close(provider: Any) -> None:
    """Send what is left, but do not wait for a collector that does not answer."""
    from openinference.instrumentation.langchain import LangChainInstrumentor

    LangChainInstrumentor().uninstrument()
    closing = threading.Thread(target=provider.shutdown, name="traces", daemon=True)
    closing.start()
    closing.join(FLUSH_S)


def _masking(exporter: Any) -> Any:
    """The exporter, given spans whose texts are masked; on the thread that sends, not the loop."""
    from opentelemetry.sdk.trace.export import SpanExporter

    class Masking(SpanExporter):
        def export(self, spans: Sequence[Any]) -> Any:
            return exporter.export([mask_span(span) for span in spans])

        def shutdown(self) -> None:
            exporter.shutdown()

        def force_flush(self, timeout_millis: int = 30_000) -> bool:
            return bool(exporter.force_flush(timeout_millis))

    return Masking()


def mask_span(span: Any) -> Any:
    """A copy of a finished span without secrets in its attributes, events and status."""
    from opentelemetry.sdk.trace import Event, ReadableSpan
    from opentelemetry.trace import Status

    events = [
        Event(e.name, attributes=_mask(dict(e.attributes or {})), timestamp=e.timestamp)
        for e in span.events
    ]
    description = span.status.description
    return ReadableSpan(
        name=span.name,
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes=_mask(dict(span.attributes or {})),
        events=events,
        links=span.links,
        kind=span.kind,
        status=Status(span.status.status_code, _mask(description) if description else None),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )
