"""NGSI-LD and SensorThings as plain functions: what goes out comes in again, and moments tell readings apart."""

import contextlib

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controllers.errors import MessageError
from controllers.io.messages import decode
from twin.live.intake import Intake
from twin.live.messages import kinds, read, schema, write
from twin.live.order import WINDOW
from twin.live.standards import ngsi, sensorthings
from twin.live.standards.terms import at_of, in_ours, reading, terms, time_of, units

AT_S = 1_767_571_200.0
VALUES = [(kind, value) for kind, names in kinds().items() for value in names]
TIMES = st.floats(0, 4e9).map(lambda s: round(s, 6))


def taken(*messages, arrived_s=AT_S):
    intake = Intake()
    return [row for one in messages for row in intake.take(*write(one), arrived_s)[0]]


def test_every_value_has_one_term_and_its_unit_can_be_written():
    assert sorted((one.kind, one.value) for one in terms()) == sorted(VALUES)
    assert len({(one.type, one.attribute) for one in terms()}) == len(VALUES)
    assert all(units(kinds()[kind][value].unit) for kind, value in VALUES)


@given(st.sampled_from(VALUES), st.floats(-1e6, 1e6), TIMES)
@settings(max_examples=60, deadline=None)
def test_a_reading_goes_out_and_comes_in_again(what, number, at_s):
    kind, value = what
    (row,) = taken(reading(kind, "a:b#1", value, at_s, number))
    (again,) = ngsi.messages_of(ngsi.entity_of(ngsi.type_of(kind), "a:b#1", [row]))
    told = sensorthings.observation("http://x", row)
    stream = told["@iot.id"].rpartition(":")[0]
    for message in (again, sensorthings.message_of(told, stream)):
        assert (message.kind, message.source, list(message.values)) == (kind, "a:b#1", [value])
        assert message.values[value] == pytest.approx(number, rel=1e-12)
        assert message.at_s == pytest.approx(at_s, abs=1e-6)
        jsonschema.validate(decode(write(message)[1]), schema(kind))
        assert read(*write(message)) == message


def test_units_are_turned_into_ours_by_hand():
    assert in_ours("inverter", "pv_kw", 1500.0, "WTT") == 1.5
    assert in_ours("flow", "speed_km_h", 10.0, symbol="m/s") == 36.0
    assert in_ours("battery", "soc_percent", 0.25, "C62") == 25.0
    with pytest.raises(MessageError, match="unit FAH; one of KWT, WTT"):
        in_ours("inverter", "pv_kw", 1.0, "FAH")


@pytest.mark.parametrize(("text", "why"), [(3, "a time"), ("soon", "is no time"), ("2026-01-05T00:00:00", "no offset")])
def test_a_time_that_says_no_moment_is_refused(text, why):
    with pytest.raises(MessageError, match=why):
        at_of(text, "observedAt")


def test_times_by_hand():
    assert at_of("2026-01-05T07:00:00+07:00", "t") == at_of("2026-01-04T23:00:00Z/2026-01-05T00:00:00Z", "t") == AT_S
    assert time_of(AT_S) == "2026-01-05T00:00:00.000000Z"


@given(st.permutations(range(10)), st.integers(0, 9))
@settings(max_examples=60, deadline=None)
def test_without_numbers_every_moment_is_taken_once_in_whatever_order(order, twice):
    rows = taken(*(reading("battery", "o", "soc_percent", AT_S + i, 50.0) for i in [*order, twice]))
    again = ["duplicate" in row["flags"] for row in rows]
    assert again == [False] * 10 + [True]
    newest = [max(order[:n], default=-1) for n in range(10)]
    assert ["out_of_order" in row["flags"] for row in rows[:10]] == [i < n for i, n in zip(order, newest, strict=True)]


def test_values_of_one_moment_sent_apart_are_no_duplicates_and_what_is_forgotten_is_one():
    rows = taken(reading("inverter", "o", "pv_kw", AT_S, 1.0), reading("inverter", "o", "load_kw", AT_S, 2.0))
    assert [row["flags"] for row in rows] == ["", ""]
    many = [reading("battery", "o", "soc_percent", AT_S + i, 50.0) for i in range(WINDOW + 1)]
    assert taken(*many, reading("battery", "o", "soc_percent", AT_S, 50.0), arrived_s=AT_S + 300)[-1]["flags"] == (
        "late,duplicate"
    )


@pytest.mark.parametrize(("entity", "why"), [
    ({"id": "urn:ngsi-ld:Car:x", "type": "Car"}, "type: 'Car' is none of"),
    ({"id": "urn:ngsi-ld:WeatherObserved:a/b", "type": "WeatherObserved"}, "id:"),
    ({"id": "urn:ngsi-ld:WeatherObserved:a", "type": "WeatherObserved", "temperature": 3}, "none of solarRadiation"),
    ({"id": "urn:ngsi-ld:WeatherObserved:a", "type": "WeatherObserved", "dateObserved": "2026-01-05T00:00:00Z",
      "solarRadiation": "much"}, "solarRadiation: value: 'much' is no number"),
    ({"id": "urn:ngsi-ld:WeatherObserved:a", "type": "WeatherObserved",
      "solarRadiation": {"type": "Relationship", "object": "urn:x"}}, "a Property with a value"),
])  # fmt: skip
def test_entities_that_cannot_be_used_say_why(entity, why):
    with pytest.raises(MessageError, match=why):
        ngsi.messages_of(entity)


@given(st.recursive(st.none() | st.floats() | st.text(max_size=9), lambda one: st.lists(one, max_size=3) | st.dictionaries(
    st.sampled_from(["value", "type", "observedAt", "@value", "unitCode"]), one, max_size=4)))  # fmt: skip
@settings(max_examples=100, deadline=None)
def test_junk_in_an_attribute_is_a_message_error_or_a_reading(told):
    entity = {
        "id": "urn:ngsi-ld:WeatherObserved:a",
        "type": "WeatherObserved",
        "solarRadiation": told,
        "dateObserved": told,
    }
    with contextlib.suppress(MessageError):
        assert all(one.kind == "weather" for one in ngsi.messages_of(entity))
