"""What comes in: flags by event time, refusals, bounded memory. Theory by hand, and another tool for the schema."""

import json

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controllers.errors import MessageError
from controllers.io.messages import decode, encode
from twin.live import intake as intake_module
from twin.live.intake import POISON, SHUT_S, Intake
from twin.live.messages import MOST_BYTES, ROOT_TOPIC, Message, kinds, read, schema, write

AT_S = 1_767_571_200.0


def message(seq=0, at_s=AT_S, boot="b", source="zone-1", kind="detectors", **values):
    return write(Message(kind, source, boot, seq, at_s, values or {"vehicles": 3.0}))


def flags(intake, one, arrived_s):
    (row,), refused = intake.take(*one, arrived_s)
    assert refused == []
    return row["flags"]


def test_flags_by_hand():
    intake = Intake()
    assert flags(intake, message(0, AT_S), AT_S + 1) == ""
    assert flags(intake, message(1, AT_S + 5), AT_S + 6) == ""
    assert flags(intake, message(1, AT_S + 5), AT_S + 7) == "duplicate"
    assert flags(intake, message(4, AT_S + 20), AT_S + 21) == "gap"
    assert flags(intake, message(3, AT_S + 15), AT_S + 21) == "out_of_order"
    assert flags(intake, message(3, AT_S + 15), AT_S + 22) == "duplicate"
    assert flags(intake, message(2, AT_S + 10), AT_S + 60) == "late,out_of_order"
    assert flags(intake, message(5, AT_S + 100), AT_S + 60) == "skew,silence"
    assert flags(intake, message(0, AT_S + 70, boot="c"), AT_S + 70) == ""


def test_silence_is_three_intervals_of_the_kind_without_a_word():
    intake = Intake()
    flags(intake, message(0, AT_S), AT_S)
    assert flags(intake, message(1, AT_S + 15), AT_S + 15) == ""  # a detector speaks every 5 s
    assert flags(intake, message(2, AT_S + 31), AT_S + 31) == "silence"
    assert flags(intake, message(0, AT_S + 47, boot="c"), AT_S + 47) == "silence"
    assert intake.silent(AT_S + 62) == []
    assert intake.silent(AT_S + 63) == [("detectors", "zone-1")]
    flags(intake, message(0, AT_S, kind="market", lots=1.0), AT_S)  # speaks when it trades
    assert intake.silent(AT_S + 1e6) == [("detectors", "zone-1")]


def test_values_are_flagged_and_never_mended():
    intake = Intake()
    rows, _ = intake.take(*message(vehicles=-4.0, halting=None), AT_S)
    assert [(row["name"], row["value"], row["flags"]) for row in rows] == [
        ("vehicles", -4.0, "impossible"),
        ("halting", None, "missing"),
    ]


@pytest.mark.parametrize(
    ("topic", "body", "why"),
    [
        ("detectors/z", {"boot": "b", "seq": 0, "at_s": 1.0, "values": {"speed": 3}}, "values: some of vehicles"),
        ("detectors/z", {"boot": "b", "seq": 0, "at_s": 1.0, "values": {"vehicles": "3"}}, "numbers or null"),
        ("detectors/z", {"boot": "b", "seq": 0, "at_s": 1.0, "values": {"vehicles": 10**400}}, "numbers or null"),
        ("detectors/z", {"boot": "b", "seq": 0, "values": {"vehicles": 3}}, "at_s"),
        ("detectors/z", {"boot": "b", "seq": -1, "at_s": 1.0, "values": {"vehicles": 3}}, "boot and seq"),
        ("cameras/z", {"boot": "b", "seq": 0, "at_s": 1.0, "values": {"vehicles": 3}}, "kinds detectors"),
        ("detectors/a/b", {"boot": "b", "seq": 0, "at_s": 1.0, "values": {"vehicles": 3}}, "topic"),
    ],
)
def test_schema_violations_say_what_is_wrong(topic, body, why):
    with pytest.raises(MessageError, match=why):
        read(f"{ROOT_TOPIC}/{topic}", encode(body))


@given(st.binary(max_size=200), st.text(max_size=60))
@settings(max_examples=100, deadline=None)
def test_junk_never_raises(payload, topic):
    rows, refused = Intake().take(topic, payload, AT_S)
    assert rows == []
    assert len(refused) == 1


@pytest.mark.parametrize("kind", sorted(kinds()))
def test_what_is_written_keeps_to_the_json_schema(kind):
    jsonschema.Draft202012Validator.check_schema(schema(kind))
    _, payload = message(kind=kind, **dict.fromkeys(kinds()[kind], 1.0))
    jsonschema.validate(decode(payload), schema(kind))


def test_a_poisoned_topic_is_shut_out_and_comes_back():
    intake, topic = Intake(), f"{ROOT_TOPIC}/detectors/zone-1"
    for _ in range(POISON):
        assert intake.admits(topic, AT_S)
        intake.take(topic, b"junk", AT_S)
    assert not intake.admits(topic, AT_S + 1)
    assert intake.admits(f"{ROOT_TOPIC}/detectors/zone-2", AT_S + 1)
    assert intake.admits(topic, AT_S + SHUT_S + 1)
    assert flags(intake, message(), AT_S + SHUT_S + 1) == "late"
    assert intake.counts["shut_out"] == 1


def test_memory_is_bounded_by_sources_topics_and_rate(monkeypatch):
    monkeypatch.setattr(intake_module, "MOST_SOURCES", 50)
    monkeypatch.setattr(intake_module, "MOST_PER_S", 100)
    intake = Intake()
    for i in range(300):
        intake.take(*message(source=f"zone-{i}"), AT_S)
        intake.take(f"{ROOT_TOPIC}/x/{i}", b"junk", AT_S)
    assert len(intake._senders) == 50
    assert len(intake._refusals) == 50
    assert sum(intake.admits("t", AT_S) for _ in range(150)) == 100
    assert intake.counts["flooded"] == 50
    assert intake.admits("t", AT_S + 1)


def test_an_oversized_message_is_refused_before_it_is_parsed():
    body = json.dumps({"boot": "x" * MOST_BYTES}).encode()
    with pytest.raises(MessageError, match=f"more than {MOST_BYTES}"):
        read(f"{ROOT_TOPIC}/detectors/z", body)


@given(st.permutations(range(12)), st.integers(0, 11))
@settings(max_examples=60, deadline=None)
def test_every_number_is_taken_once_in_whatever_order(order, twice):
    intake = Intake()
    told = [flags(intake, message(seq), AT_S) for seq in [*order, twice]]
    # The first number of a boot is where counting begins: what is older than it is out of order, once.
    assert sum("duplicate" in one for one in told) == 1
    assert "duplicate" in told[-1]
