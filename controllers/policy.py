"""The signal policy of a bundle, a network or a rule: readings in, the phase wanted at every junction out.

A contract of kind `signals` holds: `policy` ({"kind": "onnx"} or {"kind": "rule", "rule", "settings"}), `decision_s`,
`site` (see `controllers.site`), `safety` (see `controllers.safety`), and for a network `inputs` and `outputs` with
names, units, scales and limits, which must be this controller's own.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from controllers.errors import BundleError, PlanError
from controllers.features import MOVEMENTS, PHASES, Features, features
from controllers.rules import RULES, Readings
from controllers.safety import Safety, safety_of
from controllers.session import Session
from controllers.site import is_finite, site_of

KEYS = {"kind", "policy", "decision_s", "site", "safety", "inputs", "outputs"}
TOLERANCE = 1e-3  # of a score, in vehicles: processors round differently
GOLDEN_DECISIONS, GOLDEN_SEED = 24, 5
LEAST_MARGIN = 0.05  # between the two best scores of a golden answer
Priority = Sequence[int | None]


def network_inputs() -> dict[str, Any]:
    """Inputs of a network as its contract tells them; a row for each junction."""

    def told(of: str, most: int) -> dict[str, Any]:
        return {"shape": [most, len(features(of))], "features": [vars(one) for one in features(of)]}

    serves = {"shape": [PHASES, MOVEMENTS], "features": "1 green with right of way, 0.5 must yield, 0 red"}
    return {"movements": told("movement", MOVEMENTS), "phases": told("phase", PHASES), "serves": serves}


OUTPUTS = {"scores": {"shape": [PHASES], "unit": "veh", "meaning": "the phase of the highest score is wanted"}}


class SignalPolicy:
    """Decides for all junctions of a site. Raises BundleError for a contract that it cannot keep."""

    def __init__(self, contract: Mapping[str, Any], policy: bytes | None) -> None:
        if set(contract) != KEYS:
            raise BundleError(f"contract.json: missing or unknown: {', '.join(sorted(set(contract) ^ KEYS))}")
        try:
            self.site = site_of(contract["site"])
            self.safety: Safety = safety_of(contract["safety"])
        except PlanError as error:
            raise BundleError(f"contract.json: {error.name}: {'; '.join(error.faults)}") from error
        self.decision_s = contract["decision_s"]
        if not isinstance(self.decision_s, (int, float)) or not 0.5 <= self.decision_s <= 60:
            raise BundleError(f"contract.json: decision_s is {self.decision_s!r}; 0.5 … 60")
        self._contract, self._policy = contract["policy"], policy
        self.session = self._network(contract, policy)
        self.scores: np.ndarray | None = None  # of the last decision, (J, PHASES), of a network
        self.restart()

    def _network(self, contract: Mapping[str, Any], policy: bytes | None) -> Session | None:
        if self._contract == {"kind": "onnx"} and policy is not None:
            if contract["inputs"] != network_inputs() or contract["outputs"] != OUTPUTS:
                raise BundleError("contract.json: inputs or outputs are not those of this controller's features.csv")
            shapes = {name: tuple(one["shape"]) for name, one in network_inputs().items()}
            Features(self.site.junctions, self.site.zone_of, self.site.exit_of)
            return Session(policy, shapes, "scores", PHASES)
        self._rule()
        if policy is not None or contract["inputs"] or contract["outputs"]:
            raise BundleError("contract.json: a rule has no network, inputs and outputs")
        return None

    def _rule(self) -> Any:
        told = self._contract
        if not isinstance(told, Mapping) or set(told) != {"kind", "rule", "settings"} or told["kind"] != "rule":
            raise BundleError("contract.json: policy is neither a network with policy.onnx nor a rule with settings")
        if told["rule"] not in RULES:
            raise BundleError(f"contract.json: rule {told['rule']!r} is none of {', '.join(RULES)}")
        known = set(inspect.signature(RULES[told["rule"]]).parameters) - {"junctions"}
        settings = told["settings"]
        if not isinstance(settings, Mapping) or set(settings) - known or not all(map(is_finite, settings.values())):
            raise BundleError(f"contract.json: settings of {told['rule']} are numbers {', '.join(sorted(known))}")
        return RULES[told["rule"]](self.site.junctions, **settings)

    def restart(self) -> None:
        """Forget what was seen: a rule's sums, a network's times since the last green."""
        self._features: Features | None = None
        self._decide = None if self.session else self._rule()

    def decide(self, readings: Readings, priority: Priority | None = None) -> np.ndarray:
        """The phase wanted at every junction, int (J,)."""
        if self._decide is not None:
            wanted: np.ndarray = self._decide(readings)
            return wanted
        assert self.session is not None  # noqa: S101 (without a rule there is a network)
        site = self.site
        if self._features is None:
            self._features = Features(site.junctions, site.zone_of, site.exit_of, readings.time_s)
        seen = self._features.see(readings, list(priority) if priority is not None else None)
        self.scores = self.session.run({"movements": seen.movements, "phases": seen.phases, "serves": seen.serves})
        best: np.ndarray = self.scores.argmax(axis=1)
        return best

    def golden(self) -> dict[str, Any]:
        """A story of readings with what this policy answers; no answer of it hangs on a rounding."""
        for seed in range(GOLDEN_SEED, GOLDEN_SEED + 50):
            story = self._story(np.random.default_rng(seed))
            answers = self._answers(story)
            if all(_margin(one["scores"]) > LEAST_MARGIN for one in answers if one["scores"]):
                return {"readings": story, "answers": answers}
        raise BundleError("golden.json: this policy's best scores are always as good as equal; is it trained?")

    def prove(self, golden: Any) -> None:
        """Answer the golden story again. Raises BundleError with the first answer that differs."""
        try:
            answers, told = self._answers(golden["readings"]), golden["answers"]
            if len(answers) != len(told) or not answers:
                raise ValueError("as many answers as readings")
            for i, (found, one) in enumerate(zip(answers, told, strict=True)):
                apart = np.abs(np.subtract(found["scores"], one["scores"])).max() if found["scores"] else 0.0
                if found["wanted"] != one["wanted"] or not apart <= TOLERANCE:
                    told_wanted = f"phases {found['wanted']}, golden {one['wanted']}; scores {apart:.2g} apart"
                    raise BundleError(f"golden.json: answer {i} differs: {told_wanted}")
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise BundleError(f"golden.json: does not fit the contract ({error})") from error
        self.restart()

    def _answers(self, story: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        self.restart()
        answers = []
        for told in story:
            readings, priority = readings_of(told)
            wanted = self.decide(readings, priority).tolist()
            scores = self.scores.tolist() if self.session is not None and self.scores is not None else []
            answers.append({"wanted": wanted, "scores": scores})
        return answers

    def _story(self, rng: np.random.Generator) -> list[dict[str, Any]]:
        junctions, zones, story = self.site.junctions, len(self.site.zones), []
        phase = rng.integers(0, junctions.phases)
        green_s = np.zeros(len(phase))
        for i in range(GOLDEN_DECISIONS):
            vehicles = np.round(rng.gamma(1.5, 4.0, zones), 3)
            vehicles[rng.random(zones) < 0.05] = np.nan
            changes = rng.random(len(phase)) < 0.4
            phase = np.where(changes, rng.integers(0, junctions.phases), phase)
            green_s = np.where(changes, 0.0, green_s + self.decision_s)
            walks = tuple(frozenset(c for c in plan.crossings if rng.random() < 0.4) for plan in junctions.plans)
            asked = [int(rng.integers(0, n)) if rng.random() < 0.1 else None for n in junctions.phases]
            halting = np.round(vehicles * rng.random(zones), 3)
            time_s = 1000.0 + i * self.decision_s
            readings = Readings(time_s, vehicles, halting, np.zeros(0), phase, green_s, walks)
            story.append(readings_as_json(readings, asked))
        return story


def readings_as_json(readings: Readings, priority: Priority) -> dict[str, Any]:
    """Readings as JSON data; what is no number is null."""
    return {
        "time_s": float(readings.time_s),
        "vehicles": numbers_as_json(readings.vehicles),
        "halting": numbers_as_json(readings.halting),
        "phase": np.asarray(readings.phase).tolist(),
        "green_s": np.asarray(readings.green_s, dtype=float).tolist(),
        "walk_calls": [sorted(pressed) for pressed in readings.walk_calls],
        "priority": list(priority),
    }


def readings_of(told: Mapping[str, Any]) -> tuple[Readings, list[int | None]]:
    """Readings and priority from JSON data."""
    return Readings(
        float(told["time_s"]),
        numbers_of(told["vehicles"]),
        numbers_of(told["halting"]),
        np.zeros(0),
        np.array(told["phase"], dtype=int),
        np.array(told["green_s"], dtype=float),
        tuple(frozenset(pressed) for pressed in told["walk_calls"]),
    ), list(told["priority"])


def numbers_as_json(values: np.ndarray) -> list[float | None]:
    """Numbers for JSON: null where there is none."""
    return [value if np.isfinite(value) else None for value in np.asarray(values, dtype=float).tolist()]


def numbers_of(values: Sequence[float | None]) -> np.ndarray:
    """Numbers from JSON: NaN where there is none."""
    return np.array([np.nan if value is None else value for value in values], dtype=float)


def _margin(scores: Sequence[Sequence[float]]) -> float:
    ordered = np.sort(np.array(scores), axis=1)
    return float((ordered[:, -1] - ordered[:, -2]).min())
