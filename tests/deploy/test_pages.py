"""The pages in Bahasa Indonesia: from registering to an application, from a draft to a signed decision; forged forms."""

import pytest
from visitors import PASSWORD, Visitor

PROFILE = {"age": "24", "sex": "female", "education": "smk", "kecamatan": "35.03.11", "skills": ["office"],
           "interest": "4", "wage_idr": "2000000", "furthest_km": "30"}  # fmt: skip


def test_from_registering_to_an_application(services):
    terms = {
        "title": "Staf <b>administrasi</b>",
        "min_education": "smk",
        "skills": ["office"],
        "kbji": 4,
        "wage_idr": 2_500_000,
    }
    vacancy = services.ok("the-employer", "POST", "/v1/jobtren/vacancies", terms)["id"]
    visitor = Visitor(services)
    siti = {"name": "siti", "password": PASSWORD, "full_name": "Siti", "contact": ""}
    assert visitor.send("/daftar", data=siti).headers["location"] == "/masuk"
    visitor.log_in("siti")
    visitor.see("/lowongan")
    assert "&lt;b&gt;administrasi" in visitor.text
    assert visitor.send("/profil", data=PROFILE).status_code == 303
    visitor.see("/lowongan")
    assert visitor.send(f"/lowongan/{vacancy}/lamar").status_code == 303
    visitor.see("/lowongan")
    assert "lolos seleksi administrasi" in visitor.text
    bad = visitor.send("/profil", data={**PROFILE, "age": "7"})
    assert bad.status_code == 422
    assert "age" in bad.text
    assert visitor.send("/keluar").status_code == 303
    assert visitor.client.get("/lowongan").status_code == 401


def test_from_a_draft_to_a_signed_decision(services):
    visitor = Visitor(services)
    visitor.log_in("the-employee")
    made = visitor.send("/kepegawaian", data={"kind": "leave", "effective": "2099-02-02"})
    at = made.headers["location"]
    visitor.see(at)
    early = visitor.send(f"{at}/langkah", data={"action": "submit"})
    assert early.status_code == 422
    assert "missing application" in early.text
    files = {"content": ("surat.pdf", b"surat", "application/pdf")}
    assert visitor.send(f"{at}/dokumen/application", files=files).status_code == 303
    visitor.see(at)
    assert visitor.send(f"{at}/langkah", data={"action": "submit"}).status_code == 303
    for who, action in (("the-officer", "approve"), ("the-head", "sign")):
        visitor = Visitor(services)
        visitor.log_in(who)
        visitor.see(at)
        assert visitor.send(f"{at}/langkah", data={"action": action}).status_code == 303
    assert services.client.get(f"{at}/keputusan").content.startswith(b"%PDF")


def test_laras_answers_on_a_page(services):
    visitor = Visitor(services)
    visitor.log_in("the-employee")
    visitor.see("/laras")
    answer = visitor.send("/laras", data={"question": "cuti lairan pirang sasi?"})
    assert "blockquote" in answer.text
    assert visitor.send("/laras/1/nilai", data={"satisfied": "yes"}).status_code == 303


def test_the_access_log_knows_who_saw_a_page(services, caplog):
    visitor = Visitor(services)
    visitor.log_in("the-employee")
    caplog.set_level("INFO", logger="deploy.access")
    caplog.clear()
    visitor.see("/laras")
    assert [(one.route, one.who) for one in caplog.records if one.name == "deploy.access"] == [
        ("/laras", "the-employee")
    ]


@pytest.mark.parametrize("token", ["", "0" * 64, "ü"])
def test_a_form_of_another_site_is_refused(services, token):
    visitor = Visitor(services)
    visitor.log_in("the-employee")
    visitor.token = token
    assert visitor.send("/kepegawaian", data={"kind": "leave", "effective": "2099-02-02"}).status_code == 403
    assert services.ok("the-employee", "GET", "/v1/personnel/requests") == []


def test_a_form_of_somebody_else_is_refused(services):
    theirs = Visitor(services)
    theirs.log_in("the-officer")
    stolen = theirs.token
    visitor = Visitor(services)
    visitor.log_in("the-employee")
    visitor.token = stolen
    assert visitor.send("/kepegawaian", data={"kind": "leave", "effective": "2099-02-02"}).status_code == 403


def test_cookies_are_strict(services):
    services.client.cookies.clear()
    visitor = Visitor(services)
    set_by = visitor.send("/masuk", data={"name": "the-employee", "password": PASSWORD}).headers["set-cookie"]
    assert "HttpOnly" in set_by
    assert "SameSite=strict" in set_by


def test_public_pages(services):
    assert services.client.get("/static/style.css").status_code == 200
    assert services.client.get("/lalu-lintas/nowhere").status_code == 404
    assert services.client.get(f"/sertifikat/{'0' * 64}").status_code == 404
