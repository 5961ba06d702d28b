"""
Colour by meaning, the same in badges, tables, graphs and charts, for light and for dark.

Colour is never alone: every status has a Material icon and a word. Contrast and the distance between
colours for colour-blind eyes are tested. Imports no streamlit.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from interlock.core.model.approvals import ApprovalStatus
from interlock.core.model.nodes import NodeStatus
from interlock.core.model.runs import RunStatus

Theme = Literal["light", "dark"]
Badge = Literal["yellow", "blue", "green", "red", "violet", "orange", "gray"]


class Tone(StrEnum):
    """What a colour says. `waiting` is the only warm one at rest."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CACHED = "cached"
    SHORT_CIRCUITED = "short_circuited"
    QUIET = "quiet"


@dataclass(frozen=True)
class Shade:
    """`ink` is for words and icons, `fill` for marks in charts and graphs, `ground` for what lies behind ink."""

    ink: str
    fill: str
    ground: str


@dataclass(frozen=True)
class Ground:
    """The greys that everything else stands on; `agent` lies behind text that an agent wrote."""

    page: str
    panel: str
    agent: str
    text: str
    muted: str
    line: str
    accent: str


@dataclass(frozen=True)
class Look:
    """How a status is shown: its tone, its word, its icon."""

    tone: Tone
    word: str
    icon: str

    @property
    def badge(self) -> Badge:
        """Streamlit's name of the tone's colour, which the theme sets to ours."""
        return BADGES[self.tone]


BADGES: dict[Tone, Badge] = {
    Tone.WAITING: "yellow",
    Tone.RUNNING: "blue",
    Tone.DONE: "green",
    Tone.FAILED: "red",
    Tone.CACHED: "violet",
    Tone.SHORT_CIRCUITED: "orange",
    Tone.QUIET: "gray",
}

GROUNDS: dict[Theme, Ground] = {
    "light": Ground(
        page="#FCFCFB",
        panel="#F3F4F2",
        agent="#EDEFF2",
        text="#1E2327",
        muted="#5C646B",
        line="#D8DCDE",
        accent="#2F5F8F",
    ),
    "dark": Ground(
        page="#14171A",
        panel="#1C2024",
        agent="#20262D",
        text="#E3E7EA",
        muted="#A3ABB3",
        line="#363C42",
        accent="#3F73A6",
    ),
}

SHADES: dict[Theme, dict[Tone, Shade]] = {
    "light": {
        Tone.WAITING: Shade("#875100", "#C78300", "#FFF2D3"),
        Tone.RUNNING: Shade("#1D5FA8", "#2F7FD1", "#E4EFFB"),
        Tone.DONE: Shade("#47604F", "#7B9786", "#E9F0EB"),
        Tone.FAILED: Shade("#AE231C", "#C2302A", "#FBE8E6"),
        Tone.CACHED: Shade("#6540B0", "#9B7FE8", "#EFEAFB"),
        Tone.SHORT_CIRCUITED: Shade("#97390A", "#C8641F", "#FCEADD"),
        Tone.QUIET: Shade("#565E66", "#7C848C", "#EDEFF1"),
    },
    "dark": {
        Tone.WAITING: Shade("#F6BB45", "#EFA514", "#382B0D"),
        Tone.RUNNING: Shade("#83BCF6", "#4A95E0", "#15293E"),
        Tone.DONE: Shade("#A8C0B1", "#83A08E", "#1F2A23"),
        Tone.FAILED: Shade("#F4988F", "#DB4A40", "#3A1815"),
        Tone.CACHED: Shade("#BFA9F3", "#9478E0", "#281F3F"),
        Tone.SHORT_CIRCUITED: Shade("#F2A470", "#D3702F", "#3A2113"),
        Tone.QUIET: Shade("#AAB2BA", "#6B737B", "#252A2F"),
    },
}

