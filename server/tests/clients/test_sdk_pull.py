"""GrowPanel's Python SDK, unmodified: importing a source from an endpoint, its progress, and aborting."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlparse

import pytest
from growpanel import GrowPanel
from mrrow import Mrrow
from sdk import call, rows

CUSTOMERS = [{"id": f"c{number}", "name": f"Customer {number}"} for number in range(25)]
PAGE = 10


class Endpoint(BaseHTTPRequestHandler):
    """An endpoint with pages of customers, one plan and one invoice. `held` delays its answers."""

    held = threading.Event()

    def do_GET(self):
        self.held.wait(30)
        address = urlparse(self.path)
        page = int(parse_qs(address.query).get("page", ["1"])[0])
        records = {
            "/customers": CUSTOMERS,
            "/plans": [{"id": "p", "name": "P", "interval": "month", "interval_count": 1, "currency": "USD"}],
            "/invoices": [
                {
                    "id": "i",
                    "customer_id": "c1",
                    "type": "subscription",
                    "invoice_date": "2024-01-01",
                    "amount": 9900,
                    "currency": "USD",
                    "plan_id": "p",
                }
            ],
        }[address.path]
        body = json.dumps({"data": records[(page - 1) * PAGE : page * PAGE], "has_more": page * PAGE < len(records)}).encode()
        try:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except ConnectionError:
            pass  # An aborted sync closes the connection.

    def log_message(self, *arguments):
        pass


@pytest.fixture(scope="module")
def endpoint():
    with ThreadingHTTPServer(("127.0.0.1", 0), Endpoint) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server that may fetch from this machine."""
    server = Mrrow(tmp_path_factory.mktemp("pull") / "store", "--pull-allow", "127.0.0.1")
    yield server
    server.stop()


@pytest.fixture
def fetched(server, source, endpoint):
    """A data source with the endpoint."""
    secret = {"type": "bearer", "token": "endpoint-secret-7f3a"}
    answer = server.request("PUT", f"/v1/data-sources/{source}/pull", json={"endpoint": endpoint, "authentication": secret})
    assert answer.status_code == 200 and secret["token"] not in answer.text, answer.text
    server.secrets.append(secret["token"])
    Endpoint.held.set()
    return source


def progress_once(panel, source, phases, seconds=20):
    """The progress, once it is in one of the phases."""
    last_try_at = time.monotonic() + seconds
    while (progress := call(panel.data.sources, "get_data_data_sources_id_progress", source)).phase not in phases:
        assert time.monotonic() < last_try_at, f"{progress} is not {phases}"
        time.sleep(0.05)
    return progress


def test_full_import_fetches_every_page(panel, server, fetched):
    begun = call(panel.data.sources, "post_data_data_sources_id_full_import", fetched)
    assert begun.success is True and begun.id == fetched
    progress = progress_once(panel, fetched, {"done"})
    assert (progress.processed_count, progress.failed_count) == (27, 0)
    assert progress.started_at.endswith("Z") and progress.last_activity_at >= progress.started_at
    listed = call(panel.data.customers, "get_data_customers", source=fetched).result
    assert {row["id"] for row in rows(listed.list_)} == {customer["id"] for customer in CUSTOMERS}
    server.wait_for_sql(f"select type, cast(amount as bigint) from movements where data_source = '{fetched}' and type = 'new'", [["new", 9900]])
    call(panel.data.sources, "post_data_data_sources_id_full_import", fetched)
    assert progress_once(panel, fetched, {"done"}).failed_count == 0


def test_import_can_be_aborted(panel, fetched):
    Endpoint.held.clear()
    call(panel.data.sources, "post_data_data_sources_id_full_import", fetched)
    assert progress_once(panel, fetched, {"enqueueing", "processing"}).started_at
    assert call(panel.data.sources, "post_data_data_sources_id_abort", fetched).success is True
    progress_once(panel, fetched, {"aborted"})
    Endpoint.held.set()
    call(panel.data.sources, "post_data_data_sources_id_full_import", fetched)
    progress_once(panel, fetched, {"done"})


def test_private_addresses_require_the_operators_permission(tmp_path, endpoint):
    server = Mrrow(tmp_path / "store")
    source = server.new_source("a source")
    answer = server.request("PUT", f"/v1/data-sources/{source}/pull", json={"endpoint": endpoint})
    with GrowPanel(api_key=server.admin_key, base_url=server.url) as panel:
        if answer.status_code == 200:
            call(panel.data.sources, "post_data_data_sources_id_full_import", source)
            progress_once(panel, source, {"stuck"})
        assert call(panel.data.customers, "get_data_customers", source=source).result.count == 0
    assert answer.status_code in (200, 400), answer.text
    server.stop()
