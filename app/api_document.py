"""The OpenAPI document at ``/api/v1/openapi.json`` and a readable page of it at ``/api/v1/docs``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from apiflask import APIFlask
from apispec import APISpec, BasePlugin
from apispec.ext.marshmallow import MarshmallowPlugin
from flask import Flask, render_template
from marshmallow import fields

from app.foundation.http import Audience, Policy, endpoint
from app.foundation.permissions import Actor, Permission

PREFIX: Final = "/api/v1"
_PROBLEM: Final = {
    "type": "object",
    "required": ["type", "title", "status", "code"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string", "description": "中文说明"},
        "status": {"type": "integer"},
        "code": {"type": "string", "description": "稳定的英文代码"},
        "detail": {"type": "string"},
        "errors": {"type": "object", "additionalProperties": {"type": "array", "items": {"type": "string"}}},
        "request_id": {"type": "string"},
    },
}
_SCHEMA: Final = "#/components/schemas/"
_PARAMETER: Final = re.compile(r"<(?:\w+:)?(\w+)>")
_TAKE_BYTES: Final = frozenset({"uploads.take_part"})
"""Operations whose body is the bytes themselves; no schema of ours describes it."""
_DOCX: Final = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
_XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_JPEG: Final = "image/jpeg"
_GIVE_BYTES: Final = {
    "filing_proof.make_proof": ["application/pdf"],
    "office_document_templates.fetch_document_template": [_DOCX],
    "office_case_documents.download_document": [_DOCX, "application/pdf"],
    "office_case_imports.fetch_result": [_XLSX],
    "office_case_ledger.export_batch": [_XLSX, "text/csv"],
    "office_case_tasks.fetch_bank_file": [_XLSX, "text/csv"],
    "office_evidence.download_original": ["*/*"],
    "office_evidence.view_copy": [_JPEG],
    "office_evidence.view_page": [_JPEG],
    "office_evidence.view_thumbnail": [_JPEG],
    "office_tips.download_letter": [_DOCX],
    "office_tips.export_tips": [_XLSX, "text/csv"],
}
"""Operations that answer with a file, and of which kinds."""
_BYTES: Final = {"schema": {"type": "string", "format": "binary"}}
_BEARER: Final = {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
_REFUSALS: Final = {
    400: "请求格式有误",
    401: "未登录或登录已失效",
    403: "无权进行此操作",
    404: "未找到",
    409: "与现有情况冲突，或内容已被他人更新",
    413: "内容超过大小限制",
    415: "不支持的文件类型",
    422: "提交的内容有误",
    429: "操作过于频繁",
    503: "服务暂时不可用",
}


def register(app: APIFlask) -> None:
    """Serve the document and the page."""
    app.spec_plugins.append(_DecimalsAsText())
    app.spec_processor(lambda document: _completed(app, document))

    @app.get(f"{PREFIX}/openapi.json")
    @endpoint(audience=Audience.ANYONE, permission=Permission.PUBLIC_READ, changes=False)
    def openapi(_actor: Actor) -> Any:
        """The OpenAPI document of every endpoint under /api/v1."""
        return app.spec

    @app.get(f"{PREFIX}/docs")
    @endpoint(audience=Audience.ANYONE, permission=Permission.PUBLIC_READ, changes=False)
    def docs(_actor: Actor) -> Any:
        """The same document as a page."""
        return app.make_response(render_template("api_docs.html", document=app.spec))


class _DecimalsAsText(BasePlugin):
    """Money and shares travel as text, so that nobody's floating point touches them."""

    def init_spec(self, spec: APISpec) -> None:
        """Runs after the marshmallow plugin, which knows decimals as numbers."""
        for plugin in spec.plugins:
            if isinstance(plugin, MarshmallowPlugin) and plugin.converter is not None:
                plugin.converter.field_mapping[fields.Decimal] = ("string", "decimal")


def _completed(app: Flask, document: Any) -> Any:
    """Add what a declaration says beyond its schemas: who may call, and the refusals that can come back."""
    components = document.setdefault("components", {})
    components.setdefault("schemas", {})["Problem"] = _PROBLEM
    components["securitySchemes"] = {
        Audience.REPORTER.value: _BEARER | {"description": "小程序会话"},
        Audience.OFFICER.value: _BEARER | {"description": "工作人员会话"},
    }
    for rule in app.url_map.iter_rules():
        path = _PARAMETER.sub(r"{\1}", rule.rule)
        policy = getattr(app.view_functions[rule.endpoint], "policy", None)
        for method, operation in document["paths"].get(path, {}).items():
            if isinstance(policy, Policy) and method.upper() in (rule.methods or ()):
                if rule.endpoint in _TAKE_BYTES:
                    operation["requestBody"] = {"required": True, "content": {"application/octet-stream": _BYTES}}
                if kinds := _GIVE_BYTES.get(rule.endpoint):
                    operation["responses"]["200"] = {"description": "文件", "content": dict.fromkeys(kinds, _BYTES)}
                _complete_operation(operation, policy, path)
    document["servers"] = [{"url": "/"}]
    return _without_twins(document)


def _without_twins(document: Any) -> Any:
    """A schema under one name: APIFlask adds it again, with a number, where another that holds it came first."""
    schemas = document["components"]["schemas"]
    twins = {
        f"{_SCHEMA}{name}": f"{_SCHEMA}{first}"
        for name, schema in schemas.items()
        if (first := name.rstrip("0123456789")) != name and schemas.get(first) == schema
    }
    for twin in twins:
        del schemas[twin.removeprefix(_SCHEMA)]
    return _renamed(document, twins)


def _renamed(part: Any, names: Mapping[str, str]) -> Any:
    if isinstance(part, dict):
        return {key: _renamed(value, names) for key, value in part.items()}
    if isinstance(part, list):
        return [_renamed(one, names) for one in part]
    return names.get(part, part) if isinstance(part, str) else part


def _complete_operation(operation: dict[str, Any], policy: Policy, path: str) -> None:
    takes = "requestBody" in operation
    statuses = {429, 503} | (
        {413, 422, 400, 404, 409} if takes else set()
    )  # what a body names may be unknown or in the way
    statuses |= {422} if any(p["in"] == "query" for p in operation.get("parameters", [])) else set()
    statuses |= {415} if "multipart/form-data" in operation.get("requestBody", {}).get("content", {}) else set()
    statuses |= {404, 409} if "{" in path else set()
    statuses |= {401} if path.endswith("/session") else set()
    if policy.audience in {Audience.REPORTER, Audience.OFFICER}:
        operation["security"] = [{policy.audience.value: []}]
        statuses |= {401, 403}
    for status in sorted(statuses):
        operation["responses"][str(status)] = {
            "description": _REFUSALS[status],
            "content": {"application/problem+json": {"schema": {"$ref": f"{_SCHEMA}Problem"}}},
        }
