"""Compares `demands.json` with the SDK; the server's own tests compare it with the OpenAPI document."""

import json
from pathlib import Path

import demands


def test_demands_file_matches_the_sdk():
    written = json.loads((Path(__file__).parent / "demands.json").read_text())
    assert demands.demands() == written, "run: python demands.py > demands.json"
