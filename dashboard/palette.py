"""
Colour by meaning, the same in badges, tables, graphs and charts, for light and for dark.

Colour is never alone: every status has a Material icon and a word. Contrast and the distance between
colours for colour-blind eyes are tested. Imports no streamlit.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Literal

from interlock.core.model.approvals import ApprovalStatus
from interlock.core.model.breaker import BreakerState
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

_BREAKERS: dict[BreakerState, Look] = {
    BreakerState.CLOSED: Look(Tone.DONE, "closed", ":material/power:"),
    BreakerState.OPEN: Look(Tone.SHORT_CIRCUITED, "open", ":material/power_off:"),
    BreakerState.HALF_OPEN: Look(Tone.RUNNING, "half open", ":material/sync:"),
}

WAITING = _RUNS[RunStatus.WAITING]
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


def look_of_breaker(state: BreakerState, *, is_held: bool = False) -> Look:
    """How a breaker's state is shown; held is what an operator keeps it in."""
    look = _BREAKERS[state]
    return replace(look, word=f"held {look.word}", icon=":material/lock:") if is_held else look


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


FONT = '"IBM Plex Sans", sans-serif'
_CODE_FONT = '"IBM Plex Mono", monospace'
# Figures of both families have one width each, so that columns of numbers stand still.
_LATIN = (
    "U+0000-00FF, U+0131, U+0152-0153, U+02BB-02BC, U+02C6, U+02DA, U+02DC, U+0304, U+0308,"
    " U+0329, U+2000-206F, U+20AC, U+2122, U+2191, U+2193, U+2212, U+2215, U+FEFF, U+FFFD"
)
_LATIN_EXT = (
    "U+0100-02BA, U+02BD-02C5, U+02C7-02CC, U+02CE-02D7, U+02DD-02FF, U+1D00-1DBF, U+1E00-1E9F,"
    " U+1EF2-1EFF, U+2020, U+20A0-20AB, U+20AD-20C0, U+2113, U+2C60-2C7F, U+A720-A7FF"
)
_CYRILLIC = "U+0301, U+0400-045F, U+0490-0491, U+04B0-04B1, U+2116"
_GREEK = "U+0370-0377, U+037A-037F, U+0384-038A, U+038C, U+038E-03A1, U+03A3-03FF"


def theme_options() -> dict[str, Any]:
    """The theme as Streamlit's options, light and dark, so that the user has the choice."""
    options: dict[str, Any] = {
        "theme.font": FONT,
        "theme.headingFont": FONT,
        "theme.codeFont": _CODE_FONT,
        "theme.fontFaces": _font_faces(),
        "theme.baseFontSize": 15,
        "theme.baseRadius": "0.375rem",
        "theme.headingFontSizes": ["1.6rem", "1.3rem", "1.1rem", "1rem", "0.95rem", "0.9rem"],
        "theme.headingFontWeights": [600, 600, 600, 600, 600, 600],
        "theme.metricValueFontSize": "1.6rem",
        "theme.paddingTop": "2.5rem",
        "theme.paddingBottom": "3rem",
        "theme.showWidgetBorder": True,
        "theme.showSidebarBorder": True,
    }
    for theme in ("light", "dark"):
        options |= {f"theme.{theme}.{name}": value for name, value in _colors(theme).items()}
    return options


def _colors(theme: Theme) -> dict[str, Any]:
    greys = GROUNDS[theme]
    colors: dict[str, Any] = {
        "primaryColor": greys.accent,
        "backgroundColor": greys.page,
        "secondaryBackgroundColor": greys.panel,
        "textColor": greys.text,
        "linkColor": SHADES[theme][Tone.RUNNING].ink,
        "borderColor": greys.line,
        "codeBackgroundColor": greys.agent,
        "codeTextColor": greys.text,
        "dataframeBorderColor": greys.line,
        "dataframeHeaderBackgroundColor": greys.panel,
        "dataframeHeaderTextColor": greys.muted,
        "chartCategoricalColors": chart_colors(theme),
        "sidebar.backgroundColor": greys.panel,
        "sidebar.secondaryBackgroundColor": greys.page,
    }
    for tone, name in BADGES.items():
        colors[f"{name}Color"] = SHADES[theme][tone].fill
        colors[f"{name}BackgroundColor"] = SHADES[theme][tone].ground
        colors[f"{name}TextColor"] = SHADES[theme][tone].ink
    return colors


def _font_faces() -> list[dict[str, str]]:
    faces = [
        ("IBM Plex Sans", f"ibm-plex-sans-{script}-wght-normal", "100 700", ranges)
        for script, ranges in (
            ("latin", _LATIN),
            ("latin-ext", _LATIN_EXT),
            ("cyrillic", _CYRILLIC),
            ("greek", _GREEK),
        )
    ]
    faces += [
        ("IBM Plex Mono", f"ibm-plex-mono-{script}-{weight}-normal", weight, ranges)
        for script, ranges in (
            ("latin", _LATIN),
            ("latin-ext", _LATIN_EXT),
            ("cyrillic", _CYRILLIC),
        )
        for weight in ("400", "600")
    ]
    return [
        {
            "family": family,
            "url": f"app/static/fonts/{file}.woff2",
            "weight": weight,
            "style": "normal",
            "unicodeRange": ranges,
        }
        for family, file, weight, ranges in faces
    ]
