"""The services' pages as a phone shows them: nothing to scroll sideways, nothing serious that axe-core finds."""

import httpx
import pytest

PASSWORD, PHONE = "kata-sandi-panjang", {"width": 390, "height": 844}
BEFORE = ("/", "/masuk")
AFTER = ("/", "/lowongan", "/pemberi-kerja", "/pemberi-kerja/1", "/kepegawaian", "/laras")
VACANCY = {"title": "Staf administrasi gudang", "min_education": "smk", "skills": ["office"], "kbji": 4,
           "wage_idr": 2_500_000}  # fmt: skip
SEEKER = {"age": 24, "sex": "female", "education": "smk", "kecamatan": "35.03.11", "skills": ["office"],
          "interest": 4, "wage_idr": 2_000_000}  # fmt: skip


@pytest.fixture
def address(server) -> str:
    """Services with a vacancy and somebody who applied, both of `siti`, who has every role that has pages."""

    def send(method: str, path: str, body=None, token: str = server.first["token"]):
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": path}
        answer = httpx.request(method, f"{server.url}/v1{path}", json=body, headers=headers)
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None

    send("POST", "/accounts", {"name": "siti", "password": PASSWORD, "roles": ["employer", "seeker", "employee"]})
    token = send("POST", "/login", {"name": "siti", "password": PASSWORD})["access_token"]
    send("PUT", "/jobtren/me", SEEKER, token)
    send("POST", "/jobtren/vacancies", VACANCY, token)
    send("POST", "/jobtren/vacancies/1/applications", None, token)
    return server.url


def test_pages_on_a_phone(address, browser, serious_findings):
    window = browser.new_page(viewport=PHONE)

    def looked_at(path: str) -> None:
        assert window.goto(f"{address}{path}").status == 200, path
        assert window.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], path
        assert serious_findings(window) == [], path

    for path in BEFORE:
        looked_at(path)
    window.goto(f"{address}/masuk")
    window.get_by_label("Nama akun").first.fill("siti")
    window.get_by_label("Kata sandi").first.fill(PASSWORD)
    window.keyboard.press("Enter")
    window.get_by_role("button", name="Keluar (siti)").wait_for()
    for path in AFTER:
        looked_at(path)
