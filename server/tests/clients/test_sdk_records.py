"""GrowPanel's Python SDK, unmodified: pushing, listing, changing and deleting customers, plans and invoices."""

import pytest
from growpanel._generated.models import (
    DeleteDataPlansIdBody,
    PostDataCustomersBodyType0,
    PostDataCustomersBodyType0CustomVariables,
    PostDataCustomersBodyType1Item,
    PostDataInvoicesBodyType0,
    PostDataInvoicesBodyType1Item,
    PostDataPlansBodyType0,
    PostDataPlansBodyType1Item,
    PutDataCustomersIdBody,
    PutDataCustomersIdBodyCustomVariables,
    PutDataInvoicesIdBody,
    PutDataPlansIdBody,
)
from sdk import call, rows, with_more

JANUARY = "2024-01-15T00:00:00Z"


def push_book(panel, source):
    """Pushes a customer on a monthly plan. The ids contain the source, because changes name no source."""
    variables = PostDataCustomersBodyType0CustomVariables()
    variables["industry"] = "Technology"
    customer = PostDataCustomersBodyType0(
        id=f"c1-{source}", created_date=JANUARY, country="US", data_source=source, name="Acme", email="billing@acme.test", custom_variables=variables
    )
    plan = PostDataPlansBodyType0(
        id=f"p1-{source}", external_id=f"p1-{source}", name="Pro", billing_freq="month", currency="usd", data_source=source, product_name=None
    )
    invoice = with_more(
        PostDataInvoicesBodyType0(id=f"i1-{source}", customer_id=f"c1-{source}", date=JANUARY, amount=9900, currency="usd", data_source=source),
        type="subscription",
        plan_id=f"p1-{source}",
        subscription_id="s1",
        period_start=JANUARY,
        period_end="2024-02-15T00:00:00Z",
    )
    return [
        rows(call(panel.data.customers, "post_data_customers", body=customer).result),
        rows(call(panel.data.plans, "post_data_plans", body=plan).result),
        rows(call(panel.data.invoices, "post_data_invoices", body=invoice).result),
    ]


def test_one_object_is_echoed_with_its_status(panel, source):
    [[customer], [plan], [invoice]] = push_book(panel, source)
    assert (customer["id"], customer["name"], customer["created_date"]) == (f"c1-{source}", "Acme", JANUARY)
    assert customer["custom_variables"] == {"industry": "Technology"}
    assert (plan["id"], plan["external_id"], plan["billing_freq"]) == (f"p1-{source}", f"p1-{source}", "month")
    assert (invoice["id"], invoice["amount"], invoice["plan_id"]) == (f"i1-{source}", 9900, f"p1-{source}")
    for row in (customer, plan, invoice):
        assert row["export_status"] == "success" and "export_error" not in row
        assert row["import_status"] == "inserted"


def test_pushed_objects_are_listed_at_once(panel, source):
    push_book(panel, source)
    customers = call(panel.data.customers, "get_data_customers", source=source).result
    [customer] = rows(customers.list_)
    assert customers.count == 1
    assert (customer["id"], customer["name"], customer["email"], customer["country"]) == (f"c1-{source}", "Acme", "billing@acme.test", "US")
    assert customer["created_date"].startswith("2024-01-15") and customer["data_source"] == source
    plans = call(panel.data.plans, "get_data_plans", source=source).result
    [plan] = plans.list_
    assert (plans.count, plan.external_id, plan.name, plan.currency, plan.data_source) == (1, f"p1-{source}", "Pro", "usd", source)
    assert (plan.billing_freq, plan.billing_freq_count) == ("month", 1)
    invoices = call(panel.data.invoices, "get_data_invoices", source=source).result
    [invoice] = rows(invoices.list_)
    assert (invoices.count, invoice["id"], invoice["customer_id"], invoice["amount"]) == (1, f"i1-{source}", f"c1-{source}", 9900)
    assert (invoice["type"], invoice["plan_id"], invoice["subscription_id"]) == ("subscription", f"p1-{source}", "s1")
    assert invoice["date"].startswith("2024-01-15") and invoice["currency"] == "usd" and invoice["data_source"] == source


def test_one_customer_is_read_back(panel, source):
    push_book(panel, source)
    customer = call(panel.data.customers, "get_data_customers_id", f"c1-{source}", source=source).to_dict()
    assert (customer["id"], customer["name"], customer["custom_variables"]) == (f"c1-{source}", "Acme", {"industry": "Technology"})


def test_array_is_answered_row_by_row_in_its_order(panel, source):
    customers = [
        PostDataCustomersBodyType1Item(id=f"c{number}", created_date=JANUARY, country="DK", data_source=source, email=f"c{number}@x.test")
        for number in range(40)
    ]
    result = rows(call(panel.data.customers, "post_data_customers", body=customers).result)
    assert [(row["id"], row["export_status"]) for row in result] == [(f"c{number}", "success") for number in range(40)]
    listed = call(panel.data.customers, "get_data_customers", source=source).result
    assert {row["id"]: row["name"] for row in rows(listed.list_)} == {f"c{number}": f"c{number}@x.test" for number in range(40)}
    assert len(call(panel.data.customers, "get_data_customers", source=source, limit="7").result.list_) == 7


