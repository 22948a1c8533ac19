"""Login by an OpenID Connect provider: authorization code with PKCE (S256), state and nonce. Needs the extra ``oidc``.

Source: OpenID Connect Core 1.0, section 3.1; RFC 7636. The provider authenticates the user; rights are those of the existing
account with that name.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from api.errors import UnknownCallerError
from api.settings import Settings
from geo.errors import InputError

#: Accepted signature algorithms; never ``none`` or one with a shared secret.
ALGORITHMS = ["RS256", "PS256", "ES256"]
#: Timeout of the provider, and maximum difference of its clock, seconds.
TIMEOUT_S, LEEWAY_S = 10.0, 60


@dataclass(frozen=True)
class Started:
    """A started login: address for the browser, and the values to be returned."""

    address: str
    state: str
    nonce: str
    verifier: str


async def begin(settings: Settings, back: str) -> Started:
    """Start a login; `back` is the address to which the provider redirects the browser.

    Raises
    ------
    InputError
        If the provider does not answer, or does not use TLS.
    """
    provider = await _metadata(settings)
    nonce, verifier = secrets.token_urlsafe(24), secrets.token_urlsafe(48)
    async with _client(settings, back) as client:
        address, state = client.create_authorization_url(
            provider["authorization_endpoint"], code_verifier=verifier, nonce=nonce
        )
    return Started(address, state, nonce, verifier)


async def finish(settings: Settings, back: str, started: Started, query: dict[str, str]) -> str:
    """Name of the user authenticated by the provider.

    Raises
    ------
    UnknownCallerError
        If the answer does not belong to the started login, or its token is invalid.
    """
    if not secrets.compare_digest(query.get("state", "").encode(), started.state.encode()) or "code" not in query:
        raise UnknownCallerError("this login was not begun here, or was broken off; begin again")
    from authlib.common.errors import AuthlibBaseError  # type: ignore[import-untyped]
    from httpx import HTTPError

    provider = await _metadata(settings)
    try:
        async with _client(settings, back) as client:
            token = await client.fetch_token(
                provider["token_endpoint"], code=query["code"], code_verifier=started.verifier
            )
            keys = (await client.request("GET", provider["jwks_uri"], withhold_token=True)).raise_for_status().json()
    except (AuthlibBaseError, HTTPError) as error:
        raise UnknownCallerError("the provider did not confirm this login; begin again") from error
    claims = _claims(str(token.get("id_token", "")), keys)
    _require(settings, claims, started.nonce)
    name = claims.get(settings.oidc_claim)
    if not isinstance(name, str) or not name:
        raise UnknownCallerError(f"the provider's token has no '{settings.oidc_claim}'; see WANGGE_OIDC_CLAIM")
    return name


def _claims(text: str, keys: dict[str, Any]) -> dict[str, Any]:
    """Claims of a token after verification of its signature."""
    from joserfc import jwt
    from joserfc.errors import JoseError
    from joserfc.jwk import KeySet

    try:
        return dict(jwt.decode(text, KeySet.import_key_set(keys), algorithms=ALGORITHMS).claims)  # type: ignore[arg-type]
    except (JoseError, ValueError) as error:
        raise UnknownCallerError("the provider's token is not valid") from error


def _require(settings: Settings, claims: dict[str, Any], nonce: str) -> None:
    """Refuse a token of another issuer, client or login, or an expired one."""
    from joserfc import jwt
    from joserfc.errors import JoseError

    registry = jwt.JWTClaimsRegistry(
        leeway=LEEWAY_S,
        iss={"essential": True, "value": settings.oidc_issuer},
        aud={"essential": True, "value": settings.oidc_client},
        nonce={"essential": True, "value": nonce},
        exp={"essential": True},
    )
    try:
        registry.validate(claims)
    except JoseError as error:
        raise UnknownCallerError("the provider's token is not for this login") from error
    if "azp" in claims and claims["azp"] != settings.oidc_client:
        raise UnknownCallerError("the provider's token is not for this login")


async def _metadata(settings: Settings) -> dict[str, Any]:
    """Metadata of the provider."""
    import httpx

    issuer = settings.oidc_issuer
    if not _safe(issuer):
        raise InputError(f"WANGGE_OIDC_ISSUER={issuer}: an address with https is needed")
    try:
        async with httpx.AsyncClient(timeout=TIMEOUT_S, trust_env=False) as client:
            answer = await client.get(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
            found: dict[str, Any] = answer.raise_for_status().json()
    except (httpx.HTTPError, json.JSONDecodeError) as error:
        raise InputError("the login provider does not answer; log in with a password, or try again later") from error
    if found.get("issuer") != issuer:
        raise InputError(f"the login provider calls itself '{found.get('issuer')}', not '{issuer}'")
    for key in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
        if not _safe(str(found.get(key, ""))):
            raise InputError(f"the login provider's {key} is missing or has no https")
    return found


def _client(settings: Settings, back: str) -> Any:
    from authlib.integrations.httpx_client import AsyncOAuth2Client  # type: ignore[import-untyped]

    return AsyncOAuth2Client(
        settings.oidc_client,
        settings.oidc_secret or None,
        scope="openid profile",
        redirect_uri=back,
        code_challenge_method="S256",
        timeout=TIMEOUT_S,
        trust_env=False,
    )


def _safe(address: str) -> bool:
    """Whether transport to an address is encrypted or local."""
    parts = urlsplit(address)
    if parts.scheme == "https":
        return True
    try:
        return parts.scheme == "http" and ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return False
