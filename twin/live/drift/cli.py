"""`python -m twin live drift|drift-study`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from twin.terminal import JsonFlag, SeedOption, print_rows, progress_bar, tell
from twin.terminal import say as say_line

EXAMPLE = "Example: `python -m twin live drift runs/live/live-*.sqlite --reference 14 --network trenggalek`"
STUDY_EXAMPLE = "Example: `python -m twin live drift-study --reference 8 --control 4 --changed 1`"

SHOWN = ("sort", "source", "raised", "since_run", "since", "until", "size", "or_else")


def drift(
    runs: Annotated[
        list[Path], typer.Argument(metavar="RUN…", help="Live days in their order, or the folder that they lie in.")
    ],
    reference: Annotated[
        int, typer.Option("--reference", min=8, help="So many of them, the first, are learned from.")
    ] = 14,
    false_alarms: Annotated[
        float | None, typer.Option("--false-alarms", min=0.001, max=1000, help="Wished of each sort in 30 days.")
    ] = None,
    network: Annotated[str | None, typer.Option("--network", help="The street, for counts to calibrate with.")] = None,
    to: Annotated[Path, typer.Option("--to", help="Folder of what is to be calibrated with.")] = Path("runs/live"),
    every_s: Annotated[
        float | None, typer.Option("--every-s", min=1, help="Look again so often [s], while a day is recorded.")
    ] = None,
    for_s: Annotated[float | None, typer.Option("--for-s", min=1, help="For so long [s]; else until Ctrl-C.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Say whether demand, a sensor, the policy or the weather is no longer what it was; exit code 1 where one is.

    Reference days must be ones in which all was well. A sensor that does not fit the others is named, with since when
    and by how much, who may lie instead, and from when on it fits again. Whoever is named is kept beside the days as
    `distrusted.json`, and `live what-now`, `forecast`, `offices`, `demo` and `shadow --follow FOLDER` leave out what it
    told meanwhile, until the next look says otherwise; a folder's day that is still being recorded counts as far as it
    goes. Where demand drifted, what the loops counted since then is written as the file that `python -m twin traffic
    calibrate` takes; where the weather did, sun and panels as `python -m twin calibrate` takes them.
    """
    from twin.live.day import days_in
    from twin.live.drift.run import drift as look
    from twin.live.drift.run import looks

    if every_s is None and for_s is not None:
        raise typer.BadParameter("--for-s is for --every-s")
    if every_s is not None and as_json:
        raise typer.BadParameter("--json is one document, and so without --every-s")

    def found(say: Callable[[str], None] = tell) -> list[dict[str, Any]]:
        days = [day for place in runs for day in (days_in(place) if place.is_dir() else [place])]
        with progress_bar("live days") as progress:
            return look(days, reference, false_alarms, network, to, progress, say)

    rows: list[dict[str, Any]] = []
    for rows in [found()] if every_s is None else looks(found, every_s, for_s):
        shown = [{name: row[name] for name in SHOWN} for row in rows]
        print_rows(rows if as_json else shown, "drift", as_json)
        if not as_json:
            for advice in dict.fromkeys(row["advice"] for row in rows):
                about = dict.fromkeys(f"{row['sort']} ({row['source']})" for row in rows if row["advice"] == advice)
                say_line(f"{', '.join(about)}: {advice}")
    if rows:
        raise typer.Exit(1)


def drift_study(
    network: Annotated[str, typer.Option("--network", help="The simulated city.")] = "junction-7",
    reference: Annotated[int, typer.Option("--reference", min=8, help="Hours that are learned from.")] = 12,
    control: Annotated[int, typer.Option("--control", min=1, help="Hours without a change.")] = 16,
    changed: Annotated[int, typer.Option("--changed", min=1, help="Hours of each change.")] = 2,
    duration_s: Annotated[
        int, typer.Option("--duration-s", min=900, max=3600, help="Simulated time of an hour.")
    ] = 3600,
    lies: Annotated[
        bool, typer.Option("--lies", help="Sensors that lie plausibly instead: who is named, how soon, and coverage.")
    ] = False,
    seed: SeedOption = 1,
    as_json: JsonFlag = False,
) -> None:
    """Count false alarms in simulated hours in which nothing changed, and say how soon changes are found.

    With --lies one sensor lies at a time, in --control hours of the street and in 30 days of six offices (learned from
    14), and nothing else changes. `named` alarms name the liar, `sure` ones suspect nobody else, `sure_named` do both,
    and `size_held` of the named tell a 95 % interval that holds by how much it is off. Coverage is of 90 % intervals of
    the estimates.
    """
    from twin.live.drift.lies import study as study_lies
    from twin.live.drift.study import study

    with progress_bar("hours") as progress:
        if lies:
            rows = study_lies(network, reference, control, duration_s, seed, progress)
        else:
            rows = study(network, reference, control, changed, duration_s, seed, progress)
    print_rows(rows, f"alarms in {network}", as_json)
