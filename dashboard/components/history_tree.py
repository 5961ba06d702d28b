"""
A thread's tree as a drawing that scrolls within itself, each point a button that tells its id (law 10).

Streamlit has nothing that draws this. Every word is set as text by the script, so foreign ones stay inert.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

from interlock.core.model.folding import Span
from interlock.core.types import CheckpointId
from interlock.dashboard.palette import Theme, Tone, ground, shade
from interlock.dashboard.views.history import Glyph, Knot, Lane, TreeView

HEIGHT = 240  # pixels, however many branches there are: nothing below may jump

_HTML = """<div class="tools">
<button class="out" type="button" aria-label="Zoom out" title="Zoom out">&minus;</button>
<button class="in" type="button" aria-label="Zoom in" title="Zoom in">+</button>
</div>
<div class="scroll" role="group" aria-label="Checkpoints"></div>"""

_CSS = """:host { display: block; position: relative; }
.scroll {
  position: relative; overflow: auto; height: var(--height, 300px); box-sizing: border-box;
  border: 1px solid var(--st-border-color); border-radius: 0.375rem; background: var(--st-background-color);
}
.plane { position: relative; font-family: var(--st-font); }
.lines { position: absolute; inset: 0; pointer-events: none; }
.lane { position: absolute; left: 0; right: 0; height: 92px; }
.told {
  position: sticky; left: 8px; display: inline-block; padding: 0 4px; max-width: min(40rem, 76vw);
  overflow: hidden; text-overflow: ellipsis; vertical-align: top;
  font-size: 0.75rem; line-height: 18px; color: var(--st-gray-text-color); white-space: nowrap;
}
.lane.current .told { color: var(--st-text-color); }
.knot {
  position: absolute; top: 20px; padding: 0 2px; border: 0; background: none; cursor: pointer;
  display: flex; flex-direction: column; align-items: center; gap: 1px;
  font: inherit; font-size: 0.72rem; line-height: 1.15; color: var(--st-text-color);
}
.lane:not(.current) .knot { opacity: 0.62; }
.lane:not(.current) .knot:hover, .lane:not(.current) .knot:focus-visible, .lane .knot.chosen { opacity: 1; }
.knot.dim { opacity: 0.3; }
.knot svg { flex: none; }
.knot:hover svg { transform: scale(1.15); }
.knot:focus-visible { outline: 2px solid var(--st-primary-color); outline-offset: -1px; border-radius: 4px; }
.label {
  display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 3; overflow: hidden;
  max-width: 100%; overflow-wrap: anywhere; text-align: center;
}
.knot.head .label, .knot.chosen .label { font-weight: 600; }
.plane[data-zoom="0"] .label { display: none; }
.plane[data-zoom="1"] .label { -webkit-line-clamp: 2; font-size: 0.65rem; }
.tools { position: absolute; right: 10px; bottom: 16px; z-index: 2; display: flex; gap: 4px; }
.tools button {
  font: inherit; font-family: var(--st-font); min-width: 28px; height: 26px; cursor: pointer; padding: 0;
  color: var(--st-text-color); background: var(--st-background-color);
  border: 1px solid var(--st-border-color); border-radius: 0.375rem;
}
.tools button:disabled { opacity: 0.4; cursor: default; }
@media (prefers-reduced-motion: no-preference) { .knot svg { transition: transform 80ms; } }
"""

_component = st.components.v2.component(
    "interlock_history_tree",
    html=_HTML,
    css=_CSS.replace("var(--height, 300px)", f"{HEIGHT}px"),
    js=Path(__file__).with_suffix(".js").read_text(encoding="utf-8"),
)

OnPick = Callable[[CheckpointId, bool], None]
OnOpen = Callable[[Span], None]


def draw_tree(view: TreeView, theme: Theme, *, key: str, on_pick: OnPick, on_open: OnOpen) -> None:
    """
    Draw it.

    Args:
        view: What to draw.
        theme: Whose colours it takes.
        key: A widget key of its own.
        on_pick: Called with the id of a point, and whether it is meant as the second one.
        on_open: Called with the span of a fold.
    """

    def act() -> None:
        picked: dict[str, Any] | None = (st.session_state.get(key) or {}).get("picked")
        if not picked:
            return
        if picked["span"]:
            on_open((picked["span"][0], picked["span"][1]))
        else:
            on_pick(picked["id"], bool(picked["is_second"]))

    _component(key=key, data=as_data(view, theme), on_picked_change=act)


def as_data(view: TreeView, theme: Theme) -> dict[str, Any]:
    """The drawing as its script reads it."""
    knots = [knot for lane in view.lanes for knot in lane.knots]
    greys = ground(theme)
    return {
        "lanes": [_lane(lane) for lane in view.lanes],
        "first": view.first_column,
        "columns": view.columns_count,
        "chosen": next((k.checkpoint_id for k in knots if k.is_chosen), None),
        "head": next((k.checkpoint_id for k in knots if k.is_head), None),
        "colors": {
            "muted": greys.muted,
            "line": greys.line,
            "accent": greys.accent,
            "tones": {
                str(tone): {
                    "fill": shade(tone, theme).fill,
                    "ink": shade(tone, theme).ink,
                    "ground": shade(tone, theme).ground,
                }
                for tone in Tone
            },
        },
    }


def _lane(lane: Lane) -> dict[str, Any]:
    return {
        "branch": lane.branch,
        "is_current": lane.is_current,
        "told": lane.told,
        "from_column": lane.from_column,
        "begins_before": lane.begins_before,
        "knots": [_knot(knot) for knot in lane.knots],
    }


def _knot(knot: Knot) -> dict[str, Any]:
    return {
        "id": knot.checkpoint_id or knot.span[0],
        "span": list(knot.span) if knot.glyph is Glyph.FOLD else None,
        "column": knot.column,
        "glyph": str(knot.glyph),
        "tone": str(knot.look.tone),
        "word": knot.look.word,
        "label": knot.label,
        "lines": list(knot.lines),
        "is_head": knot.is_head,
        "is_chosen": knot.is_chosen,
        "is_second": knot.is_second,
        "is_dim": knot.is_dim,
    }
