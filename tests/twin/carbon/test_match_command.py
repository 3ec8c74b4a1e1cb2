"""`python -m twin carbon match`: the file's worked case, its faults, its refusals."""

import json

import pytest

HEADER = "seq,kind,side,price_ticks,quantity,ref_seq,account\n"
ORDERS = HEADER + (
    "10,limit,sell,120,100,,A\n20,limit,buy,110,100,,B\n30,market,buy,,30,,B\n40,cancel,,,,10,A\n50,cancel,,,,10,A\n"
    "60,limit,sell,110,0,,A\n70,limit,sell,100,50,,B\n"
)


def test_trades_in_order_of_execution(twin, tmp_path):
    (tmp_path / "o.csv").write_text(ORDERS)
    done = twin("carbon", "match", "o.csv", "--out", "t.csv", "--rejects", "r.csv", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "t.csv").read_text() == "taker_seq,maker_seq,price_ticks,quantity\n30,10,120,30\n70,20,110,50\n"
    assert (tmp_path / "r.csv").read_text() == "seq,code,reason\n50,11,NOT_RESTING\n60,3,BAD_QUANTITY\n"
    assert json.loads(done.stdout) == {
        "orders": 7, "trades": 2, "volume": 80, "refused": {"BAD_QUANTITY": 1, "NOT_RESTING": 1}, "out": "t.csv",
    }  # fmt: skip


def test_self_trade_prevention_is_off_unless_asked_for(twin, tmp_path):
    (tmp_path / "o.csv").write_text(HEADER + "1,limit,sell,5,3,,A\n2,limit,buy,5,3,,A\n")
    for words, trades in (((), 1), (("--stp", "cancel-resting"), 0)):
        done = twin("carbon", "match", "o.csv", "--out", "t.csv", "--json", *words, cwd=tmp_path)
        assert json.loads(done.stdout)["trades"] == trades


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ["holds no orders"]),
        ("seq,kind\n1,limit\n", ["no column side", "no column ref_seq"]),
        (HEADER + "1,limt,buy,5,3,,A\n2,limit,bye,5,3,,A\n3,limit,buy,x,3.5,,A\n",
         ["line 2: kind: 'limt'; did you mean 'limit'?", "line 3: side: 'bye'", "line 4: price_ticks: 'x'", "line 4: quantity: '3.5'"]),
        (HEADER + "2,limit,buy,5,3,,A\n2,limit,buy,5,3,,A\n", ["line 3: seq 2 after 2"]),
    ],
)  # fmt: skip
def test_a_faulty_file_is_refused_whole_with_every_fault(twin, tmp_path, text, words):
    (tmp_path / "o.csv").write_text(text)
    done = twin("carbon", "match", "o.csv", "--out", "t.csv", cwd=tmp_path)
    assert done.returncode == 2
    assert all(word in done.stderr for word in words), done.stderr
    assert not (tmp_path / "t.csv").exists()


def test_a_missing_file(twin, tmp_path):
    done = twin("carbon", "match", "none.csv", "--out", "t.csv", cwd=tmp_path)
    assert (done.returncode, "none.csv" in done.stderr) == (2, True)
