"""
What kind of failure an error is, and whether trying again may help (MISSION R1).

Told by the names of its classes and their modules and by the status code it carries, so that no
client library has to be installed here; what only its text would tell is not guessed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Any

NO_QUOTA = (
    "insufficient_quota"  # openai's code of a 429 that no waiting helps: the account is empty
)
MAX_CAUSES = 5  # errors behind an error that are looked at


class FailureKind(StrEnum):
    """
    Why a call failed.

    The first four pass by themselves and are tried again; `authentication`, `bad_input` and
    `business` do not; `refused` is a breaker of ours that let nothing through; `unknown`
    is whatever nobody has told us about.
    """

    RATE_LIMIT = "rate_limit"
    TIMEOUT = "timeout"
    NETWORK = "network"
    SERVER = "server"
    AUTHENTICATION = "authentication"
    BAD_INPUT = "bad_input"
    BUSINESS = "business"
    REFUSED = "refused"
    UNKNOWN = "unknown"


TRANSIENT = frozenset(
    {FailureKind.RATE_LIMIT, FailureKind.TIMEOUT, FailureKind.NETWORK, FailureKind.SERVER}
)
PERMANENT = frozenset({FailureKind.AUTHENTICATION, FailureKind.BAD_INPUT, FailureKind.BUSINESS})

ADVICE: Mapping[FailureKind, str] = {
    FailureKind.RATE_LIMIT: "The service limits how often it is called; it passes by waiting.",
    FailureKind.TIMEOUT: "It took too long; a longer limit or a faster service helps.",
    FailureKind.NETWORK: "The service could not be reached; look at its address and the network.",
    FailureKind.SERVER: "The service failed by itself; it usually passes.",
    FailureKind.AUTHENTICATION: "The key or the permission is wrong; mend it, then retry.",
    FailureKind.BAD_INPUT: "The call itself is wrong; edit the state or the code, then retry.",
    FailureKind.BUSINESS: "A rule said no; edit the state, skip the step or stop.",
    FailureKind.REFUSED: "A breaker let it not through; wait until it does.",
    FailureKind.UNKNOWN: "Nobody has said what this error means; look at its stack.",
}

# Neither a failure nor a success of the node: an interrupt, a jump to the parent, a cancellation.
_NO_OUTCOME = frozenset(
    {
        "langgraph.errors.GraphBubbleUp",
        "langgraph.errors.NodeCancelledError",
        "asyncio.exceptions.CancelledError",
        "concurrent.futures._base.CancelledError",
        "builtins.GeneratorExit",
        "builtins.KeyboardInterrupt",
        "builtins.SystemExit",
    }
)

# By the class itself or the nearest above it that is here: the package of its module, its name.
_KINDS: Mapping[str, FailureKind] = {
    "interlock.RateLimited": FailureKind.RATE_LIMIT,
    "interlock.CallRefused": FailureKind.REFUSED,
    "interlock.FallbackAsked": FailureKind.BUSINESS,
    "interlock.StepTimedOut": FailureKind.TIMEOUT,
    "langgraph.NodeTimeoutError": FailureKind.TIMEOUT,
    "langgraph.InvalidUpdateError": FailureKind.BAD_INPUT,
    "langgraph.EmptyInputError": FailureKind.BAD_INPUT,
    "langgraph.GraphRecursionError": FailureKind.BUSINESS,
    "langchain_core.ToolException": FailureKind.BUSINESS,
    "langchain_core.OutputParserException": FailureKind.SERVER,  # the next answer may be in shape
    "pydantic_core.ValidationError": FailureKind.BAD_INPUT,
    # the standard library
    "builtins.TimeoutError": FailureKind.TIMEOUT,
    "asyncio.TimeoutError": FailureKind.TIMEOUT,
    "builtins.ConnectionError": FailureKind.NETWORK,
    "builtins.PermissionError": FailureKind.AUTHENTICATION,
    "socket.gaierror": FailureKind.NETWORK,
    "socket.herror": FailureKind.NETWORK,
    "ssl.SSLCertVerificationError": FailureKind.AUTHENTICATION,
    "ssl.SSLError": FailureKind.NETWORK,
    "http.RemoteDisconnected": FailureKind.NETWORK,
    "http.IncompleteRead": FailureKind.NETWORK,
    "http.BadStatusLine": FailureKind.NETWORK,
    "urllib.URLError": FailureKind.NETWORK,
    "sqlite3.OperationalError": FailureKind.SERVER,
    "sqlite3.IntegrityError": FailureKind.BUSINESS,
    "sqlite3.ProgrammingError": FailureKind.BAD_INPUT,
    "smtplib.SMTPAuthenticationError": FailureKind.AUTHENTICATION,
    "smtplib.SMTPServerDisconnected": FailureKind.NETWORK,
    "builtins.ValueError": FailureKind.BAD_INPUT,
    "builtins.TypeError": FailureKind.BAD_INPUT,
    "builtins.LookupError": FailureKind.BAD_INPUT,
    "builtins.AttributeError": FailureKind.BAD_INPUT,
    "builtins.NameError": FailureKind.BAD_INPUT,
    "builtins.SyntaxError": FailureKind.BAD_INPUT,
    "builtins.ImportError": FailureKind.BAD_INPUT,
    "builtins.ArithmeticError": FailureKind.BAD_INPUT,
    "builtins.AssertionError": FailureKind.BUSINESS,
    "builtins.NotImplementedError": FailureKind.BAD_INPUT,
    "builtins.RecursionError": FailureKind.BAD_INPUT,
    "builtins.FileNotFoundError": FailureKind.BAD_INPUT,
    "builtins.FileExistsError": FailureKind.BAD_INPUT,
    "builtins.NotADirectoryError": FailureKind.BAD_INPUT,
    "builtins.IsADirectoryError": FailureKind.BAD_INPUT,
    # httpx, httpcore, requests, urllib3, aiohttp, botocore
    "httpx.TimeoutException": FailureKind.TIMEOUT,
    "httpx.UnsupportedProtocol": FailureKind.BAD_INPUT,
    "httpx.LocalProtocolError": FailureKind.BAD_INPUT,
    "httpx.TransportError": FailureKind.NETWORK,
    "httpx.DecodingError": FailureKind.SERVER,
    "httpx.TooManyRedirects": FailureKind.BAD_INPUT,
    "httpx.InvalidURL": FailureKind.BAD_INPUT,
    "httpcore.TimeoutException": FailureKind.TIMEOUT,
    "httpcore.NetworkError": FailureKind.NETWORK,
    "httpcore.ProtocolError": FailureKind.NETWORK,
    "requests.Timeout": FailureKind.TIMEOUT,
    "requests.ConnectionError": FailureKind.NETWORK,
    "requests.ChunkedEncodingError": FailureKind.NETWORK,
    "urllib3.TimeoutError": FailureKind.TIMEOUT,
    "urllib3.HTTPError": FailureKind.NETWORK,
    "aiohttp.ServerTimeoutError": FailureKind.TIMEOUT,
    "aiohttp.InvalidURL": FailureKind.BAD_INPUT,
    "aiohttp.ClientConnectionError": FailureKind.NETWORK,
    "aiohttp.ClientPayloadError": FailureKind.NETWORK,
    # openai and anthropic: one generator made both
    **{
        f"{package}.{name}": kind
        for package in ("openai", "anthropic")
        for name, kind in {
            "APITimeoutError": FailureKind.TIMEOUT,
            "APIConnectionError": FailureKind.NETWORK,
            "RateLimitError": FailureKind.RATE_LIMIT,
            "InternalServerError": FailureKind.SERVER,
            "OverloadedError": FailureKind.SERVER,
            "ServiceUnavailableError": FailureKind.SERVER,
            "DeadlineExceededError": FailureKind.TIMEOUT,
            "AuthenticationError": FailureKind.AUTHENTICATION,
            "PermissionDeniedError": FailureKind.AUTHENTICATION,
            "BadRequestError": FailureKind.BAD_INPUT,
            "NotFoundError": FailureKind.BAD_INPUT,
            "ConflictError": FailureKind.SERVER,
            "UnprocessableEntityError": FailureKind.BAD_INPUT,
            "RequestTooLargeError": FailureKind.BAD_INPUT,
            "LengthFinishReasonError": FailureKind.BAD_INPUT,
            "ContentFilterFinishReasonError": FailureKind.BUSINESS,
        }.items()
    },
    # psycopg: its classes by SQLSTATE come first, these are what is above them
    "psycopg.QueryCanceled": FailureKind.TIMEOUT,
    "psycopg.LockNotAvailable": FailureKind.TIMEOUT,
    "psycopg.ConnectionTimeout": FailureKind.TIMEOUT,
    "psycopg.InvalidPassword": FailureKind.AUTHENTICATION,
    "psycopg.InvalidAuthorizationSpecification": FailureKind.AUTHENTICATION,
    "psycopg.InsufficientPrivilege": FailureKind.AUTHENTICATION,
    "psycopg.RaiseException": FailureKind.BUSINESS,
    "psycopg.IntegrityError": FailureKind.BUSINESS,
    "psycopg.DataError": FailureKind.BAD_INPUT,
    "psycopg.ProgrammingError": FailureKind.BAD_INPUT,
    "psycopg.NotSupportedError": FailureKind.BAD_INPUT,
    "psycopg.InterfaceError": FailureKind.NETWORK,
    "psycopg.OperationalError": FailureKind.NETWORK,
    "psycopg.InternalError": FailureKind.SERVER,
    "psycopg_pool.PoolTimeout": FailureKind.TIMEOUT,
    "psycopg_pool.TooManyRequests": FailureKind.RATE_LIMIT,
}

_STATUSES: Mapping[int, FailureKind] = {
    401: FailureKind.AUTHENTICATION,
    403: FailureKind.AUTHENTICATION,
    407: FailureKind.AUTHENTICATION,
    408: FailureKind.TIMEOUT,
    409: FailureKind.SERVER,  # as the openai and anthropic clients see it: a lock that was taken
    425: FailureKind.SERVER,
    429: FailureKind.RATE_LIMIT,
    504: FailureKind.TIMEOUT,
}


def kind_of(error: BaseException, *, permanent: Collection[str] = ()) -> FailureKind | None:
    """
    The kind of a failure.

    Args:
        error: What a node or a tool raised.
        permanent: Names of classes that are never to be tried again, plain or with their module.

    Returns:
        The kind, or None for what is neither a failure nor a success: an interrupt, a jump to the
        parent graph, a cancellation.
    """
    if is_named(error, _NO_OUTCOME):
        return None
    if is_named(error, permanent):
        return FailureKind.BUSINESS
    for each in _chain(error):
        kind = _kind_of_one(each)
        if kind is not None:
            return kind
    return FailureKind.UNKNOWN


def is_named(error: BaseException, names: Collection[str]) -> bool:
    """Whether the class of an error, or one above it, has one of these names, plain or with its module."""
    return any(
        each.__name__ in names
        or f"{each.__module__}.{each.__qualname__}" in names
        or f"{_package(each)}.{each.__name__}" in names
        for each in type(error).__mro__
    )


def find_retry_after_s(error: BaseException, now: datetime) -> float | None:
    """
    How long a service asked to be left alone: `Retry-After` in seconds or as a date, `retry-after-ms`.

    Looked for in the headers of the response that an error carries, and on the error itself as
    `retry_after`. None where there is none or where it is not understood.
    """
    for each in _chain(error):
        headers = _headers_of(each)
        exact = _number(headers.get("retry-after-ms"))
        if exact is not None:
            return exact / 1000
        given = headers.get("retry-after", _get(each, "retry_after"))
        seconds = _number(given)
        if seconds is None and isinstance(given, str):
            seconds = _until(given, now)
        if seconds is not None:
            return seconds
    return None


def _kind_of_one(error: BaseException) -> FailureKind | None:
    if _get(error, "code") == NO_QUOTA:
        return FailureKind.AUTHENTICATION
    status = find_status(error)
    if status is not None and (kind := _kind_of_status(status)) is not None:
        return kind
    for each in type(error).__mro__:
        found = _KINDS.get(f"{_package(each)}.{each.__name__}")
        if found is not None:
            return found
    return None


def find_status(error: BaseException) -> int | None:
    """The HTTP status that an error carries: itself (`status_code`, `status`, `code`) or its response."""
    response = _get(error, "response")
    if isinstance(response, Mapping):  # botocore
        found = response.get("ResponseMetadata")
        response_status = found.get("HTTPStatusCode") if isinstance(found, Mapping) else None
    else:
        response_status = _get(response, "status_code")
    given = (
        _get(error, "status_code"),
        response_status,
        _get(error, "status"),
        _get(error, "code"),
    )
    for value in given:
        if isinstance(value, int) and not isinstance(value, bool) and 400 <= value <= 599:
            return int(value)
    return None


def _kind_of_status(status: int) -> FailureKind:
    if status in _STATUSES:
        return _STATUSES[status]
    return FailureKind.SERVER if status >= 500 else FailureKind.BAD_INPUT


def _chain(error: BaseException) -> Iterator[BaseException]:
    """
    The error and what it was raised from: a wrapper that says nothing leaves it to its cause.

    Only `raise … from …`: what merely came up meanwhile need not have to do with it.
    """
    seen: set[int] = set()
    each: BaseException | None = error
    while each is not None and id(each) not in seen and len(seen) < MAX_CAUSES:
        seen.add(id(each))
        yield each
        each = each.__cause__


def _package(kind: type) -> str:
    return kind.__module__.partition(".")[0]


def _headers_of(error: BaseException) -> dict[str, Any]:
    headers = _get(_get(error, "response"), "headers") or _get(error, "headers")
    try:
        return {str(name).lower(): value for name, value in dict(headers or {}).items()}
    except (TypeError, ValueError):
        return {}


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return number if 0 <= number < float("inf") else None


def _until(text: str, now: datetime) -> float | None:
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max(0.0, (at - now).total_seconds())


def _get(value: object, name: str) -> Any:
    """An attribute, or None where reading it fails: httpx raises for a request that is not set."""
    try:
        return getattr(value, name, None)
    except Exception:  # noqa: BLE001  a property of a foreign class
        return None
