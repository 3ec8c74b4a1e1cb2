"""A city platform that answers badly, in pages, or not at all: polled and given readings all the same."""

import itertools
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from twin.errors import LiveError
from twin.live.messages import Message, write
from twin.live.platform import client
from twin.live.platform.client import TOKEN, ForbiddenError, Platform
from twin.live.platform.pull import Source, pull, spoken, streams_in
from twin.live.platform.push import push
from twin.live.standards.terms import time_of
from twin.live.store import LiveStore, replay
from twin.run import Run

AT_S = 1_767_571_200.0


class City(ThreadingHTTPServer):
    """Answers by path and query; `answers` holds what comes first, `told` what it was asked."""

    def __init__(self, shown):
        super().__init__(("127.0.0.1", 0), Handler)
        self.shown, self.told, self.faults = shown, [], []
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()


class Handler(BaseHTTPRequestHandler):
    def answer(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        parts = urlsplit(self.path)
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        path = unquote(parts.path)
        self.server.told.append((self.command, path, query, json.loads(body or "null"), self.headers))
        status, answer = self.server.faults.pop(0) if self.server.faults else (200, None)
        text = json.dumps(self.server.shown(path, query) if answer is None else answer).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(text)))
        if status == 302:
            self.send_header("location", "http://127.0.0.1:1/")
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = answer

    def log_message(self, *_):
        pass


@pytest.fixture
def city(monkeypatch):
    monkeypatch.setattr(client, "RETRIES", client.RETRIES.new(backoff_factor=0.001, backoff_jitter=0))
    made = []

    def begin(shown):
        made.append(City(shown))
        return made[-1]

    yield begin
    for one in made:
        one.shutdown()
        one.server_close()


def entity(n, at_s=AT_S):
    told = {"value": n, "observedAt": time_of(at_s), "unitCode": "WTT"}
    return {"id": f"urn:ngsi-ld:PhotovoltaicMeasurement:o-{n}", "type": "PhotovoltaicMeasurement", "activePower": told}


def test_entities_by_pages_with_retries_and_each_reading_once(city, tmp_path, monkeypatch):
    monkeypatch.setenv(TOKEN, "secret")
    monkeypatch.setattr("twin.live.platform.pull.PAGE", 2)

    def shown(path, query):
        pages = {"0": [entity(1), entity(2)], "2": [entity(3), {**entity(4), "id": "urn:x"}], "4": []}
        return pages[query["offset"]] if query["type"] == "PhotovoltaicMeasurement" else []

    platform = city(shown)
    platform.faults = [(503, {}), (429, {})]
    ticks = itertools.count()
    clock = SimpleNamespace(monotonic=lambda: next(ticks), time=lambda: AT_S + 1)
    monkeypatch.setattr("twin.live.platform.pull.time", clock)
    found, stopped = pull(Source(Platform(platform.url), "ngsi-ld"), tmp_path, 0.01, 3.0)
    assert (found["taken"], found["polls"], found["failed_polls"], stopped) == (3, 3, 0, False)
    assert found["not_read"] == 3  # the fourth entity's id, every time
    assert "id: 'urn:x'" in found["why"]
    assert {one[4]["Authorization"] for one in platform.told} == {"Bearer secret"}
    with Run.open(found["runs"][0]) as run:
        assert list(run.table("live_reading")["value"]) == [0.001, 0.002, 0.003]
        assert replay(run) == (True, None)


