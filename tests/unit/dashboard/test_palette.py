"""The palette promises contrast, distance for colour-blind eyes, and a word and an icon for each status."""

from __future__ import annotations

from itertools import combinations
from typing import get_args

import pytest

from interlock.core.model.approvals import ApprovalStatus
from interlock.core.model.nodes import NodeStatus
from interlock.core.model.runs import RunStatus
from interlock.dashboard import palette
from interlock.dashboard.palette import Look, Theme, Tone

THEMES = get_args(Theme)

# Simulation of full colour blindness of three kinds, on linear light.
# Source: Machado, Oliveira, Fernandes 2009, severity 1.0.
BLINDNESS = {
    "protanopia": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "tritanopia": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}


def all_looks() -> list[Look]:
    runs = [palette.look_of_run(status) for status in RunStatus]
    nodes = [palette.look_of_node(status) for status in [*NodeStatus, None]]
    return runs + nodes + [palette.look_of_approval(status) for status in ApprovalStatus]


def seen(color: str, matrix: tuple[tuple[float, ...], ...]) -> tuple[float, float, float]:
    """The colour as CIE L*a*b* after the simulation."""
    light = [palette.linear(channel) for channel in palette.rgb(color)]
    red, green, blue = (
        min(1.0, max(0.0, sum(m * c for m, c in zip(row, light, strict=True)))) for row in matrix
    )
    x = (0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.95047
    y = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    z = (0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.08883
    fx, fy, fz = (v ** (1 / 3) if v > 0.008856 else 7.787 * v + 16 / 116 for v in (x, y, z))
    return 116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)


def distance(one: str, other: str, kind: str) -> float:
    pairs = zip(seen(one, BLINDNESS[kind]), seen(other, BLINDNESS[kind]), strict=True)
    return float(sum((a - b) ** 2 for a, b in pairs) ** 0.5)


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("tone", Tone)
def test_words_can_be_read_on_every_ground(theme: Theme, tone: Tone) -> None:
    shade, greys = palette.shade(tone, theme), palette.ground(theme)

    for ground in (greys.page, greys.panel, shade.ground):
        assert palette.contrast(shade.ink, ground) >= 4.5


@pytest.mark.parametrize("theme", THEMES)
def test_plain_text_can_be_read_on_every_ground(theme: Theme) -> None:
    greys = palette.ground(theme)

    for ground in (greys.page, greys.panel, greys.agent):
        assert palette.contrast(greys.text, ground) >= 7
        assert palette.contrast(greys.muted, ground) >= 4.5
    assert palette.contrast("#FFFFFF", greys.accent) >= 4.5


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("tone", Tone)
def test_marks_stand_out_from_the_page(theme: Theme, tone: Tone) -> None:
    assert palette.contrast(palette.shade(tone, theme).fill, palette.ground(theme).page) >= 3


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("kind", BLINDNESS)
def test_what_asks_for_a_person_differs_for_colour_blind_eyes(theme: Theme, kind: str) -> None:
    tones = (Tone.WAITING, Tone.RUNNING, Tone.DONE, Tone.FAILED)
    for one, other in combinations(tones, 2):
        fills = palette.shade(one, theme).fill, palette.shade(other, theme).fill
        assert distance(*fills, kind) >= 14, f"{one} and {other}"


def test_every_status_has_a_word_and_an_icon() -> None:
    for look in all_looks():
        assert look.word
        assert look.icon.startswith(":material/")
        assert look.badge in palette.BADGES.values()


def test_one_word_never_has_two_icons() -> None:
    icons: dict[str, set[str]] = {}
    for look in all_looks():
        icons.setdefault(look.word, set()).add(look.icon)

    assert [word for word, found in icons.items() if len(found) > 1] == []


def test_waiting_is_the_only_warm_status_at_rest() -> None:
    warm = {look.word for look in all_looks() if look.tone is Tone.WAITING}

    assert {"waiting"} == warm
