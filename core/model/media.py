"""
Pictures, sound, films and files inside JSON: content blocks of messages, told apart by their bytes.

Nothing is fetched and nothing is believed: what a part says it is counts only where its bytes say the
same, and what a browser would run (SVG, HTML) is a file to save, never something to show (law 9).
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from interlock.core.model.json_values import CUT_KEY
from interlock.core.types import Json

MediaKind = Literal["image", "audio", "video", "file"]

MAX_BYTES = 5_000_000  # of one part, unless the settings say otherwise
MAX_PARTS = 20  # of one value; more would not be looked at
MAX_DEPTH = 20  # levels: content blocks stand near the top
LONG_BASE64 = 400  # characters; a longer one says nothing to a reader
NAME_LIMIT = 80

CUT = "It is larger than what is kept of a state, so its bytes were cut."
NOT_READABLE = "Its bytes cannot be read: they are not base64."
NOT_FETCHED = "It lies elsewhere and is not fetched."

_TYPES = frozenset({"image", "audio", "video", "file", "document", "media", "text-plain"})
_NESTED = ("image_url", "input_audio", "input_image", "input_file", "audio_url", "video_url")
_DATA_URL = re.compile(r"data:(?P<mime>[\w.+-]+/[\w.+-]+)?(?:;[\w=.+-]+)*;base64,", re.ASCII)
_BASE64 = re.compile(r"(?:[A-Za-z0-9+/]+|[A-Za-z0-9_-]+)={0,2}", re.ASCII)  # either alphabet
_LINE_COUNTS = range(64, 77)  # characters of a line, where base64 is broken into lines
_HEAD_COUNT = 16  # characters that hold the twelve bytes a kind is told by
_NO_PROOF = (b"\xff\xfb", b"\xff\xf3")  # too short: a path may begin as these do
_UNSAFE_NAME = re.compile(r"[^\w. -]+")
_STARTS: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"ID3", "audio/mpeg"),
    (b"\xff\xfb", "audio/mpeg"),
    (b"\xff\xf3", "audio/mpeg"),
    (b"fLaC", "audio/flac"),
    (b"OggS", "audio/ogg"),
    (b"\x1aE\xdf\xa3", "video/webm"),
    (b"%PDF-", "application/pdf"),
)
_RIFFS = {b"WEBP": "image/webp", b"WAVE": "audio/wav"}
_BRANDS = {b"M4A ": "audio/mp4", b"avif": "image/avif", b"qt  ": "video/quicktime"}
_ENDINGS = {
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/gif": "gif",
    "image/webp": "webp",
    "image/avif": "avif",
    "audio/mpeg": "mp3",
    "audio/flac": "flac",
    "audio/ogg": "ogg",
    "audio/wav": "wav",
    "audio/mp4": "m4a",
    "video/webm": "webm",
    "video/mp4": "mp4",
    "video/quicktime": "mov",
    "application/pdf": "pdf",
}
# Files that no system runs when they are opened, by what a part says it is.
_TOLD_ENDINGS = {
    "text/csv": "csv",
    "text/markdown": "md",
    "application/json": "json",
    "application/zip": "zip",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": "pptx",
}


@dataclass(frozen=True, kw_only=True)
class Media:
    """
    One part.

    Args:
        kind: How it may be shown, by its bytes alone; a `file` is only offered to be saved.
        mime: What its bytes are; empty where they are of no known kind, or not here.
        claimed: What the part says it is.
        data: Its bytes; None where they are not here, too many, or not readable.
        size_bytes: How large it is, as far as it can be told.
        name: The name it is saved under, safe for any system.
        url: Where it lies, if it lies elsewhere.
        problem: Why it is not shown, or not as what it says it is; empty where nothing is wrong.
    """

    kind: MediaKind
    mime: str = ""
    claimed: str = ""
    data: bytes | None = None
    size_bytes: int = 0
    name: str = "part.txt"
    url: str = ""
    problem: str = ""


@dataclass(frozen=True)
class _Source:
    """Where a block keeps its bytes: as base64 text, or elsewhere."""

    claimed: str
    text: Json = None
    url: str = ""
    name: str = ""


def read_part(value: Json, *, max_bytes: int = MAX_BYTES) -> Media | None:
    """
    Read one content block or `data:` URL; None where the value is neither.

    Known are the blocks of LangChain (v0 and v1), OpenAI, Anthropic and Google.

    Args:
        value: Anything.
        max_bytes: A larger part is not decoded.
    """
    if isinstance(value, str):
        head = _DATA_URL.match(value)
        if head is None or not _is_base64(value[head.end() :]):
            return None  # a text that only begins like one
        return _decode(_read_url(value, ""), max_bytes)
    if not isinstance(value, Mapping):
        return None
    source = _read_block(value)
    return _decode(source, max_bytes) if source is not None else None


def find_parts(value: Json, *, max_bytes: int = MAX_BYTES) -> tuple[tuple[str, Media], ...]:
    """
    Find the parts anywhere inside a value, in its order.

    Returns:
        Each with its dotted path, at most `MAX_PARTS`.
    """
    found: list[tuple[str, Media]] = []
    places: list[tuple[tuple[str, ...], Json]] = [((), value)]
    while places and len(found) < MAX_PARTS:
        path, each = places.pop()
        part = read_part(each, max_bytes=max_bytes)
        if part is not None:
            found.append((".".join(path), part))
        elif len(path) < MAX_DEPTH:
            places += reversed([((*path, key), inner) for key, inner in _items(each)])
    return tuple(found)


def shorten(value: Json) -> Json:
    """
    The same value for a reader: base64 that says nothing to anybody is replaced by its length.

    That is a `data:` URL, the bytes of a content block, and what decodes to something of a known kind;
    any other text may be meant to be read, and is left whole.
    """
    return _shorten(value, "", 0)


def _shorten(value: Json, held: str, depth: int) -> Json:
    """`held` are the bytes of the block around the value, as text."""
    if isinstance(value, str):
        return _shorten_text(value, held)
    if depth >= MAX_DEPTH:
        return value
    if isinstance(value, Mapping):
        source = _read_block(value)
        if source is not None and isinstance(source.text, str):
            held = source.text
        return {key: _shorten(inner, held, depth + 1) for key, inner in value.items()}
    if isinstance(value, list):
        return [_shorten(inner, held, depth + 1) for inner in value]
    return value


def _shorten_text(text: str, held: str) -> str:
    if len(text) <= LONG_BASE64:
        return text
    head = _DATA_URL.match(text)
    start = head.group() if head else text[:12]
    is_media = head is not None or text == held or _begins_as_media(text)
    if not is_media or not _is_base64(text[head.end() :] if head else text):
        return text
    return f"{start}… ({len(text)} characters)"


def _begins_as_media(text: str) -> bool:
    head = text[:_HEAD_COUNT].replace("-", "+").replace("_", "/")
    try:
        data = base64.b64decode(head, validate=True)
    except (binascii.Error, ValueError):
        return False
    return bool(_tell(data)) and not data.startswith(_NO_PROOF)


def _is_base64(text: str) -> bool:
    """Whether a text is base64 and nothing else: in one piece, or in lines as mail has them."""
    first, *rest = text.split() or [""]
    *inner, last = rest or [""]
    is_wrapped = len(first) in _LINE_COUNTS and len(last) <= len(first)
    is_even = not rest or (is_wrapped and all(len(line) == len(first) for line in inner))
    return is_even and _BASE64.fullmatch("".join([first, *rest])) is not None


def _items(value: Json) -> list[tuple[str, Json]]:
    if isinstance(value, Mapping):
        return list(value.items())
    return [(str(at), inner) for at, inner in enumerate(value)] if isinstance(value, list) else []


def _read_block(block: Mapping[str, Json]) -> _Source | None:
    kind = block.get("type")
    if not isinstance(kind, str):
        return None
    if kind in _NESTED:
        return _read_nested(block, kind)
    if kind not in _TYPES:
        return None
    source = block.get("source", block.get("file"))
    inner: Mapping[str, Json] = source if isinstance(source, Mapping) else block
    claimed = _text(inner, "mime_type", "media_type") or _text(block, "mime_type")
    return _read_inner(inner, claimed or _guess(kind), name=_name_of(block) or _name_of(inner))


def _read_nested(block: Mapping[str, Json], kind: str) -> _Source | None:
    """OpenAI's blocks, which hold what matters under their own name."""
    inner = block.get(kind, block.get("image_url"))
    guess = _guess(kind.removeprefix("input_").removesuffix("_url"))
    if isinstance(inner, str):
        return _read_url(inner, guess)
    if isinstance(inner, Mapping):
        sort = _text(inner, "format")
        return _read_inner(inner, f"audio/{sort}" if sort else guess, name=_name_of(inner))
    return _read_inner(block, guess, name=_name_of(block))


