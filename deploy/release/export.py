"""From a run to a release: policies, market rules, matching weights, retrieval index, personnel rules, configs."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from controllers import bundle as bundles
from controllers.errors import ControllerError
from controllers.rules import RULES
from controllers.site import canonical
from deploy.release.folder import MANIFEST, Release, ReleaseError, load, seal
from twin.carbon.facts import rows as carbon_rows
from twin.knowledge.facts import CORPUS
from twin.knowledge.index.ingest import ingest
from twin.labour.facts import read as labour_rows
from twin.programmes.facts import read as programme_rows
from twin.run import Run

PREFIX = "trenggalek"


def export(run: Run, out: Path, given: Sequence[Path] = (), index: Path | None = None) -> Release:
    """Write a release of a run into `out`, whole or not at all.

    `given` are policy bundles (of `python -m agents.export`); without any, the rule that is in charge of each of the
    run's networks is bundled. `index` is a retrieval index; without one the demo corpus is indexed. Raises
    ReleaseError where `out` holds something else, or a bundle is refused.
    """
    if out.exists() and not (out / MANIFEST).is_file():
        raise ReleaseError(str(out), ["is there and is no release; name another folder"])
    if damaged := run.damaged():
        raise ReleaseError(str(run.path), [f"table {name} was changed after the run" for name in damaged])
    with bundles.written_beside(out) as beside:
        names = _policies(run, beside / "policies", given)
        _tables(run, beside)
        _index(beside / "knowledge" / "index", index)
        for name in names:
            _write(beside / "controllers" / f"{name}.json", _controller(beside / "policies" / name, name))
        _write(beside / "services.json", _services(run, names))
        seal(beside, _made_from(run))
        load(beside)
    return load(out)


def _made_from(run: Run) -> dict[str, Any]:
    kept = ("versions", "revision", "code", "platform")
    return {
        "run": run.path.name, "scenario": run.scenario.name, "scenario_digest": run.digest, "seed": run.seed,
        "tables": run.digests, **{key: run.provenance[key] for key in kept if key in run.provenance},
    }  # fmt: skip


def _policies(run: Run, folder: Path, given: Sequence[Path]) -> list[str]:
    """Bundles, each proved before and after it is copied."""
    folder.mkdir()
    names = []
    for path in given:
        try:
            one = bundles.load(path)
            shutil.copytree(path, folder / one.name)
            bundles.load(folder / one.name)
        except (ControllerError, OSError) as error:
            raise ReleaseError(str(path), [str(error)]) from error
        names.append(one.name)
    traffic = run.scenario.traffic
    if not given and traffic is not None:
        rule = traffic.controllers[0] if traffic.controllers[0] in RULES else "fixed_time"
        names = [_ruled(folder, rule, network) for network in traffic.networks]
    return names


def _ruled(folder: Path, rule: str, network: str) -> str:
    """The bundle of a rule on a network; the workbench's own exporter makes it, in a process of its own."""
    name = f"{Path(network.rstrip('/')).stem}-{rule.replace('_', '-')}"
    command = [sys.executable, "-W", "ignore", "-m", "agents.export", rule, "--network", network, "--name", name]
    done = subprocess.run([*command, "--out", str(folder / name)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise ReleaseError(network, [f"no bundle of {rule}: {done.stderr.strip().splitlines()[-1:]}"])
    return name


def _tables(run: Run, folder: Path) -> None:
    _write(folder / "market" / "rules.json", carbon_rows("rules.csv"))
    _write(folder / "market" / "opening.json", _opening(run))
    _write(folder / "labour" / "weights.json", labour_rows("score_weights.csv"))
    _write(folder / "personnel" / "kinds.json", programme_rows("request_kinds.csv"))


def _opening(run: Run) -> dict[str, Any]:
    """The reference of the first day: the run's last close, where it simulated a market."""
    closes = run.table("carbon_day")["close_idr"].tolist() if run.has("carbon_day") else []
    return {"reference_idr": int(closes[-1])} if closes else {}


def _index(folder: Path, index: Path | None) -> None:
    folder.parent.mkdir()
    if index is None:
        ingest(CORPUS, folder)
    else:
        shutil.copytree(index, folder)


def _controller(folder: Path, name: str) -> dict[str, Any]:
    """How the controller of a bundle is started, and where it listens."""
    digest = json.loads((folder / "manifest.json").read_bytes())["digest"]
    return {
        "bundle": name, "digest": digest, "prefix": f"{PREFIX}/{name}",
        "command": ["python", "-m", "controllers", "run", f"bundles/{name}", "--mqtt", "${TWIN_MQTT}", "--prefix",
                    f"{PREFIX}/{name}", "--log", f"log/{name}.sqlite"],
    }  # fmt: skip


def _services(run: Run, names: list[str]) -> dict[str, Any]:
    """Which services the run's scenario has, and what they take from the release."""
    scenario = run.scenario
    return {
        "exchange": {"rules": "market/rules.json", "opening": "market/opening.json"} if scenario.carbon else None,
        "jobtren": {"weights": "labour/weights.json"} if scenario.labour else None,
        "laras": {"index": "knowledge/index"},
        "personnel": {"kinds": "personnel/kinds.json"} if scenario.programmes else None,
        "signals": {"bundles": names} if names else None,
    }  # fmt: skip


def _write(path: Path, document: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(canonical(document))
