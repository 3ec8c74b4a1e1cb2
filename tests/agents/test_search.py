"""The search of the index: costs by hand, the same hours for all, resumed to the same coefficients."""

import json
from typing import Any

import numpy as np
import pytest

from agents import search
from agents.network import INDEX, load
from agents.rollout import HERE, Build, on_cluster, on_cores, workplace
from agents.training import BEST, CURVE
from envs.street import Scene
from envs.vector import SignalVecEnv
from twin.errors import TrainingError

HOUR = {"delay_s": 38.0, "pedestrian_wait_s": None}


def test_theory_a_cost_is_the_log_ratio_and_bounded():
    assert search.cost(HOUR, HOUR) == 0
    assert search.cost({**HOUR, "delay_s": 26.0}, HOUR) == pytest.approx(np.log(0.7))
    assert search.cost({**HOUR, "delay_s": 900.0}, HOUR) == search.WORST
    walked = {"delay_s": 38.0, "pedestrian_wait_s": 8.0}
    assert search.cost(walked, {**walked, "pedestrian_wait_s": 18.0}) == pytest.approx(0.2 * np.log(0.5))


def test_the_hours_of_a_generation_are_drawn_by_the_seed_alone():
    one, two, other = (search.scenes(np.random.default_rng(seed), 2.0) for seed in (1, 1, 2))
    assert one == two != other
    assert {scene.decision_s for scene, _ in one} == {2.0}
    drawn = [search.scenes(np.random.default_rng(seed), 2.0) for seed in range(20)]
    days = [[scene.day_type for scene, _ in hours if scene.network == "trenggalek"] for hours in drawn]
    assert {by_day for by_day, _ in days} == {"weekday", "market_day", "school_peak"}
    assert {late for _, late in days} == {"night"}
    assert {scene.duration_s for scene, _ in one if scene.network.startswith("junction")} == {1500}


def test_a_search_that_was_stopped_goes_on_to_the_same_coefficients(tmp_path, monkeypatch):
    target = np.array([one.start + one.step for one in INDEX.values()])
    step = np.array([one.step for one in INDEX.values()])
    asked = []

    def costs(candidates, *_):
        asked.append(len(candidates))
        return [float((((one - target) / step) ** 2).sum()) for one in candidates]

    monkeypatch.setattr(search, "_costs", costs)
    monkeypatch.setattr(search, "tuned_delay_s", lambda _: 40.0)
    monkeypatch.setattr(search, "delays", lambda network, names, *_: dict.fromkeys(names, _far(network, target)))
    settings = search.Settings(30, 10, 0.4, 2.0, 1, "")
    whole = search.search(settings, tmp_path / "whole", lambda *_: None)
    part = search.Settings(11, 10, 0.4, 2.0, 1, "")
    search.search(part, tmp_path / "part", lambda *_: None)
    assert len(asked) == 41
    search.search(settings, tmp_path / "part", lambda *_: None)
    assert len(asked) == 60  # nothing was lived again
    assert (tmp_path / "part" / BEST).read_bytes() == whole.read_bytes()
    assert (tmp_path / "part" / CURVE).read_text() == (tmp_path / "whole" / CURVE).read_text()
    curve = (tmp_path / "whole" / CURVE).read_text().splitlines()
    assert [line.split(",")[0] for line in curve] == ["generation", *map(str, range(31))]  # 0 is the start
    found = load(whole)
    assert found.decision_s == 2.0
    assert _far(found, target) < 0.3 * _far(search.with_index([one.start for one in INDEX.values()], 2.0), target)
    assert len((tmp_path / "whole" / search.JOURNAL).read_text().splitlines()) == 30
    with pytest.raises(TrainingError, match="was begun with seed 1"):
        search.search(search.Settings(30, 10, 0.4, 2.0, 2, ""), tmp_path / "part", lambda *_: None)
    assert json.loads((tmp_path / "part" / "settings.json").read_text())["generations"] == 30


def _far(network, target) -> float:
    return float(np.abs(network.index.detach().numpy() - target).sum())


@pytest.mark.slow
def test_hours_on_ray_are_those_on_cores(monkeypatch):
    ray = pytest.importorskip("ray", reason="of the `sweep` extra")
    policies = [search.with_index([scale * one.start for one in INDEX.values()], 5.0) for scale in (1.0, -1.0)]
    hours = [(Scene("cologne1", measured=True, decision_s=5.0, duration_s=120), seed) for seed in (1, 2)]
    try:
        there = on_cluster(None, 1)(policies, hours)
    finally:
        ray.shutdown()
    here = on_cores(policies, hours)
    assert there == here
    assert len({measures["delay_s"] for own in here for measures in own}) == 4


@pytest.mark.slow
def test_streets_on_ray_are_those_of_this_machine():
    ray = pytest.importorskip("ray", reason="of the `sweep` extra")
    scenes = [Scene("cologne3", duration_s=100), Scene("cologne1", measured=True, duration_s=60)]

    def lived(build: Build) -> list[Any]:
        env, chance = SignalVecEnv(scenes, seed=3, build=build), np.random.default_rng(1)
        seen = [env.reset()]
        for _ in range(22):  # beyond the end of both episodes
            seen.append(env.step(chance.integers(0, 3, env.num_envs)))
        env.close()
        return seen

    try:
        there = lived(workplace("ray", None).build)
    finally:
        ray.shutdown()
    here = lived(HERE.build)
    np.testing.assert_equal(there, here)
    assert any(info.get("measures") for *_, infos in here[1:] for info in infos)
