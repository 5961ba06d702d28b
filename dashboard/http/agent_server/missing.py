"""What the Agent Server API has and Interlock does not serve: answered by 501, with what it is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from interlock.core.errors import NotServed
from interlock.dashboard.http.agent_server import threads
from interlock.dashboard.http.api.answers import problem

router = APIRouter()
last = APIRouter()

# docs/agent-server.md has them all, and what is done instead. The more exact stand first.
NOT_SERVED: tuple[tuple[str, str, str], ...] = (
    ("POST", "/assistants", "making assistants: each workflow is one"),
    ("PATCH", "/assistants/{assistant_id:path}", "changing assistants: each workflow is one"),
    ("DELETE", "/assistants/{assistant_id:path}", "deleting assistants: each workflow is one"),
    ("GET", "/assistants/{assistant_id:path}/subgraphs", "the schemas of subgraphs"),
    ("POST", "/assistants/{assistant_id:path}/versions", "versions of assistants"),
    ("POST", "/assistants/{assistant_id:path}/latest", "versions of assistants"),
    ("POST", "/threads/prune", "pruning threads: `interlock prune` does"),
    ("GET", "/threads/{thread_id:path}/stream", "the stream of a thread: a run is streamed"),
    ("POST", "/threads/{thread_id:path}/stream/events", "the stream of a thread"),
    ("POST", "/threads/{thread_id:path}/commands", "commands of a thread's stream"),
    ("DELETE", "/threads/{thread_id:path}/runs/{run_id}", "deleting runs: they are the record"),
    ("DELETE", "/threads/{thread_id:path}", "deleting threads: `interlock prune` does"),
    ("POST", "/threads/{thread_id:path}/runs/crons", "runs by the clock"),
    ("POST", "/runs/batch", "several runs in one request"),
    ("POST", "/runs/cancel", "cancelling several runs in one request"),
    ("POST", "/runs/crons", "runs by the clock"),
    ("PUT", "/store/items", "the store: nodes keep their memory there, nobody else"),
)
_NOUNS = frozenset({"assistants", "threads", "runs", "store", "crons", "mcp", "a2a", "ui"})


def _refuse(what: str) -> Callable[[], Awaitable[Response]]:
    async def refuse() -> Response:
        raise NotServed(what)

    return refuse


for _method, _path, _what in NOT_SERVED:
    router.add_api_route(_path, _refuse(_what), methods=[_method])

last.add_api_route("/threads/{thread_id:path}", threads.get, methods=["GET"])


@last.api_route("/{path:path}", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
async def refuse_rest(request: Request, path: str) -> Response:
    """Whatever else their server may have under its nouns; there is nothing else at all."""
    if path.partition("/")[0] in _NOUNS:
        raise NotServed(f"{request.method} /{path[:200]}")
    return problem(404, "There is nothing at this address.")
