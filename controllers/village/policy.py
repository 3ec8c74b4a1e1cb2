"""The policy of a battery's bundle: how much of the usable charge an office keeps for outages in the coming hour.

A contract of kind `battery` holds `policy` (a network, or a rule with settings), `decision_s`, `limits` (see
`controllers.village.guard`), and `inputs` and `outputs`, names in order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from controllers.errors import BundleError, PlanError
from controllers.session import Session
from controllers.village.guard import limits_of

KEYS = {"kind", "policy", "decision_s", "limits", "inputs", "outputs"}
RESERVE_OUTPUTS = {"reserve": {"shape": [1], "unit": "-", "meaning": "share of the usable charge that is kept, 0 … 1"}}
RULES = {"fixed_reserve": ("reserve",), "announced_reserve": ("share_per_h",)}
TOLERANCE, GOLDEN_ANSWERS, GOLDEN_SEED = 1e-4, 32, 5
ANNOUNCED, HOURS_OF_ONE = "announced_in_a_day", 6.0  # announced_in_a_day is 1 at six hours


def reserve_inputs(names: Sequence[str]) -> dict[str, Any]:
    """Inputs of a policy as its contract tells them: these numbers, in this order, each within −1 … 1."""
    return {"observation": {"shape": [len(names)], "names": list(names), "range": [-1.0, 1.0]}}


class ReservePolicy:
    """Decides for an office. Raises BundleError for a contract that it cannot keep."""

    def __init__(self, contract: Mapping[str, Any], policy: bytes | None) -> None:
        if set(contract) != KEYS:
            raise BundleError(f"contract.json: missing or unknown: {', '.join(sorted(set(contract) ^ KEYS))}")
        try:
            self.limits = limits_of(contract["limits"])
            self.names = [str(name) for name in contract["inputs"]["observation"]["names"]]
            self.decision_s = float(contract["decision_s"])
        except PlanError as error:
            raise BundleError(f"contract.json: {error.name}: {'; '.join(error.faults)}") from error
        except (KeyError, TypeError, ValueError) as error:
            raise BundleError(f"contract.json: inputs or decision_s are not as they should be ({error})") from error
        if contract["inputs"] != reserve_inputs(self.names) or contract["outputs"] != RESERVE_OUTPUTS:
            raise BundleError("contract.json: inputs or outputs are not those of a reserve policy")
        if not 1 <= self.decision_s <= 86400:
            raise BundleError(f"contract.json: decision_s is {self.decision_s}; 1 … 86400")
        self._told, self._session = contract["policy"], None
        if self._told == {"kind": "onnx"} and policy is not None:
            self._session = Session(policy, {"observation": (len(self.names),)}, "reserve", 1)
        elif policy is not None or not self._is_rule():
            raise BundleError(f"contract.json: policy is no network with policy.onnx and none of {', '.join(RULES)}")

    def _is_rule(self) -> bool:
        told = self._told
        if not isinstance(told, Mapping) or set(told) != {"kind", "rule", "settings"} or told["rule"] not in RULES:
            return False
        settings = told["settings"]
        given = isinstance(settings, Mapping) and set(settings) == set(RULES[told["rule"]])
        needs = ANNOUNCED in self.names or told["rule"] != "announced_reserve"
        return given and needs and all(isinstance(value, (int, float)) and value >= 0 for value in settings.values())

    def decide(self, observation: np.ndarray) -> float:
        """The share to keep, 0 … 1, for an observation (names,)."""
        x = np.clip(np.asarray(observation, dtype=np.float32), -1.0, 1.0)
        if self._session is not None:
            return float(self._session.run({"observation": x[None]})[0, 0])
        settings = self._told["settings"]
        if self._told["rule"] == "fixed_reserve":
            return min(1.0, float(settings["reserve"]))
        return min(1.0, float(x[self.names.index(ANNOUNCED)]) * HOURS_OF_ONE * float(settings["share_per_h"]))

    def golden(self) -> dict[str, Any]:
        """Observations drawn at random, with what this policy answers."""
        seen = np.random.default_rng(GOLDEN_SEED).uniform(-1, 1, (GOLDEN_ANSWERS, len(self.names))).round(4)
        return {"observations": seen.tolist(), "reserves": [self.decide(one) for one in seen]}

    def prove(self, golden: Any) -> None:
        """Answer the golden observations again. Raises BundleError with the first answer that differs."""
        try:
            pairs = list(zip(golden["observations"], golden["reserves"], strict=True))
            if not pairs:
                raise ValueError("no answers")
            for i, (seen, told) in enumerate(pairs):
                if len(seen) != len(self.names):
                    raise ValueError(f"observation {i} has {len(seen)} numbers, not {len(self.names)}")
                if not abs((found := self.decide(np.array(seen))) - told) <= TOLERANCE:
                    raise BundleError(f"golden.json: answer {i} differs: {found:.5f}, golden {told:.5f}")
        except (KeyError, TypeError, ValueError) as error:
            raise BundleError(f"golden.json: does not fit the contract ({error})") from error