def _read_inner(inner: Mapping[str, Json], claimed: str, *, name: str) -> _Source | None:
    """The bytes of a block, or where they lie; None where it has neither."""
    if inner.get("type") == "text" or inner.get("source_type") == "text":
        return None
    for key in ("base64", "data", "file_data", "url", "file_id"):
        held = inner.get(key)
        if isinstance(held, Mapping) and CUT_KEY in held:
            return _Source(claimed, held, name=name)
        if not isinstance(held, str) or not held:
            continue
        if held.startswith("data:") or key == "url":
            found = _read_url(held, claimed)
            return _Source(found.claimed, found.text, found.url, name)
        if key == "file_id":
            return _Source(claimed, url=held, name=name)
        return _Source(claimed, held, name=name)
    return None


def _read_url(url: str, claimed: str) -> _Source:
    head = _DATA_URL.match(url)
    if head is None:
        return _Source(claimed, url=url)
    return _Source(head["mime"] or claimed, url[head.end() :] or " ")


def _decode(source: _Source, max_bytes: int) -> Media:
    if source.url:
        return _build(source, b"", problem=NOT_FETCHED)
    if not isinstance(source.text, str):
        return _build(source, b"", problem=CUT)
    size_bytes = len(source.text) * 3 // 4
    if size_bytes > max_bytes:
        limit = f"It is larger than what is shown: {size_bytes} of {max_bytes} bytes."
        return _build(source, b"", size_bytes=size_bytes, problem=limit)
    plain = "".join(source.text.split()).replace("-", "+").replace("_", "/")
    try:
        data = base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError):
        return _build(source, b"", size_bytes=size_bytes, problem=NOT_READABLE)
    return _build(source, data, size_bytes=len(data))


