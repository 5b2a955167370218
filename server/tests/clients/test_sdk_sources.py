"""GrowPanel's Python SDK, unmodified: creating, listing, changing, resetting and deleting data sources, and their progress."""

from growpanel import GrowPanel
from growpanel._generated.models import (
    PostDataCustomersBodyType0,
    PostDataDataSourcesBody,
    PostDataDataSourcesBodyType,
    PutDataDataSourcesIdBody,
)
from sdk import call, refused, rows

numbers = iter(range(1, 1000))


def new_source(panel, kind=PostDataDataSourcesBodyType.API):
    name = f"from the SDK {next(numbers)}"
    return call(panel.data.sources, "post_data_data_sources", body=PostDataDataSourcesBody(name=name, type_=kind), expect="201")


def test_source_is_created_and_listed(panel):
    made = new_source(panel)
    assert made.id and made.name.startswith("from the SDK") and (made.type_, made.status) == ("api", "connected")
    assert made.created_at.endswith("Z") and made.updated_at.endswith("Z")
    listed = {one.id: one for one in call(panel.data.sources, "get_data_data_sources").result}
    assert (listed[made.id].name, listed[made.id].type_) == (made.name, "api")
    assert not hasattr(listed[made.id], "access_token") and "access_token" not in listed[made.id].to_dict()


def test_sources_are_listed_by_type(panel):
    api, manual = new_source(panel), new_source(panel, PostDataDataSourcesBodyType.MANUAL)
    listed = {one.id for one in call(panel.data.sources, "get_data_data_sources", type_="manual").result}
    assert manual.id in listed and api.id not in listed


def test_key_of_a_new_source_is_limited_to_it(server, panel, source):
    made = new_source(panel)
    server.secrets.append(made.access_token)
    with GrowPanel(api_key=made.access_token, base_url=server.url) as sender:
        for to, status in [(made.id, "success"), (source, "error")]:
            body = PostDataCustomersBodyType0(id="c", created_date="2024-01-15", country="US", data_source=to, name="C")
            [row] = rows(call(sender.data.customers, "post_data_customers", body=body).result)
            assert row["export_status"] == status
        assert [one.id for one in call(sender.data.sources, "get_data_data_sources").result] == [made.id]


def test_source_is_renamed(panel):
    made = new_source(panel)
    body = PutDataDataSourcesIdBody.from_dict({**made.to_dict(), "name": made.name + ", renamed"})
    changed = call(panel.data.sources, "put_data_data_sources_id", made.id, body=body)
    assert (changed.id, changed.name) == (made.id, made.name + ", renamed")
    call(panel.data.sources, "put_data_data_sources_id", "ds_nowhere", body=PutDataDataSourcesIdBody(name="N"), expect="404")


def test_repeated_script_creates_another_source_of_the_name(panel):
    body = PostDataDataSourcesBody(name="run twice", type_=PostDataDataSourcesBodyType.API)
    first, second = (call(panel.data.sources, "post_data_data_sources", body=body, expect="201") for _ in range(2))
    assert first.id != second.id and first.name == second.name


def test_invalid_name_is_rejected(panel):
    body = PostDataDataSourcesBody(name="", type_=PostDataDataSourcesBodyType.API)
    assert "name" in call(panel.data.sources, "post_data_data_sources", body=body, expect="400").error


def test_progress_of_a_pushed_source(panel, source):
    progress = call(panel.data.sources, "get_data_data_sources_id_progress", source)
    assert progress.phase == "idle"
    for count in (progress.enqueued_count, progress.processed_count, progress.failed_count):
        assert not count or count == 0


def test_source_without_an_endpoint_has_nothing_to_fetch(panel, source):
    assert call(panel.data.sources, "post_data_data_sources_id_full_import", source).success is True
    assert call(panel.data.sources, "get_data_data_sources_id_progress", source).phase == "idle"
    assert call(panel.data.sources, "post_data_data_sources_id_abort", source).success is True


def test_reset_deletes_the_records_and_keeps_the_source(panel, server):
    made = new_source(panel)
    body = PostDataCustomersBodyType0(id="c", created_date="2024-01-15", country="US", data_source=made.id, name="C")
    call(panel.data.customers, "post_data_customers", body=body)
    assert call(panel.data.sources, "post_data_data_sources_id_reset", made.id).success is True
    assert call(panel.data.customers, "get_data_customers", source=made.id).result.count == 0
    [row] = rows(call(panel.data.customers, "post_data_customers", body=body).result)
    assert row["export_status"] == "success"


def test_deleted_source_accepts_nothing_and_its_records_stay(panel, server):
    made = new_source(panel)
    body = PostDataCustomersBodyType0(id="c", created_date="2024-01-15", country="US", data_source=made.id, name="C")
    call(panel.data.customers, "post_data_customers", body=body)
    deleted = call(panel.data.sources, "delete_data_data_sources_id", made.id)
    assert deleted.success is True and deleted.id == made.id
    assert made.id not in {one.id for one in call(panel.data.sources, "get_data_data_sources").result}
    [row] = rows(call(panel.data.customers, "post_data_customers", body=body).result)
    assert row["export_status"] == "error"
    server.wait_for_sql(f"select count(*) from customers where data_source = '{made.id}'", [[1]])
    with GrowPanel(api_key=made.access_token, base_url=server.url) as sender:
        call(sender.data.sources, "get_data_data_sources", expect="401")
