"""The memo of months: warm equals cold to the bit, only what depends on a change is lived again, and no loss hurts."""

import json
import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st
from toys import Counter

from twin.carbon.module import CarbonModule
from twin.city import City
from twin.errors import MemoLostError
from twin.labour.module import LabourModule
from twin.memo import Memo
from twin.programmes.crypto import CryptoModule
from twin.programmes.module import ProgrammesModule
from twin.run import Run
from twin.runner import run_scenario
from twin.scenario import Scenario

EMPTY = Scenario(name="empty", horizon_months=6)


class Watched(Counter):
    """Counts how often it lives; its draws have a size that is drawn when it begins."""

    def __init__(self, *words):
        super().__init__(*words)
        self.months_lived = 0

    def step(self, month, seen):
        self.months_lived += 1
        super().step(month, seen)
        self.draw *= self.size

    def reset(self, scenario, rng):
        super().reset(scenario, rng)
        self.size = float(rng.uniform())


def lived(memo, *modules, scenario=EMPTY, months=6):
    city, history = City(scenario, 1, modules, memo), []
    for _ in range(months):
        city.step()
        history.append(city.observed)
    return history, city


@pytest.fixture
def memo(tmp_path):
    found = Memo(tmp_path / "months.sqlite")
    yield found
    found.close()


def test_warm_is_cold_to_the_bit_and_lives_nothing(memo):
    cold, _ = lived(None, Watched("a", "b"), Watched("b", "a"))
    first, _ = lived(memo, Watched("a", "b"), Watched("b", "a"))
    modules = [Watched("a", "b"), Watched("b", "a")]
    warm, city = lived(memo, *modules)
    assert cold == first == warm
    assert [one.months_lived for one in modules] == [0, 0]
    assert city.checkpoint() == lived(None, Watched("a", "b"), Watched("b", "a"))[1].checkpoint()


@given(stop=st.integers(1, 5), warm=st.booleans())
def test_a_resumed_city_goes_on_to_the_bit(tmp_path_factory, stop, warm):
    memo = Memo(tmp_path_factory.mktemp("memo") / "months.sqlite")
    whole, _ = lived(memo if warm else None, Watched("a", "b"), Watched("b", "a"))
    _, first = lived(memo, Watched("a", "b"), Watched("b", "a"), months=stop)
    saved = json.loads(json.dumps(first.checkpoint()))
    second = City(EMPTY, 1, [Watched("a", "b"), Watched("b", "a")], memo)
    second.restore(saved)
    rest = []
    while not second.finished:
        second.step()
        rest.append(second.observed)
    assert rest == whole[stop:]
    memo.close()


def test_the_longest_unused_go_first(tmp_path):
    memo = Memo(tmp_path / "months.sqlite", most_bytes=1)
    lived(memo, Counter("a", "nobody"))
    memo.close()
    with sqlite3.connect(tmp_path / "months.sqlite") as file:
        assert file.execute("SELECT count(*) FROM months").fetchone() == (0,)


@pytest.mark.parametrize("drill", ["garbage", "cut", "read-only folder", "a folder in its place"])
def test_without_its_memo_a_run_is_the_same(tmp_path, monkeypatch, drill):
    scenario = Scenario.load("smoke", ["traffic=null", "solar=null", "horizon_months=2"])
    monkeypatch.setenv("TWIN_CACHE", str(tmp_path / "cache"))
    file = tmp_path / "cache" / "months.sqlite"
    with Run.open(run_scenario(scenario, 1, tmp_path / "first").path) as run:
        whole = run.digests
    assert file.stat().st_size > 10_000
    if drill == "garbage":
        file.write_bytes(b"no database" * 1000)
    elif drill == "cut":
        file.write_bytes(file.read_bytes()[:5000])
    elif drill == "read-only folder":
        monkeypatch.setenv("TWIN_CACHE", "/proc/nothing")
    else:
        file.unlink()
        file.mkdir()
    with Run.open(run_scenario(scenario, 1, tmp_path / "second").path) as run:
        assert run.digests == whole


def test_a_memo_lost_in_the_middle_begins_the_run_again(tmp_path, monkeypatch):
    scenario = Scenario.load("smoke", ["traffic=null", "solar=null", "horizon_months=3"])
    monkeypatch.setenv("TWIN_CACHE", str(tmp_path / "cache"))
    with Run.open(run_scenario(scenario, 1, tmp_path / "first").path) as run:
        whole = run.digests
    monkeypatch.setattr(Memo, "state", lambda *_: (_ for _ in ()).throw(MemoLostError("gone")))
    with Run.open(run_scenario(scenario, 1, tmp_path / "second").path) as run:
        assert run.digests == whole


@pytest.mark.parametrize(
    ("change", "live"),
    [
        ("programmes.crypto_regulation=voucher_token", {"programmes", "crypto"}),
        ("programmes.starts.jobtren=null", {"programmes", "crypto", "labour"}),
        ("carbon.fee_percent=0.2", {"carbon"}),
    ],
)
def test_a_what_if_lives_only_what_depends_on_it(tmp_path, monkeypatch, change, live):
    monkeypatch.setenv("TWIN_CACHE", str(tmp_path / "cache"))
    words = ["traffic=null", "solar=null", "horizon_months=3"]
    changed = Scenario.load("smoke", [*words, change])
    with Run.open(run_scenario(changed, 1, tmp_path / "cold", remember=False).path) as run:
        cold = run.digests
    run_scenario(Scenario.load("smoke", words), 1, tmp_path / "base")
    again = set()
    for kind in (LabourModule, CryptoModule, CarbonModule, ProgrammesModule):
        inner = kind.step
        monkeypatch.setattr(kind, "step", lambda self, *a, inner=inner: (again.add(self.name), inner(self, *a))[1])
    with Run.open(run_scenario(changed, 1, tmp_path / "warm").path) as run:
        assert run.digests == cold
    assert again == live
