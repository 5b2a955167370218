"""What is written down of the SDK is what it demands; the server's own tests compare it with the OpenAPI document."""

import json
from pathlib import Path

import demands


def test_what_is_written_down_is_what_the_sdk_demands():
    written = json.loads((Path(__file__).parent / "demands.json").read_text())
    assert demands.demands() == written, "run: python demands.py > demands.json"
