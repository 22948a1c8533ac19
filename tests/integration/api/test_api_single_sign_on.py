"""Login with an OpenID Connect provider, against a small provider that can be made to forge answers."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
import time
from base64 import urlsafe_b64encode
from datetime import UTC, datetime
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import pytest
from fastapi import FastAPI, Request
from fastapi.responses import RedirectResponse
from joserfc import jwt
from joserfc.jwk import RSAKey

from api.access import Grant, Role, oidc
from api.app import create_app
from api.database import open_store, session
from api.database.accounts import account_id, add_account, disable
from api.settings import Settings
from geo.errors import InputError
from tests.integration.api.serving import serving

NOW = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
KEY = RSAKey.generate_key(2048, {"kid": "k1", "use": "sig"})


def provider():
    """An application that logs in everybody as `person`; `claims` replaces claims of its token, `key` signs it."""
    app = FastAPI()
    app.state.person, app.state.claims, app.state.key, app.state.asked = "zhang", {}, KEY, {}

    @app.get("/.well-known/openid-configuration")
    def metadata(request: Request):
        own = str(request.base_url).rstrip("/")
        return {
            "issuer": own,
            "authorization_endpoint": f"{own}/authorize",
            "token_endpoint": f"{own}/token",
            "jwks_uri": f"{own}/keys",
        }

    @app.get("/authorize")
    def authorize(request: Request):
        app.state.asked = dict(request.query_params)
        back = f"{app.state.asked['redirect_uri']}?code=c1&state={app.state.asked['state']}"
        return RedirectResponse(back, status_code=303)

    @app.post("/token")
    async def token(request: Request):
        given = {key: values[0] for key, values in parse_qs((await request.body()).decode()).items()}
        digest = hashlib.sha256(given["code_verifier"].encode()).digest()
        assert urlsafe_b64encode(digest).decode().rstrip("=") == app.state.asked["code_challenge"]
        claims = {
            "iss": str(request.base_url).rstrip("/"),
            "aud": "wangge",
            "exp": int(time.time()) + 60,
            "nonce": app.state.asked["nonce"],
            "preferred_username": app.state.person,
        } | app.state.claims
        text = jwt.encode({"alg": "RS256", "kid": "k1"}, claims, app.state.key)
        return {"access_token": "a", "token_type": "Bearer", "id_token": text}

    @app.get("/keys")
    def keys():
        return {"keys": [KEY.as_dict(private=False)]}

    return app


@pytest.fixture
def service(empty_store, tmp_path):
    address = str(shutil.copy(empty_store, tmp_path / "store.sqlite"))
    engine = open_store(address)
    with session(engine, write=True) as opened:
        add_account(opened, 1, "zhang", [Grant(Role.CHECKER)], at=NOW, by="test")
    theirs = provider()
    with serving(theirs) as other:
        issuer = str(other.base_url).rstrip("/")
        app = create_app(Settings(database=address, follow=False, oidc_issuer=issuer))
        with serving(app) as client:
            yield SimpleNamespace(client=client, provider=theirs, engine=engine)
    engine.dispose()


def log_in(service):
    """Follow the redirects to the provider and back like a browser."""
    sent = service.client.get("/sso")
    assert sent.status_code == 303, sent.text
    import httpx

    returned = httpx.get(sent.headers["location"], trust_env=False)
    back = urlsplit(returned.headers["location"])
    return service.client.get(f"{back.path}?{back.query}")


def test_a_person_of_the_provider_is_logged_in_with_the_grants_of_the_account(service):
    answer = log_in(service)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    me = service.client.get("/api/me").json()
    assert (me["name"], me["kind"], me["grants"]) == ("zhang", "session", [{"role": "checker", "scope": ""}])


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "http://127.0.0.1:1"},
        {"aud": "another"},
        {"exp": 1_700_000_000},
        {"nonce": "another"},
        {"azp": "another"},
        {"preferred_username": ""},
        {"preferred_username": "nobody"},
    ],
)
def test_tokens_of_others_log_nobody_in(service, claims):
    service.provider.state.claims = claims
    answer = log_in(service)
    assert (answer.status_code, answer.headers["content-type"]) == (401, "application/problem+json")
    assert service.client.get("/api/me").status_code == 401


def test_a_forged_signature_and_a_forged_state_log_nobody_in(service):
    service.provider.state.key = RSAKey.generate_key(2048, {"kid": "k1"})
    assert log_in(service).status_code == 401
    # With the provider's own key, and a login that is under way: the state alone is another.
    service.provider.state.key = KEY
    import httpx

    httpx.get(service.client.get("/sso").headers["location"], trust_env=False)
    assert service.client.get("/sso/callback?code=c1&state=forged").status_code == 401
    assert service.client.get("/sso/callback?code=c1").status_code == 401
    assert service.client.get("/api/me").status_code == 401
    service.client.cookies.clear()
    assert service.client.get("/sso/callback?code=c1&state=x").status_code == 401


def test_a_disabled_account_stays_out(service):
    with session(service.engine, write=True) as opened:
        disable(opened, account_id(opened, 1, "zhang"), at=NOW)
    assert log_in(service).status_code == 401


def test_a_provider_with_another_name_is_not_asked():
    app = FastAPI()

    @app.get("/.well-known/openid-configuration")
    def metadata(request: Request):
        names = ("authorization_endpoint", "token_endpoint", "jwks_uri")
        return {"issuer": "https://other.example", **dict.fromkeys(names, str(request.base_url))}

    with serving(app) as other:
        issuer = str(other.base_url).rstrip("/")
        with pytest.raises(InputError, match="calls itself 'https://other"):
            asyncio.run(oidc.begin(Settings(oidc_issuer=issuer, oidc_client="wangge"), "http://127.0.0.1/back"))
