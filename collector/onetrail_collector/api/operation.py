"""One call of the admin API as data: where it is, what it takes, what it answers, who may make it.

    Operation("GET", "/profiles/{profile_id}", profile_by_id, scope="read",
              asks=ProfileAsked, answers=Profile)

A route, and the description of it in `/openapi.json`, are made from the same object. `asks` is a
msgspec Struct of the names in the path and the query; `body` of the JSON body. What does not fit
is answered with 422 and a sentence that says field, value and limit; an unknown name likewise.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from onetrail_collector.api.wrong_shape import in_words, nearest
from onetrail_collector.auth import Caller, require_token
from onetrail_collector.body import Room, read_body
from onetrail_collector.clock import Clock
from onetrail_collector.erasure import Eraser
from onetrail_collector.errors import not_json, wrong_shape
from onetrail_collector.ingest import Ingest
from onetrail_collector.refusals import Refusals
from onetrail_collector.settings import Settings
from onetrail_collector.store.protocol import Store

Scope = Literal["read", "write", "erase"]

Asked = TypeVar("Asked")
Body = TypeVar("Body")
Fitting = TypeVar("Fitting", bound=msgspec.Struct)


class Nothing(msgspec.Struct):
    """What an operation takes that takes nothing."""


@dataclass(frozen=True, slots=True)
class Call(Generic[Asked, Body]):
    """What a function of the API gets: the collector's parts, and what was asked by whom."""

    store: Store
    ingest: Ingest
    settings: Settings
    clock: Clock
    asked: Asked
    body: Body
    caller: Caller
    eraser: Eraser
    refusals: Refusals
    request: Request


@dataclass(frozen=True, slots=True)
class Operation:
    """`answer` gives a value of the type `answers`, sent as JSON, or a Response of its own.

    Its docstring's first line is what the API's description says of it.
    """

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
    path: str
    answer: Callable[[Call[Any, Any]], Awaitable[Any]]
    scope: Scope
    answers: Any
    asks: type[msgspec.Struct] = Nothing
    body: type[msgspec.Struct] = Nothing
    status: int = 200  # where it is done
    errors: tuple[int, ...] = ()  # statuses that not every operation has
    media_type: str = "application/json"  # of the answer, where that is a Response of its own
    or_media_type: str | None = None  # of the text that it answers instead where it is asked to

    async def serve(self, request: Request) -> Response:
        """Answer one request."""
        state = request.state
        caller = await require_token(request, state.store, self.scope)
        call = Call(
            store=state.store,
            ingest=state.ingest,
            settings=state.settings,
            clock=state.clock,
            asked=_asked(request, self.asks),
            body=await _body(request, self.body, state.room),
            caller=caller,
            eraser=state.eraser,
            refusals=state.refusals,
            request=request,
        )
        answer = await self.answer(call)
        return answer if isinstance(answer, Response) else json_response(answer, self.status)


def routes(operations: Iterable[Operation]) -> list[Route]:
    """A route for each path, so that a wrong method is told all that are right."""
    by_path: dict[str, dict[str, Operation]] = {}
    for operation in operations:
        by_path.setdefault(operation.path, {})[operation.method] = operation
    return [
        Route(path, _by_method(operations), methods=[*operations])
        for path, operations in by_path.items()
    ]


def _by_method(operations: Mapping[str, Operation]) -> Callable[[Request], Awaitable[Response]]:
    async def serve(request: Request) -> Response:
        method = "GET" if request.method == "HEAD" else request.method
        return await operations[method].serve(request)

    return serve


def json_response(
    value: object, status: int = 200, headers: dict[str, str] | None = None
) -> Response:
    """A value as JSON."""
    body = msgspec.json.encode(value)
    return Response(body, status, headers, media_type="application/json")


def _asked(request: Request, asks: type[msgspec.Struct]) -> msgspec.Struct:
    known = [field.encode_name for field in msgspec.structs.fields(asks)]
    for name in request.query_params:
        if name not in known:
            raise wrong_shape(
                f"{name[:40]} is not a parameter of this call; {nearest(name, known)}"
            )
    given = {**request.query_params, **request.path_params}
    return fitting(asks, given, strict=False)


async def _body(request: Request, body: type[msgspec.Struct], room: Room) -> msgspec.Struct:
    if body is Nothing:
        return Nothing()
    raw = await read_body(request.scope, dict(request.scope["headers"]), request.receive, room)
    try:
        given = msgspec.json.decode(raw or b"{}")
    except (msgspec.DecodeError, RecursionError) as error:
        raise not_json(f"the body is not JSON: {error}") from None
    return fitting(body, given)


def fitting(shape: type[Fitting], given: Any, *, strict: bool = True) -> Fitting:
    """What was given, as this type; without strict from texts. Raises Refused (422)."""
    try:
        return msgspec.convert(given, shape, strict=strict)
    except msgspec.ValidationError as error:
        raise wrong_shape(in_words(error, shape, given)) from None
