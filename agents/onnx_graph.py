"""Trained networks as ONNX graphs, node by node: plain operators of opset 18, the same bytes for the same weights."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from agents.network import (
    HEADWAY_S,
    INDEX,
    LONGEST_RED,
    LONGEST_UNSERVED,
    MOVEMENT,
    MOVEMENT_SCALE,
    NEVER,
    PHASE,
    PHASE_SCALE,
    SHARPNESS,
    URGENT,
    PhaseNetwork,
)
from controllers.features import MOVEMENTS, PHASES

OPSET, IR_VERSION = 18, 8
MASKED = -1e30  # of a rival that there is not, before the softmax


class _Graph:
    """Gathers nodes and weights; every value's name is the number of the node that made it."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []

    def add(self, operator: str, *inputs: str, out: str | None = None, **attributes: Any) -> str:
        name = out or f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [name], **attributes))
        return name

    def weight(self, values: np.ndarray | Sequence[float], kind: type = np.float32) -> str:
        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(values, dtype=kind), name))
        return name

    def linear(self, x: str, weight: np.ndarray, bias: np.ndarray) -> str:
        return self.add("Add", self.add("MatMul", x, self.weight(weight.T)), self.weight(bias))

    def column(self, x: str, *columns: int) -> str:
        return self.add("Gather", x, self.weight(columns, np.int64), axis=2)

    def bytes(self, name: str, inputs: Mapping[str, tuple[int, ...]], output: str, width: int) -> bytes:
        """The model; the first axis of every input is the number of rows, any."""
        float32 = TensorProto.FLOAT
        takes = [helper.make_tensor_value_info(key, float32, ["rows", *shape]) for key, shape in inputs.items()]
        gives = [helper.make_tensor_value_info(output, float32, ["rows", width])]
        graph = helper.make_graph(self.nodes, name, takes, gives, self.weights)
        model = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
            producer_name="trenggalek-twin",
        )
        onnx.checker.check_model(model, full_check=True)
        data: bytes = model.SerializeToString(deterministic=True)
        return data


def phase_network(network: PhaseNetwork) -> bytes:
    """The scores of a PhaseNetwork, inputs and output as `controllers.policy` has them; its value serves training."""
    g, weights = _Graph(), {name: t.detach().numpy() for name, t in network.state_dict().items()}
    width = network.width

    def layer(x: str, name: str) -> str:
        return g.linear(x, weights[f"{name}.weight"], weights[f"{name}.bias"])

    exists = g.column("phases", PHASE["exists"])
    absent = g.add("Less", exists, g.weight([0.5]))  # (rows, PHASES, 1)
    scores = _index(g, weights["index"])
    if network.has_learned:
        embedded = g.add("Relu", layer(g.add("Relu", layer("movements", "movement.0")), "movement.2"))
        embedded = g.add("Mul", embedded, g.column("movements", MOVEMENT["exists"]))
        served = g.add("MatMul", "serves", embedded)
        everybody = g.add("ReduceSum", embedded, g.weight([1], np.int64), keepdims=1)
        seen = g.add("Concat", served, g.add("Sub", everybody, served), "phases", axis=2)
        own = g.add("Relu", layer(g.add("Relu", layer(seen, "phase.0")), "phase.2"))
        rivals = _attention(g, own, absent, weights, width, network.compete.num_heads)
        both = g.add("Concat", own, rivals, axis=2)
        learned = layer(g.add("Relu", layer(both, "score.0")), "score.2")
        scores = g.add("Add", learned, scores)
    masked = g.add("Where", absent, g.weight([NEVER]), scores)
    g.add("Squeeze", masked, g.weight([2], np.int64), out="scores")
    inputs = {
        "movements": (MOVEMENTS, len(MOVEMENT)), "phases": (PHASES, len(PHASE)), "serves": (PHASES, MOVEMENTS),
    }  # fmt: skip
    return g.bytes("phase_network", inputs, "scores", PHASES)


