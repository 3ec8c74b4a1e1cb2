"""`python -m twin carbon …`: match a file of orders; compare price sync; test surveillance; test the targets."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from twin import terminal

if TYPE_CHECKING:
    from twin.carbon.options import CarbonOptions

app = typer.Typer(no_args_is_help=True, help="The carbon market: order book, mechanisms, protection, a market's year.")


class StpWord(StrEnum):
    """Self-trade prevention, as the command line says it."""

    OFF = "off"
    CANCEL_RESTING = "cancel-resting"
    CANCEL_INCOMING = "cancel-incoming"
    CANCEL_BOTH = "cancel-both"
    DECREMENT = "decrement"


@app.command(epilog="Example: `python -m twin carbon match orders.csv --out trades.csv --stp cancel-resting`")
def match(
    orders: Annotated[
        Path,
        typer.Argument(
            help="CSV: seq,kind,side,price_ticks,quantity,ref_seq,account. Kinds: limit, market, cancel, ioc, fok, "
            "post-only, amend; `ref_seq` names the order to cancel or amend."
        ),
    ],
    out: Annotated[Path, typer.Option("--out", help="CSV: taker_seq,maker_seq,price_ticks,quantity.")],
    stp: Annotated[StpWord, typer.Option("--stp", help="What happens instead of a trade with oneself.")] = StpWord.OFF,
    rejects: Annotated[
        Path | None, typer.Option("--rejects", help="Also write the refused commands and why: seq,code,reason.")
    ] = None,
    as_json: terminal.JsonFlag = False,
) -> None:
    """Match orders by price, then time, and write the trades in order of execution.

    Orders are refused one by one with a reason code; a file that cannot be read is refused whole (exit code 2).
    """
    import numpy as np

    from twin.carbon.engine import batch, csvfile
    from twin.carbon.engine.codes import Reason, Stp

    stream, seq = csvfile.read_orders(orders)
    matched = batch.match(stream, Stp[stp.name])
    csvfile.write_trades(out, matched, seq)
    if rejects is not None:
        csvfile.write_rejects(rejects, matched, seq)
    codes, counts = np.unique(matched.reasons[matched.reasons > 0], return_counts=True)
    refused = {Reason(code).name: count for code, count in zip(codes.tolist(), counts.tolist(), strict=True)}
    if as_json:
        summary = {"orders": len(stream), "trades": len(matched.fills), "volume": matched.volume, "refused": refused}
        terminal.print_json({**summary, "out": str(out)})
        return
    terminal.say(f"{len(stream)} commands, {len(matched.fills)} trades of {matched.volume} lots -> {out}")
    for reason, count in refused.items():
        terminal.tell(f"refused: {count} × {reason}")


Seeds = Annotated[str, typer.Option("--seeds", help="`7`, `1..5` or `1,3,5`.")]
Months = Annotated[int, typer.Option("--months", min=1, max=60, help="Months of twenty trading days.")]
ScenarioName = Annotated[
    str, typer.Option("--scenario", help="Whose market: a scenario with a `carbon` section.", show_default=True)
]


def _options(scenario: str) -> CarbonOptions:
    from twin.errors import ScenarioError
    from twin.scenario import Scenario

    options = Scenario.load(scenario).carbon
    if options is None:
        raise ScenarioError(scenario, ["carbon: is null; name a scenario that has a carbon market"])
    return options


@app.command(epilog="Example: `python -m twin carbon sync --months 12 --seeds 1..5`")
def sync(
    scenario: ScenarioName = "baseline", months: Months = 6, seeds: Seeds = "1..3", as_json: terminal.JsonFlag = False
) -> None:
    """Compare the rules of price sync: nearness to IDXCarbon, volume, welfare, halts.

    `none`: the day's own limits alone. `band`: prices within 5 % of the reference. `arbitrage`: no rule, but traders
    who buy on the cheaper market. `circuit`: trading pauses where the gap exceeds 8 %. `peg`: the reference is the
    price.
    """
    from twin.carbon.studies import sync_rules

    rows = sync_rules(_options(scenario), months, terminal.seeds_of(seeds))
    terminal.print_rows(rows, f"price sync, {months} months of {scenario}, mean over seeds {seeds}", as_json)


@app.command(epilog="Example: `python -m twin carbon surveillance --months 3 --groups 5`")
def surveillance(
    scenario: ScenarioName = "baseline",
    months: Months = 3,
    seeds: Seeds = "1..3",
    groups: Annotated[int, typer.Option("--groups", min=1, max=50, help="Planted groups of each type.")] = 4,
    as_json: terminal.JsonFlag = False,
) -> None:
    """Plant manipulators in a market and count how many are found, and how many alerts are right.

    The plain ones do what the detection looks for; the evasive ones are held out and show what it misses.
    """
    from twin.carbon import studies

    rows = [
        {"manipulators": "evasive" if evasive else "plain", **row}
        for evasive in (False, True)
        for row in studies.surveillance(_options(scenario), months, terminal.seeds_of(seeds), groups, evasive)
    ]
    terminal.print_rows(rows, f"surveillance, {months} months of {scenario}, seeds {seeds}", as_json)


@app.command(epilog="Example: `python -m twin carbon conditions --json`")
def conditions(
    scenario: ScenarioName = "baseline",
    seed: Annotated[int, typer.Option("--seed", min=0)] = 1,
    as_json: terminal.JsonFlag = False,
) -> None:
    """Show under which demand, and which share retired, 10 Mt in twelve months and 50 % retirement come about."""
    from twin.carbon import studies

    rows = studies.conditions(_options(scenario), seed)
    terminal.print_rows(rows, f"twelve months, companies' deficit against that of {scenario}", as_json)