_RUNS: dict[RunStatus, Look] = {
    RunStatus.QUEUED: Look(Tone.QUIET, "queued", ":material/schedule:"),
    RunStatus.RUNNING: Look(Tone.RUNNING, "running", ":material/play_circle:"),
    RunStatus.WAITING: Look(Tone.WAITING, "waiting", ":material/front_hand:"),
    RunStatus.PAUSED: Look(Tone.QUIET, "paused", ":material/pause_circle:"),
    RunStatus.CONTINUED: Look(Tone.QUIET, "continued", ":material/arrow_forward:"),
    RunStatus.DONE: Look(Tone.DONE, "done", ":material/check_circle:"),
    RunStatus.FAILED: Look(Tone.FAILED, "failed", ":material/error:"),
    RunStatus.CANCELLED: Look(Tone.QUIET, "cancelled", ":material/cancel:"),
}

_NODES: dict[NodeStatus, Look] = {
    NodeStatus.RUNNING: Look(Tone.RUNNING, "running", ":material/play_circle:"),
    NodeStatus.OK: Look(Tone.DONE, "ok", ":material/check_circle:"),
    NodeStatus.ERROR: Look(Tone.FAILED, "error", ":material/error:"),
    NodeStatus.INTERRUPTED: Look(Tone.WAITING, "waiting", ":material/front_hand:"),
    NodeStatus.CACHED: Look(Tone.CACHED, "cached", ":material/bookmark:"),
    NodeStatus.SHORT_CIRCUITED: Look(
        Tone.SHORT_CIRCUITED, "short-circuited", ":material/power_off:"
    ),
    NodeStatus.CANCELLED: Look(Tone.QUIET, "cancelled", ":material/cancel:"),
}

_APPROVALS: dict[ApprovalStatus, Look] = {
    ApprovalStatus.PENDING: Look(Tone.WAITING, "waiting", ":material/front_hand:"),
    ApprovalStatus.DECIDED: Look(Tone.DONE, "decided", ":material/check_circle:"),
    ApprovalStatus.EXPIRED: Look(Tone.QUIET, "expired", ":material/timer_off:"),
    ApprovalStatus.WITHDRAWN: Look(Tone.QUIET, "withdrawn", ":material/cancel:"),
    ApprovalStatus.SUPERSEDED: Look(Tone.QUIET, "superseded", ":material/layers:"),
}

IDLE_NODE = Look(Tone.QUIET, "not reached", ":material/radio_button_unchecked:")


def look_of_run(status: RunStatus) -> Look:
    """How a run's status is shown."""
    return _RUNS[status]


def look_of_node(status: NodeStatus | None) -> Look:
    """How a node's status is shown; None is a node that was not reached."""
    return IDLE_NODE if status is None else _NODES[status]


def look_of_approval(status: ApprovalStatus) -> Look:
    """How a card's status is shown."""
    return _APPROVALS[status]


def shade(tone: Tone, theme: Theme = "light") -> Shade:
    """The colours of a tone."""
    return SHADES[theme][tone]


def ground(theme: Theme = "light") -> Ground:
    """The greys of a theme."""
    return GROUNDS[theme]


def as_theme(name: str | None) -> Theme:
    """The theme the browser reports (`st.context.theme.type`), light where it says nothing."""
    return "dark" if name == "dark" else "light"


def chart_colors(theme: Theme = "light") -> list[str]:
    """The colours of series that have no meaning of their own, in order; quiet ones first."""
    order = (Tone.RUNNING, Tone.QUIET, Tone.DONE, Tone.CACHED, Tone.SHORT_CIRCUITED, Tone.FAILED)
    return [SHADES[theme][tone].fill for tone in order]


def contrast(one: str, other: str) -> float:
    """
    The contrast of two colours, from 1 (none) to 21.

    Source: WCAG 2.2, relative luminance and contrast ratio.
    """
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def rgb(color: str) -> tuple[float, float, float]:
    """Red, green and blue of `#RRGGBB`, each from 0 to 1, in sRGB."""
    red, green, blue = (int(color[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return red, green, blue


def linear(channel: float) -> float:
    """One sRGB channel as linear light."""
    return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4


def _luminance(color: str) -> float:
    red, green, blue = (linear(channel) for channel in rgb(color))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
