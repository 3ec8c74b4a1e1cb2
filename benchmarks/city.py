"""The whole city: cold against warm what-ifs, and what an added year, seeker, office, junction or seed costs.

    python -m benchmarks.city                    # book, ten years, nine programmes, one seed
    python -m benchmarks.city --scenario baseline --years 2 [--json FILE]

A cold run begins without any month kept; simulated hours of traffic are kept apart, and `--fresh-hours` makes them too.
A warm what-if changes one value: only what depends on it is lived again. Every run is a process of its own. On a
machine that others use too, the processor time of a run and its children says more than the clock.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

from twin.files import cache_folder
from twin.run import Run
from twin.terminal import print_rows, run_app, tell

WHAT_IFS = {
    "podcast every second week": "programmes.podcast_weeks_between=2",
    "fee of the carbon market": "carbon.fee_percent=0.2",
    "JOBTREN's employers": "labour.employer_share=0.5",
    "panels an office": "solar.panels=4",
}
KEPT = ("hours", "networks", "checked", "signals", "flows")  # of the cache: traffic, which months are not
app = typer.Typer(add_completion=False)


def lived(scenario: str, settings: Sequence[str], cache: Path, out: Path, seed: int = 1) -> dict[str, float]:
    """Wall and processor time of a process that makes one run [s], what the run itself took, peak memory [MiB]."""
    words = [word for setting in settings for word in ("--set", setting)]
    began, used = time.perf_counter(), processor_s()
    done = subprocess.run(
        [sys.executable, "-m", "twin", "run", scenario, *words, "--seed", str(seed), "--out", str(out), "--json"],
        env={**os.environ, "TWIN_CACHE": str(cache)}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    spent = {"wall_s": time.perf_counter() - began, "processor_s": processor_s() - used}
    with Run.open(json.loads(done.stdout)["run"]) as run:
        return {**spent, "run_s": run.provenance["wall_s"], "peak_mib": run.provenance["peak_memory_mib"]}


def processor_s() -> float:
    """Processor time of all processes that were started here and have ended [s]."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class Size(NamedTuple):
    """A cold run of some size; with `fresh_hours` its traffic is simulated anew, too."""

    grown: str
    size: str
    settings: tuple[str, ...]
    seed: int = 1
    fresh_hours: bool = False


def sizes(years: int) -> Iterator[Size]:
    """The runs whose costs are compared."""
    one_year = "horizon_months=12"
    for n in sorted({1, 2, years}):
        yield Size("years", str(n), (f"horizon_months={12 * n}",))
    for n in (60_000, 300_000):
        yield Size("seekers", f"{n:,}", (one_year, f"labour.people={n}"))
    for size, codes in (("1", "[35.03.11.2001]"), ("157", "all")):
        yield Size("offices", size, (one_year, f"solar.offices={codes}"))
    for n, name in ((1, "cologne1"), (3, "cologne3"), (16, "grid4x4")):
        yield Size("junctions", str(n), (one_year, f"traffic.networks=[{name}]"), fresh_hours=True)
    for seed in (2, 3):
        yield Size("another seed", str(seed), (one_year,), seed, fresh_hours=True)


def growth(scenario: str, years: int, cache: Path, out: Path, fixed: Sequence[str]) -> list[dict[str, Any]]:
    """Cold runs of several sizes, each without kept months."""
    rows = []
    for one in sizes(years):
        (cache / "months.sqlite").unlink(missing_ok=True)
        if one.fresh_hours:
            shutil.rmtree(cache / "hours", ignore_errors=True)
        cost = lived(scenario, [*fixed, *one.settings], cache, out / f"{one.grown}{one.size}", one.seed)
        rows.append({"grown": one.grown, "size": one.size, **cost})
        tell(f"{one.grown} {one.size}: {cost['wall_s']:.1f} s")
    return rows


@app.command()
def main(
    scenario: Annotated[str, typer.Option("--scenario")] = "book",
    years: Annotated[int, typer.Option("--years", min=1)] = 10,
    settings: Annotated[list[str] | None, typer.Option("--set", help="For every run.")] = None,
    fresh_hours: Annotated[bool, typer.Option("--fresh-hours", help="Also simulate traffic anew when cold.")] = False,
    with_growth: Annotated[bool, typer.Option("--growth/--no-growth", help="Also runs of several sizes.")] = True,
    to: Annotated[Path | None, typer.Option("--json", help="Also write the rows to this file.")] = None,
) -> None:
    """Print the ratio of cold to warm for each what-if, and growth."""
    with tempfile.TemporaryDirectory() as folder:
        cache, out = Path(folder) / "cache", Path(folder) / "runs"
        cache.mkdir()
        for name in () if fresh_hours else KEPT:
            if (cache_folder() / name).is_dir():
                shutil.copytree(cache_folder() / name, cache / name)
        fixed = [*(settings or ()), f"horizon_months={12 * years}"]
        lived(scenario, ["horizon_months=1", *(settings or ())], cache, out)  # compiles what is compiled once
        (cache / "months.sqlite").unlink(missing_ok=True)
        cold = lived(scenario, fixed, cache, out)
        rows: list[dict[str, Any]] = [{"run": "cold", "changes": "-", **cold}]
        for name, change in WHAT_IFS.items():
            warm = lived(scenario, [*fixed, change], cache, out)
            rows.append({"run": f"warm: {name}", "changes": change, **warm})
            tell(f"{name}: {warm['wall_s']:.1f} s")
        for row in rows:
            row["cold_over_this"] = cold["wall_s"] / row["wall_s"]
            row["cold_over_this_processor"] = cold["processor_s"] / row["processor_s"]
        grown = growth(scenario, years, cache, out, settings or ()) if with_growth else []
    print_rows(rows, f"{scenario}, {years} years, one seed, {os.cpu_count()} cores", False)
    if grown:
        print_rows(grown, "cold runs of several sizes", False)
    if to is not None:
        to.write_text(json.dumps({"what_ifs": rows, "growth": grown}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    run_app(app)
