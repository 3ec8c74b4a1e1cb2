"""Examples of the OpenAPI document: one for every body and every error, each as the API takes or gives it."""

import json

import pytest

from deploy.app.factory import create_app
from deploy.app.fields import Taken
from deploy.app.problems import TITLES, Problem
from deploy.live.sensorthings import Told

OPERATIONS = 90  # about what there are: a walk that finds far fewer has missed them


@pytest.fixture(scope="module")
def app(tmp_path_factory, settings_of):
    made = create_app(settings_of(tmp_path_factory.mktemp("services")))
    yield made
    made.state.database.close()


def operations(document):
    return [(method.upper(), path, operation) for path, item in document["paths"].items()
            for method, operation in item.items()]  # fmt: skip


def test_every_body_has_an_example_that_its_model_takes(app):
    models = {one.__name__: one for parent in (Taken, Told) for one in [parent, *parent.__subclasses__()]}
    lacking, taken = [], 0
    for method, path, operation in operations(app.openapi()):
        for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
            if "example" not in content:
                lacking.append(f"{method} {path} {media_type}")
            elif media_type == "application/json":
                schema, example = content["schema"], content["example"]
                if schema.get("type") == "array":
                    schema, (example,) = schema["items"], example
                model = models[schema["$ref"].rpartition("/")[2]]
                model.model_validate_json(json.dumps(example))
                taken += 1
    assert lacking == []
    assert taken > OPERATIONS / 4


def test_every_error_has_an_example_of_its_own_status(app):
    found = 0
    for method, path, operation in operations(app.openapi()):
        errors = {int(status): one for status, one in operation["responses"].items() if int(status) >= 400}
        for status, answer in errors.items():
            (content,) = answer["content"].values()
            assert "example" in content, f"{method} {path} {status}"
            problem = Problem.model_validate(content["example"])
            assert (problem.status, problem.title) == (status, TITLES[status])
            found += 1
    assert found > OPERATIONS * 5


@pytest.mark.parametrize(("who", "method", "path", "status"), [
    (None, "GET", "/v1/me", 401), ("the-seeker", "GET", "/v1/signals/alarms", 403),
    ("the-signals", "GET", "/v1/signals/alarms", 503),
])  # fmt: skip
def test_an_error_is_told_as_its_example(services, who, method, path, status):
    told = services(who, method, path).json()
    example = services.app.openapi()["paths"][path][method.lower()]["responses"][str(status)]["content"]
    shown = example["application/problem+json"]["example"]
    assert told.keys() == shown.keys()
    assert {key: told[key] for key in ("title", "status", "reason")} == {
        key: shown[key] for key in ("title", "status", "reason")
    }