def test_intervals_and_floats_of_the_client_are_accepted(panel, server, source):
    plans = [
        PostDataPlansBodyType1Item(
            id=freq, external_id=freq, name=freq, billing_freq=freq, currency="USD", data_source=source, billing_freq_count=1.0
        )
        for freq in ("month", "quarter", "half_year", "year")
    ]
    assert all(row["export_status"] == "success" for row in rows(call(panel.data.plans, "post_data_plans", body=plans).result))
    call(
        panel.data.customers,
        "post_data_customers",
        body=PostDataCustomersBodyType0(id="c", created_date=JANUARY, country="US", data_source=source, name="C"),
    )
    invoices = [
        with_more(
            PostDataInvoicesBodyType1Item(id=freq, customer_id="c", date=JANUARY, amount=1200.0, currency="USD", data_source=source),
            plan_id=freq,
            subscription_id=freq,
        )
        for freq in ("month", "quarter", "half_year", "year")
    ]
    assert all(row["export_status"] == "success" for row in rows(call(panel.data.invoices, "post_data_invoices", body=invoices).result))
    rates = f"select subscription_id, cast(max(mrr) as bigint) from mrr_lines where data_source = '{source}' group by 1 order by 2"
    server.wait_for_sql(rates, [["year", 100], ["half_year", 200], ["quarter", 400], ["month", 1200]])


def test_invoice_without_a_type_is_a_subscription_if_it_has_a_plan(panel, server, source):
    push_book(panel, source)
    bare = PostDataInvoicesBodyType1Item(id="i2", customer_id=f"c1-{source}", date=JANUARY, amount=500, currency="usd", data_source=source)
    planned = with_more(
        PostDataInvoicesBodyType1Item(id="i3", customer_id=f"c1-{source}", date=JANUARY, amount=500, currency="usd", data_source=source), plan_id=f"p1-{source}"
    )
    call(panel.data.invoices, "post_data_invoices", body=[bare, planned])
    types = f"select id, type from invoices where data_source = '{source}' order by id"
    server.wait_for_sql(types, [[f"i1-{source}", "subscription"], ["i2", "one-time"], ["i3", "subscription"]])


def test_objects_are_changed(panel, source):
    push_book(panel, source)
    variables = PutDataCustomersIdBodyCustomVariables()
    variables["industry"] = "Retail"
    changed = call(
        panel.data.customers, "put_data_customers_id", f"c1-{source}", body=PutDataCustomersIdBody(name="Acme Inc", custom_variables=variables)
    )
    assert changed.success is True and changed.id == f"c1-{source}"
    customer = call(panel.data.customers, "get_data_customers_id", f"c1-{source}", source=source).to_dict()
    assert (customer["name"], customer["email"]) == ("Acme Inc", "billing@acme.test")
    assert customer["custom_variables"]["industry"] == "Retail"
    body = PutDataPlansIdBody(id=f"p1-{source}", name="Pro+", billing_freq="year", currency="USD")
    changed = call(panel.data.plans, "put_data_plans_id", f"p1-{source}", body=body)
    assert isinstance(changed.result, str) and changed.updated == f"p1-{source}"
    [plan] = call(panel.data.plans, "get_data_plans", source=source).result.list_
    assert (plan.name, plan.billing_freq, plan.billing_freq_count) == ("Pro+", "year", 1)
    changed = call(panel.data.invoices, "put_data_invoices_id", f"i1-{source}", body=PutDataInvoicesIdBody(amount=4900))
    assert changed.success is True and changed.id == f"i1-{source}"
    [invoice] = rows(call(panel.data.invoices, "get_data_invoices", source=source).result.list_)
    assert (invoice["amount"], invoice["plan_id"], invoice["subscription_id"]) == (4900, f"p1-{source}", "s1")


def test_deleted_objects_leave_the_lists_and_the_movements(panel, server, source):
    push_book(panel, source)
    movements = f"select type, cast(amount as bigint) from movements where data_source = '{source}' and date < '2024-02-01'"
    server.wait_for_sql(movements, [["new", 9900]])
    deleted = call(panel.data.invoices, "delete_data_invoices_id", f"i1-{source}")
    assert deleted.success is True and deleted.id == f"i1-{source}"
    server.wait_for_sql(movements, [])
    deleted = call(panel.data.plans, "delete_data_plans_id", f"p1-{source}", body=DeleteDataPlansIdBody(id=f"p1-{source}", external_id=f"p1-{source}"))
    assert isinstance(deleted.result, str) and deleted.deleted == f"p1-{source}"
    assert call(panel.data.customers, "delete_data_customers_id", f"c1-{source}").success is True
    for namespace, operation in [
        (panel.data.customers, "get_data_customers"),
        (panel.data.plans, "get_data_plans"),
        (panel.data.invoices, "get_data_invoices"),
    ]:
        result = call(namespace, operation, source=source).result
        assert (result.count, result.list_) == (0, [])


@pytest.mark.parametrize("id", ["a/b c", "ä ö ☃", "100%", "a?b#c", "..", "+"])
def test_id_is_any_text(panel, source, id):
    is_dots = id == ".."
    id = id if is_dots else id + source
    customer = PostDataCustomersBodyType0(id=id, created_date=JANUARY, country="US", data_source=source, name="Odd")
    [row] = rows(call(panel.data.customers, "post_data_customers", body=customer).result)
    assert (row["id"], row["export_status"]) == (id, "success")
    if is_dots:
        return  # an address with it in its path is another address, for httpx
    assert call(panel.data.customers, "get_data_customers_id", id, source=source).to_dict()["id"] == id
    assert call(panel.data.customers, "delete_data_customers_id", id).id == id


def test_repeated_push_changes_nothing(panel, source):
    push_book(panel, source)
    again = push_book(panel, source)
    assert [row["export_status"] for [row] in again] == ["success"] * 3
    assert call(panel.data.invoices, "get_data_invoices", source=source).result.count == 1
