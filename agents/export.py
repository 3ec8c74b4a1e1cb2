"""A policy leaves home: from a trained network, or a baseline, to a bundle for `python -m controllers`.

python -m agents.export runs/policies/universal/policy.npz --network trenggalek --out bundles/universal
python -m agents.export max_pressure --network trenggalek --junction pasar --out bundles/pasar
python -m agents.export max_pressure --plan junction.yaml --out bundles/junction
python -m agents.export universal --network trenggalek --out bundles/universal
python -m agents.export agents/village_battery.npz --out bundles/village
"""

from __future__ import annotations

import hashlib
import importlib.metadata
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from agents.network import load, weights_of
from agents.onnx_graph import phase_network, tanh_layers
from controllers.bundle import Bundle, key_bytes, write
from controllers.errors import ControllerError
from controllers.plan_file import read_plan
from controllers.policy import OUTPUTS, network_inputs
from controllers.rules import RULES
from controllers.safety import Safety, safety_as_json
from controllers.site import Site
from controllers.village.guard import BatteryLimits
from controllers.village.policy import RESERVE_OUTPUTS, reserve_inputs
from twin import terminal
from twin.errors import TrainingError
from twin.hil.rules import rule_policy
from twin.traffic.networks.locate import locate
from twin.traffic.signals.plans import signals_of
from twin.traffic.signals.sites import site_of_signals
from twin.traffic.studies.evaluate import detectors_for

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
NEEDED_SHARE = 0.6  # of detectors, for networks: they were trained with up to 40 % faulty ones (agents/streets.py)


@app.command(epilog="Then: `python -m controllers verify BUNDLE`.")
def main(
    model: Annotated[str, typer.Argument(help=f"policy.npz, village_battery.npz, or a rule: {', '.join(RULES)}.")],
    out: Annotated[Path, typer.Option("--out", help="Folder of the bundle; an older bundle there is replaced.")],
    network: Annotated[str | None, typer.Option(help="Whose signals it is for: a network's name, .net.xml …")] = None,
    junction: Annotated[str | None, typer.Option(help="For this signal of the network alone.")] = None,
    plan: Annotated[Path | None, typer.Option(help="For one junction whose plan is written by hand (YAML).")] = None,
    name: Annotated[str | None, typer.Option(help="What the bundle is called; model and street if not given.")] = None,
    sign: Annotated[Path | None, typer.Option(help="File of a private Ed25519 key, 64 hexadecimal digits.")] = None,
    as_json: terminal.JsonFlag = False,
) -> None:
    """Make a bundle from a trained policy or a baseline; the same policy gives the same bytes."""
    private = key_bytes(sign) if sign else None
    bundle = export(model, out, network=network, junction=junction, plan=plan, name=name, private_key=private)
    facts = {"bundle": str(out), "name": bundle.name, "kind": bundle.kind, "digest": bundle.digest}
    terminal.print_facts(facts, "bundle", as_json)


def export(
    model: str,
    out: Path,
    *,
    network: str | None = None,
    junction: str | None = None,
    plan: Path | None = None,
    name: str | None = None,
    private_key: bytes | None = None,
) -> Bundle:
    """Make a bundle (see the command). Raises TrainingError, NetworkError, PlanError or BundleError."""
    contract, policy = _battery(Path(model)) if _is_battery(model) else _signals(model, network, junction, plan)
    digest = hashlib.sha256(policy or repr(contract["policy"]).encode()).hexdigest()
    street = Path(network or (plan.name if plan else "")).name
    made_from = {"model": Path(model).name, "street": street, "junction": junction or "", "policy_sha256": digest}
    versions = {one: importlib.metadata.version(one) for one in ("trenggalek-twin", "onnx")}
    return write(
        out,
        name or "-".join(filter(None, (Path(model).stem, Path(street).stem, junction))),
        contract,
        policy,
        made_from=made_from,
        versions=versions,
        private_key=private_key,
    )


def _signals(model: str, network: str | None, junction: str | None, plan: Path | None) -> tuple[dict[str, Any], Any]:
    site, own = _site(network, junction, plan)
    contract: dict[str, Any] = {"kind": "signals", "site": site.as_json(), "inputs": {}, "outputs": {}}
    safety = replace(Safety(), **own)
    if model in RULES:
        return contract | rule_policy(network or "", model) | {"safety": safety_as_json(safety)}, None
    weights = weights_of(model)
    if not weights.is_file():
        raise TrainingError(
            f"{model}: is neither `universal`, a file of weights, nor one of the rules {', '.join(RULES)}"
        )
    safety = replace(safety, detectors_needed_share=own.get("detectors_needed_share", NEEDED_SHARE))
    network_ = load(weights)
    contract |= {"policy": {"kind": "onnx"}, "inputs": network_inputs(), "outputs": OUTPUTS}
    contract |= {"decision_s": network_.decision_s, "safety": safety_as_json(safety)}
    return contract, phase_network(network_)


def _site(network: str | None, junction: str | None, plan: Path | None) -> tuple[Site, dict[str, float]]:
    """The street, and the safety values that it sets for itself."""
    if (network is None) == (plan is None):
        raise TrainingError("name the street: either --network or --plan")
    if plan is not None:
        return read_plan(plan)
    assert network is not None  # noqa: S101 (one of the two is given)
    found = locate(network)
    site = site_of_signals(found.name, signals_of(found.net_file, detectors_for(network).camera_range_m))
    return (site if junction is None else site.only(junction)), {}


def _is_battery(model: str) -> bool:
    if not model.endswith(".npz") or not Path(model).is_file():
        return False
    with np.load(model, allow_pickle=False) as kept:
        return "00" in kept.files


def _battery(path: Path) -> tuple[dict[str, Any], bytes]:
    from envs.battery import FEATURES
    from twin.solar.options import SolarOptions
    from twin.solar.system import battery_of

    with np.load(path, allow_pickle=False) as kept:
        layers = [kept[key] for key in sorted(kept.files)]
    battery = battery_of(SolarOptions())
    limits = BatteryLimits(
        soc_min_kwh=battery.soc_min_kwh, soc_max_kwh=battery.soc_max_kwh, charge_kw=battery.charge_kw,
        discharge_kw=battery.discharge_kw,
    )  # fmt: skip
    contract = {
        "kind": "battery", "policy": {"kind": "onnx"}, "decision_s": 3600.0, "limits": asdict(limits),
        "inputs": reserve_inputs(FEATURES), "outputs": RESERVE_OUTPUTS,
    }  # fmt: skip
    return contract, tanh_layers(layers, len(FEATURES))


if __name__ == "__main__":
    try:
        terminal.run_app(app)
    except ControllerError as error:
        terminal.tell(str(error))
        raise SystemExit(terminal.AT_FAULT) from error
