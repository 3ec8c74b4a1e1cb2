"""Drills: what a run does when disk, rights, clock, cache or a module fail it. Nothing lost, nothing half there."""

import contextlib
import errno
import os
import random
import resource
import signal
import stat
import tempfile
from pathlib import Path

import filelock
import pytest
from toys import Counter

from twin import cache, terminal
from twin.cache import kept, kept_folder
from twin.errors import BusyError, NetworkError, RunError, WriteError
from twin.files import write_whole
from twin.recorder import Recorder
from twin.run import Run
from twin.runner import run_key, run_scenario
from twin.scenario import Scenario
from twin.traffic.simulation import batch

LONG = Scenario(name="long", horizon_months=48)


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TWIN_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def counted(monkeypatch):
    monkeypatch.setattr("twin.city.modules_of", lambda scenario: [Counter("a", "b"), Counter("b", "a")])


def digests(path: Path) -> dict[str, str]:
    with Run.open(path) as run:
        assert not run.damaged()
        return run.digests


@pytest.fixture
def whole(tmp_path, counted) -> dict[str, str]:
    return digests(run_scenario(LONG, 1, tmp_path / "whole", remember=False).path)


def nothing_half_opens(folder: Path) -> None:
    assert not list(folder.glob("*.sqlite"))
    for path in folder.glob(".*.partial"):
        with pytest.raises(RunError):
            Run.open(path)


def kept_every_month(monkeypatch):
    monkeypatch.setattr("twin.runner.CHECKPOINT_SHARE", 1e9)


@contextlib.contextmanager
def files_of_at_most(size: int):
    """The system itself refuses to let a file grow: a real failed write in the middle of a run."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)


@pytest.mark.parametrize("remember", [True, False])
@pytest.mark.parametrize("size", [0, 1000, 30_000, 33_000])
def test_a_write_that_fails_loses_no_month_and_the_same_call_goes_on(tmp_path, whole, monkeypatch, size, remember):
    kept_every_month(monkeypatch)
    with files_of_at_most(size), pytest.raises(WriteError, match=r"make room|--out"):
        run_scenario(LONG, 1, tmp_path / "runs", remember=remember)
    nothing_half_opens(tmp_path / "runs")
    outcome = run_scenario(LONG, 1, tmp_path / "runs", remember=remember)
    assert digests(outcome.path) == whole
    assert not list((tmp_path / "runs").glob(".*.partial*"))


@contextlib.contextmanager
def as_nobody():
    """Tests often run as root, whom no folder refuses anything."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


def test_a_read_only_folder_is_told_with_what_to_do(whole):
    with tempfile.TemporaryDirectory() as folder:
        shut = Path(folder) / "runs"
        shut.mkdir()
        Path(folder).chmod(0o755)
        shut.chmod(stat.S_IRUSR | stat.S_IXUSR | stat.S_IROTH | stat.S_IXOTH)
        with as_nobody(), pytest.raises(WriteError, match="name another folder by --out"):
            run_scenario(LONG, 1, shut)
        assert not list(shut.iterdir())


@pytest.mark.parametrize(
    ("pragma", "told"),
    [
        ("max_page_count=1", "disk is full; make room: the same command"),
        ("query_only=ON", "make room: the same command"),
    ],
)
def test_a_disk_full_or_shut_in_month_10_keeps_nine_months(tmp_path, whole, monkeypatch, pragma, told):
    kept_every_month(monkeypatch)
    append, months = Recorder.append, []

    def fails(self, lived, checkpoint):
        months.append(lived)
        if len(months) == 10:
            self.connection.execute(f"PRAGMA {pragma}")  # no page more than there are
            checkpoint = {**checkpoint, "more": "x" * 100_000}
        append(self, lived, checkpoint)

    with monkeypatch.context() as patch:
        patch.setattr(Recorder, "append", fails)
        with pytest.raises(WriteError, match=told):
            run_scenario(LONG, 1, tmp_path / "runs", remember=False)
    nothing_half_opens(tmp_path / "runs")
    outcome = run_scenario(LONG, 1, tmp_path / "runs", remember=False)
    assert outcome.resumed_from == 9
    assert digests(outcome.path) == whole


