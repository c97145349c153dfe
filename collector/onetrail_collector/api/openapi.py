"""`/openapi.json`: what can be asked of the collector, made from the types that it is decoded with.

An Operation describes itself; the ways in and the pages for machines, which are none, are written
down here. (OpenAPI 3.1: https://spec.openapis.org/oas/v3.1.0; JSON Schema by msgspec.)
"""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from onetrail_collector.api.operation import Nothing, Operation, json_response
from onetrail_collector.wire import track
from onetrail_collector.wire.envelope import EventWarning, Rejection

API_VERSION = "1"  # of the API, not of the program, which is nobody's business

ERRORS = {
    400: "The body is not JSON.",
    401: "No token, or one that is not valid; on the way in: the source is unknown or disabled.",
    403: "The token or the page's origin may not do this.",
    404: "It is not here.",
    409: "It exists already.",
    413: "Too large; send it in smaller parts.",
    415: "The body is packed in a way that is not known here.",
    422: "A field or parameter is not what it must be; the detail says which.",
    429: "Too many; come back after as many seconds as the header Retry-After says.",
    503: "Not now; come back after as many seconds as the header Retry-After says.",
}
OF_EVERY_CALL = (429, 503)
OF_A_TOKEN = (401, 403)
OF_A_BODY = (400, 413, 415, 422)
WAY_IN = (*OF_A_BODY, *OF_A_TOKEN, *OF_EVERY_CALL)

Schema = dict[str, Any]
Rfc3339 = Annotated[datetime, msgspec.Meta(extra_json_schema={"format": "date-time"})]


class Error(msgspec.Struct):
    """Each error's shape: a code for programs, and a sentence that says what to do."""

    error: str
    detail: str


class Status(msgspec.Struct):
    """It is well."""

    status: str


class Ref(msgspec.Struct):
    """An ID."""

    id: str


class TrackAnswer(msgspec.Struct):
    """What became of a request, given when all that is accepted is on disk.

    The fields after `warnings` are Tracardi's, for its clients.
    """

    profile: Ref
    session: Ref
    accepted: int
    duplicates: int
    results: list[Literal["stored", "duplicate", "rejected"]]
    rejected: list[Rejection]
    warnings: list[EventWarning]
    events: list[str]
    errors: list[str]
    task: None
    ux: list[Any]
    response: dict[str, Any]


def route(operations: Iterable[Operation], ways_in: Iterable[str]) -> Route:
    """GET /openapi.json for these operations and the paths of these protocols."""
    described = document(operations, ways_in)

    async def answer(_: Request) -> Response:
        return json_response(described)

    return Route("/openapi.json", answer)


def document(operations: Iterable[Operation], ways_in: Iterable[str]) -> dict[str, Any]:
    """The OpenAPI document."""
    schemas = _Schemas()
    paths: dict[str, dict[str, Any]] = {
        path: {"post": _way_in(path, schemas)} for path in sorted(ways_in)
    }
    for operation in operations:
        path = re.sub(r":\w+}", "}", operation.path)  # Starlette's convertors
        paths.setdefault(path, {})[operation.method.lower()] = _operation(operation, path, schemas)
    paths |= _pages(schemas)
    schemas.of(Error)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "onetrail collector",
            "version": API_VERSION,
            "description": "Stores events, issues profile IDs, resolves identities.",
        },
        "paths": paths,
        "components": {
            "schemas": schemas.components,
            "responses": {str(status): _error(text) for status, text in ERRORS.items()},
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "Made with: onetrail-collector tokens add NAME",
                }
            },
        },
    }


class _Schemas:
    """JSON Schemas by name, gathered as types are asked for."""

    def __init__(self) -> None:
        self.components: dict[str, Schema] = {}

    def of(self, kind: Any) -> Schema:
        [schema], components = msgspec.json.schema_components(
            [kind], ref_template="#/components/schemas/{name}"
        )
        self.components |= components
        return schema

    def fields(self, kind: type[msgspec.Struct]) -> tuple[dict[str, Schema], set[str]]:
        """A struct's fields by name, and which of them are required."""
        _, components = msgspec.json.schema_components([kind])
        schema = components[kind.__name__]
        return schema.get("properties", {}), set(schema.get("required", []))


