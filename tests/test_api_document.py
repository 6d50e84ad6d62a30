"""The API document is valid, complete, and says what a caller must expect."""

from __future__ import annotations

import json
import re

from flask.testing import FlaskClient
from openapi_spec_validator import validate


def test_document_is_valid_openapi_and_names_every_api_route(client: FlaskClient) -> None:
    document = client.get("/api/v1/openapi.json").get_json()
    validate(document)
    rules = {
        re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)
        for rule in client.application.url_map.iter_rules()
        if rule.rule.startswith("/api/v1/")
    }
    assert rules <= set(document["paths"])


def test_office_operations_name_their_token_and_their_problems(client: FlaskClient) -> None:
    document = client.get("/api/v1/openapi.json").get_json()
    act = document["paths"]["/api/v1/office/tips/{tip_id}/actions"]["post"]
    assert act["security"] == [{"officer": []}]
    assert {"200", "401", "403", "404", "409", "422"} <= set(act["responses"])
    assert "application/problem+json" in act["responses"]["409"]["content"]
    assert "security" not in document["paths"]["/api/v1/tips"]["post"]


def test_every_schema_has_one_name(client: FlaskClient) -> None:
    document = client.get("/api/v1/openapi.json").get_json()
    schemas = document["components"]["schemas"]
    assert [name for name in schemas if name[-1].isdigit()] == []
    named = set(re.findall(r"#/components/schemas/(\w+)", json.dumps(document)))
    assert named <= set(schemas)
    assert {"ZoneView", "ZonePage", "RewardShareView", "RoundLineView"} <= named


def test_upload_is_documented_as_a_multipart_form(client: FlaskClient) -> None:
    document = client.get("/api/v1/openapi.json").get_json()
    upload = document["paths"]["/api/v1/uploads"]["post"]
    assert list(upload["requestBody"]["content"]) == ["multipart/form-data"]


def test_readable_page_needs_nothing_from_elsewhere(client: FlaskClient) -> None:
    page = client.get("/api/v1/docs").get_data(as_text=True)
    assert "/api/v1/tips/query" in page
    assert "http://" not in page
    assert "https://" not in page


def test_files_and_decimals_are_documented_as_they_come(client: FlaskClient) -> None:
    """Every operation that answers with bytes says of which kind; money is text."""
    document = client.get("/api/v1/openapi.json").get_json()
    app = client.application
    for rule in app.url_map.iter_rules():
        if (
            rule.rule.startswith("/api/v1/office")
            and app.view_functions[rule.endpoint].__annotations__.get("return") == "Response"
        ):
            path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)
            (operation,) = document["paths"][path].values()
            (schema,) = {str(one["schema"]) for one in operation["responses"]["200"]["content"].values()}
            assert "binary" in schema, path
    tier = document["components"]["schemas"]["TierBody"]["properties"]["per_ten_thousand"]
    assert "string" in tier["type"]
    assert "number" not in tier["type"]