def test_observations_of_foreign_datastreams_go_on_from_the_last(city, tmp_path):
    table = tmp_path / "streams.csv"
    table.write_text("datastream,kind,source,value\n7,flow,soekarno-1,speed_km_h\na#b'c,flow,soekarno-2,speed_km_h\n")
    readings = [(AT_S + i, 10.0 + i) for i in range(3)]

    def shown(path, query):
        if path.startswith("/v1.1/Datastreams('a#b''c')"):
            return {"value": []}
        if path == "/v1.1/Datastreams(7)":
            return {"unitOfMeasurement": {"symbol": "m/s"}}
        assert path == "/v1.1/Datastreams(7)/Observations"
        told = [{"phenomenonTime": time_of(at_s), "result": value} for at_s, value in readings]
        if "$filter" not in query:
            return {"value": [told[0]], "@iot.nextLink": "http://elsewhere.example/"}  # the newest then; not followed
        after = query["$filter"].removeprefix("phenomenonTime gt ")
        later = [one for one in told if one["phenomenonTime"] > after]
        page = {"value": later[:1]}
        if later[1:]:
            page["@iot.nextLink"] = f"{platform.url}{path}?$filter=phenomenonTime%20gt%20{later[0]['phenomenonTime']}"
        return page

    platform = city(shown)
    source = Source(Platform(f"{platform.url}/v1.1"), "sensorthings", streams_in(table))
    polls = [[dict(one.values)["speed_km_h"] for one in source.news()] for _ in range(3)]
    assert polls == [[36.0], pytest.approx([39.6, 43.2]), []]


def test_what_a_platform_must_not_do_is_told(city, tmp_path, monkeypatch):
    platform = city(lambda *_: {"value": [], "@iot.nextLink": "http://127.0.0.1:1/steal"})
    with pytest.raises(LiveError, match="another host"):
        list(Source(Platform(platform.url), "sensorthings").news())
    with pytest.raises(LiveError, match="no list of entities"):
        list(Source(Platform(platform.url), "ngsi-ld").news())
    for status, error, why in ((401, ForbiddenError, TOKEN), (404, LiveError, "answered 404"), (302, LiveError, "302")):
        platform.faults = [(status, {})]
        with pytest.raises(error, match=why):
            pull(Source(Platform(platform.url), "ngsi-ld"), tmp_path, 1.0, 0.1)
    monkeypatch.setattr(client, "MOST_ANSWER_BYTES", 10)
    with pytest.raises(LiveError, match="more than 10 bytes"):
        Platform(platform.url).get("/")
    monkeypatch.setattr(client, "RETRIES", client.RETRIES.new(total=0))
    with pytest.raises(LiveError, match="cannot be reached"):
        pull(Source(Platform("http://127.0.0.1:1"), "ngsi-ld"), tmp_path, 1.0, 0.1)
    for url in ("ftp://x", "http://user:pass@x", "city.example"):
        with pytest.raises(LiveError, match=TOKEN):
            Platform(url)
    with pytest.raises(LiveError, match="none of ngsi-ld, sensorthings"):
        spoken("mqtt")
    (tmp_path / "map.csv").write_text("datastream,kind,source,value\n7,cars,a,b\n8,flow,a/b,x\n")
    with pytest.raises(LiveError, match=r"line 2: .*line 3: "):
        streams_in(tmp_path / "map.csv")
    assert list(tmp_path.glob("*.sqlite")) == []


def test_a_day_is_given_to_a_platform(city, tmp_path):
    with LiveStore(tmp_path) as store:
        for seq, (value, at_s) in enumerate([(3.0, 0), (3.0, 0), (-1.0, 5), (None, 10), (4.0, 15)]):
            message = Message("detectors", "zone-1", "b", seq - (seq == 1), AT_S + at_s, {"vehicles": value})
            store.take(*write(message), AT_S + at_s)
    platform = city(lambda path, _: ["error: no"] if path == "/CreateObservations" else None)
    with Run.open(store.sealed[0]) as run:
        told = push(run, Platform(platform.url), "ngsi-ld")
        assert (told["readings"], told["refused"]) == (3, 0)
        sent = [body[0]["vehiclesInView"] for *_, body, _ in platform.told]
        assert [one["value"] for one in sent] == [3.0, -1.0, 4.0]
        assert sent[1]["flags"]["value"] == ["gap", "impossible"]
        told = push(run, Platform(platform.url), "sensorthings")
        assert (told["readings"], told["refused"], told["why"]) == (3, 1, "error: no")
        (group,) = platform.told[-1][3]
        assert group["Datastream"] == {"@iot.id": "detectors:zone-1:vehicles"}
        assert [row[1] for row in group["dataArray"]] == [3.0, -1.0, 4.0]
