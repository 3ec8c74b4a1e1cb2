"""Running a scenario: found if it was run before, resumed if it was stopped, and never half there."""

from __future__ import annotations

import datetime
import errno
import hashlib
import resource
import sqlite3
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import filelock

from twin.city import City
from twin.errors import BusyError, MemoLostError, RowError, RunError, WriteError
from twin.files import RUNS, cache_folder
from twin.memo import Memo
from twin.module import Rows, Table
from twin.provenance import code_digest, provenance
from twin.recorder import Recorder, publish
from twin.run import Run
from twin.scenario import Scenario

CHECKPOINT_SHARE = 0.1  # of a run's time at most goes into checkpoints
GOES_ON = "the months that are done are kept: the same command goes on from them, with changed code it begins anew"
NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO}
NO_FILE = {
    sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED,
}  # fmt: skip
Progress = Callable[[int, int, str], None]  # months done, months in all, month just done


@dataclass(frozen=True)
class Outcome:
    """Where the run is, whether it was there before, and how many months an earlier, stopped process had done."""

    path: Path
    reused: bool
    resumed_from: int


def run_key(scenario: Scenario, seed: int) -> str:
    """What a run is known by: the same scenario, seed and code have the same key, anything else another."""
    return hashlib.sha256(f"{scenario.digest} {seed} {code_digest()}".encode()).hexdigest()[:12]


def run_scenario(
    scenario: Scenario, seed: int = 1, out: Path = RUNS, fresh: bool = False, progress: Progress | None = None,
    remember: bool = True,
) -> Outcome:  # fmt: skip
    """Run a scenario, or find its run. Stopped at any moment (Ctrl-C, kill -9), the same call goes on where it was.

    Months that a sector lived before in the same way are taken from the cache, unless the run is to be `fresh`, or not
    to `remember`.
    Raises BusyError while another process runs the same scenario, seed and folder, WriteError where the disk is full or
    the folder cannot be written.
    """
    key = run_key(scenario, seed)
    partial = out / f".{key}.partial"
    lock = filelock.FileLock(out / f".{key}.lock")  # stays behind: removing a lock file is a race
    try:
        out.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except filelock.Timeout:
        raise BusyError(f"{scenario.name}, seed {seed}: another process is running it in {out}; wait for it") from None
    except OSError as error:
        told = f"no runs can be written there: {error.strerror or error}; name another folder by --out"
        raise WriteError(f"{out}: {told}") from error
    try:
        if fresh:
            _discard(partial)
        elif (found := _found(out, key)) is not None:
            return Outcome(found, True, 0)
        final = out / f"{scenario.name}-s{seed}-{key}.sqlite"
        memo = Memo(cache_folder() / "months.sqlite") if remember and not fresh else None
        try:
            resumed_from = _live(scenario, seed, partial, final, progress, memo)
        except MemoLostError:
            _discard(partial)
            resumed_from = _live(scenario, seed, partial, final, progress, None)
        finally:
            if memo is not None:
                memo.close()
        return Outcome(final, False, resumed_from)
    except (OSError, sqlite3.DatabaseError) as error:
        if _is_outside(error):
            told = f"the run cannot be written: {error}; make room: the same command goes on from the last whole month"
            raise WriteError(f"{out}: {told}") from error
        if isinstance(error, sqlite3.DatabaseError):
            _discard(partial)
            told = f"the unfinished run was damaged ({error}) and is thrown away; the same command begins it anew"
            raise WriteError(f"{out}: {told}") from error
        raise
    finally:
        lock.release()


def _found(out: Path, key: str) -> Path | None:
    for path in sorted(out.glob(f"*-{key}.sqlite")):
        try:
            Run.open(path).close()
        except RunError:
            continue  # damaged since: it is run again
        return path
    return None


def _live(
    scenario: Scenario, seed: int, partial: Path, final: Path, progress: Progress | None, memo: Memo | None
) -> int:
    if _sealed(partial):  # killed between the last write and the renaming
        publish(partial, final)
        return scenario.horizon_months
    began = time.monotonic()
    city = City(scenario, seed, memo=memo)
    recorder = _recorder(partial, tables_of(city))
    try:
        if recorder.checkpoint is not None:
            city.restore(recorder.checkpoint)
        resumed_from = city.months_lived
        lived: list[tuple[str, dict[str, Rows]]] = []
        kept_s, cost_s = time.monotonic() - began, 0.0
        while not city.finished:
            month = str(city.month)
            try:
                city.step()
            except Exception as error:
                error.add_note(f"in {month} of {scenario.name}, seed {seed}; {GOES_ON}")
                raise
            lived.append((month, city.observed))
            now_s = time.monotonic() - began
            if city.finished or (now_s - kept_s) * CHECKPOINT_SHARE >= cost_s:
                recorder.append(lived, city.checkpoint())
                kept_s = time.monotonic() - began
                lived, cost_s = [], kept_s - now_s
            if progress is not None:
                progress(city.months_lived, scenario.horizon_months, month)
        recorder.finish(
            {
                **provenance(),
                "scenario": scenario.resolved(),
                "digest": scenario.digest,
                "seed": seed,
                "finished_utc": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
                "wall_s": round(time.monotonic() - began, 3),
                "resumed_from_month": resumed_from,
                "peak_memory_mib": peak_memory_mib(),
            },
            final,
        )
    finally:
        recorder.close()
    return resumed_from


def tables_of(city: City) -> dict[str, Table]:
    """All tables of a city's modules. Raises RowError where two modules want the same name."""
    tables: dict[str, Table] = {}
    for module in city.modules.values():
        for name, table in module.tables.items():
            if name in tables:
                raise RowError(f"{name}: two modules write a table of this name")
            tables[name] = table
    return tables


def _sealed(partial: Path) -> bool:
    try:
        with Run.open(partial) as run:
            return not run.damaged()
    except RunError:
        return False


def _recorder(partial: Path, tables: dict[str, Table]) -> Recorder:
    try:
        return Recorder(partial, tables)
    except (sqlite3.DatabaseError, ValueError) as error:
        if _is_outside(error):
            raise
        # Killed while the file was being made, or damaged: nothing in it can be trusted.
        _discard(partial)
        return Recorder(partial, tables)


def _discard(partial: Path) -> None:
    for path in (partial, partial.with_name(partial.name + "-journal")):
        path.unlink(missing_ok=True)


def _is_outside(error: BaseException) -> bool:
    """Whether it is the disk or somebody's rights that are at fault, and not what the file holds."""
    if isinstance(error, OSError):
        return error.errno in NO_ROOM
    code: int | None = getattr(error, "sqlite_errorcode", None)
    return code is not None and code & 0xFF in NO_FILE


def peak_memory_mib() -> float:
    """Largest resident memory of this process so far [MiB]."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (1024 * 1024 if sys.platform == "darwin" else 1024), 1)
