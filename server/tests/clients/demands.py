"""Prints the SDK's demands on a server: of each operation the path, the parameters and the answers that it reads."""

import ast
import importlib
import inspect
import json
import pkgutil
import re
import sys
import typing

import attrs
from growpanel._generated import api, models

# Every operation declares these with the body {"error": string}; they are printed once.
REFUSALS = {"401", "403", "429", "500"}


def operations():
    """The modules of all operations, in the order of their names."""
    for found in pkgutil.walk_packages(api.__path__, prefix=api.__name__ + "."):
        module = importlib.import_module(found.name)
        if hasattr(module, "_get_kwargs"):
            yield found.name.rsplit(".", 1)[1], module


def keys_in_json(model):
    """The keys that a model reads, in the order of its fields."""
    tree = ast.parse(inspect.cleandoc(inspect.getsource(model.from_dict)))
    taken = [
        call.args[0].value
        for call in ast.walk(tree)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "pop" and call.args
    ]
    return sorted(taken, key=taken.index)


def shape(annotation):
    """A type as JSON: models become objects whose optional keys end in a question mark."""
    text = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", str(annotation))
    text = " | ".join(part for part in text.split(" | ") if part != "Unset")
    if text.startswith("list[") and text.endswith("]"):
        return [shape(text[5:-1])]
    model = getattr(models, text, None)
    if model is None or not attrs.has(model):
        return text
    fields = [field for field in attrs.fields(model) if field.name != "additional_properties"]
    names = {re.sub(r"[^a-z0-9]", "", key.lower()): key for key in keys_in_json(model)}
    keys = [names[re.sub(r"[^a-z0-9]", "", field.name.lower())] for field in fields]
    optional = ["" if field.default is attrs.NOTHING else "?" for field in fields]
    return {key + mark: shape(field.type) for key, mark, field in zip(keys, optional, fields, strict=True)}


def demand(module):
    """One operation."""
    source = inspect.getsource(module)
    method = re.search(r'"method": "(\w+)"', source).group(1)
    path = re.search(r'"url": "([^"]+)"', source).group(1)
    parameters = typing.get_type_hints(module._get_kwargs, localns=vars(models)).keys() - {"return", "client", "body"}
    answers = re.findall(r"response_(\d+) = (\w+)\.from_dict", source)
    needed = {
        name: parameter.default is inspect.Parameter.empty
        for name, parameter in inspect.signature(module._get_kwargs).parameters.items()
    }
    query = [name.rstrip("_") + ("" if needed[name] else "?") for name in needed if name in parameters and f"{{{name}}}" not in path]
    body = inspect.signature(module._get_kwargs).parameters.get("body")
    operation = {"method": method.upper(), "path": path, "query": query}
    if body is not None:
        bodies = [part for part in str(body.annotation).replace("typing.", "").split(" | ") if "Unset" not in part]
        operation["body"] = shape(next(part for part in bodies if not part.startswith("list[")).rsplit(".", 1)[-1].rstrip("'>"))
    operation["answers"] = {status: shape(model) for status, model in answers if status not in REFUSALS}
    return operation


def demands():
    """All operations on records, and the names of the others."""
    described = {name: demand(module) for name, module in operations()}
    records = {name: one for name, one in described.items() if one["path"].startswith("/data/") and "segments" not in one["path"]}
    others = sorted(f"{one['method']} {one['path']}" for name, one in described.items() if name not in records)
    return {"refusals": {status: {"error": "str"} for status in sorted(REFUSALS)}, "records": records, "others": others}


if __name__ == "__main__":
    json.dump(demands(), sys.stdout, indent=1)
    print()
