"""The API's application: routers, errors, and its description for programs (OpenAPI)."""

from __future__ import annotations

from functools import partial

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from interlock.core.errors import InterlockError
from interlock.dashboard.http.api import (
    answers,
    approvals,
    audit,
    breakers,
    bulk,
    caches,
    claims,
    launches,
    metrics,
    openapi,
    rewind,
    runs,
    threads,
    workflows,
)
from interlock.dashboard.http.api.door import Door
from interlock.dashboard.http.api.mounting import PATH

VERSION = "1"
_MAX_PROBLEMS = 20
_DESCRIPTION = (
    "What programs need of what the screens and the command line do, through the same services."
    " Errors are problem+json; lists come by pages."
)


def build() -> Door:
    """The application behind its door."""
    app = FastAPI(
        title="Interlock",
        version=VERSION,
        description=_DESCRIPTION,
        servers=[{"url": PATH}],
        root_path_in_servers=False,
        openapi_url="/openapi.json",
        docs_url=None,  # its page fetches scripts from elsewhere; docs/api.md has the operations
        redoc_url=None,
        redirect_slashes=False,
    )
    for noun in (
        workflows,
        launches,
        runs,
        approvals,
        bulk,
        claims,
        rewind,
        threads,
        metrics,
        breakers,
        caches,
        audit,
    ):
        app.include_router(noun.router)
    tell_errors(app)
    app.openapi = partial(openapi.describe, app)  # type: ignore[method-assign]
    return Door(app)


def tell_errors(app: FastAPI) -> None:
    """Let an application answer every error as a problem."""
    app.add_exception_handler(InterlockError, _tell_error)
    app.add_exception_handler(RequestValidationError, _tell_invalid)
    app.add_exception_handler(HTTPException, _tell_http)
    app.add_exception_handler(Exception, _hand_on)


async def _hand_on(_request: Request, exc: Exception) -> Response:
    """Leave what nobody expected to the door; Starlette would answer it in plain text."""
    raise exc


async def _tell_error(_request: Request, exc: Exception) -> Response:
    assert isinstance(exc, InterlockError)
    return answers.refusal(exc)


async def _tell_invalid(_request: Request, exc: Exception) -> Response:
    """Say what does not fit and where; what was given is not said back."""
    assert isinstance(exc, RequestValidationError)
    problems = [
        {
            "path": ".".join(map(str, found["loc"][1:])) or str(found["loc"][0]),
            "message": found["msg"],
        }
        for found in exc.errors()[:_MAX_PROBLEMS]
    ]
    return answers.problem(422, "The request does not fit.", problems=problems)


async def _tell_http(_request: Request, exc: Exception) -> Response:
    assert isinstance(exc, HTTPException)
    if exc.status_code == 404:
        return answers.problem(404, "There is nothing at this address.")
    if exc.status_code not in answers.NAMES:
        return answers.problem(400, str(exc.detail))
    return answers.problem(exc.status_code, str(exc.detail), headers=exc.headers)
