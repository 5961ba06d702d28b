"""What is said beside a picture, sound, film or file."""

from __future__ import annotations

from dataclasses import dataclass

from interlock.core.model.media import Media
from interlock.dashboard.views.escaping import show_hidden
from interlock.dashboard.views.formatting import clip

URL_LIMIT_COUNT = 500
_WORDS = {"image": "Picture", "audio": "Sound", "video": "Film", "file": "File"}


@dataclass(frozen=True)
class MediaView:
    """The words; `url` and the names in `caption` are foreign."""

    caption: str
    problem: str
    url: str


def say_media(media: Media) -> MediaView:
    """Say what a part is, how large, and why it is not shown."""
    claimed = media.claimed.partition("/")[0]
    word = _WORDS.get(claimed if media.data is None else media.kind, "File")
    size = [format_bytes(media.size_bytes)] if media.size_bytes else []
    sort = media.mime or media.claimed
    about = [show_hidden(clip(sort, 60))] if sort and "*" not in sort else []
    return MediaView(
        caption=" · ".join([word, *about, *size]),
        problem=show_hidden(media.problem),
        url=show_hidden(clip(media.url, URL_LIMIT_COUNT)),
    )


def format_bytes(size_bytes: int) -> str:
    """A size as people say it: `812 B`, `34 kB`, `1.2 MB`."""
    if size_bytes < 1000:
        return f"{size_bytes} B"
    if size_bytes < 1_000_000:
        return f"{size_bytes / 1000:.0f} kB"
    return f"{size_bytes / 1_000_000:.1f} MB"
