"""JOBTREN, LARAS, the personnel desk and what-ifs through their API."""

import time

import pytest

from deploy.app.roles import Role

J, P, L, T = "/v1/jobtren", "/v1/personnel", "/v1/laras", "/v1/twin"
PROFILE = {"age": 24, "sex": "female", "education": "smk", "kecamatan": "35.03.11", "skills": ["office", "digital"],
           "interest": 4, "wage_idr": 2_000_000, "furthest_km": 30, "disability": False}  # fmt: skip
TERMS = {"title": "Staf administrasi", "seats": 1, "kecamatan": "35.03.11", "min_education": "smk",
         "skills": ["office"], "kbji": 4, "wage_idr": 2_500_000, "youngest": 18, "oldest": 40, "reserved": 0}  # fmt: skip


def ended(services, who, job) -> dict:
    until = time.monotonic() + 120
    while time.monotonic() < until:
        found = services.ok(who, "GET", f"{T}/jobs/{job}")
        if found["state"] not in ("queued", "running"):
            return found
        time.sleep(0.1)
    raise TimeoutError(found)


def test_from_a_profile_to_an_interview(services):
    services.ok("the-seeker", "PUT", f"{J}/me", PROFILE)
    assert services.ok("the-seeker", "GET", f"{J}/me") == PROFILE
    vacancy = services.ok("the-employer", "POST", f"{J}/vacancies", TERMS)["id"]
    far = services.ok("the-employer", "POST", f"{J}/vacancies", {**TERMS, "min_education": "university"})["id"]
    applied = services.ok("the-seeker", "POST", f"{J}/vacancies/{vacancy}/applications")
    assert (applied["state"], applied["reasons"]) == ("passed", [])
    refused = services.ok("the-seeker", "POST", f"{J}/vacancies/{far}/applications")
    assert refused["state"] == "screened"
    assert "UNIVERSITY" in refused["reasons"][0]
    assert services("the-seeker", "POST", f"{J}/vacancies/{vacancy}/applications").status_code == 409
    (candidate,) = services.ok("the-employer", "GET", f"{J}/vacancies/{vacancy}/applications")
    assert "the-seeker" not in str(candidate)
    invitation = {"at": "2026-02-02T09:00:00+07:00", "place": "Balai desa"}
    services.ok("the-employer", "POST", f"{J}/applications/{candidate['id']}/interview", invitation)
    assert (
        services("the-employer", "POST", f"{J}/applications/{refused['id']}/interview", invitation).status_code == 409
    )
    (message,) = services.ok("the-seeker", "GET", f"{J}/notifications")
    assert "wawancara" in message["text"]
    replied = services.ok("the-seeker", "POST", f"{J}/applications/{candidate['id']}/reply", {"accept": True})
    assert replied["state"] == "accepted"
    assert replied["interview_at"] == "2026-02-02T02:00:00Z"


def test_profiles_stand_encrypted_and_are_erased(services, tmp_path):
    services.ok("the-seeker", "PUT", f"{J}/me", PROFILE)
    stored = b"".join(path.read_bytes() for path in (tmp_path / "data").glob("services.sqlite*"))
    assert b"35.03.11" not in stored
    assert b"the-seeker lengkap" not in stored
    told = services.ok("the-seeker", "GET", "/v1/me/data")
    assert told["jobtren"]["profile"]["age"] == 24
    assert told["account"]["full_name"] == "the-seeker lengkap"
    services.ok("the-seeker", "DELETE", "/v1/me")
    assert services("the-seeker", "GET", "/v1/me").status_code == 401
    login = {"name": "the-seeker", "password": "kata-sandi-panjang"}
    assert services(None, "POST", "/v1/login", login).status_code == 401
    with services.app.state.database.session() as session:
        from deploy.people.models import Seeker

        assert session.query(Seeker).count() == 0


def test_a_match_run_matches_and_explains(services):
    services.ok("the-seeker", "PUT", f"{J}/me", PROFILE)
    services.ok("the-employer", "POST", f"{J}/vacancies", TERMS)
    job = services.ok("the-manpower", "POST", f"{J}/match-runs", {"listed": 5})
    done = ended(services, "the-manpower", job["id"])
    assert done["state"] == "done", done["note"]
    assert (done["result"]["seekers"], done["result"]["matched"]) == (1, 1)
    assert {one["method"]: one["blocking_pairs"] for one in done["result"]["methods"]}["stable, seekers propose"] == 0
    (match,) = services.ok("the-seeker", "GET", f"{J}/matches")
    assert "keterampilan" in match["because"]
    assert "cocok" in services.ok("the-seeker", "GET", f"{J}/notifications")[0]["text"]
    assert not list(services.app.state.settings.data.glob("work/match-*"))  # what was handed over is gone


def test_a_register_is_imported_under_pseudonyms(services):
    people = (
        "id,age,sex,education,kecamatan,skills,interest,wage_idr\n3503010101010001,30,P,sma,Panggul,selling,5,2000000\n"
    )
    offers = "vacancy,seats,kecamatan,min_education,skills,kbji,wage_idr\nkasir,2,Panggul,sma,selling,5,2400000\n"
    given = {"seekers_csv": people, "vacancies_csv": offers}
    assert services.ok("the-manpower", "POST", f"{J}/imports", given) == {"seekers": 1, "vacancies": 1}
    bad = services("the-manpower", "POST", f"{J}/imports", {**given, "seekers_csv": people.replace("sma", "s4")})
    assert bad.status_code == 422
    assert "education" in bad.json()["faults"][0]


