"""
The OIDC provider, as Authlib talks to it: where it is, which keys it signs with, and what a code is worth.

The code flow with PKCE. Nothing that the provider hands out is kept: it says once who somebody is.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Final

import httpx2

# Authlib has no types of its own.
from authlib.integrations.base_client import OAuthError  # type: ignore[import-untyped]
from authlib.integrations.httpx_client import AsyncOAuth2Client  # type: ignore[import-untyped]
from authlib.oidc.core import CodeIDToken  # type: ignore[import-untyped]
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

from interlock.core.errors import InterlockError, NotAllowed
from interlock.core.settings import Settings

TIMEOUT_S = 10.0
FRESH_S = 3600.0  # how long the provider's addresses and keys are good
RETRY_S = 30.0  # between two looks for a key that is not there: anybody may name one
LEEWAY_S = 60  # between the provider's clock and ours
# Signed by a key that the provider alone has; with HS256 the client's secret could sign, with none anybody.
ALGORITHMS: Final = (
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
    "EdDSA",
    "Ed25519",
)


class ProviderAway(InterlockError):
    """The provider does not answer, or not as one does; the message has what it said."""


class Provider:
    """One provider; knows its addresses and keys for an hour. Belongs to one event loop."""

    def __init__(self, settings: Settings) -> None:
        assert settings.oidc_issuer is not None
        self._settings = settings
        self._issuer = settings.oidc_issuer
        self._tls = httpx2.create_ssl_context()  # once: reading the certificates takes 100 ms
        self._metadata: Mapping[str, Any] = {}
        self._metadata_at = float("-inf")
        self._keys: KeySet | None = None
        self._keys_at = float("-inf")

    async def lead(self, *, back: str, state: str, nonce: str, verifier: str) -> str:
        """
        Where the browser has to go to sign in.

        Raises:
            ProviderAway: The provider does not answer.
        """
        metadata = await self._read_metadata()
        async with self._client(back) as client:
            url, _ = client.create_authorization_url(
                metadata["authorization_endpoint"],
                state=state,
                nonce=nonce,
                code_verifier=verifier,
            )
        return str(url)

    async def redeem(self, code: str, *, back: str, nonce: str, verifier: str) -> dict[str, Any]:
        """
        What the provider says of whoever has come back with a code.

        Raises:
            NotAllowed: The code or the id token is not good.
            ProviderAway: The provider does not answer.
        """
        metadata = await self._read_metadata()
        async with self._client(back) as client:
            try:
                token = await client.fetch_token(
                    metadata["token_endpoint"], code=code, code_verifier=verifier
                )
                claims = await self._read_id_token(token, nonce=nonce)
                return await self._complete(client, claims)
            except (OAuthError, JoseError) as exc:
                raise NotAllowed(f"The provider's answer is not good ({_name(exc)}).") from exc
            except (httpx2.HTTPError, ValueError, KeyError, TypeError) as exc:
                raise ProviderAway(
                    f"The provider does not answer as one does ({_name(exc)})."
                ) from exc

    def _client(self, back: str) -> Any:
        secret = self._settings.oidc_client_secret
        supported = self._metadata.get("token_endpoint_auth_methods_supported")
        is_posted = supported is not None and "client_secret_basic" not in supported
        method = "client_secret_post" if is_posted else "client_secret_basic"
        return AsyncOAuth2Client(
            client_id=self._settings.oidc_client_id,
            client_secret=None if secret is None else secret.get_secret_value(),
            token_endpoint_auth_method="none" if secret is None else method,
            scope=self._settings.oidc_scopes,
            redirect_uri=back,
            code_challenge_method="S256",
            timeout=TIMEOUT_S,
            verify=self._tls,
        )

    async def _read_id_token(self, token: Mapping[str, Any], *, nonce: str) -> dict[str, Any]:
        if not isinstance(token.get("id_token"), str):
            raise NotAllowed("The provider gave no id token.")
        registry = JWSRegistry(algorithms=list(ALGORITHMS), strict_check_header=False)
        keys = await self._read_keys()
        try:
            read = jwt.decode(token["id_token"], keys, registry=registry)
        except InvalidKeyIdError:
            if time.monotonic() - self._keys_at < RETRY_S:
                raise
            keys = await self._read_keys(anew=True)
            read = jwt.decode(token["id_token"], keys, registry=registry)
        claims = CodeIDToken(
            read.claims,
            read.header,
            {
                "iss": {"essential": True, "value": self._issuer},
                "aud": {"essential": True, "value": str(self._settings.oidc_client_id)},
                "nonce": {"essential": True, "value": nonce},
            },
            {
                "nonce": nonce,
                "client_id": self._settings.oidc_client_id,
                "access_token": token.get("access_token"),
            },
        )
        claims.validate(leeway=LEEWAY_S)
        return dict(claims)

    async def _complete(self, client: Any, claims: dict[str, Any]) -> dict[str, Any]:
        """Some providers tell names and groups only where they are asked for them by themselves."""
        wanted = (self._settings.oidc_name_claim, self._settings.oidc_groups_claim)
        place = self._metadata.get("userinfo_endpoint")
        if not place or all(claim.partition(".")[0] in claims for claim in wanted):
            return claims
        answered = await client.get(place)
        answered.raise_for_status()
        is_json = "json" in answered.headers.get("content-type", "")
        more = answered.json() if is_json else {}  # a signed one is a text, and says nothing to us
        # Of somebody else it must not be believed (OpenID Connect Core 5.3.2).
        if not isinstance(more, dict) or more.get("sub") != claims["sub"]:
            return claims
        # Whether an address is verified is said of the one that stands beside it.
        told = claims if "email" in claims else more
        return {**more, **claims, "email_verified": told.get("email_verified")}

    async def _read_metadata(self) -> Mapping[str, Any]:
        if time.monotonic() - self._metadata_at >= FRESH_S:
            place = self._issuer.rstrip("/") + "/.well-known/openid-configuration"
            found = await self._fetch(place)
            if found.get("issuer") != self._issuer:
                raise ProviderAway(f"{place} is of the issuer {found.get('issuer')!r}.")
            for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
                if not isinstance(found.get(name), str):
                    raise ProviderAway(f"{place} does not name {name}.")
            self._metadata, self._metadata_at = found, time.monotonic()
        return self._metadata

    async def _read_keys(self, *, anew: bool = False) -> KeySet:
        if anew or self._keys is None or time.monotonic() - self._keys_at >= FRESH_S:
            found = await self._fetch(self._metadata["jwks_uri"])
            self._keys = KeySet.import_key_set({"keys": found.get("keys", [])})
            self._keys_at = time.monotonic()
        return self._keys

    async def _fetch(self, place: str) -> dict[str, Any]:
        try:
            async with httpx2.AsyncClient(timeout=TIMEOUT_S, verify=self._tls) as client:
                answered = await client.get(place)
            answered.raise_for_status()
            found = answered.json()
        except (httpx2.HTTPError, ValueError) as exc:
            raise ProviderAway(
                f"{place} does not answer as a provider does ({_name(exc)})."
            ) from exc
        if not isinstance(found, dict):
            raise ProviderAway(f"{place} does not answer as a provider does.")
        return found


def _name(exc: Exception) -> str:
    """What went wrong, without what was sent: that has secrets."""
    return type(exc).__name__
