from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.core.model import media

PNG = b"\x89PNG\r\n\x1a\n rest of a picture"
WAV = b"RIFF\x00\x00\x00\x00WAVEfmt "
MP4 = b"\x00\x00\x00\x18ftypisom"


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


IMAGES = [
    {"type": "image", "base64": b64(PNG), "mime_type": "image/png"},
    {"type": "image", "source_type": "base64", "data": b64(PNG), "mime_type": "image/png"},
    {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{b64(PNG)}"}},
    {"type": "image_url", "image_url": f"data:image/png;base64,{b64(PNG)}"},
    {"type": "input_image", "image_url": f"data:image/png;base64,{b64(PNG)}"},
    {
        "type": "image",
        "source": {"type": "base64", "media_type": "image/png", "data": b64(PNG)},
    },
    {"type": "media", "mime_type": "image/png", "data": b64(PNG)},
    f"data:image/png;base64,{b64(PNG)}",
    f"data:image/png;name=a.png;base64,{b64(PNG)}",
]


@pytest.mark.parametrize("block", IMAGES)
def test_a_picture_is_read_in_every_shape_it_comes_in(block):
    part = media.read_part(block)
    assert part is not None
    assert (part.kind, part.mime, part.data, part.problem) == ("image", "image/png", PNG, "")
    assert part.name.endswith(".png")


@pytest.mark.parametrize(
    ("block", "kind", "mime"),
    [
        (
            {"type": "input_audio", "input_audio": {"data": b64(WAV), "format": "wav"}},
            "audio",
            "audio/wav",
        ),
        ({"type": "audio", "base64": b64(b"ID3 song")}, "audio", "audio/mpeg"),
        ({"type": "video", "base64": b64(MP4)}, "video", "video/mp4"),
        ({"type": "audio", "base64": b64(MP4[:8] + b"M4A ")}, "audio", "audio/mp4"),
        (
            {
                "type": "file",
                "file": {
                    "filename": "a.pdf",
                    "file_data": f"data:application/pdf;base64,{b64(b'%PDF-1.7')}",
                },
            },
            "file",
            "application/pdf",
        ),
        (
            {
                "type": "document",
                "source": {
                    "type": "base64",
                    "media_type": "application/pdf",
                    "data": b64(b"%PDF-1"),
                },
            },
            "file",
            "application/pdf",
        ),
        ({"type": "input_file", "file_data": b64(b"PK.."), "filename": "a.zip"}, "file", ""),
    ],
)
def test_sound_films_and_files_are_told_by_their_bytes(block, kind, mime):
    part = media.read_part(block)
    assert part is not None
    assert (part.kind, part.mime, part.problem) == (kind, mime, "")


@pytest.mark.parametrize(
    "body", [b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"<!doctype html>", b"MZ\x90", b"RIFF"]
)
def test_what_a_browser_could_run_is_never_a_picture(body):
    part = media.read_part({"type": "image", "base64": b64(body), "mime_type": "image/png"})
    assert part is not None
    assert (part.kind, part.mime, part.name) == ("file", "", "part.txt")
    assert "image/png" in part.problem
    assert part.data == body


def test_html_that_says_so_is_a_file():
    part = media.read_part({"type": "file", "base64": b64(b"<p>"), "mime_type": "text/html"})
    assert part is not None
    assert (part.kind, part.name) == ("file", "part.txt")


@pytest.mark.parametrize(
    ("block", "url"),
    [
        ({"type": "image_url", "image_url": {"url": "https://x.example/a.png"}}, "https://x.example/a.png"),
        ({"type": "image", "source": {"type": "url", "url": "http://x/a"}}, "http://x/a"),
        ({"type": "image", "source": {"type": "file", "file_id": "file-1"}}, "file-1"),
        ({"type": "image", "url": "javascript:alert(1)"}, "javascript:alert(1)"),
        ({"type": "image", "url": "data:text/html,<script>"}, "data:text/html,<script>"),
    ],
)  # fmt: skip
def test_what_lies_elsewhere_is_named_and_not_fetched(block, url):
    part = media.read_part(block)
    assert part is not None
    assert (part.url, part.data, part.problem) == (url, None, media.NOT_FETCHED)


def test_a_part_that_is_too_large_is_not_decoded():
    part = media.read_part(IMAGES[0], max_bytes=10)
    assert part is not None
    assert part.data is None
    assert part.size_bytes > 10
    assert "larger" in part.problem


def test_cut_or_broken_bytes_are_said():
    cut = {"type": "image", "base64": {"__cut__": "long text", "text": "iVBO"}}
    assert (part := media.read_part(cut)) is not None
    assert (part.data, part.problem) == (None, media.CUT)
    broken = {"type": "image", "base64": "!!!"}
    assert (part := media.read_part(broken)) is not None
    assert (part.data, part.problem) == (None, media.NOT_READABLE)
    empty = media.read_part({"type": "image_url", "image_url": "data:image/png;base64,"})
    assert empty is not None
    assert empty.data is None


@pytest.mark.parametrize(
    "value",
    [
        None,
        3,
        "text",
        "data: are here",
        [],
        {},
        {"type": 7},
        {"type": "text", "text": "a"},
        {"type": "image"},
        {"type": "image", "base64": 7, "data": ""},
        {"type": "image_url"},
        {"type": "image_url", "image_url": 7},
        {"type": "document", "source": {"type": "text", "data": "plain"}},
        {"type": "file", "source_type": "text", "text": "plain"},
    ],
)
def test_what_is_no_part_is_none(value):
    assert media.read_part(value) is None


def test_names_are_safe_and_end_as_the_bytes_are():
    def name(given: str, body: bytes = PNG, **more: object) -> str:
        part = media.read_part({"type": "file", "base64": b64(body), "filename": given, **more})
        assert part is not None
        return part.name

    assert name("../../etc/pass wd") == "pass wd.png"
    assert name("run.exe") == "run.png"
    assert name("C:\\temp\\ä?.png") == "ä_.png"
    assert name("", PNG) == "image.png"
    assert name("list.csv", b"a,b") == "list.csv"
    assert name("list", b"a,b") == "list.txt"
    assert name("in\u202egnp.exe", b"<p>", mime_type="text/html") == "in_gnp_exe.txt"
    assert name("a.b.sh", b"#!") == "a_b_sh.txt"
    assert name("list.exe", b"a,b", mime_type="text/csv") == "list_exe.csv"
    assert name("photo.png", b"MZ", mime_type="image/png") == "photo_png.txt"
    assert name("", b"a,b", extras={"filename": "b.csv"}) == "b.csv"
    assert len(name("x" * 500 + ".csv", b"a,b")) <= 100


def test_parts_are_found_anywhere_in_a_value():
    value = {"note": "look", "content": [{"type": "text", "text": "a"}, IMAGES[0], IMAGES[2]]}
    assert [path for path, _ in media.find_parts(value)] == ["content.1", "content.2"]
    assert len(media.find_parts([IMAGES[0]] * 50)) == media.MAX_PARTS
    deep: object = IMAGES[0]
    for _ in range(media.MAX_DEPTH + 1):
        deep = [deep]
    assert media.find_parts(deep) == ()


def test_base64_is_shortened_for_readers():
    long = b64(PNG * 100)
    value = {"a": [f"data:image/png;base64,{long}", long, "word " * 200, "short"], "n": 3}
    shown = media.shorten(value)
    assert shown["n"] == 3
    url, bare, words, short = shown["a"]
    assert url.startswith("data:image/png;base64,… (")
    assert bare == f"{long[:12]}… ({len(long)} characters)"
    assert (words, short) == ("word " * 200, "short")
    deep: object = long
    for _ in range(media.MAX_DEPTH + 2):
        deep = [deep]
    assert media.shorten(deep) == deep


@pytest.mark.parametrize(
    "text",
    [
        base64.encodebytes(PNG * 100).decode(),  # lines of 76
        base64.urlsafe_b64encode(MP4 + b"\xff\xfe" * 300).decode(),
        b64(b"ID3" + b"x" * 600).rstrip("="),
    ],
)
def test_base64_of_what_is_shown_is_shortened_however_it_is_written(text):
    assert media.shorten(text) == f"{text[:12]}… ({len(text)} characters)"


LINES = "\n".join(f"account{at:04d}" for at in range(40))


@pytest.mark.parametrize(
    "text",
    [
        f"{LINES}\nDELETE ALL OF THEM",
        f"{LINES}\nDELETE-ALL-OF-THEM",
        f"{LINES}\nmore/and/more=",
        "/srv/data/" + "a/" * 220 + "secret",
        "//share/" + "a/" * 220 + "secret",  # begins as sound might
        "\n".join(f"{at:064x}" for at in range(10)),
        "x" * 500,
        f"data:image/png;base64,{LINES}\nDELETE ALL OF THEM",
        f"data:image/png;base64,{LINES}\nDELETE",
        f"{b64(PNG * 39)}\nDELETE",
        f"{b64(PNG * 40)} and DELETE ALL OF THEM",
        f"{b64(PNG * 40)}/delete-all_of_them",  # two alphabets in one
    ],
)
def test_text_is_never_shortened(text):
    assert media.shorten({"accounts": text}) == {"accounts": text}
    assert media.read_part(text) is None


def test_the_bytes_of_a_block_are_shortened_whatever_they_are_and_nothing_else_in_it():
    held = b64(b"a,b\n1,2\n" * 100)
    url = f"data:text/csv;base64,{held}"
    block = {"type": "file", "file": {"file_data": held, "note": LINES, "n": 1}, "as": held}
    shown = media.shorten([block, {"type": "file", "file": {"file_data": url}}, {"data": held}])
    said = f"{held[:12]}… ({len(held)} characters)"
    assert shown[0] == {
        "type": "file",
        "file": {"file_data": said, "note": LINES, "n": 1},
        "as": said,
    }
    assert shown[1]["file"]["file_data"] == f"data:text/csv;base64,… ({len(url)} characters)"
    assert shown[2] == {"data": held}  # no block: nobody says that these are bytes
    text = {"type": "file", "data": f"{LINES}\nDELETE ALL OF THEM"}
    assert media.shorten(text) == text


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(
        st.sampled_from(["type", "data", "url", "source", "image_url", "base64", "file"]), inner
    ),
    max_leaves=15,
)  # fmt: skip


@given(json_values)
def test_reading_never_raises(value):
    media.find_parts(value)
    media.shorten(value)
