"""All claims of speed in one table, each a ratio to a peer or a limit that was measured in the same run."""

from __future__ import annotations

import json
import os
import platform
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks.claims import BENCHMARKS, Benchmark
from twin.errors import TwinError
from twin.files import write_whole
from twin.scenario import nearest
from twin.terminal import print_json, print_rows, progress_bar, run_app, say, tell

ROOT = Path(__file__).resolve().parent.parent
README, LAST = ROOT / "README.md", Path(__file__).parent / "last.json"
BEGIN, END = "<!-- speed: made by `python -m benchmarks --readme` -->", "<!-- /speed -->"
SLACK = 0.25  # a share of the last ratio that noise may take
Row = dict[str, Any]
app = typer.Typer(add_completion=False)


@app.command()
def main(
    only: Annotated[list[str] | None, typer.Option("--only", help=f"One of: {', '.join(BENCHMARKS)}.")] = None,
    large: Annotated[bool, typer.Option("--large", help="Full sizes and more rounds: an hour and more.")] = False,
    against: Annotated[
        Path | None, typer.Option("--against", help="Ratios of before; one that fell by a quarter ends with exit 1.")
    ] = None,
    to: Annotated[Path | None, typer.Option("--to", help="Write all of it as JSON.")] = None,
    readme: Annotated[bool, typer.Option("--readme", help="Measure nothing: put last.json into the README.")] = False,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Measure, print one table, compare with the last release.

    `make bench` does so in the small size and compares with `benchmarks/last.json`.
    """
    if readme:
        write_whole(README, filled(README.read_text(encoding="utf-8"), read(LAST)))
        return
    names = only or list(BENCHMARKS)
    for name in names:
        if name not in BENCHMARKS:
            raise TwinError(f"{name}: no such benchmark; {nearest(name, list(BENCHMARKS))}")
    before = read(against) if against is not None else None
    rows: list[Row] = []
    with progress_bar("benchmarks") as update:
        for i, name in enumerate(names):
            update(i, len(names), name)
            rows += measured(name, BENCHMARKS[name], large)
    size = "large" if large else "small"
    document = {"size": size, "cores": os.cpu_count(), "python": platform.python_version(), "rows": rows}
    fallen = compared(document, before) if before is not None else []
    if to is not None:
        write_whole(to, json.dumps(document, indent=1) + "\n")
    if as_json:
        print_json(document)
    else:
        print_rows([shown(one) for one in rows], f"ratios, {size} size, {os.cpu_count()} cores", False)
    for line in fallen:
        say(line)
    if fallen or any("failed" in one for one in rows):
        raise typer.Exit(1)


def measured(name: str, benchmark: Benchmark, large: bool) -> list[Row]:
    """A row a claim; a benchmark that fails is one row that says why, and the others go on."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "found.json"
        words = shlex.split(benchmark.large if large else benchmark.small)
        command = [sys.executable, "-W", "ignore", "-m", f"benchmarks.{benchmark.module}", *words, "--json", str(file)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode or not file.is_file():
            return [{"benchmark": name, "failed": done.stderr.strip()[-300:] or f"exit {done.returncode}"}]
        found = json.loads(file.read_text(encoding="utf-8"))
    rows = []
    for claim in benchmark.claims:
        kept = {"benchmark": name, "claim": claim.name, "against": claim.peer}
        try:
            figure = claim.read(found)
        except KeyError as error:
            rows.append({**kept, "failed": f"not measured: {error.args[0]}"})
            continue
        rows.append({**kept, "ratio": figure.ratio, "target": claim.target, "ours_mib": figure.ours_mib,
                     "peer_mib": figure.peer_mib})  # fmt: skip
    return rows


def compared(now: Mapping[str, Any], before: Mapping[str, Any]) -> list[str]:
    """A line for every ratio that is worse than before by more than `SLACK`. Sizes that differ are not compared."""
    if now["size"] != before["size"]:
        tell(f"the last ratios are of the {before['size']} size: nothing is compared")
        return []
    was = {(one["benchmark"], one["claim"], one["against"]): one["ratio"] for one in before["rows"] if "ratio" in one}
    lines = []
    for one in now["rows"]:
        ratio = was.get((one["benchmark"], one.get("claim"), one.get("against")))
        if ratio is not None and one.get("ratio", 0.0) < (1 - SLACK) * ratio:
            found = f"{one['ratio']:.3g}" if "ratio" in one else "nothing"
            lines.append(f"WORSE: {one['benchmark']}, {one['claim']}: {found}, and {ratio:.3g} before")
    return lines


def shown(one: Row) -> Row:
    """A row for people."""
    if "failed" in one:
        return {"benchmark": one["benchmark"], "what": one.get("claim", "-"), "against": one.get("against", "-"),
                "times": "failed", "target": "-", "MiB": one["failed"]}  # fmt: skip
    memory = " / ".join(f"{one[key]:.0f}" for key in ("ours_mib", "peer_mib") if one[key] is not None)
    met = "" if one["target"] is None else f"{one['target']:g} {'met' if one['ratio'] >= one['target'] else 'MISSED'}"
    times = f"{one['ratio']:,.0f}" if one["ratio"] >= 100 else f"{one['ratio']:.3g}"
    return {"benchmark": one["benchmark"], "what": one["claim"], "against": one["against"],
            "times": times, "target": met, "MiB": memory}  # fmt: skip


def read(path: Path) -> dict[str, Any]:
    """What `--to` wrote."""
    try:
        document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise TwinError(
            f"{path} is no table of benchmarks: {error}. `python -m benchmarks --to FILE` writes one"
        ) from error
    return document


def filled(text: str, document: Mapping[str, Any]) -> str:
    """The README's text with the table between its two marks."""
    head, _, rest = text.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}\n{markdown(document)}{END}{tail}"


def markdown(document: Mapping[str, Any]) -> str:
    """The table as Markdown."""
    rows: Sequence[Row] = [shown(one) for one in document["rows"] if "ratio" in one]
    head = ("what", "against", "times", "target", "MiB")
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    lines += [f"| {' | '.join(str(one[key]) for key in head)} |" for one in rows]
    return "\n".join(lines) + f"\n\n{document['cores']} cores, Python {document['python']}, {document['size']} size.\n"


if __name__ == "__main__":
    run_app(app)