def test_a_command_that_cannot_write_says_so_without_a_traceback(tmp_path, capsys):
    def full(standalone_mode):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "report.html")

    with pytest.raises(SystemExit) as ended:
        terminal.run_app(full)
    assert ended.value.code == 2
    assert "report.html: No space left on device; make room" in capsys.readouterr().err
    (tmp_path / "a.txt").write_text("before")
    with files_of_at_most(10), pytest.raises(OSError, match="too large"):
        write_whole(tmp_path / "a.txt", "x" * 1000)
    assert {path.name: path.read_text() for path in tmp_path.iterdir() if path.is_file()} == {"a.txt": "before"}


def test_a_clock_that_jumps_back_changes_nothing(tmp_path, whole, monkeypatch):
    kept_every_month(monkeypatch)
    now = iter(range(2_000_000_000, 0, -86_400))
    monkeypatch.setattr("time.time", lambda: float(next(now)))
    for folder in ("first", "second"):  # lived, and from the memo
        assert digests(run_scenario(LONG, 1, tmp_path / folder).path) == whole


def test_a_module_that_raises_in_month_37_and_is_mended(tmp_path, whole, monkeypatch):
    kept_every_month(monkeypatch)
    broken = [Counter("a", "b"), Counter("b", "a", fail_in=37)]
    with monkeypatch.context() as patch:
        patch.setattr("twin.city.modules_of", lambda scenario: broken)
        with pytest.raises(RuntimeError, match="a module that raises") as raised:
            run_scenario(LONG, 1, tmp_path / "runs", remember=False)
    assert "in 2029-01 of long, seed 1; the months that are done are kept" in raised.value.__notes__[0]
    nothing_half_opens(tmp_path / "runs")
    outcome = run_scenario(LONG, 1, tmp_path / "runs", remember=False)
    assert outcome.resumed_from == 36
    assert digests(outcome.path) == whole


def flipped(data: bytes, chance: random.Random) -> bytes:
    """A few bytes changed, or the end cut off."""
    changed = bytearray(data)
    if chance.random() < 0.3:
        return bytes(changed[: chance.randrange(len(changed))])
    for _ in range(chance.choice([1, 3, 100])):
        changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def test_a_memo_damaged_anywhere_changes_no_figure(tmp_path, whole):
    chance = random.Random(13)
    short, file = LONG.model_copy(update={"horizon_months": 6}), tmp_path / "cache" / "months.sqlite"
    six = digests(run_scenario(short, 1, tmp_path / "six").path)
    sound = file.read_bytes()
    for i in range(25):
        file.write_bytes(flipped(sound, chance))
        assert digests(run_scenario(short, 1, tmp_path / str(i)).path) == six


def test_an_unfinished_run_that_is_damaged_is_begun_anew(tmp_path, whole, monkeypatch):
    chance, runs = random.Random(7), tmp_path / "runs"
    broken = [Counter("a", "b"), Counter("b", "a", fail_in=12)]
    with monkeypatch.context() as patch:
        kept_every_month(patch)
        patch.setattr("twin.city.modules_of", lambda scenario: broken)
        with pytest.raises(RuntimeError):
            run_scenario(LONG, 1, runs, remember=False)
    partial = runs / f".{run_key(LONG, 1)}.partial"
    sound = partial.read_bytes()
    for size in [0, 100, *(chance.randrange(len(sound)) for _ in range(4))]:
        partial.write_bytes(sound[:size])
        outcome = run_scenario(LONG, 1, runs, remember=False)
        assert (outcome.resumed_from, digests(outcome.path)) == (0, whole)
        outcome.path.unlink()
    for _ in range(6):
        partial.write_bytes(flipped(sound, chance))
        outcome = run_scenario(LONG, 1, runs, remember=False)
        assert digests(outcome.path) == whole
        outcome.path.unlink()


def test_kept_data_that_is_damaged_is_made_anew(tmp_path):
    chance, place = random.Random(5), tmp_path / "cache" / "hours" / "one.json"
    value = {"delay_s": 42.97, "lanes": [[1, 2], [3, 4]]}
    assert kept(place, lambda: value) == value
    assert kept(place, lambda: pytest.fail("it is there")) == value
    sound = place.read_bytes()
    for _ in range(200):
        place.write_bytes(flipped(sound, chance))
        damaged = place.read_bytes() != sound
        assert kept(place, lambda: value) == value
        assert place.read_bytes() == sound or not damaged
    place.unlink()
    place.mkdir()
    assert kept(place, lambda: value) == value


