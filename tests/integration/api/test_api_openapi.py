"""The OpenAPI document is accurate: schemathesis requests every operation and finds no undocumented answer."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime

import hypothesis
import jsonschema
import pytest
import schemathesis
from openapi_spec_validator import validate
from schemathesis.checks import CHECKS

from api.access import Grant, Role
from api.app import create_app
from api.database import add_version, open_store, publish, session
from api.database.accounts import add_account, add_token
from api.openapi import build
from api.problems import MEDIA_TYPE
from api.settings import Settings
from tests.integration.api.serving import serving

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


def test_every_field_has_an_example_that_its_schema_accepts(service):
    """But files, and fields that are other models, which have examples of their own."""
    components = build(service[0])["components"]
    formats = jsonschema.FormatChecker()
    for name, schema in components["schemas"].items():
        for field, described in schema.get("properties", {}).items():
            parts = described.get("anyOf", [described])
            if "contentMediaType" in described or any(
                {"$ref", "enum", "const"} & {*part, *part.get("items", {})} for part in parts
            ):
                continue
            assert described.get("examples"), f"{name}.{field}: add an example to api/openapi/field_examples.py"
            validator = jsonschema.Draft202012Validator({**described, "components": components}, format_checker=formats)
            for example in described["examples"]:
                assert validator.is_valid(example), (name, field, example)


def test_every_operation_answers_as_described(service):
    """A fixed number of cases for each operation, the same at every run."""
    app, token = service
    schema = schemathesis.openapi.from_dict(build(app))
    names = ("not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance")
    checks = [CHECKS.get_one(name) for name in names]
    asked = 0
    with serving(app) as client:
        client.get("/ready")
        for result in schema.get_all_operations():
            operation = result.ok()

            @hypothesis.given(case=operation.as_strategy())
            @hypothesis.settings(
                max_examples=8,
                deadline=None,
                derandomize=True,
                database=None,
                suppress_health_check=list(hypothesis.HealthCheck),
            )
            def ask(case):
                nonlocal asked
                asked += 1
                headers = {"Authorization": f"Bearer {token}", "Connection": "close"}
                answer = case.call(base_url=str(client.base_url), headers=headers, timeout=60)
                case.validate_response(answer, checks=checks)

            ask()
    assert asked > 200