def _attention(g: _Graph, own: str, absent: str, weights: dict[str, np.ndarray], width: int, heads: int) -> str:
    """Multi-head attention of the phases among each other, without those that there are not."""
    parts = []
    for i in range(3):
        rows = slice(i * width, (i + 1) * width)
        x = g.linear(own, weights["compete.in_proj_weight"][rows], weights["compete.in_proj_bias"][rows])
        split = g.add("Reshape", x, g.weight([-1, PHASES, heads, width // heads], np.int64))
        parts.append(g.add("Transpose", split, perm=[0, 2, 1, 3]))
    query, key, value = parts
    query = g.add("Mul", query, g.weight([(width // heads) ** -0.5]))
    alike = g.add("MatMul", query, g.add("Transpose", key, perm=[0, 1, 3, 2]))
    hidden = g.add("Reshape", absent, g.weight([-1, 1, 1, PHASES], np.int64))
    shares = g.add("Softmax", g.add("Where", hidden, g.weight([MASKED]), alike), axis=-1)
    mixed = g.add("Transpose", g.add("MatMul", shares, value), perm=[0, 2, 1, 3])
    joined = g.add("Reshape", mixed, g.weight([-1, PHASES, width], np.int64))
    return g.linear(joined, weights["compete.out_proj.weight"], weights["compete.out_proj.bias"])


def _index(g: _Graph, index: np.ndarray) -> str:
    """`network.index_of` times its sharpness, (rows, PHASES, 1)."""
    c = dict(zip(INDEX, index.tolist(), strict=True))

    def times(x: str, factor: float) -> str:
        return g.add("Mul", x, g.weight([factor]))

    def total(*parts: str) -> str:
        return functools.reduce(lambda a, b: g.add("Add", a, b), parts)

    def at_least(x: str, low: float) -> str:
        return g.add("Max", x, g.weight([low]))

    def at_most(x: str, high: float) -> str:
        return g.add("Min", x, g.weight([high]))

    def read(array: str, places: Mapping[str, int], scales: Mapping[str, float], *names: str) -> list[str]:
        return [times(g.column(array, places[name]), scales[name]) for name in names]

    vehicles, halting, inflow, downstream, red = read(
        "movements", MOVEMENT, MOVEMENT_SCALE, "vehicles", "halting", "inflow", "downstream", "red"
    )
    moving, minutes = g.add("Sub", vehicles, halting), at_most(times(red, 1 / 60), LONGEST_RED)
    queue, lane = total(halting, times(moving, c["moving"])), at_most(vehicles, 1.0)
    full = g.add("Cast", g.add("Greater", "serves", g.weight([0.75])), to=TensorProto.FLOAT)
    some = g.add("Cast", g.add("Greater", "serves", g.weight([0.25])), to=TensorProto.FLOAT)
    weight = total(full, times(g.add("Sub", some, full), c["yield"]))
    worth = total(
        queue, times(inflow, c["inflow"]), times(downstream, -c["downstream"]), times(lane, c["lanes"]),
        times(g.add("Mul", vehicles, minutes), c["red"]),
    )  # fmt: skip
    bonus = total(times(moving, c["stay_moving"]), times(lane, c["stay_lanes"]), times(inflow, c["stay_inflow"]))
    served, stays, waiting, lanes = (g.add("MatMul", weight, part) for part in (worth, bonus, queue, lane))
    row = g.add("Transpose", at_least(queue, 0.0), perm=[0, 2, 1])
    longest = g.add("ReduceMax", g.add("Mul", weight, row), g.weight([2], np.int64), keepdims=1)
    present, green_s, unserved, calls, urgent = read(
        "phases", PHASE, PHASE_SCALE, "present", "green", "unserved", "walk_calls", "priority"
    )
    absent = g.add("Sub", g.weight([1.0]), present)
    clearing_s = total(times(absent, c["setup_s"]), times(longest, HEADWAY_S), g.weight([1.0]))
    here = g.add("ReduceSum", vehicles, g.weight([1], np.int64), keepdims=1)
    short_s = total(g.weight([c["short_s"]]), times(here, c["short_load"]))
    lacking_s = at_least(g.add("Sub", short_s, green_s), 0.0)
    held = total(g.weight([c["stay"]]), times(lacking_s, c["short"]), times(green_s, -c["long"] / 30))
    kept = total(g.weight([1.0 - c["idle"]]), times(at_most(lanes, 1.0), c["idle"]))
    staying = total(g.add("Mul", held, kept), stays)
    waited = g.add("Mul", calls, at_most(times(unserved, 1 / 60), LONGEST_UNSERVED))
    rate = g.add("Div", at_least(waiting, 0.0), clearing_s)
    found = total(
        served, times(rate, c["rate"]), g.add("Mul", present, staying), times(waited, c["walk"]), times(urgent, URGENT)
    )
    return times(found, SHARPNESS)


def tanh_layers(layers: Sequence[np.ndarray], inputs: int) -> bytes:
    """Weights and biases in turn, tanh between, the last cut to 0 … 1: the village battery's policy."""
    g, x = _Graph(), "observation"
    pairs = list(zip(layers[::2], layers[1::2], strict=True))
    for i, (weight, bias) in enumerate(pairs):
        x = g.linear(x, weight, bias)
        if i < len(pairs) - 1:
            x = g.add("Tanh", x)
    g.add("Clip", x, g.weight(np.array(0.0)), g.weight(np.array(1.0)), out="reserve")
    return g.bytes("reserve", {"observation": (inputs,)}, "reserve", 1)
