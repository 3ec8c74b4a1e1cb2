"""Live readings over HTTP: NGSI-LD and SensorThings in, judged by event time, and out of the same store again."""

import socket
import threading
from datetime import datetime, timedelta
from types import SimpleNamespace

import pytest
import uvicorn

from deploy.live import desk
from deploy.ops.backup import backup
from twin.live.platform.client import TOKEN, Platform
from twin.live.platform.pull import Source, pull
from twin.live.platform.push import push
from twin.live.standards.terms import time_of
from twin.live.store import LiveStore, replay
from twin.run import Run

N, S = "/ngsi-ld/v1", "/sensorthings/v1.1"
NOW = datetime.fromisoformat("2026-01-05T00:16:00Z")


@pytest.fixture(autouse=True)
def _clock(monkeypatch):
    monkeypatch.setattr(desk, "time", SimpleNamespace(time=NOW.timestamp))


def at(seconds_ago):
    return (NOW - timedelta(seconds=seconds_ago)).isoformat()


def flow(name="soekarno-1", seconds_ago=1.0, **values):
    values = values or {"intensity": 197}
    told = {key: {"type": "Property", "value": value, "observedAt": at(seconds_ago)} for key, value in values.items()}
    return {"id": f"urn:ngsi-ld:TrafficFlowObserved:{name}", "type": "TrafficFlowObserved", **told}


def upsert(services, *entities):
    return services("the-feed", "POST", f"{N}/entityOperations/upsert", list(entities))


def told(services, name="soekarno-1", **query):
    return services.ok("the-analyst", "GET", f"{N}/entities/urn:ngsi-ld:TrafficFlowObserved:{name}", params=query)


def test_an_entity_goes_in_and_comes_out_with_units_times_and_context(services):
    assert upsert(services, flow(intensity=197, occupancy=0.76)).json() == [flow()["id"]]
    found = told(services)
    assert found["intensity"]["value"] == 197
    assert (found["occupancy"]["value"], found["occupancy"]["unitCode"]) == (
        0.76,
        "C62",
    )  # a share, as the model has it
    assert datetime.fromisoformat(found["intensity"]["observedAt"]) == NOW - timedelta(seconds=1)
    assert found["@context"][-1].startswith("https://uri.etsi.org/ngsi-ld/")
    assert told(services, options="keyValues")["occupancy"] == 0.76
    assert upsert(services, flow(seconds_ago=0.5)).status_code == 204  # known by now
    answer = services("the-feed", "GET", f"{N}/entities?type=TrafficFlowObserved&count=true")
    assert (answer.headers["NGSILD-Results-Count"], len(answer.json())) == ("1", 1)
    assert answer.headers["content-type"] == "application/ld+json"
    stream = "flow:soekarno-1:occupancy_percent"
    page = services.ok("the-analyst", "GET", f"{S}/Datastreams('{stream}')/Observations")
    assert page["value"][0]["result"] == 76.0
    # what was given out can be given in again, as it is: the same moments are duplicates
    assert upsert(services, found).status_code == 204
    assert told(services) == told(services)


def test_late_duplicate_out_of_order_and_impossible_are_flagged_and_kept_as_they_are(services):
    upsert(services, flow(seconds_ago=2, intensity=5))
    upsert(services, flow(seconds_ago=2, intensity=6))  # the same moment told again
    upsert(services, flow(seconds_ago=100, intensity=7))
    upsert(services, flow(seconds_ago=1, intensity=-3))
    page = services.ok("the-signals", "GET", f"{S}/Datastreams('flow:soekarno-1:intensity_veh')/Observations")
    assert [(one["result"], one["parameters"]["flags"]) for one in page["value"]] == [
        (7, ["late", "out_of_order"]), (5, []), (-3, ["impossible"]),
    ]  # fmt: skip
    assert told(services)["intensity"]["flags"]["value"] == ["impossible"]
    state, folder = services.app.state, services.app.state.settings.data / "live"
    state.live.close()
    state.live = desk.Desk(folder, state.metrics)  # what was answered is there after a restart, and judged on from
    assert told(services)["intensity"]["value"] == -3
    upsert(services, flow(seconds_ago=2, intensity=6))
    state.live.close()
    with LiveStore(folder) as store:
        pass
    with Run.open(store.sealed[0]) as run:
        assert list(run.table("live_reading")["value"]) == [5, 6, 7, -3, 6]  # the duplicates are there too
        assert list(run.table("live_reading")["flags"]).count("duplicate") == 2
        assert replay(run) == (True, None)
    state.live = desk.Desk(folder, state.metrics)  # for the app to close


