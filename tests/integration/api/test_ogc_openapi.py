"""The OpenAPI document of the data service is accurate: schemathesis requests every operation."""

from __future__ import annotations

import hypothesis
import pytest
import schemathesis
from schemathesis.checks import CHECKS

from tests.integration.api.test_ogc_clients import gis

__all__ = ["gis"]


@pytest.mark.timeout(900)
def test_every_operation_answers_as_described(gis):
    """schemathesis requests every operation of the document of the service, with the same cases in every run."""
    document = gis.client.get("/ogc/api").json()
    schema = schemathesis.openapi.from_dict(document)
    names = ("not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance")
    checks = [CHECKS.get_one(name) for name in names]
    asked = 0
    for result in schema.get_all_operations():
        operation = result.ok()

        @hypothesis.given(case=operation.as_strategy())
        @hypothesis.settings(
            max_examples=6,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(hypothesis.HealthCheck),
        )
        def ask(case):
            nonlocal asked
            asked += 1
            headers = {"Authorization": f"Bearer {gis.token}", "Connection": "close"}
            answer = case.call(base_url=gis.base, headers=headers, timeout=200)
            case.validate_response(answer, checks=checks)

        ask()
    assert asked > 150
