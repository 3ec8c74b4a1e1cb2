"""Examples in the OpenAPI document: a whole body for every request, and an answer for every kind of error."""

from __future__ import annotations

from typing import Any

ERRORS = {
    400: ("There was an error parsing the body", ""),
    401: ("a valid token is needed: Authorization: Bearer …", "no_token"),
    403: ("this is for trader", "not_your_role"),
    404: ("order 17: there is none, or it is not yours", "not_found"),
    409: ("not enough money: 1,000 Rp are free, 69,677 Rp are needed", "not_enough_money"),
    413: ("a request has at most 8388608 bytes", ""),
    422: ("the request is not as the API has it", "input_at_fault"),
    429: ("too many requests; wait a minute", ""),
    503: ("signals are off: TWIN_DEPLOY_MQTT names no broker", "off"),
}
FAULTS = {422: ["body.lots: Input should be greater than or equal to 1"]}


def error_example(status: int, title: str) -> dict[str, Any]:
    """A problem as it is answered with this status."""
    detail, reason = ERRORS[status]
    return {"type": "about:blank", "title": title, "status": status, "detail": detail, "reason": reason,
            "faults": FAULTS.get(status, [])}  # fmt: skip


def add_bodies(document: dict[str, Any]) -> None:
    """Give every request's body a whole example, made of its fields' own; one that lacks a field's gets none."""
    schemas = document["components"]["schemas"]
    for path in document["paths"].values():
        for operation in path.values():
            for content in operation.get("requestBody", {}).get("content", {}).values():
                example = _example(content["schema"], schemas)
                if example is not None:
                    content["example"] = example


def _example(schema: dict[str, Any], schemas: dict[str, Any]) -> Any:
    """A value of a schema; None where it has no example."""
    if "$ref" in schema:
        return _example(schemas[schema["$ref"].rpartition("/")[2]], schemas)
    for word in ("examples", "enum"):
        if word in schema:
            return schema[word][0]
    if "const" in schema:
        return schema["const"]
    if schema.get("type") == "array":
        one = _example(schema["items"], schemas)
        return None if one is None else [one]
    if "properties" not in schema:
        return None
    fields = {name: _example(field, schemas) for name, field in schema["properties"].items()}
    if any(fields[name] is None for name in schema.get("required", [])):
        return None
    told = schema["properties"]
    return {name: one for name, one in fields.items()
            if one is not None and ("default" not in told[name] or "examples" in told[name])}  # fmt: skip