def _build(source: _Source, data: bytes, *, size_bytes: int = 0, problem: str = "") -> Media:
    mime = _tell(data)
    kind = _kind_of(mime)
    if data and not problem and not _agrees(source.claimed, mime):
        problem = f"It says that it is {source.claimed}; its bytes are not shown as that."
    return Media(
        kind=kind,
        mime=mime,
        claimed=source.claimed,
        data=data or None,
        size_bytes=size_bytes,
        name=_safe_name(source, mime, kind),
        url=source.url,
        problem=problem,
    )


def _tell(data: bytes) -> str:
    """What bytes are, by how they begin; empty for what nobody shows."""
    if data[:4] == b"RIFF":
        return _RIFFS.get(data[8:12], "")
    if data[4:8] == b"ftyp":
        return _BRANDS.get(data[8:12], "video/mp4")
    return next((mime for start, mime in _STARTS if data.startswith(start)), "")


def _kind_of(mime: str) -> MediaKind:
    first = mime.partition("/")[0]
    if first == "image":
        return "image"
    if first == "audio":
        return "audio"
    return "video" if first == "video" else "file"


def _agrees(claimed: str, mime: str) -> bool:
    """Whether a part is of the sort it says; a file may be of any that is not shown."""
    return _kind_of(claimed) in (_kind_of(mime), "file")


def _guess(kind: str) -> str:
    return f"{kind}/*" if kind in ("image", "audio", "video") else ""


def _text(value: Mapping[str, Json], *keys: str) -> str:
    return next((v for key in keys if isinstance(v := value.get(key), str) and v), "")


def _name_of(value: Mapping[str, Json]) -> str:
    extras = value.get("extras")
    inner = _text(extras, "filename", "name") if isinstance(extras, Mapping) else ""
    return _text(value, "filename", "file_name", "name", "title") or inner


def _safe_name(source: _Source, mime: str, kind: str) -> str:
    """A file name without folders, that ends as its bytes are; never as something a system would run."""
    stem = _UNSAFE_NAME.sub("_", source.name.replace("\\", "/").rpartition("/")[2]).strip(" ._")
    stem, _, own = stem.rpartition(".") if "." in stem else (stem, "", "")
    if mime in _ENDINGS:
        return f"{stem[:NAME_LIMIT] or kind}.{_ENDINGS[mime]}"
    named = own.lower() if own.lower() in _TOLD_ENDINGS.values() else "txt"
    ending = _TOLD_ENDINGS.get(source.claimed, named)
    left = f"{stem}_{own}" if own and own.lower() != ending else stem
    return f"{left.replace('.', '_')[-NAME_LIMIT:] or 'part'}.{ending}"
