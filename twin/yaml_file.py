"""YAML as a scenario uses it: plain data with the line of every key; YAML 1.2 scalars, no aliases, no tags."""

from __future__ import annotations

import copy
import functools
import re
from pathlib import Path
from typing import Any

import yaml

from twin.errors import ScenarioError

Path_ = tuple[str | int, ...]
MAX_BYTES = 4_000_000
MAX_DEPTH, MAX_DIGITS = 50, 300  # deeper than any scenario, and what Python's own parsers take at ease

OPENS = (
    yaml.BlockMappingStartToken,
    yaml.BlockSequenceStartToken,
    yaml.FlowMappingStartToken,
    yaml.FlowSequenceStartToken,
)
CLOSES = (yaml.BlockEndToken, yaml.FlowMappingEndToken, yaml.FlowSequenceEndToken)
_NULL = re.compile(r"^(?:~|null|Null|NULL|)$")
_BOOL = re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$")
_INT = re.compile(r"^[-+]?[0-9]+$")
_FLOAT = re.compile(r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$")


class _RefusedError(yaml.YAMLError):
    """YAML that is read by nobody here."""

    def __init__(self, problem: str, mark: yaml.Mark) -> None:
        self.problem, self.line = problem, mark.line + 1
        super().__init__(problem)


class _Loader(yaml.SafeLoader):
    """SafeLoader with YAML 1.2's scalars: `2026-02-30`, `1:30`, `no`, `010` are no date, seconds, False or eight."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 (PyYAML's own shape)

    def construct_decimal(self, node: yaml.ScalarNode) -> int:
        """`010` is ten."""
        digits = str(self.construct_scalar(node))
        if len(digits) > MAX_DIGITS:
            raise _RefusedError(problem=f"a number of {len(digits)} digits", mark=node.start_mark)
        return int(digits)


for _tag, _pattern, _first in (
    ("null", _NULL, ["~", "n", "N", ""]),
    ("bool", _BOOL, list("tTfF")),
    ("int", _INT, list("-+0123456789")),
    ("float", _FLOAT, list("-+.0123456789")),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", _pattern, _first)
_Loader.add_constructor("tag:yaml.org,2002:int", _Loader.construct_decimal)


def parse_value(text: str) -> Any:
    """One YAML value, as after the `=` of `--set`; raises yaml.YAMLError."""
    _refuse(text)
    return yaml.load(text, Loader=_Loader)  # noqa: S506 (a SafeLoader)


def _refuse(text: str) -> None:
    """Raise _RefusedError for aliases and tags, and for what is nested so deeply that parsing it would not end."""
    depth = 0
    for token in yaml.scan(text, Loader=_Loader):
        if isinstance(token, yaml.AliasToken):
            told = f"aliases (*{token.value}) are not allowed; write it out"
            raise _RefusedError(problem=told, mark=token.start_mark)
        if isinstance(token, yaml.TagToken):
            raise _RefusedError(problem="tags (!!…) are not allowed; leave it out", mark=token.start_mark)
        depth += isinstance(token, OPENS) - isinstance(token, CLOSES)
        if depth > MAX_DEPTH:
            raise _RefusedError(problem=f"is nested deeper than {MAX_DEPTH} levels", mark=token.start_mark)


def read_mapping(path: Path) -> tuple[dict[str, Any], dict[Path_, int]]:
    """Read a YAML mapping and the line (from 1) of every key and list item in it.

    Raises ScenarioError with every fault found: not UTF-8, no YAML, no mapping, aliases, keys given twice.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise ScenarioError(str(path), [f"cannot be read: {error.strerror}"]) from error
    if len(raw) > MAX_BYTES:
        raise ScenarioError(str(path), [f"is {len(raw)} bytes long; a scenario has at most {MAX_BYTES}"])
    return copy.deepcopy(_parsed(path, raw))


@functools.lru_cache(maxsize=32)
def _parsed(path: Path, raw: bytes) -> tuple[dict[str, Any], dict[Path_, int]]:
    """What the bytes of a file say; a sweep reads the same few files for every point."""
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ScenarioError(str(path), [f"is not UTF-8 text (byte {error.start}); save it as UTF-8"]) from error
    try:
        _refuse(text)
        loader = _Loader(text)
        node = loader.get_single_node()
        if node is not None and not isinstance(node, yaml.MappingNode):
            raise ScenarioError(str(path), ["holds no mapping; write `key: value` lines"])
        lines: dict[Path_, int] = {}
        faults: list[str] = []
        data = _construct(loader, node, (), lines, faults) if node is not None else {}
    except _RefusedError as error:
        raise ScenarioError(str(path), [f"line {error.line}: {error.problem}"]) from error
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ScenarioError(str(path), [f"line {line}: is not YAML: {error.problem}"]) from error
    except yaml.YAMLError as error:
        raise ScenarioError(str(path), [f"is not YAML: {error}".splitlines()[0]]) from error
    if faults:
        raise ScenarioError(str(path), faults)
    return data, lines


def _construct(loader: _Loader, node: yaml.Node, at: Path_, lines: dict[Path_, int], faults: list[str]) -> Any:
    if isinstance(node, yaml.MappingNode):
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                faults.append(f"line {line}: a key must be one word")
                continue
            key = str(key_node.value)
            if key in result:
                faults.append(
                    f"line {line}: {'.'.join(map(str, (*at, key)))}: given twice (first on line {lines[(*at, key)]})"
                )
            else:
                lines[(*at, key)] = line
            result[key] = _construct(loader, value_node, (*at, key), lines, faults)
        return result
    if isinstance(node, yaml.SequenceNode):
        for i, item in enumerate(node.value):
            lines[(*at, i)] = item.start_mark.line + 1
        return [_construct(loader, item, (*at, i), lines, faults) for i, item in enumerate(node.value)]
    return loader.construct_object(node)
