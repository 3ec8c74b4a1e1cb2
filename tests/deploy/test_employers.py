"""Employers' pages: own vacancies, candidates of a match run and why, interviews, decisions; nothing of anybody else."""

import pytest
from visitors import PASSWORD, Visitor

from deploy.app.roles import Role
from deploy.people.models import Match, Seeker

J = "/v1/jobtren"
FORM = {"title": "Staf <i>gudang</i>", "seats": "1", "wage_idr": "2500000", "min_education": "smk", "kbji": "4",
        "kecamatan": "35.03.11", "youngest": "18", "oldest": "40", "skills": ["office"]}  # fmt: skip
PROFILE = {"age": 24, "sex": "female", "education": "smk", "kecamatan": "35.03.11", "skills": ["office"],
           "interest": 4, "wage_idr": 2_000_000}  # fmt: skip


@pytest.fixture
def vacancy(services):
    """A vacancy of `the-employer`, with one applicant who passed and a match run's pair, as a number."""
    visitor = Visitor(services)
    visitor.log_in("the-employer")
    visitor.see("/pemberi-kerja")
    number = int(visitor.send("/pemberi-kerja", data=FORM).headers["location"].rpartition("/")[2])
    services.ok("the-seeker", "PUT", f"{J}/me", PROFILE)
    services.ok("the-seeker", "POST", f"{J}/vacancies/{number}/applications")
    with services.app.state.database.session() as session:
        seeker = session.query(Seeker).one()
        session.add(Match(job=1, seeker=seeker.id, vacancy=number, score=0.81, because="keterampilan 1.00 × 0.30"))
    return number


def test_from_an_offer_to_a_hiring(services, vacancy):
    visitor = Visitor(services)
    visitor.log_in("the-employer")
    visitor.see("/pemberi-kerja")
    assert "Staf &lt;i&gt;gudang" in visitor.text
    at = f"/pemberi-kerja/{vacancy}"
    visitor.see(at)
    (applied,) = services.ok("the-employer", "GET", f"{J}/vacancies/{vacancy}/applications")
    for told in ("lolos seleksi administrasi", "keterampilan 1.00 × 0.30", "sudah melamar", applied["candidate"][:8]):
        assert told in visitor.text
    assert "the-seeker" not in visitor.text
    decide, invite = (f"/pemberi-kerja/lamaran/{applied['id']}/{what}" for what in ("putusan", "wawancara"))
    bad = visitor.send(invite, data={"at": "besok", "place": "Balai desa"})
    assert bad.status_code == 422
    interview = {"at": "2099-02-02T09:00", "place": "Balai desa Panggul"}
    assert visitor.send(invite, data=interview).headers["location"] == at
    visitor.see(at)
    assert "02-02-2099 09.00 WIB" in visitor.text
    assert services.ok("the-seeker", "GET", f"{J}/applications")[0]["interview_at"] == "2099-02-02T02:00:00Z"
    services.ok("the-seeker", "POST", f"{J}/applications/{applied['id']}/reply", {"accept": True})
    assert visitor.send(decide, data={"accept": "yes"}).headers["location"] == at
    visitor.see(at)
    assert "diterima" in visitor.text
    assert "diterima untuk" in services.ok("the-seeker", "GET", f"{J}/notifications")[0]["text"]
    assert visitor.send(decide, data={"accept": "no"}).status_code == 409  # decided is decided
    assert services.ok("the-seeker", "GET", f"{J}/applications")[0]["state"] == "hired"
    visitor.see(at)
    visitor.send(f"{at}/tutup")
    visitor.see("/pemberi-kerja")
    assert "ditutup" in visitor.text


def test_a_candidate_is_declined(services, vacancy):
    (applied,) = services.ok("the-employer", "GET", f"{J}/vacancies/{vacancy}/applications")
    at = f"{J}/applications/{applied['id']}/decision"
    assert services.ok("the-employer", "POST", at, {"accept": False})["state"] == "rejected"
    invitation = {"at": "2099-02-02T09:00:00+07:00", "place": "Balai desa"}
    late = services("the-employer", "POST", f"{J}/applications/{applied['id']}/interview", invitation)
    assert late.status_code == 409
    (match,) = services.ok("the-employer", "GET", f"{J}/vacancies/{vacancy}/matches")
    assert (match["application"], match["score"]) == (applied["id"], 0.81)


def test_another_employer_sees_and_does_nothing(services, vacancy):
    services.account("another", Role.EMPLOYER)
    (applied,) = services.ok("the-employer", "GET", f"{J}/vacancies/{vacancy}/applications")
    visitor = Visitor(services)
    visitor.log_in("another")
    visitor.see("/pemberi-kerja")
    assert "gudang" not in visitor.text
    for path in (f"/pemberi-kerja/{vacancy}", "/pemberi-kerja/9999"):
        assert services.client.get(path).status_code == 404
    interview = {"at": "2099-02-02T09:00", "place": "Balai desa Panggul"}
    assert visitor.send(f"/pemberi-kerja/{vacancy}/tutup").status_code == 404
    assert visitor.send(f"/pemberi-kerja/lamaran/{applied['id']}/wawancara", data=interview).status_code == 404
    assert visitor.send(f"/pemberi-kerja/lamaran/{applied['id']}/putusan", data={"accept": "yes"}).status_code == 404
    assert services("another", "GET", f"{J}/vacancies/{vacancy}/matches").status_code == 404
    assert (
        services("another", "POST", f"{J}/applications/{applied['id']}/decision", {"accept": True}).status_code == 404
    )
    assert services.ok("another", "GET", f"{J}/employer/vacancies") == []
    assert services.ok("the-seeker", "GET", f"{J}/applications")[0]["state"] == "passed"
    visitor = Visitor(services)
    visitor.log_in("the-seeker")
    assert services.client.get(f"/pemberi-kerja/{vacancy}").status_code == 403
    assert services("the-seeker", "GET", f"{J}/vacancies/{vacancy}/matches").status_code == 403


def test_a_forged_form_decides_nothing(services, vacancy):
    (applied,) = services.ok("the-employer", "GET", f"{J}/vacancies/{vacancy}/applications")
    visitor = Visitor(services)
    visitor.log_in("the-employer")
    visitor.token = "0" * 64
    for path in (f"lamaran/{applied['id']}/putusan", f"{vacancy}/tutup", f"lamaran/{applied['id']}/wawancara"):
        assert visitor.send(f"/pemberi-kerja/{path}", data={"accept": "yes"}).status_code == 403
    assert services.ok("the-seeker", "GET", f"{J}/applications")[0]["state"] == "passed"


def test_one_registers_as_an_employer(services):
    visitor = Visitor(services)
    made = {"role": "employer", "name": "toko-jaya", "password": PASSWORD, "full_name": "Toko Jaya", "contact": ""}
    assert visitor.send("/daftar", data=made).headers["location"] == "/masuk"
    assert visitor.send("/daftar", data={**made, "name": "raja", "role": "admin"}).status_code == 422
    visitor.log_in("toko-jaya")
    assert "/pemberi-kerja" in visitor.text
    assert services.client.get("/pemberi-kerja").status_code == 200
