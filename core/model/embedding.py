"""
Texts as vectors, near each other when they say the same in nearly the same words. Local, no model.

Character n-grams of each word are hashed to places of the vector (the "hashing trick"), so that
endings, word order and typing errors weigh little. It knows no synonyms: for those, name an embedder
of your own.
"""

from __future__ import annotations

import hashlib
import re
import struct
from array import array
from collections.abc import Sequence
from math import sqrt

DIMENSIONS = 512  # numbers of a vector; few hundred n-grams of a question hardly meet in one
_SIZES = (3, 4)  # characters of an n-gram
_WORD = re.compile(r"\w+")
_WHOLE_WORD_WEIGHT = 2.0  # a word that is the same says more than a part of one

Vector = Sequence[float]


def embed(texts: Sequence[str]) -> list[list[float]]:
    """The vectors of texts, each of length 1; of a text without words, all zeros."""
    return [_embed(text) for text in texts]


def _embed(text: str) -> list[float]:
    vector = [0.0] * DIMENSIONS
    for word in _WORD.findall(text.casefold()):
        _add(vector, word, _WHOLE_WORD_WEIGHT)
        padded = f"<{word}>"
        for size in _SIZES:
            for start in range(len(padded) - size + 1):
                _add(vector, padded[start : start + size], 1.0)
    return normalise(vector)


def _add(vector: list[float], gram: str, weight: float) -> None:
    digest = hashlib.blake2b(gram.encode("utf-8", "replace"), digest_size=8).digest()
    (number,) = struct.unpack("<Q", digest)
    # The sign keeps n-grams that meet in one place from adding up.
    vector[number % DIMENSIONS] += weight if number >> 63 else -weight


def normalise(vector: Vector) -> list[float]:
    """The vector with length 1; zeros stay zeros."""
    length = sqrt(sum(x * x for x in vector))
    return [x / length for x in vector] if length else list(vector)


def pack(vectors: Sequence[Vector]) -> bytes:
    """Several vectors of one length as bytes, for a database."""
    return struct.pack("<I", len(vectors)) + b"".join(array("f", v).tobytes() for v in vectors)


def find_nearest(wanted: bytes, known: Sequence[bytes]) -> tuple[int, float] | None:
    """
    The packed vectors that are nearest to others, and how near: 1 is the same, 0 nothing in common.

    Each stands for several texts in order and is as near as its least near text. What another
    embedder made, of another number or length, is passed over.

    Shapes: `wanted` and each of `known` are k vectors of d numbers and length 1, as `pack` makes them.
    """
    fitting = [i for i, each in enumerate(known) if each[:4] == wanted[:4]]
    fitting = [i for i in fitting if len(known[i]) == len(wanted)]
    count = struct.unpack("<I", wanted[:4])[0]
    if not fitting or not count:
        return None
    import numpy as np  # takes 0.1 s, and only a cache by meaning needs it

    rows = np.frombuffer(b"".join(known[i][4:] for i in fitting), dtype="<f4")
    table = rows.reshape(len(fitting), count, -1)
    least = np.einsum("nkd,kd->nk", table, np.frombuffer(wanted[4:], "<f4").reshape(count, -1))
    ratios = least.min(axis=1)
    best = int(ratios.argmax())
    return fitting[best], min(1.0, float(ratios[best]))
