"""Which row of a table was clicked, told from what the browser says about its marks."""

from __future__ import annotations

import streamlit as st

from interlock.dashboard.components.tables import read_picked

IDS = ("first", "second", "third")


def picked(monkeypatch, marked, *, rows=(), cells=()):
    selection = {"rows": list(rows), "columns": [], "cells": [(row, "Asks") for row in cells]}
    monkeypatch.setattr(st, "session_state", {"table": {"selection": selection}})
    return read_picked("table", IDS, marked)


def test_a_click_on_another_row_picks_it(monkeypatch):
    assert picked(monkeypatch, "first", rows=[0], cells=[1]) == "second"
    assert picked(monkeypatch, "first", rows=[2]) == "third"


def test_the_mark_a_table_was_drawn_with_is_no_click(monkeypatch):
    # The browser may tell of it late, when the card is decided and the next one is chosen.
    assert picked(monkeypatch, "first", rows=[0]) is None


def test_a_row_that_is_not_there_any_more_is_not_picked(monkeypatch):
    assert picked(monkeypatch, None, cells=[7]) is None


def test_nothing_is_picked_before_anything_was_said(monkeypatch):
    monkeypatch.setattr(st, "session_state", {})
    assert read_picked("table", IDS) is None
