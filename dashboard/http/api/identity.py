"""Who a request acts for. The one place where a token will be read once sign-in is set up."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends
from starlette.requests import Request

from interlock.dashboard import deps


def actor_of(request: Request) -> str:  # noqa: ARG001  # a token will be one of its headers
    """Under whose name a request is carried out: the configured operator, as on the screen."""
    return deps.actor()


Actor = Annotated[str, Depends(actor_of)]
