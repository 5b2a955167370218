"""Calls through the SDK. The SDK returns `None` for an unknown status and never raises: here both are errors."""

import json

from growpanel._generated import models


def call(namespace, operation, *arguments, expect="200", **keywords):
    """The parsed answer: an instance of the SDK's model for the expected status."""
    answer = detailed(namespace, operation, *arguments, **keywords)
    name = "".join(part.title() for part in operation.split("_")) + f"Response{expect}"
    assert answer.status_code == int(expect), f"{operation}: {answer.status_code} {answer.content!r}"
    assert isinstance(answer.parsed, getattr(models, name)), f"{operation}: {answer.parsed!r}"
    return answer.parsed


def refused(namespace, operation, *arguments, status, code, **keywords):
    """The body of an error answer. The SDK parses it, or returns `None` for a status that it does not declare."""
    answer = detailed(namespace, operation, *arguments, **keywords)
    body = json.loads(answer.content)
    assert (answer.status_code, body["code"]) == (status, code), f"{operation}: {answer.status_code} {body}"
    assert body["error"] == body["message"] and isinstance(body["errors"], list) and body["request_id"]
    assert answer.parsed is None or answer.parsed.error == body["error"]
    return body


def detailed(namespace, operation, *arguments, **keywords):
    """The answer with its status. The namespaces of the SDK hold the modules of their operations."""
    module = namespace._mapping[operation]
    return module.sync_detailed(*arguments, client=namespace._client._inner, **keywords)


def with_more(model, **more):
    """A model with fields that the SDK does not declare."""
    model.additional_properties.update(more)
    return model


def rows(result):
    """The rows of an answer as dictionaries."""
    return [row.to_dict() for row in result]
