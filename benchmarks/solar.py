"""Solar: the fast path against pvlib's ModelChain in a loop, outages against plain numpy, agreement with other tools.

    python -m benchmarks.solar [--rounds 5] [--json FILE]
    python -m benchmarks.solar --agreement [--json FILE]

Every measurement is a process of its own, in which compiled functions have run once on something small; the candidates
take turns within a round, and each ratio is the median over rounds of the ratio within a round. "End to end" is from
hourly weather to AC energy, sun position included. `--agreement` prints annual and monthly differences instead.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pvlib

from twin.solar.options import SolarOptions
from twin.solar.outage import plain
from twin.solar.outage.scenarios import Calendar, draw_calendar, simulate
from twin.solar.pv.chain import model_chain
from twin.solar.pv.fast import Weather
from twin.solar.pv.sun import sun_track
from twin.solar.system import battery_of
from twin.solar.weather.synthetic import Places
from twin.validation.solar import SYSTEM, chain_loop, fast, frame, offices, pysam

OFFICES, SCENARIOS, HOURS = 157, 100, 8760
PV = ("ModelChain loop", "fast path", "fast path x10", "fast path x100")
OUTAGE = ("plain numpy", "event-driven", "event-driven x10")


def outage_case() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, Calendar]:
    """Panels, load, charge, batteries and outages of 157 offices × 100 scenarios at the national SAIFI and SAIDI."""
    rng, clock = np.random.default_rng(1), np.arange(HOURS) % 24
    sun = np.maximum(np.sin((clock - 6) / 12 * np.pi), 0) * np.clip(
        0.6 + 0.25 * rng.normal(size=(OFFICES, HOURS)), 0.1, 1
    )
    load = np.where((clock >= 7) & (clock < 16), 0.35, 0.06) * rng.uniform(0.8, 1.2, (OFFICES, HOURS))
    options = SolarOptions()
    batteries = np.tile(battery_of(options).array(), (OFFICES, 1))
    when = draw_calendar(
        np.ones((OFFICES, HOURS)), np.arange(OFFICES) % 14, SCENARIOS, options.saifi,
        options.saidi_min, rng,
    )  # fmt: skip
    return sun, load, np.full(OFFICES, 2.4), batteries, when


def timed(work: Any) -> tuple[float, float, Any]:
    """Seconds that a call takes by the clock and of all cores' work, and what it gives."""
    began, worked = time.perf_counter(), time.process_time()
    found = work()
    return time.perf_counter() - began, time.process_time() - worked, found


def measure_one(candidate: str) -> dict[str, float]:
    """What the child process does: one measurement."""
    parts: dict[str, float] = {}
    if candidate in PV:
        case = offices(OFFICES)
        small = (
            Places(*(v[:2] for v in vars(case[0]).values())),
            case[1],
            Weather(*(v[:2] for v in vars(case[2]).values())),
        )
        fast(*small)
        chain_loop(Places(*(v[:1] for v in vars(case[0]).values())), *small[1:])
        times = {"fast path x10": 10, "fast path x100": 100}.get(candidate, 1)
        took_s, cpu_s, found = timed(lambda: chain_loop(*case) if candidate == PV[0] else fast(*case, times=times))
        parts["sun_s"] = timed(lambda: sun_track(case[1]))[0]
        check = float(found.sum() / 1000)
    else:
        pv, load, soc, batteries, when = outage_case()
        first = Calendar(when.first[: SCENARIOS + 1], when.start_min, when.end_min)
        simulate(pv[:1], load[:1], soc[:1], batteries[:1], first)
        if candidate == OUTAGE[0]:
            out_min = plain.minutes_by_hour(when, HOURS)
            pv_f, load_f = np.asfortranarray(pv), np.asfortranarray(load)
            took_s, cpu_s, found = timed(lambda: plain.unmet_kwh(pv_f, load_f, soc, batteries, out_min))
        else:
            times = 10 if candidate.endswith("x10") else 1
            took_s, cpu_s, toll = timed(lambda: [simulate(pv, load, soc, batteries, when) for _ in range(times)][-1])
            found = toll.unmet_kwh
        check = float(found.sum())
    return {
        "took_s": took_s,
        "cpu_s": cpu_s,
        "check": check,
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        **parts,
    }


