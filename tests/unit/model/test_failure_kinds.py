"""What kind of failure an error is, by the classes of the clients people use."""

from __future__ import annotations

import asyncio
import http.client
import socket
import sqlite3
import ssl
import urllib.error
from datetime import UTC, datetime
from email.message import Message
from typing import Any

import httpx
import psycopg
import psycopg_pool
import pydantic
import pytest
from langchain_core.tools import ToolException
from langgraph.errors import (
    GraphInterrupt,
    GraphRecursionError,
    NodeCancelledError,
    NodeTimeoutError,
    ParentCommand,
)
from langgraph.types import Command

from interlock.core.errors import BreakerOpen
from interlock.core.model.failure_kinds import (
    ADVICE,
    PERMANENT,
    TRANSIENT,
    FailureKind,
    find_retry_after_s,
    is_named,
    kind_of,
)

NOW = datetime(2026, 1, 5, 9, 30, tzinfo=UTC)
REQUEST = httpx.Request("GET", "https://example.org")


def http_error(status: int, **headers: str) -> httpx.HTTPStatusError:
    response = httpx.Response(status, headers=headers, request=REQUEST)
    return httpx.HTTPStatusError("no", request=REQUEST, response=response)


def invalid() -> pydantic.ValidationError:
    with pytest.raises(pydantic.ValidationError) as raised:
        pydantic.TypeAdapter(int).validate_python("x")
    return raised.value


def like(package: str, name: str, *, above: str = "APIError", **attributes: Any) -> Exception:
    """An error of a client that is not installed here: its module, its class names, its attributes."""
    base = type(above, (Exception,), {"__module__": f"{package}._exceptions"})
    kind = type(name, (base,), {"__module__": f"{package}._exceptions"})
    error: Exception = kind("no")
    vars(error).update(attributes)
    return error


INSTALLED = [
    (TimeoutError(), "timeout"),
    (NodeTimeoutError("n", 1.0, kind="run", run_timeout=1.0, idle_timeout=None), "timeout"),
    (ConnectionResetError(), "network"),
    (BrokenPipeError(), "network"),
    (socket.gaierror(), "network"),
    (ssl.SSLError(), "network"),
    (ssl.SSLCertVerificationError(), "authentication"),
    (http.client.RemoteDisconnected(), "network"),
    (http.client.IncompleteRead(b""), "network"),
    (urllib.error.URLError("no route"), "network"),
    (urllib.error.HTTPError("u", 503, "no", Message(), None), "server"),
    (PermissionError(), "authentication"),
    (FileNotFoundError(), "bad_input"),
    (ValueError(), "bad_input"),
    (KeyError(), "bad_input"),
    (TypeError(), "bad_input"),
    (ZeroDivisionError(), "bad_input"),
    (invalid(), "bad_input"),
    (AssertionError(), "business"),
    (ToolException(), "business"),
    (GraphRecursionError(), "business"),
    (sqlite3.OperationalError("database is locked"), "server"),
    (sqlite3.IntegrityError(), "business"),
    (BreakerOpen("open", name="b"), "refused"),
    (RuntimeError(), "unknown"),
    (OSError(28, "no space"), "unknown"),
    (Exception(), "unknown"),
    (httpx.ConnectTimeout(""), "timeout"),
    (httpx.ReadTimeout(""), "timeout"),
    (httpx.PoolTimeout(""), "timeout"),
    (httpx.ConnectError(""), "network"),
    (httpx.ReadError(""), "network"),
    (httpx.RemoteProtocolError(""), "network"),
    (httpx.ProxyError(""), "network"),
    (httpx.UnsupportedProtocol(""), "bad_input"),
    (httpx.InvalidURL(""), "bad_input"),
    (http_error(400), "bad_input"),
    (http_error(401), "authentication"),
    (http_error(403), "authentication"),
    (http_error(404), "bad_input"),
    (http_error(408), "timeout"),
    (http_error(409), "server"),
    (http_error(422), "bad_input"),
    (http_error(425), "server"),
    (http_error(429), "rate_limit"),
    (http_error(500), "server"),
    (http_error(502), "server"),
    (http_error(503), "server"),
    (http_error(504), "timeout"),
    (http_error(529), "server"),
    (psycopg.OperationalError(), "network"),
    (psycopg.InterfaceError(), "network"),
    (psycopg.errors.ConnectionTimeout(), "timeout"),
    (psycopg.errors.QueryCanceled(), "timeout"),
    (psycopg.errors.LockNotAvailable(), "timeout"),
    (psycopg.errors.DeadlockDetected(), "network"),
    (psycopg.errors.SerializationFailure(), "network"),
    (psycopg.errors.AdminShutdown(), "network"),
    (psycopg.errors.InvalidPassword(), "authentication"),
    (psycopg.errors.InsufficientPrivilege(), "authentication"),
    (psycopg.errors.UniqueViolation(), "business"),
    (psycopg.errors.RaiseException(), "business"),
    (psycopg.errors.UndefinedTable(), "bad_input"),
    (psycopg.errors.InvalidTextRepresentation(), "bad_input"),
    (psycopg.InternalError(), "server"),
    (psycopg_pool.PoolTimeout(), "timeout"),
    (psycopg_pool.TooManyRequests(), "rate_limit"),
]


