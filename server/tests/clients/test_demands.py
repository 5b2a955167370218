"""What is written down of the SDK is what it demands, and the OpenAPI document has all of it."""

import json
from pathlib import Path

import demands
import httpx
import pytest

WRITTEN = json.loads((Path(__file__).parent / "demands.json").read_text())


def test_what_is_written_down_is_what_the_sdk_demands():
    assert demands.demands() == WRITTEN, "run: python demands.py > demands.json"


@pytest.fixture(scope="module")
def paths(server):
    return httpx.get(server.url + "/openapi.json").json()["paths"]


@pytest.mark.parametrize("demand", WRITTEN["records"].values(), ids=WRITTEN["records"].keys())
def test_the_document_has_every_operation_on_records(paths, demand):
    operation = paths[demand["path"]][demand["method"].lower()]
    parameters = {parameter["name"] for parameter in operation.get("parameters", [])}
    assert {name.rstrip("?") for name in demand["query"]} <= parameters
    answered = {status for status in demand["answers"] if status[0] == "2"}
    assert answered == {status for status in operation["responses"] if status[0] == "2"}
