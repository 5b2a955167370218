"""GrowPanel's Python SDK, unmodified: plan groups."""

from growpanel._generated.models import (
    PostDataPlanGroupsBody,
    PostDataPlanGroupsBodyPlansItemType1,
    PostDataPlanGroupsBodyType,
    PostDataPlansBodyType1Item,
    PutDataPlanGroupsIdBody,
)
from sdk import call, refused


def push_plans(panel, source):
    """Three plans, named after their source, because groups span all sources."""
    ids = [f"{word} {source}" for word in ("pro", "team", "pro annual")]
    plans = [PostDataPlansBodyType1Item(external_id=id, name=id, billing_freq="month", currency="USD", data_source=source, id=id) for id in ids]
    for row in call(panel.data.plans, "post_data_plans", body=plans).result:
        assert row["export_status"] == "success"
    return ids


def test_group_of_named_plans(panel, source):
    pro, team, annual = push_plans(panel, source)
    body = PostDataPlanGroupsBody(name=f"Pro of {source}", plans=[pro, PostDataPlanGroupsBodyPlansItemType1(id=annual)])
    made = call(panel.data.plan_groups, "post_data_plan_groups", body=body)
    assert made.success is True and made.id
    group = call(panel.data.plan_groups, "get_data_plan_groups_id", made.id)
    assert (group.id, group.name, sorted(group.plans)) == (made.id, f"Pro of {source}", sorted([pro, annual]))
    listed = call(panel.data.plan_groups, "get_data_plan_groups").result
    assert listed.count == len(listed.list_) and made.id in {one.id for one in listed.list_}
    changed = call(
        panel.data.plan_groups, "put_data_plan_groups_id", made.id, body=PutDataPlanGroupsIdBody(name=f"Team of {source}", plans=[team])
    )
    assert changed.success is True and changed.id == made.id
    group = call(panel.data.plan_groups, "get_data_plan_groups_id", made.id)
    assert (group.name, group.plans) == (f"Team of {source}", [team])
    assert call(panel.data.plan_groups, "delete_data_plan_groups_id", made.id).success is True
    call(panel.data.plan_groups, "get_data_plan_groups_id", made.id, expect="404")
    refused(panel.data.plan_groups, "delete_data_plan_groups_id", made.id, status=404, code="plan_group_not_found")


def test_group_by_pattern_follows_the_plans(panel, source):
    body = PostDataPlanGroupsBody(
        name=f"All of {source}", type_=PostDataPlanGroupsBodyType.AUTO, selector_type="endswith", selector=f" {source}"
    )
    made = call(panel.data.plan_groups, "post_data_plan_groups", body=body)
    ids = push_plans(panel, source)
    assert sorted(call(panel.data.plan_groups, "get_data_plan_groups_id", made.id).plans) == sorted(ids)
    call(panel.data.plan_groups, "delete_data_plan_groups_id", made.id)


def test_invalid_group_is_rejected(panel, source):
    wrong = [
        PostDataPlanGroupsBody(name=""),
        PostDataPlanGroupsBody(name="R", type_=PostDataPlanGroupsBodyType.AUTO, selector_type="regex", selector="("),
        PostDataPlanGroupsBody(name="S", type_=PostDataPlanGroupsBodyType.AUTO, selector_type="sounds like", selector="pro"),
    ]
    for body in wrong:
        assert call(panel.data.plan_groups, "post_data_plan_groups", body=body, expect="400").error