@pytest.mark.parametrize(("error", "kind"), INSTALLED, ids=lambda v: getattr(v, "__class__", v))
def test_errors_of_installed_clients_are_told_apart(error: Exception, kind: str) -> None:
    assert kind_of(error) == FailureKind(kind)


@pytest.mark.parametrize("package", ["openai", "anthropic"])
def test_errors_of_model_clients_are_told_apart(package: str) -> None:
    def kind(name: str, status: int | None = None, **more: Any) -> str | None:
        return kind_of(like(package, name, status_code=status, **more))

    assert kind("APITimeoutError") == "timeout"
    assert kind_of(like(package, "APITimeoutError", above="APIConnectionError")) == "timeout"
    assert kind("APIConnectionError") == "network"
    assert kind("RateLimitError", 429) == "rate_limit"
    assert kind("InternalServerError", 500) == "server"
    assert kind("OverloadedError", 529) == "server"
    assert kind("AuthenticationError", 401) == "authentication"
    assert kind("PermissionDeniedError", 403) == "authentication"
    assert kind("BadRequestError", 400) == "bad_input"
    assert kind("NotFoundError", 404) == "bad_input"
    assert kind("ConflictError", 409) == "server"
    assert kind("UnprocessableEntityError", 422) == "bad_input"
    assert kind("APIStatusError", 418) == "bad_input"
    assert kind("APIError") == "unknown"
    assert kind("RateLimitError", 429, code="insufficient_quota") == "authentication"
    # An error's code need not be a status.
    assert kind("APIError", code="500") == "unknown"


def test_other_clients_are_told_by_their_status() -> None:
    botocore = like(
        "botocore", "ClientError", response={"ResponseMetadata": {"HTTPStatusCode": 503}}
    )
    assert kind_of(botocore) == "server"
    assert kind_of(like("botocore", "ClientError", response={"Error": {}})) == "unknown"
    assert kind_of(like("aiohttp", "ClientResponseError", status=429)) == "rate_limit"
    assert kind_of(like("google", "GoogleAPICallError", code=503)) == "server"
    assert kind_of(like("x", "Odd", status_code=True)) == "unknown"
    assert kind_of(like("x", "Odd", status_code=200)) == "unknown"


@pytest.mark.parametrize(
    "error",
    [
        GraphInterrupt(()),
        ParentCommand(Command()),
        NodeCancelledError("n"),
        asyncio.CancelledError(),
        KeyboardInterrupt(),
        SystemExit(),
    ],
)
def test_what_is_no_outcome_has_no_kind(error: BaseException) -> None:
    assert kind_of(error) is None


def test_a_wrapper_that_says_nothing_leaves_it_to_what_it_was_raised_from() -> None:
    wrapper = RuntimeError("the tool failed")
    wrapper.__cause__ = ConnectionError()
    assert kind_of(wrapper) == "network"
    wrapper.__cause__ = None
    wrapper.__context__ = ConnectionError()  # merely came up meanwhile
    assert kind_of(wrapper) == "unknown"
    wrapper.__cause__ = wrapper  # a circle ends
    assert kind_of(wrapper) == "unknown"


class OutOfStock(Exception):
    """A rule of somebody's shop."""


class SoldOut(OutOfStock):
    """A special case."""


def test_classes_can_be_named_plain_with_their_module_or_their_package() -> None:
    module = OutOfStock.__module__
    for names in (["OutOfStock"], [f"{module}.OutOfStock"], [f"{module.split('.')[0]}.OutOfStock"]):
        assert kind_of(SoldOut(), permanent=names) == "business"
        assert is_named(SoldOut(), names)
    assert kind_of(SoldOut(), permanent=["Other"]) == "unknown"


def test_how_long_to_wait_is_read_from_headers_and_from_the_error() -> None:
    def after(error: Exception) -> float | None:
        return find_retry_after_s(error, NOW)

    assert after(http_error(429, **{"Retry-After": "7"})) == 7.0
    assert after(http_error(429, **{"retry-after-ms": "250"})) == 0.25
    assert after(http_error(503, **{"Retry-After": "Mon, 05 Jan 2026 09:31:30 GMT"})) == 90.0
    assert after(http_error(503, **{"Retry-After": "Mon, 05 Jan 2026 09:31:30 -0000"})) == 90.0
    assert after(http_error(503, **{"Retry-After": "Mon, 05 Jan 2026 09:00:00 GMT"})) == 0.0
    assert after(http_error(429, **{"Retry-After": "soon"})) is None
    assert after(http_error(429, **{"Retry-After": "-1"})) is None
    assert after(http_error(429)) is None
    assert after(like("x", "Slow", retry_after=3)) == 3.0
    assert after(like("x", "Slow", retry_after=True)) is None
    assert after(like("x", "Slow", headers=7)) is None
    wrapper = RuntimeError()
    wrapper.__cause__ = http_error(429, **{"Retry-After": "5"})
    assert after(wrapper) == 5.0
    # httpx raises for a request that was never set.
    assert after(httpx.ReadTimeout("")) is None


def test_every_kind_has_advice_and_is_transient_or_not() -> None:
    assert set(ADVICE) == set(FailureKind)
    assert not TRANSIENT & PERMANENT


def test_an_attribute_that_cannot_be_read_is_not_there() -> None:
    class Broken(Exception):
        @property
        def response(self) -> object:
            raise ValueError

    assert kind_of(Broken()) == "unknown"
