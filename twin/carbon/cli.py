"""`python -m twin carbon …`: match a file of orders, …"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from twin import terminal

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
