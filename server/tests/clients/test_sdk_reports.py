"""GrowPanel's Python SDK, unmodified: operations that are not implemented."""

import importlib
import inspect
import json
import pkgutil
from enum import Enum
from pathlib import Path

import pytest
from growpanel._generated import api, models

DEMANDS = json.loads((Path(__file__).parent / "demands.json").read_text())


def not_implemented():
    """The operations that are not about records."""
    for found in pkgutil.walk_packages(api.__path__, prefix=api.__name__ + "."):
        module = importlib.import_module(found.name)
        name = found.name.rsplit(".", 1)[1]
        if hasattr(module, "_get_kwargs") and name not in DEMANDS["records"]:
            yield pytest.param(module, name, id=name)


def arguments(module):
    """A value for each required argument of an operation."""
    signature = inspect.signature(module._get_kwargs).parameters
    needed = {name: one.annotation for name, one in signature.items() if one.default is inspect.Parameter.empty}
    given = {name: next(iter(kind)) if issubclass(kind, Enum) else "x" for name, kind in needed.items()}
    body = module.__name__.rsplit(".", 1)[1]
    model = getattr(models, "".join(part.title() for part in body.split("_")) + "Body", None)
    if "body" in signature and model:
        given["body"] = model.from_dict({"name": "x", "filters": "x=y", "url": "https://x.test", "event_type": "movement.new"})
    return given


@pytest.mark.parametrize(("module", "name"), list(not_implemented()))
def test_unimplemented_operations_answer_not_implemented(panel, module, name):
    path = module._get_kwargs(**arguments(module))["url"]
    is_ours = panel._inner._base_url.endswith("/v1") and path.startswith("/reports/")
    if is_ours and path == "/reports/mrr":
        # Mrrow's own report of this name, whose rows the SDK does not read.
        assert panel._inner.get_httpx_client().get(path).status_code == 200
        return
    answer = module.sync_detailed(client=panel._inner, **arguments(module))
    body = json.loads(answer.content)
    if is_ours:
        assert answer.status_code == 404 and body["code"] in ("unknown_report", "not_served_yet")
        return
    assert (answer.status_code, body["code"]) == (404, "not_served_yet")
    assert "not served yet" in body["error"] and body["request_id"]
    assert answer.parsed is None or answer.parsed.error == body["error"]


@pytest.mark.parametrize(("module", "name"), list(not_implemented()))
def test_wrong_key_is_401_on_unimplemented_operations(stranger, module, name):
    answer = module.sync_detailed(client=stranger._inner, **arguments(module))
    assert answer.status_code == 401 and answer.parsed.error
