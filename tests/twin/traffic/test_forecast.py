"""Public information: forecasts against series worked out by hand, days lived in SUMO, the feed an app shows."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from controllers.rules import Readings
from twin.errors import FaultsError, NetworkError
from twin.traffic.forecast import days as lived
from twin.traffic.forecast.days import Day, DayPlan, day_routes, demand_factors, simulated_days
from twin.traffic.forecast.feed import congestion_level, forecast_scores, learned, public_feed, rows
from twin.traffic.forecast.models import HORIZONS, METHODS, Model, fit, forecast, scores
from twin.traffic.networks.build import built
from twin.traffic.networks.locate import Network, locate
from twin.traffic.networks.roads import Road, RoadWatch, roads_of, travel_times, upstream, way_around
from twin.traffic.simulation.detectors import DetectorOptions

FREE_FLOW_S = np.array([30.0, 40.0, 50.0])
NO_UPSTREAM = np.zeros((3, 3))


def periodic(days: int, n: int = 36) -> tuple[np.ndarray, np.ndarray]:
    """The same day again and again: signs (days, n, 3, 3), times (days, n, 3)."""
    wave = 1 + 0.5 * np.sin(np.arange(n) / 5)[:, None]
    travel_s = np.repeat((FREE_FLOW_S * wave)[None], days, axis=0)
    return np.repeat(travel_s[..., None] / 10, 3, axis=3), travel_s


def wandering(days: int, seed: int, memory: float = 0.9, n: int = 36) -> tuple[np.ndarray, np.ndarray]:
    """Days around the periodic one by a first-order wander that the detectors see, and noise that they do not."""
    rng = np.random.default_rng(seed)
    wander = np.zeros((days, n, 3))
    for t in range(1, n):
        wander[:, t] = memory * wander[:, t - 1] + rng.normal(0, 0.1, (days, 3))
    seen, travel_s = periodic(days, n)
    return seen * np.exp(wander)[..., None], travel_s * np.exp(wander + rng.normal(0, 0.05, wander.shape))


def learned_from(seen: np.ndarray, travel_s: np.ndarray) -> Model:
    return fit(seen, travel_s, NO_UPSTREAM, FREE_FLOW_S)


def mae_s(found: list[dict], method: str, horizon: int) -> float:
    return next(row["mae_s"] for row in found if (row["method"], row["horizon"]) == (method, horizon))


def ahead(travel_s: np.ndarray, h: int) -> np.ndarray:
    return travel_s[h:]


def test_theory_a_day_like_all_others_is_known_exactly_but_not_by_persistence():
    seen, travel_s = periodic(3)
    told = forecast(learned_from(seen, travel_s), seen[0])
    for h in range(HORIZONS):
        for method in ("profile", "ridge", "combined"):
            np.testing.assert_allclose(told.by_method[method][: 36 - h, h], ahead(travel_s[0], h), rtol=1e-9)
    assert np.abs(told.by_method["persistence"][:30, 6] - ahead(travel_s[0], 6)).max() > 10
    assert np.isnan(told.travel_s[36 - 5, 5:]).all()  # beyond the day's end nothing is known


def test_theory_a_constant_is_known_by_every_method():
    seen, travel_s = np.full((2, 30, 3, 3), 4.0), np.full((2, 30, 3), 60.0)
    model = learned_from(seen, travel_s)
    told = forecast(model, seen[0])
    for method in METHODS:
        np.testing.assert_allclose(told.by_method[method][:17], 60.0, rtol=1e-9)
    assert {round(row["mae_s"], 9) for row in scores(model, seen, travel_s)} == {0.0}
    np.testing.assert_allclose(told.low_s[:17], told.high_s[:17])


def test_persistence_holds_the_estimate_of_now():
    model = learned_from(*wandering(4, 1))
    told = forecast(model, wandering(1, 2)[0][0]).by_method["persistence"]
    for h in range(HORIZONS):
        np.testing.assert_allclose(told[: 36 - h, h], told[: 36 - h, 0], rtol=1e-12)


def test_what_detectors_see_beats_the_profile_soon_and_persistence_later():
    model = learned_from(*wandering(12, 1))
    found = scores(model, *wandering(12, 2))
    for h in (0, 1, 2):
        assert mae_s(found, "combined", h) < 0.8 * mae_s(found, "profile", h)
    for h in (3, 6, 12):
        assert mae_s(found, "combined", h) < 0.9 * mae_s(found, "persistence", h)
        assert mae_s(found, "combined", h) < 0.9 * mae_s(found, "last_true", h)


def test_where_there_is_nothing_to_learn_the_profile_is_kept():
    model = learned_from(*wandering(12, 1, memory=0.0))
    found = scores(model, *wandering(12, 2, memory=0.0))
    for h in range(1, HORIZONS):
        assert mae_s(found, "combined", h) < 1.03 * mae_s(found, "profile", h)
    assert model.penalties[1:].min() > model.penalties[0]


def test_intervals_widen_with_the_horizon_and_hold_what_they_promise():
    model = learned_from(*wandering(12, 1))
    seen, travel_s = wandering(12, 2)
    told = forecast(model, seen[0])
    ratio = (told.high_s / told.low_s)[: 36 - HORIZONS + 1]
    assert (np.diff(ratio, axis=1) >= -1e-12).all()
    assert (ratio[:, 12] > 1.2 * ratio[:, 0]).all()
    assert ((told.low_s <= told.travel_s) & (told.travel_s <= told.high_s))[:20].all()
    inside = [row["inside_percent"] for row in scores(model, seen, travel_s) if row["method"] == "combined"]
    assert 74 < np.mean(inside) < 92


def test_silent_detectors_leave_the_profile_and_missing_readings_do_little_harm():
    seen, travel_s = wandering(12, 1)
    rng = np.random.default_rng(5)
    seen[rng.random(seen.shape) < 0.2] = np.nan
    travel_s[rng.random(travel_s.shape) < 0.1] = np.nan
    model = learned_from(seen, travel_s)
    silent = forecast(model, np.full((20, 3, 3), np.nan))
    np.testing.assert_allclose(silent.travel_s[:, :12], silent.by_method["profile"][:, :12], rtol=1e-12)
    unseen, truth = wandering(12, 2)
    whole = mae_s(scores(model, unseen, truth), "combined", 2)
    unseen[rng.random(unseen.shape) < 0.2] = np.nan
    holed = scores(model, unseen, truth)
    assert whole < mae_s(holed, "combined", 2) < mae_s(holed, "profile", 2)


def test_the_same_days_teach_the_same_and_the_future_is_not_seen():
    seen, travel_s = wandering(5, 1)
    first, second = learned_from(seen, travel_s), learned_from(seen, travel_s)
    np.testing.assert_array_equal(first.slopes, second.slopes)
    np.testing.assert_array_equal(first.offsets, second.offsets)
    day = wandering(1, 2)[0][0]
    changed = day.copy()
    changed[20:] *= 3
    np.testing.assert_array_equal(forecast(first, day).travel_s[:20], forecast(first, changed).travel_s[:20])
    np.testing.assert_array_equal(forecast(first, day).travel_s[:15], forecast(first, day[:15]).travel_s)
    assert (forecast(first, day).travel_s[20, :12] != forecast(first, changed).travel_s[20, :12]).all()


def test_theory_scores_by_hand():
    seen, travel_s = np.full((2, 30, 3, 3), 4.0), np.full((2, 30, 3), 60.0)
    model = learned_from(seen, travel_s)
    true = np.stack([travel_s[0] + 10, travel_s[0] + 20])  # the methods say 60, the truth is 70 and 80
    found = scores(model, seen, true)
    row = next(row for row in found if (row["method"], row["horizon"]) == ("combined", 3))
    assert row["mae_s"] == pytest.approx(15)
    assert row["mape_percent"] == pytest.approx(100 * (10 / 70 + 20 / 80) / 2)
    assert row["against_last_true_s"] == pytest.approx(15)
    assert row["against_last_true_half_s"] == pytest.approx(12.706 * 5, rel=1e-4)  # t(0.975, 1) · sd / √2
    assert row["against_profile_s"] == pytest.approx(0, abs=1e-9)
    assert row["inside_percent"] == 0


@pytest.mark.parametrize("days", [1, 2])
def test_days_that_cannot_teach_are_refused(days: int):
    seen, travel_s = periodic(days)
    with pytest.raises(ValueError, match="two days at least"):
        learned_from(seen, travel_s[: days - 1 or 1, :20] if days == 2 else travel_s)


@pytest.mark.parametrize(
    ("index", "level"),
    [(0.9, "A"), (1.17, "A"), (100 / 85, "B"), (1.3, "B"), (1.6, "C"), (2.0, "D"), (2.4, "D"), (3.0, "E"), (10.0, "F")],
)
def test_theory_levels_by_hand(index: float, level: str):
    # speed is 1 / index of free flow; above 85, 67, 50, 40, 30 % are A, B, C, D, E
    assert congestion_level(index)[0] == level


def test_a_level_of_nothing_is_refused():
    with pytest.raises(ValueError, match="above 0"):
        congestion_level(0.0)


def road(name: str, start: str, end: str, free_flow_s: float, onward: tuple[str, ...] = ()) -> Road:
    return Road(name, (name,), start, end, f"{start} – {end}", 500.0, (free_flow_s,), True, onward)


TRIANGLE = (road("AB", "A", "B", 50.0), road("AC", "A", "C", 40.0, ("CB",)), road("CB", "C", "B", 30.0))


def test_theory_the_way_round_by_hand():
    travel_s = np.array([50.0, 40.0, 30.0])
    assert way_around(TRIANGLE, travel_s, 0) == (["AC", "CB"], 70.0)
    assert way_around(TRIANGLE, travel_s, 1) is None  # nothing else leads to C
    apart = (TRIANGLE[0], replace(TRIANGLE[1], onward=()), TRIANGLE[2])  # no turn from AC into CB
    assert way_around(apart, travel_s, 0) is None


def test_theory_upstream_shares_by_hand():
    roads = (*TRIANGLE, road("XC", "X", "C", 20.0, ("CB", "unwatched")))
    np.testing.assert_array_equal(upstream(roads), [[0] * 4, [0] * 4, [0, 0.5, 0, 0.5], [0] * 4])


def test_the_feed_names_the_faster_way():
    travel_s = np.tile([200.0, 40.0, 30.0], (2, 40, 1))
    model = learned(TRIANGLE, [Day(np.ones((40, 3, 3)), day) for day in travel_s])
    seen = np.ones((20, 3, 3))
    seen[-3:, 2] = np.nan
    found = rows(TRIANGLE, model, seen, 7)
    assert [row["live"] for row in found] == [True, True, False]
    jammed = found[0]
    assert (jammed["at"], jammed["free_flow_s"]) == ("08:40", 50.0)
    assert [time["in_min"] for time in jammed["times"]] == [0, 15, 30, 45, 60]
    assert jammed["times"][2]["alternative"] == {"roads": ["AC", "CB"], "travel_s": 70.0, "saves_s": 130.0}
    assert (jammed["times"][0]["travel_time_index"], jammed["times"][0]["level"]) == (4.0, "F")
    assert found[1]["times"][0]["alternative"] is None
    assert [time["in_min"] for time in rows(TRIANGLE, model, np.ones((35, 3, 3)), 7)[0]["times"]] == [0, 15]


def test_theory_a_watch_gathers_by_hand():
    signals = SimpleNamespace(zones=((("AB_0", 1.0),), (("AB_1", 1.0),), (("CB_0", 1.0),), (("else_0", 1.0),)))
    watch = RoadWatch(TRIANGLE, signals)
    nan = np.nan
    for vehicles, passed in (([2, nan, nan, 9], [1, 2, 0, 9]), ([4, nan, nan, 9], [3, 0, 1, 9])):
        counts = np.array(vehicles, dtype=float)
        nothing = np.zeros(1)
        watch.see(Readings(0.0, counts, counts / 2, np.array(passed, dtype=float), nothing, nothing))
    found = watch.interval()
    np.testing.assert_allclose(found[0], [6, 3, 6])  # mean 3 in the living lane, two lanes; 1 + 2 + 3 passed
    np.testing.assert_allclose(found[1], [nan] * 3)  # no zone
    np.testing.assert_allclose(found[2], [nan, nan, 1])  # its camera is silent, its loop is not
    watch.see(Readings(0.0, counts, counts, np.zeros(0), nothing, nothing))
    np.testing.assert_allclose(watch.interval()[0], [8, 8, nan])  # no loops


def test_theory_travel_times_from_sumos_file(tmp_path: Path):
    (tmp_path / "x.xml").write_text(
        '<meandata><interval><edge id="a" sampledSeconds="9" traveltime="12.5"/><edge id="c" sampledSeconds="0"/>'
        '</interval><interval><edge id="a" sampledSeconds="3" traveltime="20"/>'
        '<edge id="b" sampledSeconds="3" traveltime="8"/></interval></meandata>'
    )
    two = replace(road("b", "A", "B", 0), edges=("a", "b"), edge_free_flow_s=(10.0, 5.0))
    found = travel_times(tmp_path / "x.xml", [two, road("c", "A", "C", 7.0)], 3)
    np.testing.assert_allclose(found, [[17.5, np.nan], [28.0, np.nan], [np.nan, np.nan]])


@pytest.mark.parametrize("said", ['period="36"', 'period="exp(0.0277778)"', 'vehsPerHour="100"', 'number="100"'])
def test_a_flow_is_repeated_at_its_rate_whatever_way_it_is_said(tmp_path: Path, said: str):
    (tmp_path / "r.rou.xml").write_text(
        f'<routes><vType id="car"/><flow id="f" type="car" begin="0" end="3600" {said} from="a" to="b"/></routes>'
    )
    network = Network("x", tmp_path / "x.net.xml", tmp_path / "r.rou.xml", begin_s=0)
    plan = DayPlan(3, begin_h=6, hours=6, level=2.0)
    text = day_routes(network, plan)
    expected = 100 * demand_factors(plan).sum() / 4
    assert text.count("<trip ") == pytest.approx(expected, abs=4 * expected**0.5)
    assert text == day_routes(network, plan) != day_routes(network, replace(plan, seed=4))
    assert "vehsPerHour" not in text
    departs = [float(part.split('"')[0]) for part in text.split('depart="')[1:]]
    assert departs == sorted(departs)
    assert 6 * 3600 <= departs[0] < departs[-1] < 12 * 3600


def test_demand_follows_the_days_profile_and_its_level():
    calm = [demand_factors(DayPlan(seed, begin_h=0, hours=24, level=1.0)) for seed in range(60)]
    by_hour = np.mean(calm, axis=0).reshape(24, 4).mean(axis=1)
    assert by_hour[7] > 0.85 > 0.2 > by_hour[2]
    np.testing.assert_allclose(demand_factors(DayPlan(1, level=2.0)), 2 * demand_factors(DayPlan(1, level=1.0)))
    drawn = [np.log(demand_factors(DayPlan(s)) / demand_factors(DayPlan(s, level=1.0)))[0] for s in range(200)]
    assert np.std(drawn) == pytest.approx(0.12, rel=0.2)


NODES = """<nodes><node id="a" x="0" y="0"/><node id="s" x="600" y="0" type="traffic_light"/><node id="m" x="300" y="0"/>
<node id="b" x="900" y="0"/><node id="n" x="600" y="300"/></nodes>"""
EDGES = """<edges><edge id="in_up" from="a" to="m" speed="10"/><edge id="in" from="m" to="s" speed="10"/>
<edge id="out" from="s" to="b" speed="10"/><edge id="side" from="n" to="s" speed="10"/></edges>"""
ROUTES = """<routes><flow id="x" begin="0" end="3600" vehsPerHour="250" from="in_up" to="out"/>
<flow id="y" begin="0" end="3600" vehsPerHour="100" from="side" to="out"/></routes>"""
PLAN = DayPlan(0, begin_h=6, hours=2, detectors=DetectorOptions(loops=True, dropout_percent=30))


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A town with one signal, built in a cache that this file's tests share."""
    folder = tmp_path_factory.mktemp("town")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TWIN_CACHE", str(folder / "cache"))
        for kind, text in (("nod", NODES), ("edg", EDGES)):
            (folder / f"x.{kind}.xml").write_text(text)
        yield built(folder, ROUTES) / "network.net.xml"


