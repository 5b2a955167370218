"""GrowPanel's Python SDK, unmodified: errors that the SDK can read."""

import pytest
from growpanel._generated.models import (
    PostDataCustomersBodyType0,
    PostDataCustomersBodyType1Item,
    PostDataDataSourcesBody,
    PostDataDataSourcesBodyType,
    PostDataInvoicesBodyType1Item,
    PostDataPlanGroupsBody,
    PutDataCustomersIdBody,
)
from sdk import call, refused, rows

JANUARY = "2024-01-15T00:00:00Z"


def customer(source, id="c1", **fields):
    return PostDataCustomersBodyType1Item(**{"id": id, "created_date": JANUARY, "country": "US", "data_source": source, **fields})


def test_invalid_rows_have_errors_and_the_others_are_stored(panel, source):
    body = [customer(source, "good", name="Good"), customer(source, "nameless"), customer(source, "late", name="L", created_date="soon")]
    good, nameless, late = rows(call(panel.data.customers, "post_data_customers", body=body).result)
    assert (good["export_status"], nameless["export_status"], late["export_status"]) == ("success", "error", "error")
    assert "name" in nameless["export_error"] and "created_date" in late["export_error"]
    assert nameless["import_status"] == "error" and nameless["import_error"] == nameless["export_error"]
    assert (late["id"], late["created_date"]) == ("late", "soon")
    assert [row["id"] for row in rows(call(panel.data.customers, "get_data_customers", source=source).result.list_)] == ["good"]


def test_unknown_data_source_is_an_error_of_its_row(panel, source):
    body = [customer(source, name="Here"), customer("ds_nowhere", name="Nowhere")]
    here, nowhere = rows(call(panel.data.customers, "post_data_customers", body=body).result)
    assert (here["export_status"], nowhere["export_status"]) == ("success", "error")
    assert "ds_nowhere" in nowhere["export_error"]


def test_answer_with_all_rows_invalid(panel, source):
    body = [
        PostDataInvoicesBodyType1Item(id=f"i{number}", customer_id="c", date=JANUARY, amount=99.5, currency="USD", data_source=source)
        for number in range(3)
    ]
    result = rows(call(panel.data.invoices, "post_data_invoices", body=body).result)
    assert [row["export_status"] for row in result] == ["error"] * 3
    assert all("amount" in row["export_error"] for row in result)


def test_answer_without_rows(panel):
    assert call(panel.data.customers, "post_data_customers", body=[]).result == []


@pytest.mark.parametrize(
    ("namespace", "operation", "arguments"),
    [
        ("customers", "get_data_customers", {"source": "x"}),
        ("customers", "get_data_customers_id", {"id": "c", "source": "x"}),
        ("customers", "post_data_customers", {"body": []}),
        ("customers", "put_data_customers_id", {"id": "c", "body": PutDataCustomersIdBody(name="C")}),
        ("customers", "delete_data_customers_id", {"id": "c"}),
        ("plans", "get_data_plans", {}),
        ("invoices", "get_data_invoices", {"source": "x"}),
        ("invoices", "delete_data_invoices_id", {"id": "i"}),
        ("plan_groups", "get_data_plan_groups", {}),
        ("sources", "get_data_data_sources", {}),
        ("sources", "get_data_data_sources_id_progress", {"id": "x"}),
        ("sources", "post_data_data_sources_id_full_import", {"id": "x"}),
    ],
)
def test_wrong_key_is_401_on_every_operation(stranger, namespace, operation, arguments):
    answer = call(getattr(stranger.data, namespace), operation, expect="401", **arguments)
    assert "key" in answer.error


def test_viewer_can_read(viewer, source):
    assert call(viewer.data.customers, "get_data_customers", source=source).result.count == 0
    assert source in {one.id for one in call(viewer.data.sources, "get_data_data_sources").result}
    call(viewer.data.sources, "get_data_data_sources_id_progress", source)
    call(viewer.data.plan_groups, "get_data_plan_groups")


@pytest.mark.parametrize(
    ("namespace", "operation", "arguments"),
    [
        ("customers", "post_data_customers", {"body": PostDataCustomersBodyType0("c", JANUARY, "US", "x", name="C")}),
        ("customers", "put_data_customers_id", {"id": "c", "body": PutDataCustomersIdBody(name="C")}),
        ("customers", "delete_data_customers_id", {"id": "c"}),
        ("plans", "delete_data_plans_id", {"id": "p"}),
        ("invoices", "delete_data_invoices_id", {"id": "i"}),
        ("plan_groups", "post_data_plan_groups", {"body": PostDataPlanGroupsBody(name="G", plans=[])}),
        ("sources", "post_data_data_sources", {"body": PostDataDataSourcesBody("S", PostDataDataSourcesBodyType.API)}),
        ("sources", "delete_data_data_sources_id", {"id": "x"}),
        ("sources", "post_data_data_sources_id_reset", {"id": "x"}),
        ("sources", "post_data_data_sources_id_full_import", {"id": "x"}),
        ("sources", "post_data_data_sources_id_abort", {"id": "x"}),
    ],
)
def test_viewer_cannot_change_anything(viewer, namespace, operation, arguments):
    answer = call(getattr(viewer.data, namespace), operation, expect="403", **arguments)
    assert "viewer" in answer.error


def test_missing_objects_are_404(panel, source):
    answer = call(panel.data.customers, "get_data_customers_id", "nobody", source=source, expect="404")
    assert "nobody" in answer.error
    call(panel.data.customers, "put_data_customers_id", "nobody", body=PutDataCustomersIdBody(name="N"), expect="404")
    call(panel.data.plan_groups, "get_data_plan_groups_id", "none", expect="404")
    refused(panel.data.customers, "delete_data_customers_id", "nobody", status=404, code="customer_not_found")
    refused(panel.data.invoices, "delete_data_invoices_id", "none", status=404, code="invoice_not_found")
    refused(panel.data.plans, "delete_data_plans_id", "none", status=404, code="plan_not_found")
    refused(panel.data.customers, "get_data_customers", source="ds_nowhere", status=404, code="data_source_not_found")
    refused(panel.data.sources, "get_data_data_sources_id_progress", "ds_nowhere", status=404, code="data_source_not_found")


def test_id_in_two_sources_requires_the_source(panel, server, source):
    other = server.new_source(f"beside {source}")
    body = [customer(source, f"twin of {source}", name="One"), customer(other, f"twin of {source}", name="Two")]
    call(panel.data.customers, "post_data_customers", body=body)
    answer = refused(panel.data.customers, "delete_data_customers_id", f"twin of {source}", status=409, code="ambiguous_data_source")
    assert source in answer["error"] and other in answer["error"] and "?source=" in answer["error"]
