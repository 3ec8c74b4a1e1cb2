"""Backup and restore: everything that is kept as one archive with its hashes, taken while the services run.

The exchange's log and the audit trails are only ever added to, so a copy up to the last whole line is a state that once
was. SQLite is copied by its own backup; a PostgreSQL database by `pg_dump`. Secrets are not in a backup.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import sqlite3
import subprocess
import tarfile
import tempfile
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from deploy.app.settings import Settings
from twin.errors import TwinError

MANIFEST, DUMP = "manifest.json", "postgresql.dump"
WORK = "work"  # what workers read, for as long as they do; in no backup
LINES = (".log", ".jsonl")
LEFT_OUT = (".secret", ".partial", ".lock", "-wal", "-shm", "-journal")


class BackupError(TwinError):
    """A backup that cannot be made or used."""


def backup(settings: Settings, archive: Path) -> dict[str, Any]:
    """Write an archive (.tar.gz) of the data folder and the database; gives its manifest. Raises BackupError."""
    if not settings.data.is_dir():
        raise BackupError(f"{settings.data}: no such folder; nothing to back up")
    files: dict[str, str] = {}
    beside = archive.with_name(f".{archive.name}.{os.getpid()}.partial")
    archive.parent.mkdir(parents=True, exist_ok=True)
    try:
        with tarfile.open(beside, "w:gz") as tar:
            for name, content in _contents(settings):
                files[name] = hashlib.sha256(content).hexdigest()
                _add(tar, name, content)
            manifest = {"format": 1, "made_at": datetime.now(UTC).isoformat(timespec="seconds"), "files": files}
            _add(tar, MANIFEST, json.dumps(manifest, indent=1).encode())
        os.chmod(beside, 0o600)
        os.replace(beside, archive)
    finally:
        beside.unlink(missing_ok=True)
    return manifest


def restore(settings: Settings, archive: Path) -> dict[str, Any]:
    """Put an archive's files into a data folder that is empty, and its dump into the database. Raises BackupError."""
    if settings.data.exists() and any(one.suffix != ".secret" for one in settings.data.iterdir()):
        raise BackupError(f"{settings.data}: holds something; restore into an empty folder")
    settings.data.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(dir=settings.data.parent, prefix=".restore-"))
    try:
        with tarfile.open(archive) as tar:
            tar.extractall(beside, filter="data")
        manifest: dict[str, Any] = json.loads((beside / MANIFEST).read_text(encoding="utf-8"))
        for name, sha256 in manifest["files"].items():
            if hashlib.sha256((beside / name).read_bytes()).hexdigest() != sha256:
                raise BackupError(f"{archive}: {name} is not what was backed up")
        (beside / MANIFEST).unlink()
        if (beside / DUMP).exists():
            _pg(settings, "pg_restore", "--clean", "--if-exists", "--no-owner", "--dbname", _dsn(settings),
                str(beside / DUMP))  # fmt: skip
            (beside / DUMP).unlink()
        for one in beside.iterdir():
            shutil.move(one, settings.data / one.name)
    except (OSError, EOFError, tarfile.TarError, ValueError, KeyError) as error:
        raise BackupError(f"{archive}: is no backup that can be used ({error})") from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return manifest


def _contents(settings: Settings) -> Any:
    """Names and bytes of everything that is kept."""
    for path in sorted(settings.data.rglob("*")):
        name = path.relative_to(settings.data).as_posix()
        unfinished_day = name.startswith("live/.live-") and path.suffix == ".partial"
        left_out = name.endswith(LEFT_OUT) and not unfinished_day
        if not path.is_file() or path.is_symlink() or left_out or name.startswith(f"{WORK}/"):
            continue
        if path.suffix == ".sqlite" or unfinished_day:
            yield name, _sqlite(path)
        else:
            data = path.read_bytes()
            yield name, data[: data.rfind(b"\n") + 1] if path.suffix in LINES else data
    if sa.make_url(settings.database).get_backend_name() == "postgresql":
        yield DUMP, _pg(settings, "pg_dump", "--format=custom", "--no-owner", _dsn(settings))


def _sqlite(path: Path) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy.sqlite"
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target)
        return copy.read_bytes()


def _dsn(settings: Settings) -> str:
    """The database's URL as PostgreSQL's programs take it; the password goes by the environment."""
    url = sa.make_url(settings.database).set(drivername="postgresql", password=None)
    return url.render_as_string(hide_password=False)


def _pg(settings: Settings, program: str, *words: str) -> bytes:
    found = shutil.which(program) or next(map(str, Path("/usr/lib/postgresql").glob(f"*/bin/{program}")), None)
    if found is None:
        raise BackupError(f"{program} is not installed: apt-get install postgresql-client")
    password = sa.make_url(settings.database).password
    environment = {**os.environ, **({"PGPASSWORD": str(password)} if password else {})}
    done = subprocess.run([found, *words], capture_output=True, env=environment, check=False)
    if done.returncode:
        raise BackupError(f"{program}: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(content), 0o600
    tar.addfile(info, io.BytesIO(content))
