"""The whole API against its own OpenAPI document: what fits it and what does not, with a token and without."""

import contextlib
import json
from collections import Counter

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from deploy.app.roles import Role

schemathesis.serializer.alias("application/pdf", "application/octet-stream")
PASSWORD = "kata-sandi-panjang"
ENDS_THE_TOKEN = {("POST", "/v1/logout"), ("DELETE", "/v1/me"), ("POST", "/v1/me/password")}
# what these take has rules that no schema tells: the inside of a CSV, a PDF, a document, a scenario's setting, a
# question without a word, a vacancy whose youngest is above its oldest, a reading's time and datastream
LOOKS_INSIDE = {
    ("POST", "/v1/jobtren/imports"), ("POST", "/v1/personnel/verify"), ("POST", "/v1/twin/what-ifs"),
    ("PUT", "/v1/personnel/requests/{number}/documents/{name}"), ("PUT", "/v1/laras/documents/{name}"), ("POST", "/v1/laras/questions"), ("POST", "/v1/jobtren/vacancies"),
    ("POST", "/sensorthings/v1.1/Observations"), ("POST", "/sensorthings/v1.1/Datastreams('{stream}')/Observations"),
    ("GET", "/sensorthings/v1.1/Datastreams('{stream}')/Observations"),
}  # fmt: skip


class Caller:
    """Calls cases, with a token of every role or with none, and gathers what is not as the document has it."""

    def __init__(self, url: str, admin: str) -> None:
        self.url, self.admin = url, {"Authorization": f"Bearer {admin}"}
        self.cases, self.statuses, self.faults = 0, Counter(), []
        self.everything = self.account("everything")

    def account(self, name: str) -> dict[str, str]:
        made = {"name": name, "password": PASSWORD, "roles": [role.value for role in Role]}
        assert httpx.post(f"{self.url}/v1/accounts", json=made, headers=self.admin).status_code == 201
        login = httpx.post(f"{self.url}/v1/login", json={"name": name, "password": PASSWORD})
        return {"Authorization": f"Bearer {login.json()['access_token']}"}

    def call(self, case, authenticated: bool) -> None:
        at, headers = (case.operation.method.upper(), case.operation.path), {}
        if authenticated:
            headers = self.account(f"throwaway-{self.cases}") if at in ENDS_THE_TOKEN else self.everything
        response = case.call(base_url=self.url, headers=headers)
        self.cases += 1
        self.statuses[response.status_code] += 1
        left_out = [positive_data_acceptance] if at in LOOKS_INSIDE else []
        try:
            case.validate_response(response, headers=headers, excluded_checks=left_out)
        except BaseExceptionGroup as found:
            self.faults += [f"{at} {authenticated}: {type(one).__name__} {one}" for one in found.exceptions]


def tried(caller: Caller, operation, mode: GenerationMode, authenticated: bool, examples: int) -> None:
    quiet = settings(max_examples=examples, deadline=None, database=None, phases=[Phase.generate], derandomize=True,
                     suppress_health_check=list(HealthCheck))  # fmt: skip

    @quiet
    @given(operation.as_strategy(generation_mode=mode))
    def one(case):
        caller.call(case, authenticated)

    with contextlib.suppress(Unsatisfiable):  # there is nothing to make wrong in it
        one()


@pytest.mark.parametrize("examples", [1, pytest.param(15, marks=pytest.mark.slow)])
def test_no_server_error_and_no_answer_that_the_document_does_not_have(server_with, examples, capsys):
    # a broker that nobody is at: the signals are on, and no junction is heard
    server = server_with(TWIN_DEPLOY_RATE_LOGIN="100000/minute", TWIN_DEPLOY_MQTT="127.0.0.1:9")
    caller = Caller(server.url, server.first["token"])
    document = httpx.get(f"{server.url}/openapi.json").json()
    for path in document["paths"].values():
        for operation in path.values():
            operation.pop("security", None)  # tokens are this test's to give: no case is wrong for want of one
    for found in schemathesis.openapi.from_dict(document).get_all_operations():
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            for authenticated in (True, False):
                tried(caller, found.ok(), mode, authenticated, examples)
    with capsys.disabled():
        print(json.dumps({"cases": caller.cases, "statuses": dict(sorted(caller.statuses.items()))}))
    assert caller.faults == [], "\n".join(caller.faults[:20])
    assert not any(status >= 500 for status in caller.statuses)
    assert caller.cases > 100 * examples
