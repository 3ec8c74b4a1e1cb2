"""`python -m twin labour …`: stable matching of files, the population, the market, JOBTREN, registers of people."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from twin import terminal

app = typer.Typer(no_args_is_help=True, help="The labour market: people, vacancies, stable matching, JOBTREN.")


@app.command(
    epilog="Example: `python -m twin labour match seekers.csv vacancies.csv --employer-ranks ranks.csv "
    "--out matches.csv`"
)
def match(
    seekers: Annotated[Path, typer.Argument(help="CSV seeker,rank,vacancy: every seeker's wishes, rank 1 is best.")],
    vacancies: Annotated[Path, typer.Argument(help="CSV vacancy,capacity: how many seats each has.")],
    out: Annotated[Path, typer.Option("--out", help="Where to write seeker,vacancy.")],
    employer_ranks: Annotated[
        Path | None,
        typer.Option("--employer-ranks", help="CSV vacancy,rank,seeker; without it employers take who lists them."),
    ] = None,
    proposing: Annotated[
        str, typer.Option("--proposing", help="seekers (best for them, no gain by a false list) or employers.")
    ] = "seekers",
    seed: Annotated[
        int | None, typer.Option("--seed", min=0, help="Draw who wins a tie; else the order of the seekers' file.")
    ] = None,
    as_json: terminal.JsonFlag = False,
) -> None:
    """Match seekers with vacancies so that no pair would rather have each other (deferred acceptance).

    Equal ranks are ties. A pair that only one side lists is not matched.
    """
    from twin.labour.matching.deferred import SIDES, deferred_acceptance
    from twin.labour.matching.files import read_lists, write_matches
    from twin.labour.matching.stability import blocking_pairs

    if proposing not in SIDES:
        raise typer.BadParameter(f"{proposing!r} is none of {', '.join(SIDES)}", param_hint="--proposing")
    named = read_lists(seekers, vacancies, employer_ranks, seed)
    matched = deferred_acceptance(named.lists, proposing)
    write_matches(named, matched, out)
    summary = {
        "matches": str(out),
        "proposing": proposing,
        "seekers": named.lists.seekers,
        "vacancies": len(named.vacancies),
        "seats": int(named.lists.capacity.sum()),
        "matched": int((matched >= 0).sum()),
        "blocking_pairs": blocking_pairs(named.lists, matched),
    }
    if as_json:
        terminal.print_json(summary)
    else:
        terminal.print_rows(
            [{"figure": key, "value": value} for key, value in summary.items()], "stable matching", False
        )
