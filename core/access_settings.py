"""Settings of who may come in: whether and how one signs in, and which proxies are believed."""

from __future__ import annotations

import ipaddress
import json
import re
from typing import Annotated, Literal, get_args
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode

RoleName = Literal["viewer", "operator", "admin"]
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_HEADER = re.compile(r"[A-Za-z0-9-]{1,100}")
_BELIEVED_OTHERWISE = frozenset({"x-forwarded-for", "x-forwarded-proto", "authorization", "cookie"})


class AccessSettings(BaseSettings):
    """The part of the settings that says who may come in."""

    sign_in: Literal["none", "local", "oidc", "proxy"] = Field(
        default="none",
        description="How one signs in: local (accounts here), oidc (a provider), proxy (in front of this), or none.",
    )
    sign_in_roles: Annotated[tuple[tuple[str, RoleName], ...] | None, NoDecode] = Field(
        default=None,
        description="Groups of the provider or proxy and their roles, as a JSON object; `user:NAME` names one person.",
    )
    oidc_issuer: str | None = Field(
        default=None,
        description="Issuer of the OIDC provider, beneath which /.well-known/openid-configuration is.",
    )
    oidc_client_id: str | None = Field(
        default=None, description="Client id under which the provider knows Interlock."
    )
    oidc_client_secret: SecretStr | None = Field(
        default=None,
        description="The client's secret; unset for a public client, which has PKCE alone.",
    )
    oidc_scopes: str = Field(
        default="openid profile email",
        description="Scopes that are asked for, with blanks between them; `openid` has to be among them.",
    )
    oidc_name_claim: str = Field(
        default="email",
        min_length=1,
        description="Claim that names the account; `email` counts only if verified, `sub` never changes hands.",
    )
    oidc_groups_claim: str = Field(
        default="groups",
        min_length=1,
        description="Claim that lists the groups; dots lead into objects, as in realm_access.roles.",
    )
    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="Addresses or networks of the proxies whose headers are believed, as a JSON list.",
    )
    proxy_name_header: str = Field(
        default="X-Forwarded-User",
        description="Header in which a trusted proxy names who has signed in.",
    )
    proxy_groups_header: str = Field(
        default="X-Forwarded-Groups",
        description="Header in which it lists their groups, with commas between them.",
    )

    @field_validator("sign_in_roles", mode="before")
    @classmethod
    def _listed_roles(cls, value: object) -> object:
        given = _read_json(value) if isinstance(value, str) else value
        pairs = tuple(given.items()) if isinstance(given, dict) else given
        if pairs is None and value is None:
            return None
        if not isinstance(pairs, tuple) or not all(_is_role_of(pair) for pair in pairs):
            raise ValueError(
                'must be a JSON object of groups and roles, for example {"interlock-admins": "admin"};'
                f" roles are {', '.join(get_args(RoleName))}"
            )
        return pairs

    @field_validator("oidc_issuer")
    @classmethod
    def _safe_issuer(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value)
        is_safe = parts.scheme == "https" or (
            parts.scheme == "http" and parts.hostname in _LOOPBACK
        )
        if not is_safe or not parts.hostname or parts.query or parts.fragment:
            raise ValueError(
                "must be an https:// URL without a query (http:// on this machine alone)"
            )
        return value

    @field_validator("oidc_scopes")
    @classmethod
    def _with_openid(cls, value: str) -> str:
        if "openid" not in value.split():
            raise ValueError("must hold the scope openid")
        return " ".join(value.split())

    @field_validator("trusted_proxies", mode="before")
    @classmethod
    def _listed_proxies(cls, value: object) -> object:
        given = _read_json(value) if isinstance(value, str) else value
        if not isinstance(given, list | tuple) or not all(_is_network(item) for item in given):
            raise ValueError(
                'must be a JSON list of addresses or networks, for example ["10.0.0.5", "10.1.0.0/16"]'
            )
        return tuple(given)

    @field_validator("proxy_name_header", "proxy_groups_header")
    @classmethod
    def _is_header(cls, value: str) -> str:
        if not _HEADER.fullmatch(value) or value.lower() in _BELIEVED_OTHERWISE:
            raise ValueError("must be the name of a header of its own, of letters, digits and -")
        return value


def _read_json(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _is_role_of(pair: object) -> bool:
    if not isinstance(pair, list | tuple) or len(pair) != 2:
        return False
    group, role = pair
    return isinstance(group, str) and bool(group) and role in get_args(RoleName)


def _is_network(item: object) -> bool:
    if not isinstance(item, str):
        return False
    try:
        ipaddress.ip_network(item, strict=False)
    except ValueError:
        return False
    return True
