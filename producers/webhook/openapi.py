"""What this door takes and answers, as OpenAPI 3.1, for those who generate clients and for those who ask.

It describes every path, status and way to prove who one is. Pure; served at `/openapi.json`.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from producers.intake import Answer
from producers.intake_file import Signature
from producers.webhook.answers import IGNORED, REJECTED
from producers.webhook.limits import Limits
from producers.webhook.signatures import HEADERS

__all__ = ["document"]

_ERROR: Final = {"$ref": "#/components/schemas/Error"}
_SECURITY: Final[Sequence[Mapping[str, Sequence[str]]]] = [
    {"bearer": []},
    {"basic": []},
    *({f"signature_{kind}": []} for kind in Signature),
]
_RETRY_AFTER: Final = {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 1}}}
_NOT_TAKEN_IN: Final = {
    "400": "The body is empty, no JSON, no UTF-8, or nested too deeply around its alerts.",
    "401": "No valid credentials.",
    "403": "A browser, while nobody is asked for credentials.",
    "404": "There is no such source; only who has a token hears it.",
    "405": "Alerts are posted.",
    "408": "The body was not there in time.",
    "413": "The body is too long, or holds too many alerts or values.",
    "415": "The content type is not one of this source's, or the body is compressed.",
    "417": "The only expectation known is 100-continue.",
    "500": "A fault of ours; send it again.",
}


def document(sources: Iterable[str], limits: Limits) -> Mapping[str, object]:
    """Return the document; `sources` are the names that a path may end with, beside `plain`."""
    names = sorted({"plain", *sources})
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Firstline intake",
            "version": "1",
            "summary": "Alerts in, one verdict for each out.",
            "description": (
                "An answer of 2xx is a promise: what it says is durable. "
                f"At most {limits.alerts} alerts, {limits.values} commas and brackets, and {limits.body_bytes} bytes a "
                "request. Alerts with a start of their own can be sent again: they are recognised."
            ),
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "paths": {
            "/v1/alerts": {"post": _post("Take in plain alerts, or CloudEvents by their content type", _PLAIN_CONTENT)},
            "/v1/alerts/{source}": {
                "parameters": [
                    {"name": "source", "in": "path", "required": True, "schema": {"type": "string", "enum": names}}
                ],
                "post": _post("Take in alerts as one system sends them", _ANY_JSON),
            },
            "/healthz": {"get": _get("Say whether the process lives", "It lives.")},
            "/readyz": {
                "get": _get(
                    "Say whether alerts can be taken in", "They can.", "They can't; who sends a token hears why."
                )
            },
            "/openapi.json": {"get": _get("Return this document", "OpenAPI 3.1.")},
        },
        "components": {"schemas": _SCHEMAS, "securitySchemes": _security_schemes()},
    }


_ANY_JSON: Final = {"application/json": {"schema": {"type": ["object", "array"]}}}
_PLAIN_CONTENT: Final = {
    "application/json": {
        "schema": {
            "oneOf": [
                {"$ref": "#/components/schemas/PlainAlert"},
                {"type": "array", "items": {"$ref": "#/components/schemas/PlainAlert"}},
            ]
        }
    },
    "application/x-ndjson": {"schema": {"type": "string", "description": "One alert a line."}},
    "text/plain": {"schema": {"type": "string", "description": "One alert in words, or as JSON, a line."}},
    "application/cloudevents+json": {"schema": {"type": "object"}},
    "application/cloudevents-batch+json": {"schema": {"type": "array"}},
}
_SCHEMAS: Final = {
    "PlainAlert": {
        "type": "object",
        "properties": {
            "error_msg": {"type": "string", "description": "What is wrong; `text` and `message` count, too."},
            "server_id": {"type": "string"},
            "timestamp": {"type": ["string", "number"], "description": "ISO 8601, or seconds since 1970."},
            "severity": {"type": "string"},
            "labels": {"type": "object"},
        },
        "additionalProperties": True,
    },
    "Verdict": {
        "type": "object",
        "required": ["answer"],
        "properties": {
            "answer": {"enum": [*map(str, Answer), REJECTED, IGNORED]},
            "incident_id": {"type": "string", "description": "The incident that has it."},
            "reason": {"type": "string", "description": "Why it was rejected or ignored."},
        },
    },
    "Answer": {
        "type": "object",
        "required": ["answers", "counts"],
        "properties": {
            "answers": {"type": "array", "items": {"$ref": "#/components/schemas/Verdict"}},
            "counts": {"type": "object", "additionalProperties": {"type": "integer"}},
        },
    },
    "Error": {
        "type": "object",
        "required": ["error", "where"],
        "properties": {"error": {"type": "string"}, "where": {"type": "string"}},
    },
    "AnswerWithError": {"allOf": [{"$ref": "#/components/schemas/Answer"}, _ERROR]},
}


def _post(summary: str, content: Mapping[str, object]) -> Mapping[str, object]:
    with_error = {"$ref": "#/components/schemas/AnswerWithError"}
    return {
        "summary": summary,
        "security": _SECURITY,
        "requestBody": {"required": True, "content": content},
        "responses": {
            "200": _response("At least one alert was understood; one verdict each, in order.", _ref("Answer")),
            **{status: _response(meaning, _ERROR) for status, meaning in _NOT_TAKEN_IN.items()},
            "422": _response("No alert was understood.", with_error),
            "503": {
                **_response(
                    "Redis is away, too many incidents are open, or this sender sends too often: send all again.",
                    {"anyOf": [with_error, _ERROR]},
                ),
                "headers": _RETRY_AFTER,
            },
        },
    }


def _get(summary: str, good: str, unavailable: str | None = None) -> Mapping[str, object]:
    responses = {"200": _response(good, {"type": "object"}), "405": _response("It is only read.", _ERROR)}
    if unavailable:
        responses["503"] = {**_response(unavailable, _ERROR), "headers": _RETRY_AFTER}
    return {"summary": summary, "security": [], "responses": responses}


def _ref(name: str) -> Mapping[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def _response(meaning: str, schema: Mapping[str, object]) -> dict[str, object]:
    return {"description": meaning, "content": {"application/json": {"schema": schema}}}


def _security_schemes() -> Mapping[str, object]:
    return {
        "bearer": {"type": "http", "scheme": "bearer"},
        "basic": {"type": "http", "scheme": "basic", "description": "Any user name; the token is the password."},
        **{
            f"signature_{kind}": {
                "type": "apiKey",
                "in": "header",
                "name": HEADERS[kind],
                "description": "HMAC-SHA256 over the body, where the intake file says so for the source.",
            }
            for kind in Signature
        },
    }
