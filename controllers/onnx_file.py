"""What an ONNX file asks of the runtime, read from its bytes before anything loads it.

Only the fields that matter are walked (the protobuf wire format of onnx.proto3): operators, their domains, attributes,
weights. A policy needs few operators; whatever else a file holds is refused, above all code and data from elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from controllers.errors import BundleError

OPERATORS = frozenset({
    "Add", "Cast", "Clip", "Concat", "Constant", "Div", "Expand", "Flatten", "Gather", "Gemm", "Greater",
    "Identity", "Less", "MatMul", "Max", "Min", "Mul", "Neg", "Not", "ReduceMax", "ReduceMean", "ReduceSum",
    "Relu", "Reshape", "Shape", "Sigmoid", "Slice", "Softmax", "Split", "Sqrt", "Squeeze", "Sub", "Sum", "Tanh",
    "Transpose", "Unsqueeze", "Where",
})  # fmt: skip
FLOAT, INT32, INT64, BOOL, DOUBLE = 1, 6, 7, 9, 11
NUMPY = {FLOAT: "<f4", INT32: "<i4", INT64: "<i8", BOOL: "?", DOUBLE: "<f8"}
# Numbers of the fields in onnx.proto3.
MODEL_GRAPH, MODEL_OPSETS, MODEL_TRAINING, MODEL_FUNCTIONS = 7, 8, 20, 25
GRAPH_NODE, GRAPH_INITIALIZER, GRAPH_SPARSE = 1, 5, 15
NODE_OPERATOR, NODE_ATTRIBUTE, NODE_DOMAIN = 4, 5, 7
ATTRIBUTE_TENSOR, ATTRIBUTE_TENSORS, ATTRIBUTE_GRAPHS, ATTRIBUTE_SPARSE = 5, 10, (6, 11), (22, 23)
TENSOR_TYPE, TENSOR_FLOATS, TENSOR_RAW, TENSOR_DOUBLES, TENSOR_EXTERNAL = 2, 4, 9, 10, (13, 14)


def check_onnx(name: str, data: bytes) -> None:
    """Raises BundleError unless `data` is a model of plain operators whose weights are inside it and finite."""
    try:
        _model(name, data)
    except (IndexError, ValueError, UnicodeDecodeError) as error:
        raise BundleError(f"{name}: is no ONNX model ({error})") from error


def _model(name: str, data: bytes) -> None:
    fields = list(_fields(data))
    if any(number in (MODEL_TRAINING, MODEL_FUNCTIONS) for number, _ in fields):
        raise BundleError(f"{name}: holds functions or training code; a policy is a graph of plain operators")
    for number, value in fields:
        if number == MODEL_OPSETS and (domain := _text(_bytes(value), 1)) not in ("", "ai.onnx"):
            raise BundleError(f"{name}: asks for operators of {domain!r}; only ONNX's own are allowed")
    graphs = [_bytes(value) for number, value in fields if number == MODEL_GRAPH]
    if len(graphs) != 1:
        raise ValueError(f"{len(graphs)} graphs")
    _graph(name, graphs[0])


def _graph(name: str, data: bytes) -> None:
    for number, value in _fields(data):
        if number == GRAPH_NODE:
            _node(name, _bytes(value))
        elif number == GRAPH_INITIALIZER:
            _tensor(name, _bytes(value))
        elif number == GRAPH_SPARSE:
            raise BundleError(f"{name}: has sparse weights; write them dense")


def _node(name: str, data: bytes) -> None:
    operator, domain = _text(data, NODE_OPERATOR), _text(data, NODE_DOMAIN)
    if domain not in ("", "ai.onnx") or operator not in OPERATORS:
        raise BundleError(f"{name}: operator {operator!r} of domain {domain or 'ai.onnx'!r} is not allowed")
    for number, value in _fields(data):
        if number == NODE_ATTRIBUTE:
            for part, inner in _fields(_bytes(value)):
                if part in (ATTRIBUTE_TENSOR, ATTRIBUTE_TENSORS):
                    _tensor(name, _bytes(inner))
                elif part in ATTRIBUTE_GRAPHS or part in ATTRIBUTE_SPARSE:
                    raise BundleError(f"{name}: operator {operator!r} holds a graph or sparse values of its own")


def _tensor(name: str, data: bytes) -> None:
    kind, floats = 0, [np.zeros(0)]
    raw: bytes | None = None
    for number, value in _fields(data):
        if number == TENSOR_TYPE:
            kind = int(value) if isinstance(value, int) else 0
        elif number == TENSOR_RAW:
            raw = _bytes(value)
        elif number in (TENSOR_FLOATS, TENSOR_DOUBLES):
            width = "<f4" if number == TENSOR_FLOATS else "<f8"
            floats.append(np.frombuffer(_bytes(value), width))
        elif number in TENSOR_EXTERNAL and value != 0:
            raise BundleError(f"{name}: has weights in another file; they must be inside it")
    if kind not in NUMPY:
        raise BundleError(f"{name}: has a tensor of type {kind}; allowed are float, double, int32, int64, bool")
    values = np.concatenate(floats)
    if raw is not None and kind in (FLOAT, DOUBLE):
        values = np.frombuffer(raw, NUMPY[kind])
    if not np.isfinite(values).all():
        raise BundleError(f"{name}: has weights that are no numbers (NaN or infinite)")


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Numbers and values of a message's fields: whole numbers, or bytes."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        number, wire = key >> 3, key & 7
        if wire == 0:
            value, at = _varint(data, at)
            yield number, value
            continue
        if wire not in (1, 2, 5):
            raise ValueError(f"wire type {wire}")
        length = {1: 8, 5: 4}.get(wire, 0)
        if wire == 2:
            length, at = _varint(data, at)
        if at + length > len(data):
            raise ValueError("cut short")
        yield number, data[at : at + length]
        at += length


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value, shift = 0, 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at += 1
        if byte < 0x80:
            return value, at
        shift += 7
        if shift > 63:
            raise ValueError("number too long")


def _bytes(value: int | bytes) -> bytes:
    if isinstance(value, int):
        raise ValueError("a number where bytes are due")
    return value


def _text(data: bytes, number: int) -> str:
    return "".join(_bytes(value).decode() for field, value in _fields(data) if field == number)
