"""What is optional: used when its variable is set, and asked for by name where it is not installed then."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec

PACKAGE = "interlock-control-room"


@dataclass(frozen=True)
class Extra:
    """One optional part: the variable that asks for it, and a module that says that it is there."""

    name: str
    variable: str
    module: str
    what: str

    @property
    def is_installed(self) -> bool:
        """Whether its libraries are there."""
        try:
            return find_spec(self.module) is not None
        except ModuleNotFoundError:  # not even the package it lies in
            return False

    def is_asked_for(self, environment: Mapping[str, str]) -> bool:
        """Whether its variable is set."""
        return bool(environment.get(self.variable, "").strip())

    def explain_missing(self) -> str:
        """Say what to do."""
        return (
            f"{self.variable} is set, but {self.what} needs a part that is not installed:"
            f' pip install "{PACKAGE}[{self.name}]"'
        )


TRACES = Extra(
    "otel",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "openinference.instrumentation.langchain",
    "sending traces by OTLP",
)
ERRORS = Extra("sentry", "SENTRY_DSN", "sentry_sdk", "sending errors to Sentry")
NOTIFY = Extra("notify", "INTERLOCK_NOTIFY", "apprise", "telling of alerts elsewhere")
REDIS = Extra("redis", "INTERLOCK_REDIS_URL", "redis", "the cache's tier on Redis")
ALL = (TRACES, ERRORS, NOTIFY, REDIS)


def find_missing(environment: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """What is asked for and not there, each in a sentence."""
    return tuple(
        extra.explain_missing()
        for extra in ALL
        if extra.is_asked_for(environment) and not extra.is_installed
    )
