"""Schemathesis sends requests that it generates from the OpenAPI document, and checks the answers against it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from mrrow import Mrrow

EXAMPLES = os.environ.get("SCHEMATHESIS_EXAMPLES", "20")
SECONDS_MAX = 600
CHECKS = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "unsupported_method",
    "allow_header_conformance",
    "ignored_auth",
    "missing_required_header",
]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server of its own with a few records: generated requests affect no other test."""
    server = Mrrow(tmp_path_factory.mktemp("schemathesis") / "store")
    source = server.new_source("a source", "--id", "a")
    for kind, body in [
        ("customers", {"id": "c", "name": "C"}),
        ("plans", {"id": "p", "name": "P", "interval": "month", "interval_count": 1, "currency": "USD"}),
        (
            "invoices",
            {
                "id": "i",
                "customer_id": "c",
                "type": "subscription",
                "invoice_date": "2024-01-01",
                "amount": 9900,
                "currency": "USD",
                "plan_id": "p",
            },
        ),
    ]:
        assert server.request("POST", f"/v1/data-sources/{source}/{kind}", json=body).status_code == 200
    yield server
    server.stop()


# Schemathesis reuses ids from answers: it soon revokes the key of the tests, and every answer becomes 401.
REVOKES_KEYS = "DELETE /v1/keys/{id}"


@pytest.mark.parametrize("part", ["all but revoking keys", "revoking keys"])
@pytest.mark.parametrize("role", ["admin", "viewer"])
def test_server_conforms_to_its_openapi_document(server, role, part, tmp_path):
    key = server.new_key(role)
    command = [str(Path(sys.executable).with_name("st")), "run", f"{server.url}/openapi.json"]
    command += ["--header", f"Authorization: Bearer {key}", "--checks", ",".join(CHECKS)]
    command += ["--phases", "examples,coverage,fuzzing", "--max-examples", EXAMPLES, *seed_arguments()]
    command += ["--request-timeout", "30", "--continue-on-failure", "--no-color"]
    command += ["--include-name" if part == "revoking keys" else "--exclude-name", REVOKES_KEYS]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=SECONDS_MAX)
    assert done.returncode == 0, done.stdout[-30_000:] + done.stderr[-2_000:] + server.tail()
    assert server.request("GET", "/v1/data-sources", key).status_code == 200, "the key of the tests does not serve any more"


def seed_arguments():
    """Arguments for the same cases each time, or for those of a seed."""
    seed = os.environ.get("SCHEMATHESIS_SEED")
    return ["--seed", seed, "--generation-database", "none"] if seed else ["--generation-deterministic"]
