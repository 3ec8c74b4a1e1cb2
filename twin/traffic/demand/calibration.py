"""Does the simulated traffic match what was counted? The GEH statistic, and a few rounds of mending the demand."""

from __future__ import annotations

import itertools
import shutil
import subprocess
import tempfile
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from twin.errors import NetworkError
from twin.traffic.demand.counts import ALL, QUARTER_S, Counts, read_counts
from twin.traffic.demand.hours import routes_from_counts
from twin.traffic.demand.sampling import Way
from twin.traffic.demand.vehicles import parameters, vehicle_mix
from twin.traffic.networks.files import Network, program, read_net
from twin.traffic.networks.locate import locate

GEH_BAR = 5.0
SHARE_BAR = 0.85
# Two vehicles can block one another inside a junction for good, as nobody teleports: after this time [s] others pass.
BLOCKER = "--ignore-junction-blocker"
BLOCKER_S = "20"


def geh(simulated_veh_per_h: np.ndarray, observed_veh_per_h: np.ndarray) -> np.ndarray:
    """GEH statistic of hourly volumes [-]: √(2 (m − c)² / (m + c)); 0 where both are 0. Shapes broadcast.

    G. E. Havers' formula; a model is usually held calibrated if 85 % of the counts have GEH < 5 (UK DMRB 12.2.1).
    """
    m, c = np.asarray(simulated_veh_per_h, dtype=float), np.asarray(observed_veh_per_h, dtype=float)
    total = np.where(m + c > 0, m + c, 1.0)
    return np.sqrt(2 * (m - c) ** 2 / total)


def share_below(values: np.ndarray, bar: float = GEH_BAR) -> float:
    """Share of the entries below the bar [-]; 1 where there are none."""
    return float(np.mean(values < bar)) if values.size else 1.0


@dataclass(frozen=True, eq=False)
class Report:
    """What a calibration came to.

    `observed` and `simulated` have the same turns and quarters; `routes` is the demand that gave `simulated`, beginning
    `warm_up_s` before the first quarter; `rounds` are the shares of hourly turn counts with GEH < 5, round by round.
    """

    observed: Counts
    simulated: Counts
    routes: Path
    warm_up_s: int
    rounds: tuple[float, ...]

    @property
    def geh_hour(self) -> np.ndarray:
        """GEH of every turn over the whole time, shape (turns,)."""
        return geh(self.simulated.hourly(), self.observed.hourly())

    @property
    def geh_quarter(self) -> np.ndarray:
        """GEH of every turn and quarter, as hourly volumes, shape (turns, quarters)."""
        per_h = 3600 / QUARTER_S
        return geh(self.simulated.veh * per_h, self.observed.veh * per_h)

    @property
    def passed(self) -> bool:
        """Whether the usual bar is met by the whole time's counts."""
        return share_below(self.geh_hour) >= SHARE_BAR

    def worst(self, n: int = 5) -> list[dict[str, str | float]]:
        """The `n` turns of the largest GEH: turn, counted and simulated flow [veh/h], GEH."""
        order = np.argsort(-self.geh_hour, kind="stable")[:n]
        return [self._row(int(i)) for i in order]

    def _row(self, i: int) -> dict[str, str | float]:
        return {
            **self.observed.turns[i]._asdict(),
            "observed_veh_per_h": float(self.observed.hourly()[i]),
            "simulated_veh_per_h": float(self.simulated.hourly()[i]),
            "geh": float(self.geh_hour[i]),
        }

    def summary(self) -> dict[str, object]:
        """The report as plain values, for a table or JSON; `prior` says that nobody had counted."""
        return {
            "counts": self.observed.where,
            "prior": self.observed.prior,
            "turns": len(self.observed.turns),
            "quarters": self.observed.quarters,
            "share_geh_below_5": share_below(self.geh_hour),
            "share_geh_below_5_quarters": share_below(self.geh_quarter),
            "bar": SHARE_BAR,
            "passed": self.passed,
            "rounds": list(self.rounds),
            "worst": self.worst(),
        }


