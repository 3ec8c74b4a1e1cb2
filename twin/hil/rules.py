"""A rule as a bundle for all signals of a network, where no trained policy is at hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from controllers.bundle import Bundle, write
from controllers.safety import Safety, safety_as_json
from twin.traffic.networks.locate import locate
from twin.traffic.signals.plans import signals_of
from twin.traffic.signals.sites import site_of_signals
from twin.traffic.simulation.hour import DECISION_S
from twin.traffic.studies.evaluate import detectors_for, settings_for


def rule_policy(network: str, rule: str) -> dict[str, Any]:
    """What a bundle's contract says of a rule with the settings that a network's tuning found."""
    settings = {} if rule == "fixed_time" else settings_for(network, rule)
    decision_s = settings.pop("decision_s", DECISION_S)
    return {"policy": {"kind": "rule", "rule": rule, "settings": settings}, "decision_s": decision_s}


def rule_bundle(folder: Path, network: str, rule: str = "max_pressure", needed_share: float = 1.0) -> Bundle:
    """Make the bundle, which follows its rule with this share of detectors. Raises NetworkError or BundleError."""
    signals = signals_of(locate(network).net_file, detectors_for(network).camera_range_m)
    site = site_of_signals(Path(network).name, signals)
    contract = {"kind": "signals", "site": site.as_json(), "inputs": {}, "outputs": {}}
    safety = safety_as_json(Safety(detectors_needed_share=needed_share))
    return write(folder, rule, {**contract, **rule_policy(network, rule), "safety": safety})