def measured(candidate: str) -> dict[str, float]:
    """One measurement in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "benchmarks.solar", "--one", candidate],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    lines = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
    if not lines:
        raise RuntimeError(f"{candidate}: {done.stderr[-2000:]}")
    return json.loads(lines[-1].removeprefix("RESULT "))


def table(rounds: int) -> list[dict[str, float | str]]:
    """One row a candidate: seconds, ratio to the peer for equal work, peak memory, and the energy to be the same.

    `times_by_cpu` compares the work of all cores: it credits no second core, and other programs disturb it less.
    """
    results = [{candidate: measured(candidate) for candidate in (*PV, *OUTAGE)} for _ in range(rounds)]
    rows: list[dict[str, float | str]] = []
    for candidate in (*PV, *OUTAGE):
        peer = PV[0] if candidate in PV else OUTAGE[0]
        more = int(candidate.rpartition(" x")[2]) if " x" in candidate else 1
        mine = [r[candidate] for r in results]

        def ratio(what: str, peer: str = peer, candidate: str = candidate, more: int = more) -> float:
            return more * statistics.median(r[peer][what] / r[candidate][what] for r in results)

        rows.append(
            {
                "candidate": candidate,
                "seconds": statistics.median(one["took_s"] for one in mine),
                "times_the_peer": ratio("took_s"),
                "times_by_cpu": ratio("cpu_s"),
                "of_it_sun_s": statistics.median(one.get("sun_s", 0.0) for one in mine),
                "energy_kwh": mine[0]["check"],
                "peak_mib": statistics.median(one["peak_mib"] for one in mine),
            }
        )
    return rows


def causes(places: Places, hours: pd.DatetimeIndex, weather: Weather, sam: Any) -> list[dict[str, float | str]]:
    """Where ModelChain and SAM part [% of the year]: step by step, then by how the panels are mounted.

    The sign hangs on the mount: a rack open to the air (ours, and SAM's default) keeps cells cooler than a roof does.
    """
    chain = model_chain(SYSTEM, places.latitude_deg[0], places.longitude_deg[0], 0.0)
    chain.run_model(frame(hours, weather, 0))
    r = chain.results
    steps = {
        "in the plane": (r.total_irrad["poa_global"].sum(), np.sum(sam.Outputs.poa)),
        "through the glass (SAM dims diffuse light too)": (r.effective_irradiance.sum(), np.sum(sam.Outputs.tpoa)),
        "DC (SAM: -0.37 %/degC, NOCT cell)": (r.dc.sum(), np.sum(sam.Outputs.dc)),
        "AC (inverter)": (r.ac.sum(), np.sum(sam.Outputs.ac)),
    }
    for name, thermal in pvlib.temperature.TEMPERATURE_MODEL_PARAMETERS["sapm"].items():
        for gamma in (-0.0035, -0.0037):
            chain.system.arrays[0].temperature_model_parameters = thermal
            chain.system.arrays[0].module_parameters["gamma_pdc"] = gamma
            chain.run_model(frame(hours, weather, 0))
            steps[f"AC with {name}, {100 * gamma:.2f} %/degC"] = (chain.results.ac.sum(), np.sum(sam.Outputs.ac))
    return [
        {"of": f"year, {name}", "ModelChain_minus_SAM_percent": 100 * float(ours / theirs - 1)}
        for name, (ours, theirs) in steps.items()
    ]


def agreement() -> list[dict[str, float | str]]:
    """Annual and monthly energy of one office: ModelChain, fast path, PVWatts of SAM, and the differences [%]."""
    places, hours, weather = offices(8)
    places = Places(places.latitude_deg, places.longitude_deg, np.zeros(8), places.of_site)
    slow, quick = chain_loop(places, hours, weather) / 1000, fast(places, hours, weather) / 1000
    sam = pysam(places.latitude_deg[0], places.longitude_deg[0], hours, weather, 0)
    sam_kw = None if sam is None else np.asarray(sam.Outputs.ac) / 1000
    spans = [(f"month {m}", np.asarray(hours.month == m)) for m in range(1, 13)]
    rows: list[dict[str, float | str]] = []
    for name, which in [*spans, ("year", np.ones(HOURS, bool))]:
        ours = float(slow[0, which].sum())
        theirs = None if sam_kw is None else float(sam_kw[which].sum())
        rows.append(
            {
                "of": name,
                "ModelChain_kwh": ours,
                "fast_minus_ModelChain_percent": 100 * float(quick[0, which].sum() / ours - 1),
                **(
                    {}
                    if theirs is None
                    else {"SAM_kwh": theirs, "ModelChain_minus_SAM_percent": 100 * (ours / theirs - 1)}
                ),
            }
        )
    rows += [] if sam is None else causes(places, hours, weather, sam)
    apart_w = 1000 * np.abs(slow - quick)
    worst = 100 * float(np.abs(quick.sum(axis=1) / slow.sum(axis=1) - 1).max())
    rows.append({"of": f"8 offices, fast against ModelChain: worst year {worst:.4f} %, hours P99.9 "
                       f"{np.quantile(apart_w, 0.999):.3f} W, largest {apart_w.max():.2f} W"})  # fmt: skip
    keys = list(dict.fromkeys(key for row in rows for key in row))
    return [{key: row.get(key, "") for key in keys} for row in rows]


def main() -> None:
    """Measure and print the table."""
    warnings.simplefilter("ignore")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--agreement", action="store_true", help="print differences between tools, not times")
    parser.add_argument("--json", type=Path, help="also write the rows to this file")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    words = parser.parse_args()
    if words.one:
        sys.__stdout__.write("\nRESULT " + json.dumps(measure_one(words.one)) + "\n")
        return
    from twin.terminal import print_rows, tell

    rows = agreement() if words.agreement else table(words.rounds)
    machine = f"{os.cpu_count()} cores, median of {words.rounds} rounds"
    title = f"{OFFICES} offices, {HOURS} h, {SCENARIOS} years of outages; {machine}"
    if words.agreement:
        title = "a year of one office, kWh AC"
    print_rows(rows, title, False)
    if words.agreement and "SAM_kwh" not in rows[0]:
        tell("PySAM is not installed (pip install NREL-PySAM): left out")
    if words.json:
        words.json.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
