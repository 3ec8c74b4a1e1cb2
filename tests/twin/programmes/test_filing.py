"""Anti Mbangkong's filing: its rules by hand, what the trail notices, and signed PDFs."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from twin.errors import PersonnelError
from twin.programmes.filing import pdf
from twin.programmes.filing.cli import app
from twin.programmes.filing.rules import kinds, last_day
from twin.programmes.filing.trail import Trail, read_trail, signature_faults, trail_faults
from twin.programmes.filing.workflow import STEPS, Desk

NOON = datetime(2026, 3, 2, 5, tzinfo=UTC)


def a_desk(path=None):
    return Desk(Trail(Ed25519PrivateKey.from_private_bytes(bytes(32)), path))


def filed(desk, number="1", kind="leave", effective=date(2026, 2, 10), applicant="teacher"):
    desk.open(number, kind, applicant, effective, NOON)
    for name in kinds()[kind].documents:
        desk.attach(number, name, b"content", NOON)
    return desk.act(number, "submit", applicant, "applicant", NOON)


def signed(desk, number="1", **what):
    filed(desk, number, **what)
    desk.act(number, "approve", "officer", "officer", NOON)
    return desk.act(number, "sign", "head", "head", NOON)


# ---- rules -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "effective", "last"),
    [
        ("leave", date(2026, 2, 10), date(2026, 3, 3)),
        ("leave", date(2026, 2, 1), date(2026, 3, 3)),
        ("leave", date(2026, 12, 31), date(2027, 1, 3)),
        ("kgb", date(2026, 4, 1), date(2026, 3, 1)),
        ("kgb", date(2026, 3, 31), date(2026, 2, 28)),
        ("recommendation", date(2026, 3, 1), date(2026, 2, 28)),
        ("transfer", date(2026, 3, 1), None),
    ],
)
def test_last_day(kind, effective, last):
    assert last_day(kind, effective) == last


def test_a_late_leave_with_no_paper_is_told_both_faults():
    desk = a_desk()
    desk.open("1", "leave", "teacher", date(2026, 1, 30), NOON)
    with pytest.raises(PersonnelError, match=r"missing application(.|\n)*filed on 2026-03-02(.|\n)*2026-02-03"):
        desk.act("1", "submit", "teacher", "applicant", NOON)
    assert desk.requests["1"].state == "draft"


def test_certificate_needs_the_recommendation_of_the_same_person():
    desk = a_desk()
    signed(desk, "1", kind="recommendation", effective=date(2026, 3, 9), applicant="somebody else")
    with pytest.raises(PersonnelError, match="needs a signed recommendation"):
        filed(desk, "2", kind="certificate")
    signed(desk, "3", kind="recommendation", effective=date(2026, 3, 9))
    assert desk.act("2", "submit", "teacher", "applicant", NOON).state == "submitted"


def test_what_was_filed_in_time_and_returned_is_not_late_when_mended():
    desk = a_desk()
    filed(desk)
    desk.act("1", "return", "officer", "officer", NOON, "page 2 is unreadable")
    assert desk.act("1", "submit", "teacher", "applicant", NOON + timedelta(days=9)).returned == 1


def test_nobody_approves_their_own_request():
    desk = a_desk()
    filed(desk)
    with pytest.raises(PersonnelError, match="is the applicant"):
        desk.act("1", "approve", "teacher", "officer", NOON)


@given(
    st.lists(st.tuples(st.sampled_from(sorted(STEPS)), st.sampled_from(["applicant", "officer", "head"])), max_size=8)
)
def test_only_what_the_table_of_steps_allows_happens(actions):
    desk = a_desk()
    filed(desk)
    for action, role in actions:
        before, entries = desk.requests["1"].state, len(desk.trail.entries)
        allowed = before in STEPS[action].before and role == STEPS[action].role
        actor = "teacher" if role == "applicant" else role
        try:
            desk.act("1", action, actor, role, NOON, "because")
            assert allowed
            assert desk.requests["1"].state == STEPS[action].after
        except PersonnelError:
            assert not allowed
            assert (desk.requests["1"].state, len(desk.trail.entries)) == (before, entries)


# ---- the trail -------------------------------------------------------------------------------------------------------


def test_a_desk_is_what_its_trail_on_the_disk_says(tmp_path):
    desk = a_desk(tmp_path / "trail.jsonl")
    signed(desk)
    assert a_desk(tmp_path / "trail.jsonl").requests == desk.requests


def test_the_trail_notices_what_was_changed_cut_out_or_signed_by_others(tmp_path):
    desk = a_desk(tmp_path / "trail.jsonl")
    signed(desk)
    entries, public = desk.trail.entries, desk.trail.key.public_key()
    assert trail_faults(entries, public) == []
    changed = [*entries[:2], replace(entries[2], actor="other"), *entries[3:]]
    assert trail_faults(changed, public) == ["entry 2: was changed after it was written"]
    assert any("does not follow" in fault for fault in trail_faults(entries[:1] + entries[2:], public))
    other = Ed25519PrivateKey.generate().public_key()
    assert len(trail_faults(entries, other)) == len(entries)
    lines = (tmp_path / "trail.jsonl").read_text().splitlines()
    lines[1] = json.dumps({**json.loads(lines[1]), "actor": "other"})
    (tmp_path / "trail.jsonl").write_text("\n".join(lines))
    with pytest.raises(PersonnelError, match="entry 1: was changed"):
        a_desk(tmp_path / "trail.jsonl")


# ---- signed PDFs -----------------------------------------------------------------------------------------------------


def test_a_signed_pdf_verifies_and_a_changed_one_does_not():
    desk = a_desk()
    request = signed(desk)
    plain = pdf.decision(request, desk.history("1")[-1])
    assert plain == pdf.decision(request, desk.history("1")[-1])
    office, other = (pdf.self_signed(name, NOON - timedelta(days=1)) for name in ("Dinas Pendidikan", "somebody"))
    made = pdf.sign(plain, office)
    at = NOON + timedelta(days=1)
    verdict = pdf.verify(made, [office.certificate], at)
    assert (verdict.valid, "Dinas Pendidikan" in verdict.signer) == (True, True)
    assert pdf.verify(made, [other.certificate], at).trusted is False
    spot = made.index(b"/MediaBox") + 12
    changed = made[:spot] + b"9" + made[spot + 1 :]
    assert pdf.verify(changed, [office.certificate], at).valid is False
    assert pdf.verify(made + b"\n1 0 obj\n<</Type /Catalog>>\nendobj\n", [office.certificate], at).valid is False


@pytest.mark.parametrize("content", [b"", b"no pdf at all"])
def test_what_is_no_pdf_is_said(content):
    with pytest.raises(PersonnelError, match="cannot be read"):
        pdf.verify(content, [])


def test_an_unsigned_pdf_and_an_unsigned_request_are_said():
    desk = a_desk()
    request = signed(desk)
    with pytest.raises(PersonnelError, match="bears no signature"):
        pdf.verify(pdf.decision(request, desk.history("1")[-1]), [])
    with pytest.raises(PersonnelError, match="is submitted"):
        pdf.decision(filed(desk, "2"), desk.history("2")[-1])


# ---- the commands ----------------------------------------------------------------------------------------------------


def test_kinds_are_listed_with_their_rules():
    rows = {row["kind"]: row for row in json.loads(CliRunner().invoke(app, ["kinds", "--json"]).stdout)}
    assert set(rows) == set(kinds())
    assert rows["certificate"]["needs"] == "recommendation"


def test_verify_wants_the_decisions_own_entry_in_the_trail(tmp_path):
    now, office = datetime.now(UTC), pdf.self_signed("Dinas Pendidikan", datetime.now(UTC) - timedelta(days=1))
    desk, elsewhere = a_desk(tmp_path / "trail.jsonl"), a_desk()
    signed(desk)
    request = signed(elsewhere, effective=date(2026, 2, 11))  # the same number and key, on another trail
    made = pdf.sign(pdf.decision(request, elsewhere.history("1")[-1]), office)
    assert pdf.verify(made, [office.certificate], now).valid
    (tmp_path / "decision.pdf").write_bytes(made)
    (tmp_path / "office.der").write_bytes(office.certificate)
    key = desk.trail.key.public_key().public_bytes_raw().hex()
    names = [str(tmp_path / name) for name in ("decision.pdf", "office.der", "trail.jsonl")]
    line = ["verify", names[0], "--certificate", names[1], "--trail", names[2], "--public-key", key, "--json"]
    out = CliRunner().invoke(app, line)
    facts = json.loads(out.stdout)
    assert out.exit_code == 1
    assert (facts["valid"], facts["intact"], facts["trail_intact"], facts["in_trail"]) == (False, True, True, False)
    line[line.index(names[2])] = str(tmp_path / "none.jsonl")
    assert "cannot be read" in str(CliRunner().invoke(app, line).exception)


def test_what_an_entry_is_no_signature_of_is_said():
    desk = a_desk()
    request = signed(desk)
    filed(desk, "2")
    entries, last = desk.trail.entries, desk.history("1")[-1]
    assert signature_faults(entries, last.number, last.sha256, "1") == []
    first = entries[0]
    assert len(signature_faults(entries, first.number, first.sha256, "2")) == 2  # of another request, and no signature
    assert "holds no entry 99" in signature_faults(entries, 99, last.sha256, "1")[0]
    with pytest.raises(PersonnelError, match="not its signature"):
        pdf.decision(request, first)


@pytest.mark.parametrize(("content", "said"), [(b"\xff\xfe", "not UTF-8"), (b'{"number": 1}\n[]\n', "2 faults")])
def test_a_file_that_is_no_trail_is_said(tmp_path, content, said):
    (tmp_path / "trail.jsonl").write_bytes(content)
    with pytest.raises(PersonnelError, match=said):
        read_trail(tmp_path / "trail.jsonl")


def test_verify_tells_a_good_decision_from_a_changed_trail_or_another_signer(tmp_path):
    desk = a_desk(tmp_path / "trail.jsonl")
    request, now = signed(desk), datetime.now(UTC)
    office, other = (pdf.self_signed(name, now - timedelta(days=1)) for name in ("Dinas Pendidikan", "somebody"))
    (tmp_path / "decision.pdf").write_bytes(pdf.sign(pdf.decision(request, desk.history("1")[-1]), office))
    (tmp_path / "office.der").write_bytes(office.certificate)
    (tmp_path / "other.der").write_bytes(other.certificate)

    def verified(certificate, key):
        line = ["verify", "decision.pdf", "--certificate", certificate, "--trail", "trail.jsonl"]
        names = [str(tmp_path / word) if "." in word else word for word in line]
        return CliRunner().invoke(app, [*names, "--public-key", key, "--json"])

    key = desk.trail.key.public_key().public_bytes_raw().hex()
    assert verified("office.der", key).exit_code == 0
    assert verified("other.der", key).exit_code == 1
    assert isinstance(verified("office.der", "beef").exception, PersonnelError)
    path = tmp_path / "trail.jsonl"
    path.write_text(path.read_text().replace('"officer"', '"nobody"'))
    assert verified("office.der", key).exit_code == 1
