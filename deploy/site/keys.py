"""The keys of a scenario as a page: read from the JSON Schema of the pydantic models that check a scenario."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from deploy.site.markdown import code, table
from twin.scenario import Scenario

Schema = dict[str, Any]
BOUNDS = {
    "minimum": "≥ {}", "exclusiveMinimum": "> {}", "maximum": "≤ {}", "exclusiveMaximum": "< {}",
    "minItems": "at least {}", "maxItems": "at most {}",
}  # fmt: skip
INTRODUCTION = """# Scenario keys

A scenario file gives the keys that differ from the scenario it `extends` (a name, or a list of names); what no file
says has the default below. `--set solar.panels=4` overrides one value, and an unknown key stops the run. Sections that
are null are not simulated. [How to write a scenario](../how-to/scenario.md) shows one.
"""


def page() -> str:
    """Every key with its type, default, bounds and description, section by section."""
    whole = Scenario.model_json_schema()
    return "\n".join([INTRODUCTION, *_sections(whole, whole, "")])


def _sections(whole: Schema, model: Schema, path: str) -> Iterator[str]:
    if path:
        yield f"## `{path}` {{ #{path} }}\n"
        yield f"{model['description']}\n" if "description" in model else ""
    inner: list[tuple[Schema, str]] = []
    rows = []
    for key, field in model["properties"].items():
        at = f"{path}.{key}" if path else key
        kind, below = _kind(whole, field, at)
        inner += below
        value = "<br>".join(filter(None, (kind, _bounds(field), _default(key, model, field))))
        rows.append((code(key), value, field.get("description", "")))
    yield table(("key", "value", "what it is"), rows)
    for one, at in inner:
        yield from _sections(whole, one, at)


def _kind(whole: Schema, field: Schema, at: str) -> tuple[str, list[tuple[Schema, str]]]:
    """What a value is, in words, and the models inside it with the path of each."""
    if "$ref" in field:
        return f"[section](#{at})", [(whole["$defs"][field["$ref"].rpartition("/")[2]], at)]
    if "anyOf" in field:
        found = [_kind(whole, one, at) for one in field["anyOf"]]
        return " or ".join(kind for kind, _ in found), [one for _, below in found for one in below]
    if "enum" in field:
        return ", ".join(code(value) for value in field["enum"]), []
    if "const" in field:
        return code(field["const"]), []
    if field["type"] == "array":
        kind, below = _kind(whole, field["items"], f"{at}[]")
        return f"list of {kind}", below
    return field["type"], []


def _default(key: str, model: Schema, field: Schema) -> str:
    if key in model.get("required", ()):
        return "*required*"
    return "" if "$ref" in field else f"*default* `{json.dumps(field.get('default'), ensure_ascii=False)}`"


def _bounds(field: Schema) -> str:
    """The bounds of a field, or of the alternatives that have some."""
    own = [told.format(f"{field[bound]}") for bound, told in BOUNDS.items() if bound in field]
    return ", ".join(own + [bounds for one in field.get("anyOf", ()) if (bounds := _bounds(one))])
