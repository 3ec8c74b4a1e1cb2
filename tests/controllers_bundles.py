"""A small site and bundles of it, for the tests of the controllers."""

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from controllers.features import PHASES
from controllers.plan import SignalPlan
from controllers.policy import OUTPUTS, network_inputs
from controllers.safety import Safety, safety_as_json
from controllers.site import Site

PLAN = SignalPlan(
    "corner", ("Grr", "rGG"), frozenset({(0, 1), (0, 2)}), (2,), min_green_s=5, max_green_s=30, yellow_s=3, all_red_s=2,
    walk_s=6, clearance_s=5, programme=((0, 20.0), (1, 15.0)),
)  # fmt: skip
SITE = Site("corner", (PLAN,), ("camera-north", "camera-east"), ((0, 1, -1),), ((-1, -1, -1),))


def contract(site: Site = SITE, **changes) -> dict:
    return {
        "kind": "signals", "policy": {"kind": "rule", "rule": "max_pressure", "settings": {"min_green_s": 5.0}},
        "decision_s": 5.0, "site": site.as_json(), "safety": safety_as_json(Safety()), "inputs": {}, "outputs": {},
    } | changes  # fmt: skip


def network_contract(**changes) -> dict:
    return contract(policy={"kind": "onnx"}, inputs=network_inputs(), outputs=OUTPUTS, **changes)


def network(weight: float = 1.0, operator: str = "MatMul", domain: str = "", width: int = PHASES) -> bytes:
    """A tiny network: a phase's score is what its movements' vehicles come to."""
    shapes = {name: one["shape"] for name, one in network_inputs().items()}
    takes = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["rows", *shape]) for name, shape in shapes.items()]
    gives = [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["rows", width])]
    column = np.zeros((shapes["movements"][1], 1), dtype=np.float32)
    column[0] = weight
    nodes = [
        helper.make_node(operator, ["serves", "movements"], ["sums"], domain=domain),
        helper.make_node("MatMul", ["sums", "w"], ["column"]),
        helper.make_node("Squeeze", ["column", "two"], ["squeezed"]),
        # what the junction lacks as a phase is never best
        helper.make_node("Gather", ["phases", "last"], ["exists"], axis=2),
        helper.make_node("Squeeze", ["exists", "two"], ["there"]),
        helper.make_node("Mul", ["squeezed", "there"], ["scores"]),
    ]
    weights = [
        numpy_helper.from_array(column, "w"),
        numpy_helper.from_array(np.array([2]), "two"),
        numpy_helper.from_array(np.array([shapes["phases"][1] - 1]), "last"),
    ]
    graph = helper.make_graph(nodes, "tiny", takes, gives, weights)
    opsets = [helper.make_opsetid("", 18), *([helper.make_opsetid(domain, 1)] if domain else [])]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString(deterministic=True)
