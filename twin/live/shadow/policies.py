"""Who is in charge, and who would like to be: a guarded baseline with settings, or a bundle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from controllers.errors import ControllerError
from twin.errors import NetworkError, ShadowError
from twin.hil.run import fitting
from twin.scenario import nearest
from twin.traffic.signals.baselines import BASELINES
from twin.traffic.simulation.hour import DECISION_S
from twin.traffic.studies.evaluate import hour, settings_for

GUARDED = [name for name, one in BASELINES.items() if one.rule is not None]
COMPANION = "max_pressure"  # the kind of control that the street of a bundle is begun with: guarded


@dataclass(frozen=True)
class Policy:
    """A policy of a network as a street's process is told of it (`told`: JSON data, with all that decides)."""

    name: str
    told: Mapping[str, Any]

    @property
    def decision_s(self) -> float:
        """Time between its decisions [s]."""
        return float(self.told["decision_s"])


def policies_of(texts: Sequence[str], network: str) -> list[Policy]:
    """Policies by `max_pressure`, `max_pressure:min_green_s=5,exit_weight=1`, or the folder of a bundle.

    A setting that is not given is the network's tuned one. Raises ShadowError with all faults.
    """
    faults = [fault for text in dict.fromkeys(texts) for fault in _faults(text, network)]
    if faults:
        raise ShadowError("policies", faults)
    return [_policy(text, network) for text in texts]


def _parts(text: str) -> tuple[str, dict[str, str]]:
    controller, _, rest = text.partition(":")
    pairs = [word.partition("=") for word in rest.split(",") if word]
    return controller, {name.strip(): value for name, _, value in pairs}


def _faults(text: str, network: str) -> list[str]:
    if Path(text).is_dir():
        try:
            fitting(Path(text), network)
        except (NetworkError, ControllerError) as error:
            return [str(error)]
        return []
    controller, settings = _parts(text)
    if controller not in GUARDED:
        why = "is SUMO's own logic, which proposes nothing" if controller in BASELINES else "no policy, no bundle"
        return [f"{text!r}: {why}; {nearest(controller, GUARDED)}"]
    known = list(BASELINES[controller].grid)
    faults = [f"{text!r}: no setting {name!r}; {nearest(name, known)}" for name in settings if name not in known]
    for name, value in settings.items():
        try:
            sound = 0 <= float(value) < 1e6
        except ValueError:
            sound = False
        if not sound or (name == "decision_s" and not 0.5 <= float(value) <= 60):
            faults.append(f"{text!r}: {name} is {value!r}; a number from 0 (decision_s: 0.5 … 60)")
    return faults


def _policy(text: str, network: str) -> Policy:
    if Path(text).is_dir():
        bundle = fitting(Path(text), network)
        own = {"bundle": str(Path(text).absolute()), "digest": bundle.digest, "decision_s": bundle.runner.decision_s}
        return Policy(Path(text).name, {"controller": COMPANION, "settings": {}, "programmes": {}, **own})
    controller, given = _parts(text)
    settings = settings_for(network, controller) | {name: float(value) for name, value in given.items()}
    # a fixed programme is made once, from the demand that the twin believes, and is the same in every street
    programmes = hour(network, controller, settings, seed=1).programmes if controller == "webster" else {}
    own = {"bundle": None, "digest": "", "decision_s": settings.get("decision_s", DECISION_S)}
    return Policy(text, {"controller": controller, "settings": settings, "programmes": programmes, **own})