def test_a_batch_tells_of_each_entity_that_was_not_taken(services, monkeypatch):
    untimed = {**flow("b"), "intensity": 3}
    unzoned = {**flow("c"), "intensity": {"type": "Property", "value": 3, "observedAt": "2026-01-05T00:00:00"}}
    battery = {"id": "urn:ngsi-ld:StorageBatteryMeasurement:o1", "type": "StorageBatteryMeasurement",
               "stateOfCharge": {"value": 0.5, "observedAt": at(1)}}  # fmt: skip
    foreign = {**flow("d"), "id": "urn:ngsi-ld:Device:d"}
    answer = upsert(services, flow("a"), untimed, unzoned, battery, foreign)
    assert answer.status_code == 207
    assert answer.json()["success"] == [flow("a")["id"]]
    whys = [one["error"]["detail"] for one in answer.json()["errors"]]
    for why, word in zip(
        whys, ("observedAt: none", "has no offset", "unit not told; one of P1, C62", "id:"), strict=True
    ):
        assert word in why
    battery["stateOfCharge"]["unitCode"] = "C62"
    assert upsert(services, battery).status_code == 201
    dated = {
        **untimed,
        "dateObserved": {"type": "Property", "value": {"@type": "DateTime", "@value": f"{at(9)}/{at(4)}"}},
    }
    assert upsert(services, dated).status_code == 201
    assert told(services, "b")["intensity"]["observedAt"] == time_of((NOW - timedelta(seconds=4)).timestamp())
    assert services.ok("the-feed", "GET", "/v1/live/state")["refused"] == 4
    many = services("the-feed", "POST", f"{N}/entityOperations/upsert", [flow()] * 1001)
    assert (many.status_code, many.json()["reason"]) == (422, "input_at_fault")
    body = {"id": "urn:ngsi-ld:Notification:1", "type": "Notification", "data": [flow("n"), flow("b", 3)]}
    assert services("the-feed", "POST", "/v1/live/notifications", body).status_code == 200  # from a context broker
    assert told(services, "n")["intensity"]["value"] == 197
    monkeypatch.setattr("twin.live.intake.MOST_PER_S", 1)
    services.app.state.live._store.intake.second = (0, 0)
    flooded = upsert(services, flow("x"), flow("y"))
    assert flooded.json()["success"] == [flow("x")["id"]]
    assert [one["error"]["status"] for one in flooded.json()["errors"]] == [429]
    assert services.ok("the-feed", "GET", "/v1/live/state")["flooded"] == 1
    assert 'twin_live_messages_total{outcome="refused"} 4.0' in services("the-monitor", "GET", "/metrics").text


