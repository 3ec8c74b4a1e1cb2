"""`python -m twin validate`."""

from __future__ import annotations

from typing import Annotated

import typer

from twin.terminal import JsonFlag, out_console, print_json, progress_bar, say


def validate(
    only: Annotated[list[str] | None, typer.Option("--only", help="One of the comparisons. Repeatable.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Compare every model with theory, another tool or data, now; exit code 1 where one differs by more than it may.

    Each tolerance says how far the other side's own simplifications reach; a note says which. A peer that is not
    installed is skipped, and the line says what to install.
    """
    from rich.table import Table

    from twin.validation.table import chosen, made

    names = chosen(only or ())
    with progress_bar("comparing") as progress:
        found = [{"name": name, **one.as_row()} for name, one in made(names, progress)]
    differ = [row for row in found if row["verdict"] == "differs"]
    if as_json:
        print_json(found)
    else:
        table = Table(title="every model against something that is not ours", box=None, padding=(0, 1, 1, 0))
        table.add_column("compared", ratio=1, overflow="fold")
        for column in ("ours", "theirs", "apart (may be)"):
            table.add_column(column, justify="right")
        table.add_column("verdict")
        for row in found:
            unit, note = row["difference_unit"], f"\n{row['note']}" if row["note"] else ""
            table.add_row(
                f"{row['model']}: {row['compared']}\nwith {row['with']} ({row['kind']}){note}",
                _number(row["ours"], row["unit"]), _number(row["theirs"], row["unit"]),
                f"{_number(row['difference'], unit)}\n({_number(row['tolerance'], unit)})", row["verdict"],
            )  # fmt: skip
        out_console.print(table, markup=False)
        skipped = [row for row in found if row["verdict"] == "skipped"]
        for row in skipped:
            say(f"{row['name']}, {row['with']}: {row['note']}")
        say(f"{len(found) - len(differ) - len(skipped)} agree, {len(differ)} differ, {len(skipped)} skipped")
    if differ:
        raise typer.Exit(1)


def _number(value: float | None, unit: str) -> str:
    if value is None:
        return "–"
    return (f"{value:,.0f} {unit}" if abs(value) >= 1000 else f"{value:.4g} {unit}").removesuffix(" -")
