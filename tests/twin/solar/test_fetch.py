"""Fetching from a server on this machine that answers as PVGIS and NASA POWER do, their refusals included."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlparse

import numpy as np
import pandas as pd
import pytest

from twin.errors import FetchError
from twin.solar.weather import fetch as fetching
from twin.solar.weather.files import read_weather

SEA = {"message": "Location over the sea. Please, select another location", "status": 400}
NASA_REFUSAL = {"header": "Please correct the error(s) listed below and resubmit.",
                "messages": ["The latitude must be between -90 and 90."]}  # fmt: skip


def daylight(hours: pd.DatetimeIndex) -> np.ndarray:
    """A sun that stands highest at noon in Trenggalek, 5 UTC."""
    return np.maximum(0.0, np.cos((hours.hour.to_numpy() - 4.6) * np.pi / 12)) * 800


def pvgis_answer() -> dict:
    hours = pd.date_range("2005-01-01", "2005-12-31 23:00", freq="h")
    sun = daylight(hours)
    rows = [
        {"time(UTC)": f"{time:%Y%m%d:%H%M}", "T2m": 26.0, "RH": 80.0, "G(h)": float(g), "Gb(n)": float(g) / 2,
         "Gd(h)": float(g) / 2, "IR(h)": 400.0, "WS10m": 2.0, "WD10m": 90.0, "SP": 100000.0}
        for time, g in zip(hours, sun, strict=True)
    ]  # fmt: skip
    months = [{"month": month, "year": 2005} for month in range(1, 13)]
    return {"inputs": {}, "outputs": {"months_selected": months, "tmy_hourly": rows}, "meta": {"inputs": {}}}


def power_answer(query: dict, missing: int = 0) -> dict:
    first, last = pd.Timestamp(query["start"][0]), pd.Timestamp(query["end"][0])
    hours = pd.date_range(first, last + pd.Timedelta(hours=23), freq="h")
    sun = daylight(hours)
    named = {}
    for name in query["parameters"][0].split(","):
        values = sun if name.startswith("ALLSKY") else np.full(len(hours), 20.0)
        values = np.where(np.arange(len(hours)) >= len(hours) - missing, -999.0, values)
        named[name] = {f"{time:%Y%m%d%H}": float(value) for time, value in zip(hours, values, strict=True)}
    return {"type": "Feature", "geometry": {"type": "Point", "coordinates": [111.71, -8.05, 100.0]},
            "properties": {"parameter": named}, "header": {"title": "hourly", "fill_value": -999.0}, "messages": [],
            "parameters": {}, "times": {}}  # fmt: skip


@pytest.fixture
def service(tmp_path, monkeypatch):
    """A function that says how the server answers: (status, body of a query)."""
    how = {}

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self):
            url = urlparse(self.path)
            status, body = how["answer"](parse_qs(url.query))
            self.send_response(status)
            self.end_headers()
            self.wfile.write((body if isinstance(body, str) else json.dumps(body)).encode())

        def log_message(self, *args):
            pass

    server = HTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    base = f"http://127.0.0.1:{server.server_port}/"
    monkeypatch.setattr(fetching, "PVGIS_URL", base)
    monkeypatch.setattr(fetching, "POWER_URL", base + "point")
    monkeypatch.setattr(fetching, "cache_folder", lambda: tmp_path / "cache")
    yield lambda answer: how.update(answer=answer)
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_typical_year_of_pvgis_is_rolled_to_local_time(service, tmp_path):
    service(lambda query: (200, pvgis_answer()))
    assert not fetching.fetch("pvgis", -8.05, 111.71, 2024, tmp_path / "year.csv")
    table = read_weather(tmp_path / "year.csv")
    assert len(table) == 8760
    assert table.index[0].utcoffset() == pd.Timedelta(hours=7)
    assert table.ghi.groupby(table.index.hour).mean().idxmax() in (11, 12)
    assert table.ghi.sum() == pytest.approx(daylight(pd.date_range("2005-01-01", periods=8760, freq="h")).sum())


def test_a_year_of_nasa_power_is_cut_to_the_local_year(service, tmp_path):
    service(lambda query: (200, power_answer(query)))
    fetching.fetch("nasa-power", -8.05, 111.71, 2023, tmp_path / "year.csv")
    table = read_weather(tmp_path / "year.csv")
    assert len(table) == 8760
    assert set(table.index.year) == {2023}
    assert table.ghi.groupby(table.index.hour).mean().idxmax() in (11, 12)


@pytest.mark.parametrize(
    ("source", "status", "body", "says"),
    [
        ("pvgis", 400, SEA, "over the sea"),
        ("pvgis", 429, "<html>Too many requests</html>", "429"),
        ("pvgis", 529, "<html>Site is overloaded</html>", "529"),
        ("pvgis", 200, "<html>maintenance</html>", "no weather"),
        ("pvgis", 200, {"outputs": {}}, "lacks a part"),
        ("nasa-power", 422, NASA_REFUSAL, "latitude must be"),
        ("nasa-power", 503, "<html>unavailable</html>", "no weather"),
        ("nasa-power", 200, {"messages": ["no data"]}, "lacks a part"),
    ],
)
def test_every_refusal_is_told_in_the_services_words_and_nothing_is_written(
    service, tmp_path, source, status, body, says
):
    service(lambda query: (status, body))
    with pytest.raises(FetchError, match=says):
        fetching.fetch(source, -8.05, 111.71, 2024, tmp_path / "year.csv")
    assert list(tmp_path.iterdir()) == []


def test_hours_that_a_service_has_not_filled_yet_are_refused(service, tmp_path):
    service(lambda query: (200, power_answer(query, missing=48)))
    with pytest.raises(FetchError, match="earlier year"):
        fetching.fetch("nasa-power", -8.05, 111.71, 2023, tmp_path / "year.csv")
    assert list(tmp_path.iterdir()) == []