def test_observations_in_and_back_out_by_pages(services, tmp_path, monkeypatch):
    stream = "inverter:office-1:pv_kw"
    rows = [[at(60 - i), i] for i in (3, 1, 2, 0, 4)]
    group = {"Datastream": {"@iot.id": stream}, "components": ["phenomenonTime", "result"], "dataArray": rows}
    wrong = {**group, "Datastream": {"@iot.id": "inverter:office-1:volts"}}
    links = services.ok("the-feed", "POST", f"{S}/CreateObservations", [group, wrong])
    assert [link[:5] for link in links] == ["http:"] * 5 + ["error"] * 5
    assert services.ok("the-feed", "GET", links[0])["result"] == 3
    seen, path = [], f"{S}/Datastreams('{stream}')/Observations?$top=2&$count=true&$orderby=phenomenonTime desc"
    while path:
        page = services.ok("the-analyst", "GET", path)
        assert page["@iot.count"] == 5
        seen += [one["result"] for one in page["value"]]
        path = page.get("@iot.nextLink")
    assert seen == [4, 3, 2, 1, 0]
    later = services.ok(
        "the-feed", "GET", f"{S}/Datastreams('{stream}')/Observations",
        params={"$filter": f"phenomenonTime gt {at(58)}", "$orderby": "resultTime"},
    )  # fmt: skip
    assert [one["result"] for one in later["value"]] == [3, 4]
    (thing,) = services.ok("the-feed", "GET", f"{S}/Things")["value"]
    (found,) = services.ok("the-feed", "GET", thing["Datastreams@iot.navigationLink"])["value"]
    assert (found["@iot.id"], found["unitOfMeasurement"]["symbol"]) == (stream, "kW")
    assert services.ok("the-feed", "GET", found["@iot.selfLink"]) == found

    one_is_taken_once(services)
    our_own_client_reads_it(services, tmp_path, monkeypatch)
    kept = backup(services.app.state.settings, tmp_path / "backup.tar.gz")["files"]
    assert any(name.startswith("live/.live-") for name in kept)  # the day that is not over, too
    for who, method, path, status in (
        (None, "GET", f"{N}/entities", 401), ("the-trader", "GET", f"{N}/entities", 403),
        ("the-analyst", "POST", f"{S}/CreateObservations", 403), ("the-feed", "GET", f"{N}/entities/urn:ngsi-ld:x:y", 404),
        ("the-feed", "GET", f"{S}/Datastreams('detectors:z:speed')/Observations", 404),
        ("the-feed", "GET", f"{S}/Things?$expand=Datastreams", 422), ("the-feed", "GET", f"{S}/Things('flow:no')", 404),
        ("the-feed", "GET", f"{S}/Observations('{stream}:7')", 404),
    ):  # fmt: skip
        answer = services(who, method, path, [group] if method == "POST" else None)
        assert (answer.status_code, answer.json()["status"]) == (status, status), path


def one_is_taken_once(services):
    reading = {"phenomenonTime": at(1), "result": 21.5, "Datastream": {"@iot.id": "battery:office-1:soc_percent"}}
    first = services("the-feed", "POST", f"{S}/Observations", reading)
    again = services("the-feed", "POST", f"{S}/Observations", {**reading, "result": 99})
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.headers["location"] == again.headers["location"]
    assert services.ok("the-feed", "GET", first.headers["location"])["result"] == 21.5
    del reading["Datastream"]
    path = f"{S}/Datastreams('battery:office-1:soc_percent')/Observations"
    assert services("the-feed", "POST", path, {**reading, "phenomenonTime": at(0)}).status_code == 201
    unzoned = services("the-feed", "POST", path, {**reading, "phenomenonTime": "yesterday"})
    assert (unzoned.status_code, unzoned.json()["reason"]) == (422, "input_at_fault")


def our_own_client_reads_it(services, tmp_path, monkeypatch):
    monkeypatch.setenv(TOKEN, services.tokens["the-feed"])
    config = uvicorn.Config(services.app, port=0, lifespan="off", log_config=None)
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        for standard, root, values in (("ngsi-ld", "", {4.0, 21.5}), ("sensorthings", S, {4.0, 21.5})):
            found, _ = pull(Source(Platform(url + root), standard), tmp_path / standard, 1.0, 0.5)
            with Run.open(found["runs"][0]) as run:
                assert set(run.table("live_reading")["value"]) == values  # what every source told last
                assert push(run, Platform(url + root), standard)["refused"] == 0
        server.should_exit = True
        thread.join()
    page = services.ok("the-feed", "GET", f"{S}/Datastreams('inverter:office-1:pv_kw')/Observations")
    assert len(page["value"]) == 5  # sent back, they were duplicates