def calibrate(
    network: Network,
    counts: Counts,
    *,
    mix: Mapping[str, float],
    seed: int = 1,
    rounds: int = 3,
    warm_up_s: int = QUARTER_S,
    ways: Mapping[Way, float] | None = None,
) -> Report:
    """Find demand that, simulated, gives the counts: the best of up to `rounds` rounds; same arguments, same report.

    Each round samples routes for target counts, simulates them in a process of its own, and moves every turn's targets
    towards what it was short of or had too much of: a vehicle is counted later than it departs, and a quarter's turns
    do not add up between junctions. The quarters before the first (`warm_up_s`, a multiple of 900 s) repeat it, so that
    the streets are not empty when counting begins. Raises CountsError and NetworkError as `routes_from_counts` does.
    """
    before = warm_up_s // QUARTER_S
    targets, best, shares = counts.veh, None, []
    with tempfile.TemporaryDirectory(prefix="twin-calibrate-") as folder:
        for _ in range(rounds):
            warm = replace(counts, veh=np.concatenate([np.repeat(targets[:, :1], before, axis=1), targets], axis=1))
            routes = routes_from_counts(network, warm, mix, seed, ways=ways)
            simulated = measured(network, routes, counts, Path(folder), seed=seed, warm_up_s=before * QUARTER_S)
            report = Report(counts, simulated, routes, before * QUARTER_S, ())
            shares.append(share_below(report.geh_hour))
            if best is None or _fit(report) < _fit(best):
                best = report
            if shares[-1] == 1.0:
                break
            targets = adjusted(targets, simulated.veh, counts.veh)
    if best is None:
        raise ValueError("rounds must be 1 or more")
    return replace(best, rounds=tuple(shares))


def _fit(report: Report) -> tuple[float, float]:
    return -share_below(report.geh_hour), float(np.mean(report.geh_quarter))


def adjusted(targets: np.ndarray, simulated: np.ndarray, observed: np.ndarray, damping: float = 0.7) -> np.ndarray:
    """Next targets [veh], shape (turns, quarters): each times (observed / simulated)^damping, at most ×2 or ÷2.

    One vehicle is added to both sides, so that a turn that nobody took can grow and a small count does not swing.
    """
    ratio = (observed + 1) / (simulated + 1)
    return np.where(observed > 0, np.clip(ratio**damping, 0.5, 2.0) * np.maximum(targets, 0.5), 0.0)


def measured(network: Network, routes: Path, like: Counts, folder: Path, *, seed: int, warm_up_s: int = 0) -> Counts:
    """Turning counts of a simulation of `routes`, for the turns and quarters of `like`, counted after `warm_up_s`.

    SUMO's vehroute output tells when each vehicle left each edge, so a turn is counted at the stop line, to the second,
    whoever has arrived or not; edge data would know edges but no turns. Raises NetworkError with SUMO's own message.
    """
    out = folder / "vehroutes.xml"
    end_s = network.begin_s + warm_up_s + QUARTER_S * like.quarters
    command = [
        program("sumo"), *replace(network, route_file=routes, more_route_files=()).inputs,
        "--begin", str(network.begin_s), "--end", str(end_s), "--seed", str(seed), "--time-to-teleport", "-1",
        "--no-step-log", "--no-warnings", "--xml-validation", "never", "--vehroute-output", str(out),
        "--vehroute-output.exit-times", "--vehroute-output.write-unfinished", *network.options,
        *(() if BLOCKER in network.options else (BLOCKER, BLOCKER_S)),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise NetworkError(f"{network.name}: SUMO says: {' '.join(done.stderr.split())}")
    passes = turn_passes(out)
    veh = np.zeros_like(like.veh)
    edges = network.begin_s + warm_up_s + QUARTER_S * np.arange(like.quarters + 1)
    for i, turn in enumerate(like.turns):
        veh[i] = np.histogram(passes.get(turn[1:], []), bins=edges)[0]
    return Counts(f"simulation of {network.name}", like.begin_s, like.turns, veh)


def turn_passes(vehroutes: Path) -> dict[tuple[str, str, str], list[float]]:
    """Times [s] at which vehicles made each turn, by (from edge, to edge, type); type `all` holds everybody."""
    passes: dict[tuple[str, str, str], list[float]] = {}
    for _, vehicle in ET.iterparse(vehroutes):  # noqa: S314 (written by SUMO a moment ago)
        if vehicle.tag == "vehicle" and (route := vehicle.find("route")) is not None:
            edges, exits = route.get("edges", "").split(), route.get("exitTimes", "").split()
            kind = vehicle.get("type", "")
            for (a, b), left in zip(itertools.pairwise(edges), exits, strict=False):
                if float(left) >= 0:  # −1: not yet
                    for key in (kind, ALL):
                        passes.setdefault((a, b, key), []).append(float(left))
            vehicle.clear()
    return passes


def calibrate_file(network: str, counts: Path, to: Path, rounds: int = 3) -> Report:
    """`calibrate` for a network's name or path and a counts file; the demand found is written to `to`."""
    found = locate(network)
    observed = read_counts(counts, read_net(found.net_file))
    report = calibrate(found, observed, mix=vehicle_mix(parameters()["motorcycle_share"]), rounds=rounds)
    to.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(report.routes, to)
    return report
