"""The exchange's log: recovery gives the same exchange; what was cut is dropped, what was changed is found."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deploy.exchange.log import audit, document_of, recover
from deploy.exchange.machine import Command, carry_out, snapshot
from twin.errors import JournalError

WHO = ("andi", "budi", "cici")
numbers = st.integers(1, 60)
prices = st.sampled_from([50_000, 58_000, 58_800, 59_000, 60_000])
ORDERS = st.builds(
    lambda kind, side, price_idr, lots: ("place", {"kind": kind, "side": side, "price_idr": price_idr, "lots": lots}),
    st.sampled_from(["limit", "market", "ioc", "fok", "post_only"]), st.sampled_from(["buy", "sell"]), prices, numbers,
)  # fmt: skip
OTHERS = st.one_of(
    st.builds(lambda n: ("cancel", {"order": f"1-{n}"}), st.integers(0, 30)),
    st.builds(lambda n: ("retire", {"tco2e": n, "batch": None, "beneficiary": None, "purpose": "offset"}), numbers),
    st.builds(lambda p, n: ("list", {"price_idr": p, "lots": n}), prices, numbers),
    st.builds(lambda a, n: ("take", {"listing": a, "lots": n}), st.integers(1, 3), numbers),
    st.builds(lambda s, p, n: ("bid", {"auction": 1, "side": s, "price_idr": p, "lots": n}),
              st.sampled_from(["buy", "sell"]), prices, numbers),
    st.builds(lambda s, c, p, n: ("report_deal", {"side": s, "counterparty": c, "price_idr": p, "lots": n}),
              st.sampled_from(["buy", "sell"]), st.sampled_from(WHO), prices, numbers),
    st.sampled_from([("close_auction", {"auction": 1}), ("new_day", {})]),
)  # fmt: skip


def begin() -> list[Command]:
    commands = [("open_auction", "op", {"title": "Lelang"})]
    for who in WHO:
        commands += [
            ("join", who, {}), ("deposit", "op", {"member": who, "amount_idr": 20_000_000}),
            ("issue", "v", {"member": who, "batch": f"b-{who}", "tco2e": 200}),
            ("tokenise", who, {"batch": f"b-{who}", "tco2e": 150}),
        ]  # fmt: skip
    return [
        Command(do, by, "2026-01-05T03:00:00+00:00", f"begin-{i}", args) for i, (do, by, args) in enumerate(commands)
    ]


@settings(max_examples=40)
@given(st.lists(st.tuples(st.sampled_from(WHO), st.one_of(ORDERS, ORDERS, OTHERS)), max_size=60))
def test_money_and_tonnes_add_up_whatever_is_asked_for(tmp_path_factory, wanted):
    folder = tmp_path_factory.mktemp("log")
    x, log = recover(folder)
    for i, command in enumerate([*begin(), *(Command(do, who, f"2026-01-05T04:00:{j % 60:02d}+00:00", f"k-{j}", args)
                                             for j, (who, (do, args)) in enumerate(wanted))]):  # fmt: skip
        day = x.day
        log.write([document_of(command)])
        assert carry_out(x, command).status != 500, (i, command)
        if x.day != day:
            log.close()
            x2, log = recover(folder)  # as after a kill between the new day and its file
            assert json.dumps(snapshot(x2)) == json.dumps(snapshot(x))
    assert x.faults() == []
    log.close()
    again, log = recover(folder)
    log.close()
    assert json.dumps(snapshot(again)) == json.dumps(snapshot(x))
    assert again.depth(50) == x.depth(50)
    assert audit(folder) == []


@pytest.fixture
def written(tmp_path):
    _, log = recover(tmp_path)
    log.write([document_of(command) for command in begin()])
    log.close()
    return tmp_path


def test_a_cut_last_line_is_dropped_and_kept_aside(written):
    path = written / "day-000001.log"
    whole = path.read_bytes()
    for cut in (1, 30, 150):
        path.write_bytes(whole[:-cut])
        x, log = recover(written)
        log.close()
        assert x.ledger.held("token") == 300  # the last member's tokens were in the line that was cut
        assert path.with_suffix(".torn").exists()


def test_a_changed_line_is_found(written):
    path = written / "day-000001.log"
    path.write_bytes(path.read_bytes().replace(b"20000000", b"99000000", 1))
    with pytest.raises(JournalError, match="line 4 is damaged"):
        recover(written)


def test_a_lost_line_is_found(written):
    path = written / "day-000001.log"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:3] + lines[4:]))
    with pytest.raises(JournalError, match="line 4"):
        recover(written)
