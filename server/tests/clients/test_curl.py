"""The commands of the Custom API page as printed, with the host and the key filled in."""

import os
import re
import subprocess
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent / "custom-api-examples.txt"
COMMANDS = re.findall(r"^curl .*?'$(?=\n*(?:^#|\Z))", EXAMPLES.read_text(), re.MULTILINE | re.DOTALL)
PRINTED_SOURCE = "ds_abc123"


def run(command, url, key, directory):
    """Runs a command in a shell. The options of the tests are in curl's configuration, so that the command stays as printed."""
    (directory / ".curlrc").write_text('silent\nshow-error\nwrite-out = "\\n%{http_code}"\n')
    command = command.replace("https://api.growpanel.io", url).replace("YOUR_API_KEY", key)
    environment = {**os.environ, "CURL_HOME": str(directory)}
    done = subprocess.run(["bash", "-c", command], env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    body, status = done.stdout.rsplit("\n", 1)
    return int(status), body


def test_page_has_three_commands():
    assert [command.split()[3].rsplit("/", 1)[1] for command in COMMANDS] == ["customers", "plans", "invoices"]


def test_commands_of_the_page_work_as_printed(server, tmp_path):
    server.new_source("the page's", "--id", PRINTED_SOURCE)
    for command in COMMANDS:
        status, body = run(command, server.url, server.admin_key, tmp_path)
        assert status == 200 and '"created"' in body, body
    movements = f"select date, type, cast(amount as bigint), currency from movements where data_source = '{PRINTED_SOURCE}' order by date"
    server.wait_for_sql(movements + " limit 1", [["2024-02-01", "new", 9900, "USD"]])
    for command in COMMANDS:
        status, body = run(command, server.url, server.admin_key, tmp_path)
        assert status == 200 and '"unchanged"' in body, body


@pytest.mark.parametrize(("key", "status", "code"), [("gp_wrong", 401, "unauthorized"), (None, 403, "forbidden")])
def test_key_without_permission_is_rejected(server, viewer_key, tmp_path, key, status, code):
    answered, body = run(COMMANDS[0], server.url, key or viewer_key, tmp_path)
    assert answered == status and f'"{code}"' in body, body


def test_error_names_an_unknown_source(server, tmp_path):
    command = COMMANDS[0].replace(PRINTED_SOURCE, "ds_nowhere")
    status, body = run(command, server.url, server.admin_key, tmp_path)
    assert status == 404 and '"data_source_not_found"' in body and "ds_nowhere" in body, body
