"""
Store a graph's state so that it comes back as it was, and restore no class that is not trusted.

Trusted are LangGraph's own safe types, the types of the graph's schemas, the data classes of the
project's modules and those named to us (law 9). A value that would come back as something less
is refused when it is written, with its type and where it stands.

Where there are keys, the bytes are encrypted last and decrypted first, as LangGraph's
`EncryptedSerializer` does: `msgpack` becomes `msgpack+fernet:<key>`, and what was stored before reads on.
"""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterable
from typing import Any

import ormsgpack
from langgraph._internal import _serde as schema_types
from langgraph.checkpoint.serde import jsonplus
from langgraph.checkpoint.serde._msgpack import SAFE_MSGPACK_TYPES
from langgraph.checkpoint.serde.base import SerializerProtocol
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.pregel import Pregel

from interlock.core import ciphers
from interlock.core.ciphers import Cipher
from interlock.core.graphs.fidelity import Fidelity, UnstorableValue
from interlock.core.graphs.trusting import ProjectTypes, TrustedTypes, TypeKey

__all__ = ["FaithfulSerializer", "UnstorableValue", "sealed", "serializer_for"]

# Only ever wrap the bytes they are given, and a project that uses them cannot avoid them.
_HARMLESS: frozenset[TypeKey] = frozenset(
    {("pydantic.types", "SecretStr"), ("pydantic.types", "SecretBytes")}
)


def serializer_for(
    graph: Pregel[Any, Any, Any, Any] | None,
    project_types: ProjectTypes | None,
    extra: Iterable[TypeKey] = (),
) -> FaithfulSerializer:
    """
    Make the serializer of one graph's checkpoints.

    Args:
        graph: Its schema types are trusted, those of its subgraphs too.
        project_types: Tells the data classes of the project's own modules; None trusts none.
        extra: Further (module, class) pairs to trust.
    """
    names: set[TypeKey] = set(_HARMLESS)
    names.update(_as_keys(extra))
    if graph is not None:
        names.update(_collect_schema_types(graph))
    return FaithfulSerializer(TrustedTypes(names, project_types))


class FaithfulSerializer(JsonPlusSerializer):
    """LangGraph's serializer, strict in what it restores and loud about what it cannot keep."""

    cipher: Cipher | None = None

    def __init__(self, trusted: TrustedTypes) -> None:
        super().__init__(allowed_msgpack_modules=None)
        self._trust(trusted)

    def _trust(self, trusted: TrustedTypes) -> None:
        self.trusted = trusted
        # Both are what the base class keeps; ours is a set that also asks the project's modules.
        self._allowed_msgpack_modules = trusted  # type: ignore[assignment]
        self._unpack_ext_hook = jsonplus._create_msgpack_ext_hook(trusted)  # type: ignore[arg-type]  # noqa: SLF001
        self._fidelity = Fidelity(trusted, self._restore)

    def with_msgpack_allowlist(
        self, extra_allowlist: Iterable[tuple[str, ...] | type]
    ) -> FaithfulSerializer:
        """A serializer that trusts these types too; itself when it already does."""
        missing = {key for key in _as_keys(extra_allowlist) if key not in self.trusted}
        missing -= SAFE_MSGPACK_TYPES
        if not missing:
            return self
        clone = copy.copy(self)
        clone._trust(self.trusted.extended(missing))  # noqa: SLF001
        return clone

    def with_cipher(self, cipher: Cipher | None) -> FaithfulSerializer:
        """A serializer that encrypts, too; itself where there are no keys."""
        if cipher is None:
            return self
        clone = copy.copy(self)
        clone.cipher = cipher
        return clone

    def dumps_typed(self, obj: Any) -> tuple[str, bytes]:
        """
        Encode a value, encrypted where there are keys.

        Raises:
            UnstorableValue: It cannot be stored, or would come back as something less.
        """
        return ciphers.seal_typed(self.cipher, *self.dump_plain(obj))

    def loads_typed(self, data: tuple[str, bytes]) -> Any:
        """
        Decode a value.

        Raises:
            KeyMissing: It is encrypted with a key that is not there.
            SealBroken: It is encrypted, and was changed since.
        """
        return super().loads_typed(ciphers.open_typed(self.cipher, *data))

    def dump_plain(self, obj: Any) -> tuple[str, bytes]:
        """Encode a value so that equal ones are equal: as it is looked up, never as it is stored."""
        if obj is None or isinstance(obj, (bytes, bytearray, BaseException)):
            return super().dumps_typed(obj)  # LangGraph stores a node's error as its repr
        try:
            return "msgpack", ormsgpack.packb(
                obj,
                default=self._fidelity.encode,
                option=jsonplus._option,  # noqa: SLF001
            )
        except (TypeError, ValueError, RecursionError) as exc:
            raise self._fidelity.explain(obj, exc) from exc

    def _restore(self, data: bytes) -> Any:
        return self.loads_typed(("msgpack", data))


def sealed(serde: SerializerProtocol, cipher: Cipher | None) -> SerializerProtocol:
    """The serializer of what is stored where there are keys; another one than ours is used as it is."""
    return serde.with_cipher(cipher) if isinstance(serde, FaithfulSerializer) else serde


def _as_keys(allowlist: Iterable[tuple[str, ...] | type]) -> Collection[TypeKey]:
    return {
        (item.__module__, item.__name__) if isinstance(item, type) else (item[0], item[-1])
        for item in allowlist
    }


def _collect_schema_types(graph: Pregel[Any, Any, Any, Any]) -> set[TypeKey]:
    keys: set[TypeKey] = set()
    for part in _with_subgraphs(graph):
        keys.update(_as_keys(part._serde_allowlist or ()))  # noqa: SLF001
        builder = getattr(part, "builder", None)
        schemas = list(getattr(builder, "schemas", {}) or {})
        if part.context_schema is not None:
            schemas.append(part.context_schema)
        keys.update(
            _as_keys(
                schema_types.build_serde_allowlist(schemas=schemas, channels=dict(part.channels))
            )
        )
    return keys


def _with_subgraphs(graph: Pregel[Any, Any, Any, Any]) -> list[Pregel[Any, Any, Any, Any]]:
    nested = [part for _, part in graph.get_subgraphs(recurse=True) if isinstance(part, Pregel)]
    return [graph, *nested]
