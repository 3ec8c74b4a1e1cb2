"""What the command lines share: tables and JSON on standard output, progress and complaints on standard error."""

from __future__ import annotations

import errno
import json
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, is_dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from twin import show
from twin.errors import TwinError

if TYPE_CHECKING:
    from twin.compare import Interval

AT_FAULT, INTERRUPTED = 2, 130
MOST_SEEDS = 1_000_000
out_console = Console()
err_console = Console(stderr=True)

SeedOption = Annotated[int, typer.Option("--seed", min=0, help="Seed of all chance.")]
JsonFlag = Annotated[bool, typer.Option("--json", help="One JSON document on standard output, nothing else.")]


def plain(document: Any) -> Any:
    """Data with dataclasses in it as JSON data."""
    if is_dataclass(document) and not isinstance(document, type):
        return asdict(document)
    if isinstance(document, dict):
        return {key: plain(value) for key, value in document.items()}
    return [plain(value) for value in document] if isinstance(document, list) else document


def print_json(document: Any) -> None:
    """One JSON document on standard output."""
    sys.stdout.write(json.dumps(document, ensure_ascii=False, indent=2) + "\n")


def print_rows(rows: list[dict[str, Any]], title: str, as_json: bool) -> None:
    """Rows of one shape, as a table for people or as JSON for machines."""
    if as_json:
        print_json(rows)
    else:
        out_console.print(show.rows_table(rows, title))


def print_facts(facts: dict[str, Any], title: str, as_json: bool) -> None:
    """Named values, one a line for people, or as one JSON object for machines."""
    if as_json:
        print_json(facts)
    else:
        print_rows([{"figure": name, "value": value} for name, value in facts.items()], title, False)


@contextmanager
def progress_bar(title: str) -> Iterator[Callable[..., None]]:
    """A progress bar on standard error; silent where that is neither a terminal nor a notebook."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    shown = err_console.is_terminal or err_console.is_jupyter
    with Progress(*columns, console=err_console, transient=True, disable=not shown) as bar:
        task = bar.add_task(title, total=None)

        def update(done: int, total: int, now: str = "") -> None:
            bar.update(task, completed=done, total=total, description=f"{title} {now}")

        yield update


def run_app(app: typer.Typer, interrupted: str = "interrupted; the same command goes on where it stopped") -> None:
    """Run a command line and exit: a user's mistake is one message and exit code 2, never a traceback."""
    try:
        code = app(standalone_mode=False)  # an exit code where a command ended itself, else what it returned: None
    except (KeyboardInterrupt, typer.Abort):
        code = INTERRUPTED
    except TwinError as error:
        err_console.print(str(error), style="red", markup=False, highlight=False, soft_wrap=True)
        code = AT_FAULT
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES):
            raise
        where = f"{error.filename}: " if error.filename else ""
        tell(f"{where}{error.strerror}; make room, or name another place; what was whole is kept")
        code = AT_FAULT
    except Exception as error:  # the command line's own usage errors show themselves; anything else is a fault of ours
        if not hasattr(error, "exit_code"):
            raise
        error.show()  # type: ignore[attr-defined]
        code = error.exit_code
    if code == INTERRUPTED:
        tell(interrupted)
    sys.exit(code or 0)


def seeds_of(text: str) -> list[int]:
    """`7`, `1..5` or `1,3,5` as a list of seeds."""
    if match := re.fullmatch(r"(\d+)\.\.(\d+)", text):
        first, last = int(match[1]), int(match[2])
        if first <= last < first + MOST_SEEDS:
            return list(range(first, last + 1))
    elif re.fullmatch(r"\d+(,\d+)*", text):
        return [int(word) for word in text.split(",")]
    raise typer.BadParameter(f"{text!r} is not 7, 1..5 or 1,3,5")


def say(text: str) -> None:
    """One line of an answer."""
    out_console.print(text, soft_wrap=True, highlight=False, markup=False)


def tell(text: str) -> None:
    """One line about the work, on standard error."""
    err_console.print(text, soft_wrap=True, highlight=False, markup=False)


def plus_minus(value: Interval | None) -> str:
    """A mean with the half-width of its interval."""
    return "–" if value is None else show.plus_minus(vars(value))