def test_a_kept_network_that_is_damaged_is_made_anew(tmp_path):
    made = []

    def make(folder):
        made.append(folder)
        (folder / "network.net.xml").write_text("<net/>" * 100)

    final = tmp_path / "cache" / "networks" / "one"
    for fault in (lambda p: None, lambda p: p.write_bytes(flipped(p.read_bytes(), random.Random(1))), Path.unlink):
        fault(kept_folder(final, make) / "network.net.xml")
        assert (kept_folder(final, make) / "network.net.xml").read_text() == "<net/>" * 100
    assert len(made) == 3
    assert [path.name for path in final.parent.iterdir()] == ["one"]
    with pytest.raises(WriteError, match="another folder by TWIN_CACHE"):
        kept_folder(Path("/proc/nothing/one"), make)


class Told:
    """A job as far as the workers' pool looks at it."""

    class network:
        name = "cologne1"
        missing = staticmethod(list)

    def __init__(self, name="hour"):
        self.name = name

    def digest(self):
        return self.name

    def as_json(self):
        return {}


def workers_that(monkeypatch, *deeds: str):
    """Workers that answer or die as told, one deed a job, whoever gets it."""
    todo = tempfile.mkdtemp()
    for i, deed in enumerate(deeds):
        (Path(todo) / f"{i}").write_text(deed)
    script = (
        "import os, sys\n"
        "for line in sys.stdin:\n"
        f"    path = os.path.join({todo!r}, min(os.listdir({todo!r})))\n"
        "    deed = open(path).read(); os.unlink(path)\n"
        "    os.kill(os.getpid(), 9) if deed == 'die' else print(deed, flush=True)\n"
    )
    real = batch.subprocess.Popen
    monkeypatch.setattr(
        batch.subprocess, "Popen", lambda command, **words: real([command[0], "-S", "-E", "-c", script], **words)
    )


def test_a_simulation_that_is_killed_is_begun_again(monkeypatch):
    workers_that(monkeypatch, "die", '{"killed": true}', '{"delay_s": 1.5}')
    workers = batch._Workers(1)
    try:
        assert batch._lived(workers, Told()) == {"delay_s": 1.5}
    finally:
        workers.end()


def test_a_simulation_that_is_killed_each_time_says_what_to_do(monkeypatch):
    workers_that(monkeypatch, "die", "die", "die", '{"delay_s": 1.5}')
    workers = batch._Workers(1)
    try:
        with pytest.raises(NetworkError, match=r"cologne1: .*out of memory.*the same command goes on"):
            batch._lived(workers, Told())
        assert batch._lived(workers, Told()) == {"delay_s": 1.5}  # the next hour lives
    finally:
        workers.end()


def test_hours_that_are_done_are_kept_where_another_fails(tmp_path, monkeypatch):
    workers_that(monkeypatch, '{"delay_s": 1.5}', '{"error": "SUMO says: no"}', '{"delay_s": 2.5}')
    monkeypatch.setattr(batch.os, "cpu_count", lambda: 1)
    told = []
    with pytest.raises(NetworkError, match="cologne1: SUMO says: no"):
        batch.simulate([Told("first"), Told("second")], lambda *done: told.append(done))
    assert cache.read(tmp_path / "cache" / "hours" / "first.json") == {"delay_s": 1.5}
    assert batch.simulate([Told("first"), Told("second")], lambda *done: told.append(done)) == [
        {"delay_s": 1.5},
        {"delay_s": 2.5},
    ]
    assert told[-2:] == [(1, 2), (2, 2)]  # one was kept


def test_a_run_that_another_process_has_is_left_to_it(tmp_path, counted):
    runs = tmp_path / "runs"
    runs.mkdir()
    with filelock.FileLock(runs / f".{run_key(LONG, 1)}.lock"), pytest.raises(BusyError, match="wait for it"):
        run_scenario(LONG, 1, runs)
