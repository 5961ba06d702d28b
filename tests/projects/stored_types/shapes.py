"""Classes that no schema names: they stand in fields of type Any."""

import enum
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from pydantic import BaseModel


class Colour(enum.Enum):
    RED = "red"


class Point(NamedTuple):
    x: int
    y: int


@dataclass
class Box:
    inside: Any
    tags: set[str] = field(default_factory=set)


class Order(BaseModel):
    number: int
    colour: Colour