def _operation(operation: Operation, path: str, schemas: _Schemas) -> dict[str, Any]:
    lines = (operation.answer.__doc__ or operation.answer.__name__).strip().splitlines()
    errors = {*OF_A_TOKEN, *OF_EVERY_CALL, 422, *operation.errors}
    errors |= {404} if "{" in path else set()
    described: dict[str, Any] = {
        "operationId": operation.answer.__name__,
        "summary": lines[0],
        "description": f"Needs a token with the scope `{operation.scope}`.",
        "security": [{"token": []}],
        "parameters": _parameters(operation, path, schemas),
    }
    if operation.body is not Nothing:
        errors |= {*OF_A_BODY}
        required = any(field.required for field in msgspec.structs.fields(operation.body))
        described["requestBody"] = _json_body(schemas.of(operation.body), required=required)
    answer = _ok(schemas.of(operation.answers), operation.media_type)
    if operation.or_media_type is not None:
        answer["content"][operation.or_media_type] = {"schema": {"type": "string"}}
    return described | {"responses": _responses(answer, errors, str(operation.status))}


def _parameters(operation: Operation, path: str, schemas: _Schemas) -> list[dict[str, Any]]:
    fields, required = schemas.fields(operation.asks)
    return [
        {
            "name": name,
            "in": "path" if f"{{{name}}}" in path else "query",
            "required": name in required,
            "schema": schema,
        }
        for name, schema in fields.items()
    ]


def _way_in(path: str, schemas: _Schemas) -> dict[str, Any]:
    known = path == "/track"
    return {
        "operationId": path.strip("/").replace("/", "_"),
        "summary": "Send events; 200 when they are on disk.",
        "requestBody": _json_body(schemas.of(_batch() if known else dict[str, Any])),
        "responses": _responses(_ok(schemas.of(TrackAnswer if known else Any)), WAY_IN),
        "security": [],
    }


def _batch() -> type[msgspec.Struct]:
    """What /track decodes, with a JSON object where the decoder leaves one as it was sent."""
    event = _with_objects("Event", track.BatchEvent)
    return _with_objects("Batch", track.Batch, events=list[event])  # type: ignore[valid-type]


def _with_objects(name: str, kind: type[msgspec.Struct], **changed: Any) -> type[msgspec.Struct]:
    members: list[Any] = []
    for member in msgspec.structs.fields(kind):
        if member.type is msgspec.Raw:
            members.append((member.name, dict[str, Any] | None, None))
        elif member.type == datetime | None:
            members.append((member.name, Rfc3339 | None, None))
        elif member.required:
            members.append((member.name, changed.get(member.name, member.type)))
        else:
            members.append((member.name, member.type, member.default))
    return msgspec.defstruct(name, members)


def _pages(schemas: _Schemas) -> dict[str, dict[str, Any]]:
    """What machines and browsers get without a body and, but for /metrics, without a token."""
    text = {"schema": {"type": "string"}}
    script = {"description": "JavaScript", "content": {"text/javascript": text}}
    status = _ok(schemas.of(Status))
    metrics = {"description": "Prometheus' text format", "content": {"text/plain": text}}
    pages = {
        "/healthz": ("Alive?", status, ()),
        "/readyz": ("Can it commit now?", status, (503,)),
        "/metrics": ("What Prometheus reads.", metrics, (*OF_A_TOKEN, *OF_EVERY_CALL)),
        "/openapi.json": ("This document.", _ok({"type": "object"}), ()),
        "/t.js": ("The tracker.", script, ()),
        "/t-more.js": ("What the tracker loads where its tag asks for more.", script, ()),
        "/t-vitals.js": ("What the tracker loads where its tag asks for web vitals.", script, ()),
    }
    return {
        path: {
            "get": {
                "operationId": path.strip("/").replace(".", "_"),
                "summary": summary,
                "security": [{"token": []}, {}] if path == "/metrics" else [],
                "responses": _responses(answer, errors),
            }
        }
        for path, (summary, answer, errors) in pages.items()
    }


def _responses(ok: Mapping[str, Any], errors: Iterable[int], status: str = "200") -> dict[str, Any]:
    return {status: ok} | {
        str(status): {"$ref": f"#/components/responses/{status}"} for status in sorted(errors)
    }


def _ok(schema: Schema, media_type: str = "application/json") -> dict[str, Any]:
    return {"description": "Done.", "content": {media_type: {"schema": schema}}}


def _error(text: str) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Error"}
    return {"description": text, "content": {"application/json": {"schema": schema}}}


def _json_body(schema: Schema, *, required: bool = True) -> dict[str, Any]:
    return {"required": required, "content": {"application/json": {"schema": schema}}}
