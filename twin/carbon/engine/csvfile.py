"""Orders and trades as CSV files: what `python -m twin carbon match` reads and writes."""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from twin.carbon.engine.batch import Matched, Orders
from twin.carbon.engine.codes import Kind, Reason, Side
from twin.errors import OrdersError
from twin.scenario import nearest

COLUMNS = ("seq", "kind", "side", "price_ticks", "quantity", "ref_seq", "account")
TRADES = ("taker_seq", "maker_seq", "price_ticks", "quantity")
KINDS = {kind.name.lower().replace("_", "-"): int(kind) for kind in Kind}
SIDES = {side.name.lower(): int(side) for side in Side}
SHOWN = 20  # faults that are told one by one


def read_orders(path: Path) -> tuple[Orders, np.ndarray]:
    """A stream from a CSV file with the columns above, and its seq numbers (n,), which must ascend.

    A cancel needs no side, price and quantity, a market order no price, and only cancel and amend need `ref_seq`; an
    account may be any word. A number that an order may not have (zero, negative, too large) is read: the engine refuses
    that order. Raises OrdersError with every cell that is no number or no known word, numbers that do not ascend.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            lines = list(csv.DictReader(file))
            names = lines[0].keys() if lines else ()
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise OrdersError(str(path), [f"cannot be read: {error}"]) from error
    if not lines:
        raise OrdersError(str(path), [f"holds no orders; expected the columns {','.join(COLUMNS)}"])
    missing = [name for name in COLUMNS[:-1] if name not in names]
    if missing:
        raise OrdersError(str(path), [f"line 1: no column {name}; expected {','.join(COLUMNS)}" for name in missing])
    return _Reader(path, lines).orders()


class _Reader:
    """Collects the faults of a file while its columns are read."""

    def __init__(self, path: Path, lines: list[dict[str, str]]) -> None:
        self.path, self.lines, self.faults = path, lines, list[str]()

    def orders(self) -> tuple[Orders, np.ndarray]:
        """All columns, or every fault."""
        kind = self._words("kind", KINDS)
        cancels, markets = kind == Kind.CANCEL, kind == Kind.MARKET
        refers = cancels | (kind == Kind.AMEND)
        seq = self._numbers("seq", np.zeros(len(kind), bool), 0)
        side = self._words("side", SIDES, may_lack=refers)
        price = self._numbers("price_ticks", cancels | markets, 0)
        lots = self._numbers("quantity", cancels, 0)
        named = self._numbers("ref_seq", ~refers, -1)
        down = np.flatnonzero(np.diff(seq) <= 0) + 1
        self.faults += [f"line {i + 2}: seq {seq[i]} after {seq[i - 1]}; numbers must ascend" for i in down]
        if self.faults:
            more = len(self.faults) - SHOWN
            raise OrdersError(str(self.path), self.faults[:SHOWN] + ([f"and {more} more"] if more > 0 else []))
        at = np.minimum(np.searchsorted(seq, named), len(seq) - 1)
        ref = np.where(seq[at] == named, at, -1)
        return Orders(kind, side, price, lots, np.where(refers, ref, -1), self._accounts()), seq

    def _cells(self, name: str) -> list[str]:
        return [(line.get(name) or "").strip() for line in self.lines]

    def _words(self, name: str, known: dict[str, int], may_lack: np.ndarray | None = None) -> np.ndarray:
        found = []
        for i, cell in enumerate(self._cells(name)):
            word = cell.lower().replace("_", "-")
            if word not in known and not (cell == "" and may_lack is not None and may_lack[i]):
                self.faults.append(f"line {i + 2}: {name}: {cell!r}; {nearest(word, list(known))}")
            found.append(known.get(word, 0))
        return np.array(found, np.int64)

    def _numbers(self, name: str, may_lack: np.ndarray, default: int) -> np.ndarray:
        found = []
        for i, cell in enumerate(self._cells(name)):
            try:
                value = default if cell == "" and may_lack[i] else int(cell)
            except ValueError:
                self.faults.append(f"line {i + 2}: {name}: {cell!r} is not a whole number")
                value = default
            found.append(max(-(2**62), min(2**62, value)))
        return np.array(found, np.int64)

    def _accounts(self) -> np.ndarray:
        """A number for every account's name; orders without one have an account of their own."""
        names = self._cells("account")
        numbers = {name: i for i, name in enumerate(dict.fromkeys(name for name in names if name))}
        return np.array([numbers.get(name, len(numbers) + i) for i, name in enumerate(names)], np.int64)


def write_trades(path: Path, matched: Matched, seq: np.ndarray) -> None:
    """Fills in order of execution; written beside and renamed, so that a file is whole or not there."""
    fills = matched.fills.astype(np.int64)
    fills[:, :2] = seq[fills[:, :2]]
    _write(path, TRADES, fills.tolist())


def write_rejects(path: Path, matched: Matched, seq: np.ndarray) -> None:
    """Refused commands with their reason."""
    at = np.flatnonzero(matched.reasons)
    rows: list[list[int | str]] = [
        [int(seq[i]), int(matched.reasons[i]), Reason(int(matched.reasons[i])).name] for i in at
    ]
    _write(path, ("seq", "code", "reason"), rows)


def _write(path: Path, header: Sequence[str], rows: Sequence[Sequence[int | str]]) -> None:
    beside = path.with_name(f".{path.name}.partial")
    try:
        with beside.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(header)
            writer.writerows(rows)
        os.replace(beside, path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise OrdersError(str(path), [f"cannot be written: {error.strerror}"]) from error
