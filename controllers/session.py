"""A network of a bundle, run by onnxruntime on one core."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from controllers.errors import BundleError

Shapes = Mapping[str, tuple[int, ...]]  # without the first axis: a row for each junction


class Session:
    """Runs `policy.onnx`. Raises BundleError where its inputs and outputs are not as the contract has it."""

    def __init__(self, policy: bytes, inputs: Shapes, output: str, width: int) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.enable_mem_pattern = options.enable_cpu_mem_arena = False
        options.log_severity_level = 3
        try:
            self._session: Any = onnxruntime.InferenceSession(policy, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime has an exception for each of its status codes
            raise BundleError(f"policy.onnx: cannot be loaded ({_first_line(error)})") from error
        found = {one.name: tuple(one.shape[1:]) for one in self._session.get_inputs()}
        if found != dict(inputs) or any(one.type != "tensor(float)" for one in self._session.get_inputs()):
            raise BundleError(f"policy.onnx: takes {found}, the contract says {dict(inputs)}")
        outputs = {one.name: tuple(one.shape[1:]) for one in self._session.get_outputs()}
        if outputs != {output: (width,)}:
            raise BundleError(f"policy.onnx: gives {outputs}, the contract says {output} ({width},)")
        self._output = output

    def run(self, inputs: Mapping[str, np.ndarray]) -> np.ndarray:
        """The output, float32 (rows, width). Raises BundleError where it is no number."""
        found: np.ndarray = self._session.run([self._output], dict(inputs))[0]
        if not np.isfinite(found).all():
            raise BundleError("policy.onnx: answered with a value that is no number")
        return found


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:200]
