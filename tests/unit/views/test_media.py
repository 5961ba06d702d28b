from __future__ import annotations

from interlock.core.model.media import Media
from interlock.dashboard.views import media


def test_the_caption_says_what_it_is_and_how_large():
    png = Media(kind="image", mime="image/png", data=b"x", size_bytes=34_000)
    assert media.say_media(png).caption == "Picture · image/png · 34 kB"
    assert media.say_media(Media(kind="file", claimed="audio/*")).caption == "Sound"
    assert (
        media.say_media(Media(kind="file", claimed="x/y", size_bytes=5)).caption
        == "File · x/y · 5 B"
    )
    assert media.say_media(Media(kind="file")).caption == "File"


def test_where_it_lies_is_shown_letter_by_letter():
    view = media.say_media(Media(kind="file", url="https://x/\u202egnp.a", problem="elsewhere"))
    assert (view.url, view.problem) == ("https://x/⟨U+202E⟩gnp.a", "elsewhere")


def test_large_sizes_are_said_in_megabytes():
    assert media.format_bytes(1_234_567) == "1.2 MB"
