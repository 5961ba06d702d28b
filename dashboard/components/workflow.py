"""The list of workflows, and one of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from interlock.dashboard import keys
from interlock.dashboard.components.agent_text import draw_text, draw_value
from interlock.dashboard.components.graph import draw_graph
from interlock.dashboard.components.links import draw_link
from interlock.dashboard.components.tables import Row, draw_table
from interlock.dashboard.views.escaping import md_escape
from interlock.dashboard.views.formatting import format_plural
from interlock.dashboard.views.workflows import ToolRow, WorkflowsView, WorkflowView


def draw_list(view: WorkflowsView, *, on_pick: Callable[[str, Sequence[str]], None]) -> None:
    rows: list[Row] = [
        {
            "Workflow": row.name,
            "State": row.look,
            "Nodes": row.nodes,
            "Policy": row.policy,
            "What it does": row.description,
        }
        for row in view.rows
    ]
    chosen = view.chosen.name if view.chosen is not None else ""
    draw_table(
        rows,
        key=keys.workflows_table(view.ids, chosen),
        ids=view.ids,
        selected=view.ids.index(chosen) if chosen in view.ids else None,
        on_pick=on_pick,
        columns={
            "Nodes": st.column_config.TextColumn("Nodes", alignment="right", width="small"),
            "Policy": st.column_config.TextColumn("Policy", width="small"),
            "What it does": st.column_config.TextColumn("What it does", width="large"),
        },
        alt=format_plural(len(rows), "workflow"),
    )


def draw_workflow(view: WorkflowView) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(md_escape(view.name), anchor=False, width="stretch")
        for link in view.links:
            draw_link(link)
    st.caption(f"{md_escape(view.description)} · {view.published}".removeprefix(" · "))
    if view.error is not None:
        st.error("It is not loaded, so it cannot be launched.", icon=":material/error:")
        draw_text(view.error)
        return
    left, right = st.columns([2, 3], gap="medium")
    with left:
        draw_graph(view.graph)
    with right:
        _draw_policy(view)
    if view.tools:
        st.subheader("Tools", anchor=False)
        _draw_tools(view.tools, key=keys.workflow_tools(view.name))
    for name, schema in view.schemas:
        with st.expander(f"{name} schema", key=keys.workflow_schema(view.name, name)):
            draw_value(schema, expanded=3)


def _draw_policy(view: WorkflowView) -> None:
    st.subheader("What its policy says", anchor=False)
    if view.raw_policy is not None:
        st.caption("A newer version published it; it is shown as it is.")
        draw_value(view.raw_policy)
    for rules in view.rules:
        lines = [f"- {md_escape(words)}" for words in rules.words]
        st.markdown("\n".join([f"**{md_escape(rules.about)}**\n", *lines]))
    if view.no_rules:
        st.caption(md_escape(view.no_rules))


def _draw_tools(rows: Sequence[ToolRow], *, key: str) -> None:
    table = [{"Tool": r.name, "Held by": r.place, "Arguments": r.arguments} for r in rows]
    columns = {"Arguments": st.column_config.TextColumn("Arguments", width="large")}
    draw_table(table, key=key, columns=columns, is_whole=True, alt=format_plural(len(rows), "tool"))