def test_a_request_goes_its_way_to_a_signed_decision(services):
    services.account("another", Role.EMPLOYEE)
    filed = services.ok("the-employee", "POST", f"{P}/requests", {"kind": "leave", "effective": "2099-02-02"})
    at = f"{P}/requests/{filed['number']}"
    early = services("the-employee", "POST", f"{at}/steps", {"action": "submit"})
    assert early.status_code == 422
    assert "missing application" in early.json()["faults"][0]
    put = {"headers": {"content-type": "application/octet-stream"}, "content": b"surat permohonan"}
    assert services("another", "PUT", f"{at}/documents/application", **put).status_code == 404  # not theirs
    services.ok("the-employee", "PUT", f"{at}/documents/application", **put)
    services.ok("the-employee", "POST", f"{at}/steps", {"action": "submit"})
    assert services("the-employee", "POST", f"{at}/steps", {"action": "approve"}).status_code == 403
    assert services("another", "GET", at).status_code == 404
    services.ok("the-officer", "POST", f"{at}/steps", {"action": "approve"})
    assert services("the-officer", "POST", f"{at}/steps", {"action": "sign"}).status_code == 403
    assert services("the-employee", "GET", f"{at}/decision").status_code == 409
    services.ok("the-head", "POST", f"{at}/steps", {"action": "sign"})
    pdf = services("the-employee", "GET", f"{at}/decision")
    assert pdf.headers["content-type"] == "application/pdf"
    assert services("the-officer", "GET", f"{at}/documents/application").content == b"surat permohonan"
    as_pdf = {"content-type": "application/pdf"}
    whole = services(None, "POST", f"{P}/verify", headers=as_pdf, content=pdf.content).json()
    assert whole["valid"]
    changed = services(
        None, "POST", f"{P}/verify", headers=as_pdf, content=pdf.content.replace(b"BKD-", b"XKD-") + b"x"
    )
    assert changed.status_code == 422 or not changed.json()["valid"]
    actions = [one["action"] for one in services.ok("the-employee", "GET", f"{at}/trail")]
    assert actions == ["open", "attach", "submit", "approve", "sign"]


def test_laras_answers_with_quotes_and_takes_documents(services):
    answer = services.ok("the-employee", "POST", f"{L}/questions", {"question": "cuti lairan pirang sasi?"})
    assert not answer["abstained"]
    assert answer["citations"][0]["document"] == "cuti.md"
    rating = f"{L}/questions/{answer['number']}/rating"
    services.ok("the-employee", "POST", rating, {"satisfied": True})
    assert services.ok("the-librarian", "GET", f"{L}/satisfaction")["satisfied"] == 1
    raw = {"headers": {"content-type": "application/octet-stream"}}
    text = b"# Parkir\n\nParkir sepeda motor pegawai berada di halaman belakang kantor bupati.\n"
    services.ok("the-librarian", "PUT", f"{L}/documents/parkir.md", content=text, **raw)
    found = services.ok("the-employee", "POST", f"{L}/questions", {"question": "di mana parkir sepeda motor pegawai?"})
    assert "halaman belakang" in found["answer"]
    assert services("the-librarian", "PUT", f"{L}/documents/bad.pdf", content=b"no pdf", **raw).status_code == 422
    assert [one["document"] for one in services.ok("the-employee", "GET", f"{L}/documents")] == ["parkir.md"]


@pytest.mark.parametrize("name", ["..%2F..%2Fetc%2Fpasswd", "..", "a%2F..%2Fb.md", "x.exe", ".hidden.md"])
def test_a_document_has_no_path(services, name):
    raw = {"headers": {"content-type": "application/octet-stream"}}
    assert services("the-librarian", "PUT", f"{L}/documents/{name}", content=b"x", **raw).status_code in (404, 405, 422)


def test_a_what_if_is_run_and_cancelled(services):
    wanted = {"scenario": "smoke", "overrides": ["traffic=null", "labour=null", "carbon=null", "horizon_months=1"]}
    job = services.ok("the-analyst", "POST", f"{T}/what-ifs", wanted)
    assert services("the-seeker", "GET", f"{T}/jobs/{job['id']}").status_code == 404
    second = services.ok("the-analyst", "POST", f"{T}/what-ifs", {**wanted, "seed": 2})
    assert services.ok("the-analyst", "DELETE", f"{T}/jobs/{second['id']}")["state"] == "cancelled"
    done = ended(services, "the-analyst", job["id"])
    assert done["state"] == "done", done["note"]
    (run,) = services.ok("the-seeker", "GET", f"{T}/runs")
    assert run["run"] == done["result"]["run"]
    figures = services.ok("the-seeker", "GET", f"{T}/runs/{run['run']}/kpis")
    assert any(one["value"] is not None for one in figures)
    table = services.ok("the-seeker", "GET", f"{T}/runs/{run['run']}/tables/solar_total")
    assert len(table["rows"]) == 1
    bad = services("the-analyst", "POST", f"{T}/what-ifs", {"scenario": "smoke", "overrides": ["solar.panles=4"]})
    assert "panels" in bad.json()["faults"][0]
    for override in ("places.file=/etc/passwd", "extends=x", "traffic.networks=[a.net.xml]"):
        assert (
            services("the-analyst", "POST", f"{T}/what-ifs", {"scenario": "smoke", "overrides": [override]}).status_code
            == 422
        )
