"""Plain scripts without an SDK: the page's JSON, sent by common HTTP libraries."""

import json
import subprocess
import urllib.error
import urllib.request

import httpx
import pytest
import requests

CUSTOMER = {
    "id": "cust_123",
    "name": "Acme Inc",
    "email": "billing@acme.test",
    "created": "2024-01-15T00:00:00Z",
    "country": "US",
    "trial_started": "2024-01-10T00:00:00Z",
    "metadata": {"industry": "Technology", "company_size": "50-100"},
}
PLAN = {"id": "plan_pro_monthly", "name": "Pro Monthly", "interval": "month", "interval_count": 1, "currency": "USD", "plan_group": "Pro"}
INVOICE = {
    "id": "inv_456",
    "customer_id": "cust_123",
    "type": "subscription",
    "invoice_date": "2024-02-01T00:00:00Z",
    "amount": 9900,
    "currency": "USD",
    "plan_id": "plan_pro_monthly",
    "subscription_id": "sub_789",
    "period_start": "2024-02-01T00:00:00Z",
    "period_end": "2024-03-01T00:00:00Z",
    "proration": False,
    "quantity": 1,
    "discount": 0,
}
BOOK = [("customers", CUSTOMER), ("plans", PLAN), ("invoices", INVOICE)]


def with_urllib(url, key, body):
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Authorization": f"Bearer {key}", "Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def with_requests(url, key, body):
    answer = requests.post(url, json=body, headers={"Authorization": f"Bearer {key}"}, timeout=30)
    return answer.status_code, answer.json()


def with_httpx(url, key, body):
    answer = httpx.post(url, json=body, headers={"Authorization": f"Bearer {key}"}, timeout=30)
    return answer.status_code, answer.json()


def with_node(url, key, body):
    return of_node(url, key, body, "{ 'Content-Type': 'application/json' }")


def with_node_without_content_type(url, key, body):
    """Sends no content type of its own: the runtime sets text/plain."""
    return of_node(url, key, body, "{}")


def of_node(url, key, body, headers):
    script = f"const more = {headers};" + """
        const [url, key, body] = process.argv.slice(1);
        const headers = { Authorization: `Bearer ${key}`, ...more };
        fetch(url, { method: 'POST', headers, body }).then(async (answer) => console.log(answer.status, await answer.text()));
    """
    output = subprocess.run(["node", "-e", script, url, key, json.dumps(body)], capture_output=True, text=True, timeout=60, check=True).stdout
    status, _, text = output.partition(" ")
    return int(status), json.loads(text)


@pytest.fixture(params=[with_urllib, with_requests, with_httpx, with_node, with_node_without_content_type])
def post(request):
    return request.param


def test_objects_of_the_page_are_stored(server, source, post):
    for kind, body in BOOK:
        status, answer = post(f"{server.url}/v1/data-sources/{source}/{kind}", server.admin_key, body)
        assert status == 200 and answer["result"] == [{"id": body["id"], "status": "created", "warnings": []}], answer
        assert isinstance(answer["sequence"], int)
    movements = server.request("GET", f"/v1/movements?min_sequence={answer['sequence']}")
    assert movements.status_code == 200, movements.text
    first = f"select date, type, cast(amount as bigint), currency, customer_id from movements where data_source = '{source}' order by date limit 1"
    assert server.sql(first) == [["2024-02-01", "new", 9900, "USD", "cust_123"]]


def test_batch_of_the_page_and_arrays_are_stored(server, source, post):
    for kind, body in BOOK:
        both = [body, {**body, "id": body["id"] + "_2"}]
        for batch, became in [({kind: both}, "created"), (both, "unchanged"), ({kind: []}, None), ([], None)]:
            status, answer = post(f"{server.url}/v1/data-sources/{source}/{kind}", server.admin_key, batch)
            assert status == 200 and {row["status"] for row in answer["result"]} == ({became} if became else set()), answer


def test_invalid_batch_reports_every_error_and_stores_nothing(server, source, post):
    wrong = {"customers": [{"id": "a", "name": "A"}, {"id": "b"}, {"name": 7, "country": "Utopia"}]}
    status, answer = post(f"{server.url}/v1/data-sources/{source}/customers", server.admin_key, wrong)
    assert status == 400 and answer["error"] == answer["message"] and answer["request_id"], answer
    reported = {(one["index"], one["field"]) for one in answer["errors"]}
    assert {(1, "name"), (2, "id"), (2, "name"), (2, "country")} <= reported and not any(index == 0 for index, _ in reported)
    for one in answer["errors"]:
        assert one["code"] and one["message"] and one["pointer"].startswith(f"/customers/{one['index']}")
    assert server.request("GET", f"/data/customers?source={source}").json()["result"] == {"count": 0, "list": []}


def test_valid_objects_are_stored_with_on_error_skip(server, source, post):
    mixed = [{"id": "a", "name": "A"}, {"id": "b"}]
    status, answer = post(f"{server.url}/v1/data-sources/{source}/customers?on_error=skip", server.admin_key, mixed)
    assert status == 200 and [row["status"] for row in answer["result"]] == ["created", "rejected"], answer


@pytest.mark.parametrize("path", ["/v1/data-sources/{}/customers", "/data-sources/{}/customers"])
def test_paths_of_the_page_also_work_at_the_root(server, source, path):
    answer = server.request("POST", path.format(source), json=CUSTOMER)
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("path", ["/data/customers", "/v1/data/customers"])
def test_client_paths_accept_both_spellings(server, source, path):
    old = {**CUSTOMER, "data_source": source}
    new = {"id": "n", "name": "N", "created_date": "2024-01-01", "custom_variables": {"a": "b"}, "data_source": source}
    answer = server.request("POST", path, json=[old, new])
    assert [row["export_status"] for row in answer.json()["result"]] == ["success", "success"], answer.text


def test_lists_accept_the_parameter_of_the_command_line_client(server, source):
    assert server.request("GET", f"/data/invoices?data_source={source}").json()["result"] == {"count": 0, "list": []}


def test_list_of_customers_requires_a_source(server):
    for kind in ("customers", "invoices"):
        answer = server.request("GET", f"/data/{kind}")
        assert answer.status_code == 400 and "source" in answer.json()["error"], answer.text


def test_invalid_json_is_400_in_both_dialects(server, source):
    for path in (f"/v1/data-sources/{source}/customers", "/data/customers"):
        answer = server.request("POST", path, content=b"{", headers={"Content-Type": "application/json"})
        assert answer.status_code == 400 and answer.json()["code"] == "invalid_json", answer.text


def test_client_can_choose_the_request_id(server):
    for path in ("/healthz", "/v1/data-sources", "/nowhere"):
        assert server.request("GET", path, headers={"X-Request-Id": "mine-1"}).headers["x-request-id"] == "mine-1"
        assert server.request("GET", path).headers["x-request-id"]
