"""
The pages of signing in, as HTML without a script: they are drawn before anybody is known, so that
Streamlit, which would open a session, has no part in them.

Every word that is not ours is escaped here.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from html import escape

from interlock.dashboard import palette


@dataclass(frozen=True, kw_only=True)
class Form:
    """Asking for a name and a password; `token` and `next` come back with them."""

    token: str
    next: str
    name: str = ""


@dataclass(frozen=True, kw_only=True)
class Page:
    """
    One page: what it is about, what to say, and the one thing that can be done.

    `link` is a label and where it leads, `leave` whether signing out is offered.
    """

    title: str
    text: str = ""
    problem: str = ""
    code: str = ""
    form: Form | None = None
    link: tuple[str, str] | None = None
    leave: bool = False


def build(page: Page) -> str:
    """The whole document."""
    parts = [
        f'<p class="problem" role="alert">{escape(page.problem)}</p>' if page.problem else "",
        f"<p>{escape(page.text)}</p>" if page.text else "",
        f"<pre><code>{escape(page.code)}</code></pre>" if page.code else "",
        _form(page.form) if page.form else "",
        _link(*page.link) if page.link else "",
        _LEAVE if page.leave else "",
    ]
    return _DOCUMENT.format(
        title=escape(page.title), style=STYLE, body="\n".join(part for part in parts if part)
    )


def content_security_policy() -> str:
    """What such a page may do: show our style, font and mark, and send its form to us."""
    digest = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; font-src 'self'; img-src 'self';"
        " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )


def _form(form: Form) -> str:
    # What has just been refused is asked for again where the name stands already.
    on_name, on_password = ("", " autofocus") if form.name else (" autofocus", "")
    return f"""<form method="post" action="/sign-in">
<input type="hidden" name="token" value="{escape(form.token)}">
<input type="hidden" name="next" value="{escape(form.next)}">
<label for="name">Name</label>
<input id="name" name="name" value="{escape(form.name)}" autocomplete="username" autocapitalize="none"
 spellcheck="false" maxlength="200" required{on_name}>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" maxlength="256"
 required{on_password}>
<button type="submit">Sign in</button>
</form>"""


def _link(label: str, target: str) -> str:
    return f'<p><a class="button" href="{escape(target)}">{escape(label)}</a></p>'


def _colors(theme: palette.Theme) -> str:
    greys = palette.ground(theme)
    failed = palette.shade(palette.Tone.FAILED, theme)
    return (
        f"--page:{greys.page};--panel:{greys.panel};--text:{greys.text};--muted:{greys.muted};"
        f"--line:{greys.line};--accent:{greys.accent};--agent:{greys.agent};"
        f"--bad:{failed.ink};--bad-ground:{failed.ground}"
    )


STYLE = f"""
@font-face {{ font-family: "IBM Plex Sans"; font-weight: 100 700; font-display: swap;
  src: url("/app/static/fonts/ibm-plex-sans-latin-wght-normal.woff2") format("woff2"); }}
:root {{ color-scheme: light dark; {_colors("light")} }}
@media (prefers-color-scheme: dark) {{ :root {{ {_colors("dark")} }} }}
* {{ box-sizing: border-box; }}
body {{ margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1rem;
  background: var(--page); color: var(--text); font: 15px/1.5 {palette.FONT}; }}
main {{ width: 100%; max-width: 23rem; padding: 1.75rem; background: var(--panel);
  border: 1px solid var(--line); border-radius: 0.375rem; overflow-wrap: anywhere; }}
header {{ display: flex; align-items: center; gap: 0.6rem; color: var(--muted); font-weight: 600; }}
header img {{ width: 1.75rem; height: 1.75rem; }}
h1 {{ margin: 1rem 0 0.75rem; font-size: 1.3rem; font-weight: 600; line-height: 1.3; }}
p {{ margin: 0 0 0.9rem; }}
label {{ display: block; margin: 0.9rem 0 0.25rem; font-size: 0.9rem; }}
input {{ width: 100%; padding: 0.5rem 0.65rem; font: inherit; color: inherit; background: var(--page);
  border: 1px solid var(--line); border-radius: 0.375rem; }}
button, .button {{ display: block; width: 100%; margin-top: 1.25rem; padding: 0.55rem 0.8rem; font: inherit;
  font-weight: 600; text-align: center; text-decoration: none; cursor: pointer; color: #FFFFFF;
  background: var(--accent); border: 1px solid var(--accent); border-radius: 0.375rem; }}
button.quiet {{ color: var(--text); background: transparent; border-color: var(--line); }}
:focus-visible {{ outline: 2px solid var(--accent); outline-offset: 2px; }}
.problem {{ padding: 0.6rem 0.75rem; color: var(--bad); background: var(--bad-ground); border-radius: 0.375rem; }}
pre {{ margin: 0 0 0.9rem; padding: 0.6rem 0.75rem; white-space: pre-wrap; background: var(--agent);
  border-radius: 0.375rem; font: 0.85rem/1.5 ui-monospace, monospace; }}
"""

_LEAVE = """<form method="post" action="/sign-out">
<button type="submit" class="quiet">Sign out</button>
</form>"""

_DOCUMENT = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>{title} · Interlock</title>
<link rel="icon" href="/app/static/mark.svg">
<style>{style}</style>
</head>
<body>
<main>
<header><img src="/app/static/mark.svg" alt=""><span>Interlock</span></header>
<h1>{title}</h1>
{body}
</main>
</body>
</html>
"""
