"""The table of a sweep: one Parquet file, written whole to a path or to any URL that fsspec reaches."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from twin.errors import MissingExtraError, SweepError
from twin.kpi import catalogue
from twin.provenance import code_digest, revision
from twin.sweep.conduct import Planned
from twin.sweep.plan import Sweep
from twin.sweep.record import Record

ROWS_AT_ONCE = 1000
NUMBERS: tuple[tuple[type | tuple[type, ...], pa.DataType], ...] = (
    (bool, pa.bool_()), (int, pa.int64()), ((int, float), pa.float64()), (str, pa.string()),
)  # fmt: skip


class Place:
    """Where the table goes; asked before the first run, so that no sweep ends before a closed door."""

    def __init__(self, url: str) -> None:
        try:
            import fsspec
        except ImportError as error:
            raise MissingExtraError("sweeps need: pip install 'trenggalek-twin[sweep]'") from error
        self.url = url
        try:
            self.system, self.path = fsspec.core.url_to_fs(url, **({"auto_mkdir": True} if "://" not in url else {}))
            if self.system.isdir(self.path):
                raise SweepError(f"--out {url}", ["is a folder; name a file, as results.parquet"])
            self._try()
        except ImportError as error:  # a protocol that needs a package of its own
            raise MissingExtraError(f"--out {url}: {error}") from error
        except (OSError, ValueError) as error:
            raise SweepError(f"--out {url}", [f"cannot be written: {error}"]) from error

    def _try(self) -> None:
        beside = self._beside()
        self.system.pipe_file(beside, b"")
        self.system.rm_file(beside)

    def _beside(self) -> str:
        folder, _, name = self.path.rpartition("/")
        return f"{folder}{'/' if folder else ''}.{name}.{uuid.uuid4().hex[:8]}.partial"

    def write(self, schema: pa.Schema, batches: Any) -> None:
        """Write beside the file's name and rename, so that nobody ever finds half a table."""
        beside = self._beside()
        try:
            with self.system.open(beside, "wb") as file, pq.ParquetWriter(file, schema) as writer:
                for rows in batches:
                    writer.write_table(pa.Table.from_pylist(rows, schema))
            if "file" in self.system.protocol:
                os.replace(beside, self.path)
            else:
                self.system.mv(beside, self.path)
        except OSError as error:
            raise SweepError(
                f"--out {self.url}", [f"cannot be written: {error}; the same command tries again"]
            ) from error
        finally:
            if self.system.exists(beside):
                self.system.rm_file(beside)


def write_table(sweep: Sweep, rows: Sequence[Planned], record: Record, place: Place) -> None:
    """A row a run: parameters, seed, every key figure, the run's name and digest, its wall time, and what failed."""
    types = {path: _type([one.values[path] for one in rows]) for path in sweep.parameters}
    schema = pa.schema(
        [
            ("point", pa.int64()), ("scenario", pa.string()), ("seed", pa.int64()), *types.items(),
            ("status", pa.string()), ("message", pa.string()), ("digest", pa.string()), ("run", pa.string()),
            ("wall_s", pa.float64()), *((name, pa.float64()) for name in catalogue()),
        ],
        metadata={
            "sweep": sweep.model_dump_json(), "code_digest": code_digest(), "git_revision": revision() or "",
            "units": json.dumps({kpi.name: kpi.unit for kpi in catalogue().values()}),
        },
    )  # fmt: skip
    place.write(schema, _batches(rows, types, record))


def _batches(rows: Sequence[Planned], types: dict[str, pa.DataType], record: Record) -> Any:
    for first in range(0, len(rows), ROWS_AT_ONCE):
        yield [_row(one, types, record) for one in rows[first : first + ROWS_AT_ONCE]]


def _row(one: Planned, types: dict[str, pa.DataType], record: Record) -> dict[str, Any]:
    result = record.find(one.key) if one.key else None
    message = one.fault if result is None else result.message
    return {
        "point": one.point, "scenario": one.scenario, "seed": one.seed,
        **{path: _plain(one.values[path], kind) for path, kind in types.items()},
        "status": "failed" if message else "done", "message": message or None, "digest": one.digest or None,
        "run": (result.run or None) if result else None, "wall_s": result.wall_s if result else None,
        **((result.kpis if result else None) or {}),
    }  # fmt: skip


def _type(values: Sequence[Any]) -> pa.DataType:
    """The narrowest kind that holds all values; text (JSON) where they are of several kinds."""
    known = [value for value in values if value is not None]
    for kind, arrow in NUMBERS:
        if known and all(isinstance(v, kind) and (kind is bool or not isinstance(v, bool)) for v in known):
            return arrow
    return pa.string()


def _plain(value: Any, kind: pa.DataType) -> Any:
    return value if value is None or isinstance(value, str) or kind != pa.string() else json.dumps(value)
