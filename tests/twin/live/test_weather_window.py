"""A city whose sky and panels are known: the window that a weather alarm hands over leads back to them."""

import json
from datetime import date, timedelta
from types import SimpleNamespace

import numpy as np
import pandas as pd

from twin.calibrate.plan import load
from twin.calibrate.posterior import posterior
from twin.calibrate.study import answer_of, told
from twin.live.drift.series import day_of_series
from twin.live.drift.watch import PANELS, learn, watch
from twin.live.drift.weather import GHI, PERFORMANCE, write_weather
from twin.places import villages
from twin.scenario import Scenario
from twin.solar.kpis import FUNCTIONS
from twin.solar.module import SolarModule
from twin.solar.options import SolarOptions
from twin.solar.pv.fast import fast_power
from twin.solar.pv.sun import sun_track
from twin.solar.system import roof_of
from twin.solar.weather.synthetic import Places, SkyModel, hours_of, weather_of
from twin.sweep.record import Record
from twin.sweep.work import Result

CODES = ("35.03.01.2008", "35.03.08.2002", "35.03.12.2002")


def month_of_days(first, clearness, losses_percent, seed):
    """A month of three offices: irradiance ± 3 % and panels' power ± 2 % a reading, every five minutes."""
    rng, month = np.random.default_rng(seed), pd.Period(first, freq="M")
    places = Places.of([site for site in villages() if site.code in CODES])
    hours = hours_of(month)
    track = sun_track(hours)
    weather = weather_of(SkyModel(places, rng, clearness).month(month), places, hours, track)
    roof = roof_of(SolarOptions(losses_percent=losses_percent))
    made = fast_power(roof, places.latitude_deg, places.longitude_deg, places.elevation_m, track, weather).dc_w / 1000
    found = []
    for n in range(month.days_in_month):
        part = slice(24 * n, 24 * (n + 1))
        series = {
            name: {
                code: np.repeat(values[k, part], 12) * rng.normal(1, noise, 288)
                for code, k in zip(CODES, places.of_site, strict=True)
            }
            for name, values, noise in (("ghi", weather.ghi, 0.03), ("pv", made, 0.02))
        }
        found.append(day_of_series(date(month.year, month.month, 1) + timedelta(n), 300, series))
    return found


def months(tasks):
    """The runs of a calibration without their files: the sector's months alone, and the two figures of them."""
    for task in tasks:
        scenario, module = Scenario.validated(json.loads(task.scenario), task.key), SolarModule()
        module.reset(scenario, np.random.default_rng(task.seed))
        module.step(pd.Period(scenario.start, freq="M"), {})
        total = pd.DataFrame(module.observe()["solar_total"]).assign(month=scenario.start)
        run = SimpleNamespace(has=lambda _: True, table=lambda _, total=total: total)
        yield task, Result("", kpis={name: FUNCTIONS[name](run) for name in (GHI, PERFORMANCE)})


def test_dirty_panels_and_a_darker_sky_are_told_and_found_again(tmp_path):
    known = month_of_days("2026-01", 1.0, 14.0, 1)
    learned, usual = learn(known)
    dirty = month_of_days("2026-02", 0.75, 30.0, 2)
    alarms = [one for one in watch(dirty, learned, usual) if one.sort == "weather"]
    assert {one.source for one in alarms} >= {PANELS}
    assert all(one.size_sd < 0 for one in alarms)
    assert write_weather(dirty, tmp_path / "weather.yaml")
    plan, data = load(str(tmp_path / "weather.yaml"))
    assert plan.set["start"] == "2026-02"
    plan = plan.model_copy(update={"points": 12})
    record = Record(tmp_path)
    nobody = lambda *_: None  # noqa: E731
    answer = answer_of(plan, data, months, tmp_path, record, nobody)
    record.close()
    values, sd = (np.array([getattr(one, name) for one in data]) for name in ("value", "sd"))
    found = told(plan, data, answer, posterior(answer, values, sd))
    truth = {"solar.clearness_factor": 0.75, "solar.losses_percent": 30.0}
    for one in found["parameters"]:
        assert one["low"] < truth[one["parameter"]] < one["high"]
        assert one["high"] - one["low"] < {"solar.clearness_factor": 0.5, "solar.losses_percent": 12}[one["parameter"]]
    assert found["fits"]
