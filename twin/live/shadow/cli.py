"""`python -m twin live shadow|shadow-study`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from twin.terminal import JsonFlag, SeedOption, print_facts, print_json, print_rows, progress_bar

EXAMPLE = "Example: `python -m twin live shadow --candidate max_pressure:min_green_s=5 --network cologne1`"
PROMOTE_EXAMPLE = "Example: `python -m twin live promote runs/live/shadow-*.sqlite --policy bundles/new`"
STUDY_EXAMPLE = "Example: `python -m twin live shadow-study --pairs 6 --windows 2`"
NetworkOption = Annotated[str, typer.Option("--network", help="The street, as the twin knows it.")]
ScaleOption = Annotated[float, typer.Option("--scale", min=0.1, max=3, help="The city's demand; the twin believes 1.")]
DrawsOption = Annotated[
    int,
    typer.Option("--draws", min=6, max=200, help="Cities that the twin holds possible; two windows are lived in each."),
]
DurationOption = Annotated[int, typer.Option("--duration-s", min=60, max=3600, help="A window [s].")]


def shadow(
    candidate: Annotated[
        str, typer.Option("--candidate", help="A bundle's folder, or webster, max_pressure, sotl[:setting=value,…].")
    ],
    in_charge: Annotated[
        str, typer.Option("--in-charge", help="Who sets the lamps, written the same way.")
    ] = "webster",
    network: NetworkOption = "trenggalek",
    log: Annotated[
        Path | None, typer.Option("--log", help="What a controller of this street saw and wanted (its log).")
    ] = None,
    follow: Annotated[
        str | None,
        typer.Option("--follow", metavar="WHERE", help="HOST:PORT of the street's broker, or the folder of its day."),
    ] = None,
    for_s: Annotated[
        float | None, typer.Option("--for-s", min=1, help="Follow for so long [s]; else until Ctrl-C.")
    ] = None,
    seed: SeedOption = 1,
    duration_s: DurationOption = 900,
    scale: ScaleOption = 1.1,
    takes_over_s: Annotated[
        int, typer.Option("--takes-over-s", min=0, help="When the candidate would take over, after the begin [s].")
    ] = 0,
    draws: DrawsOption = 16,
    out: Annotated[Path, typer.Option("--out", help="Folder of the run.")] = Path("runs/live"),
    as_json: JsonFlag = False,
) -> None:
    """Let a candidate see what the controller in charge sees, and say what it would have brought.

    The street is a simulated city, or with --log a cabinet's. The candidate proposes at every decision and changes
    nothing. The twin then lives the window under both in cities that it holds possible, and reads the difference of
    mean delay off at what the detectors saw: `better` or `worse` where its 90 % interval has no 0 in it. Both's
    decisions, the draws and the verdict are a run; `python -m twin live replay` checks it.
    """
    if follow is not None:
        if log is not None or takes_over_s:
            raise typer.BadParameter("a street that is followed has no --log, and no --takes-over-s")
        from twin.live.shadow.follow import follow as follow_street

        with progress_bar("cities held possible, then the window [s]") as progress:
            told, interrupted = follow_street(
                follow, network, in_charge, candidate, seed, duration_s, draws, for_s, out, progress
            )
        if as_json:
            print_json(told)
        else:
            windows = told.pop("told")
            print_rows(windows, "what the candidate would have brought", False)
            print_facts(told, "the street that was followed", False)
        if interrupted:
            raise typer.Abort
        return
    from twin.live.shadow.run import shadow as run_shadow

    with progress_bar("cities held possible") as progress:
        path, row = run_shadow(
            network, in_charge, candidate, seed, duration_s, scale, takes_over_s, draws, log, out, progress
        )
    print_facts({"run": str(path), **row}, "what the candidate would have brought", as_json)


def shadow_study(
    network: NetworkOption = "cologne1",
    pairs: Annotated[int, typer.Option("--pairs", min=1, max=500, help="Pairs of policies.")] = 20,
    windows: Annotated[int, typer.Option("--windows", min=2, max=100, help="Windows of the city, for each pair.")] = 8,
    draws: DrawsOption = 16,
    duration_s: DurationOption = 900,
    scale: ScaleOption = 1.1,
    seed: SeedOption = 1,
    policy: Annotated[
        list[str] | None, typer.Option("--policy", help="One more policy, as `live shadow` takes them; again for more.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """How far a shadow's verdict can be trusted: in a simulated city both policies of a pair really live its windows.

    The city has other demand, other drivers and worse cameras than the twin believes. `agree` compares a pair's verdict
    with the A/B over the same windows, `covered` asks whether the interval holds the true difference.
    """
    from twin.live.shadow.study import study

    with progress_bar("windows") as progress:
        found = study(network, pairs, windows, draws, duration_s, scale, seed, policy or (), progress)
    if as_json:
        print_json(found)
    else:
        print_rows(found["pairs"], "pairs: difference of mean delay, candidate less in charge", False)
        print_facts(found["summary"], "how far the verdicts can be trusted", False)


def promote(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN…", help="Shadows' runs, in their order.")],
    policy: Annotated[str, typer.Option("--policy", help="The policy, as the runs call it.")],
    stage: Annotated[
        str, typer.Option("--stage", help="Where it stands before them: shadow, canary or all.")
    ] = "shadow",
    to: Annotated[Path, typer.Option("--to", help="Folder of the decisions.")] = Path("runs/live"),
    as_json: JsonFlag = False,
) -> None:
    """Decide on a policy by written criteria: shadow, canary junction, all junctions, or back; exit code 1 for back.

    Once it is in charge, runs with the old policy in its shadow tell whether it is worse. A policy that comes to the
    canary leaves `roll-out.json`, the body of the services' `POST /v1/signals/roll-outs`; one that steps back is ended
    with a DELETE of that roll-out. The criteria are priors.
    """
    from twin.live.shadow.promote import promote as decide
    from twin.live.shadow.promotion import ALL, BACK, CANARY, SHADOW

    if stage not in (SHADOW, CANARY, ALL):
        raise typer.BadParameter(f"{stage!r} is none of {SHADOW}, {CANARY}, {ALL}", param_hint="--stage")
    told, rows = decide(runs, policy, stage, to)
    if as_json:
        print_json({**told, "decisions": rows})
    else:
        print_rows([dict(row) for row in rows], f"decisions on {policy}", False)
        print_facts(told, "where it stands", False)
    if told["stage"] == BACK:
        raise typer.Exit(1)