def test_roads_go_from_junction_to_junction(town: Path):
    found = {one.name: one for one in roads_of(town)}
    assert set(found) == {"in", "out", "side"}
    assert (found["in"].edges, found["in"].start, found["in"].end) == (("in_up", "in"), "a", "s")
    assert found["in"].free_flow_s == pytest.approx(found["in"].length_m / 10, abs=0.02)
    assert [one.watched for one in found.values()] == [True, False, True]
    assert found["in"].onward == ("out",)


def test_a_day_lived_twice_is_the_same_and_what_loops_count_is_what_drives(
    town: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    network, plan = locate(town), replace(PLAN, seed=1)
    day = simulated_days(network, [plan])[0]
    assert day.seen.shape == (24, 2, 3)
    demanded = day_routes(network, plan).count("<trip ")
    assert day.seen[:, :, 2].sum() == pytest.approx(demanded, abs=12)  # some are still on their way at the end
    free_flow_s = [one.free_flow_s for one in roads_of(town) if one.watched]
    assert (np.nanmin(day.travel_s, axis=0) > 0.8 * np.array(free_flow_s)).all()
    with monkeypatch.context() as patch:
        patch.setattr(lived, "_simulate", lambda *_: pytest.fail("lived again"))
        np.testing.assert_array_equal(simulated_days(network, [plan])[0].travel_s, day.travel_s)
    monkeypatch.setenv("TWIN_CACHE", str(tmp_path))
    again = simulated_days(network, [plan])[0]
    np.testing.assert_array_equal(again.travel_s, day.travel_s)
    np.testing.assert_array_equal(again.seen, day.seen)


def test_the_feed_of_a_town_with_missing_readings(town: Path):
    seen_progress: list[tuple[int, int]] = []
    found = public_feed(str(town), 1, plan=PLAN, days=2, progress=lambda *at: seen_progress.append(at))
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert seen_progress == [(1, 3), (2, 3), (3, 3)]
    assert [(row["road"], row["at"], row["live"]) for row in found] == [("in", "07:00", True), ("side", "07:00", True)]
    for row in found:
        assert [time["in_min"] for time in row["times"]] == [0, 15, 30, 45, 60][: len(row["times"])]
        assert len(row["times"]) == 5
        for time in row["times"]:
            assert time["likely_s"][0] <= time["travel_s"] <= time["likely_s"][1]
            assert 0.8 * row["free_flow_s"] < time["travel_s"] < 5 * row["free_flow_s"]
            assert time["level"] == congestion_level(time["travel_s"] / row["free_flow_s"])[0]
    judged = forecast_scores(str(town), [1], plan=PLAN, days=2)
    assert len(judged) == HORIZONS * (len(METHODS) + 2)


def test_what_cannot_be_fed_is_told(town: Path, tmp_path: Path):
    with pytest.raises(NetworkError, match="known from 6 to 8 h, not at 9"):
        public_feed(str(town), 1, 9.0, plan=PLAN, days=2)
    (tmp_path / "empty.rou.xml").write_text("<routes/>")
    with pytest.raises(NetworkError, match="no vehicle, trip or flow"):
        simulated_days(Network("x", town, tmp_path / "empty.rou.xml", 0), [PLAN])
    (tmp_path / "bad.rou.xml").write_text(ROUTES.replace('to="out"', 'to="gone"'))
    with pytest.raises(FaultsError, match="gone"):
        simulated_days(Network("x", town, tmp_path / "bad.rou.xml", 0), [PLAN])
    for kind, text in (("nod", NODES.replace("traffic_light", "priority")), ("edg", EDGES)):
        (tmp_path / f"x.{kind}.xml").write_text(text)
    with pytest.raises(NetworkError, match="no road ends at a signal"):
        simulated_days(Network("x", built(tmp_path, ROUTES) / "network.net.xml", town, 0), [PLAN])
