"""`python -m twin hil`: a bundle's controller in the loop of the twin."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from twin import terminal

BROKERS = ("auto", "mosquitto", "embedded")


def hil(
    bundle: Annotated[Path, typer.Option("--bundle", help="Folder that `python -m agents.export` made.")],
    network: Annotated[str, typer.Option("--network", help="The street; the bundle was made for it.")] = "trenggalek",
    day_type: Annotated[str, typer.Option("--day-type", help="On trenggalek: its day type.")] = "weekday",
    seed: terminal.SeedOption = 1,
    duration_s: Annotated[int | None, typer.Option("--seconds", min=60, help="Less than the whole hour.")] = None,
    broker: Annotated[str, typer.Option("--broker", help="mosquitto, embedded (pure Python), or auto.")] = "auto",
    faults: Annotated[
        bool, typer.Option("--faults/--no-faults", help="A second hour with every fault in turn.")
    ] = True,
    speed: Annotated[float, typer.Option("--speed", min=0, help="Times real time; 0 is as fast as it goes.")] = 0.0,
    as_json: terminal.JsonFlag = False,
) -> None:
    """Run the twin as the street of a real controller: broker, controller and street are processes of their own.

    First an hour without faults: are decisions and lamps those of the environment in the same hour? Then an hour in
    which messages are delayed, doubled, reordered, corrupted and lost, the clock jumps, a detector dies, and controller
    and broker are killed and come back. Exit code 1 where decisions differ, or an independent monitor of what the lamps
    showed saw a violation; `refused` counts what the street's lamp unit would not show and flashed instead.
    """
    from controllers.errors import ControllerError
    from twin.errors import NetworkError
    from twin.hil import run
    from twin.hil.faults import schedule

    if broker not in BROKERS:
        raise typer.BadParameter(f"{broker!r} is none of {', '.join(BROKERS)}", param_hint="--broker")
    if broker == "mosquitto" and run.mosquitto() is None:
        raise NetworkError("mosquitto is not installed: apt-get install mosquitto, or --broker embedded")
    kind = broker if broker != "auto" else "mosquitto" if run.mosquitto() else "embedded"
    try:
        run.fitting(bundle, network)
    except ControllerError as error:
        raise NetworkError(str(error)) from error
    about = (bundle, network, seed, day_type, duration_s)
    terminal.tell(f"{network}, seed {seed}, {kind}: the environment")
    expected = run.environments(*about)
    terminal.tell("the controller in the loop")
    found = run.in_the_loop(*about, kind, (), speed)
    document: dict[str, Any] = {
        "network": network, "seed": seed, "broker": kind, **_compared(found, expected), **found["log"],
        "wall_s": found["wall_s"], "violations": found["violations"],
    }  # fmt: skip
    if faults:
        terminal.tell("the controller in the loop, with faults")
        ends_s = found["seconds"]
        suffering = run.in_the_loop(*about, kind, [one for one in schedule() if one.until_s + 100 <= ends_s])
        document["faults"] = suffering["faults"]
        document["refused_under_faults"] = suffering["refused"]
        document["violations_under_faults"] = suffering["violations"] + suffering["log"]["conflicts"]
    if as_json:
        terminal.print_json(document)
    else:
        suffered = document.pop("faults", [])
        terminal.print_facts(document, "hardware in the loop", False)
        if suffered:
            terminal.print_rows(suffered, "what faults did; fallback_s: until all followed the policy", False)
    if not document["equal"] or document["violations"] or document.get("violations_under_faults"):
        raise typer.Exit(1)


def _compared(found: dict[str, Any], expected: dict[str, Any]) -> dict[str, Any]:
    """Decisions and lamp changes of the two, one by one."""
    decisions, own = expected["decisions"], found["decisions"]
    different = [i for i, (a, b) in enumerate(zip(decisions, own, strict=False)) if a != b]
    lamps = [tuple(one) for one in expected["lamps"]]
    changes = [tuple(one) for one in found["lamps"]]
    return {
        "decisions": sum(map(len, own)),
        "equal": len(own) == len(decisions) and not different and lamps == changes,
        "decisions_different": len(different) + abs(len(own) - len(decisions)),
        "lamp_changes": len(changes),
        "lamp_changes_different": len(set(lamps) ^ set(changes)),
    }
