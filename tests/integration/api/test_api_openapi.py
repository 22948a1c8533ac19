"""The OpenAPI document is valid, and describes every error of every operation as a problem document."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime

import pytest
from openapi_spec_validator import validate

from api.access import Grant, Role
from api.app import create_app
from api.database import add_version, open_store, publish, session
from api.database.accounts import add_account, add_token
from api.openapi import build
from api.problems import MEDIA_TYPE
from api.settings import Settings

NOW = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
HTTP_METHODS = {"get", "put", "post", "delete", "patch"}


@pytest.fixture(scope="module")
def service(tmp_path_factory, empty_store, division):
    folder = tmp_path_factory.mktemp("openapi")
    address = str(shutil.copy(empty_store, folder / "store.sqlite"))
    engine = open_store(address)
    with session(engine, write=True) as opened:
        version = add_version(opened, division, valid_from=NOW.date(), created_at=NOW)
        publish(opened, version.id, published_at=NOW)
        account = add_account(opened, 1, "admin", [Grant(Role.ADMINISTRATOR)], at=NOW, by="test")
        token = add_token(opened, "program", account=account, at=NOW).text
    engine.dispose()
    app = create_app(Settings(database=address, pages=folder, follow=False), clock=lambda: NOW)
    return app, token


def test_the_document_is_valid_and_complete(service):
    document = build(service[0])
    validate(document)
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if method not in HTTP_METHODS:
                continue
            for status, answer in operation["responses"].items():
                if int(status) >= 400 and path != "/ready":
                    assert set(answer["content"]) == {MEDIA_TYPE}, (path, method, status)
    assert "roles" not in document
    grant = document["components"]["schemas"]["GrantBody"]["properties"]["role"]
    assert grant["enum"] == [role.value for role in Role]
