"""Loaded by schemathesis: lets most of what it makes up reach a source and a profile that exist."""

import os
import random
from typing import Any

import schemathesis

chance = random.Random(1)  # noqa: S311 - no secret


@schemathesis.hook
def map_body(context: Any, body: Any) -> Any:
    if isinstance(body, dict) and "source" in body and chance.random() < 0.8:
        body["source"] = {"id": "demo"}
    return body


@schemathesis.hook
def map_path_parameters(context: Any, path_parameters: Any) -> Any:
    if context.operation.path.endswith("/erase"):  # the others need the person
        return path_parameters
    if path_parameters and "profile_id" in path_parameters and chance.random() < 0.8:
        path_parameters["profile_id"] = os.environ["PROFILE_ID"]
    return path_parameters


@schemathesis.hook
def map_query(context: Any, query: Any) -> Any:
    if query and "key" in query and chance.random() < 0.5:
        query["key"] = "email:ann@shop.test"
    return query


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    """However it found the source: demo is to go on taking events."""
    if case.path_parameters and case.path_parameters.get("source_id") == "demo":
        case.path_parameters["source_id"] = "web"
