"""Keys of signing in and of the page of people."""

from __future__ import annotations

from interlock.dashboard.keys.making import join


def sign_out() -> str:
    """The button that ends one's session."""
    return "sign-out"


def signed_out(place: str) -> str:
    """The way back in, in one place of a page whose session has ended."""
    return join("signed-out", place)


def people_table(what: str) -> str:
    """One of its tables: `accounts`, `sessions` or `tokens`."""
    return join("people-table", what)


def people_choice(what: str) -> str:
    """Which account, session or token something is done about."""
    return join("people-choice", what)


def people_field(form: str, field: str, name: str = "") -> str:
    """A field of one of its forms: of `add`, `token`, `password`, or of `change` with whose account."""
    return join("people-field", form, field, name)


def people_act(act: str, name: str = "") -> str:
    """A button of one of its forms."""
    return join("people-act", act, name)
