"""What requests and answers of the API have in common."""

from collections.abc import Callable, Sequence
from dataclasses import MISSING, fields, is_dataclass
from enum import StrEnum
from functools import cache
from threading import Lock
from types import UnionType
from typing import (
    Annotated,
    Any,
    Literal,
    Self,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.openapi import OpenAPI
from flask_openapi3.types import ParametersTuple
from flask_openapi3.utils import parse_parameters
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    TypeAdapter,
    create_model,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from app.core.rules import Described

Shape = TypeVar("Shape")


def _storable(text: str) -> str:
    """PostgreSQL's text holds no NUL and no half of a surrogate pair."""
    if "\0" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
        raise ValueError("it holds characters that cannot be stored")
    return text


class _Described:
    """Says in the description what the validator asks for; JSON brings no half pairs along."""

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {**handler(schema), "not": {"pattern": r"\u0000"}}


Text = Annotated[str, AfterValidator(_storable), _Described()]
Id = Annotated[int, Field(ge=1, le=2**63 - 1)]


def _as_integer(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value


class Request(BaseModel):
    """Unknown fields are refused, and nothing is guessed from another type."""

    model_config = ConfigDict(extra="forbid", strict=True)

    @model_validator(mode="before")
    @classmethod
    def with_integers(cls, body: Any) -> Any:
        """In JSON 30.0 is an integer too.

        https://json-schema.org/draft/2020-12/json-schema-core#section-4.2.3
        """
        if not isinstance(body, dict):
            return body
        return {name: _as_integer(value) for name, value in body.items()}


class Answer(BaseModel):
    """An answer always has all it may have, also the fields of dataclasses that have defaults."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)


class Shown(BaseModel):
    """What is shown of a dataclass: those of its fields, and properties, that are named here."""

    model_config = ConfigDict(from_attributes=True, validate_by_name=True)

    @classmethod
    def of(cls, one: object) -> Self:
        return cls.model_validate(one)


class Given(Request):
    """A request that has the fields of a dataclass of the core."""

    def given(self) -> dict[str, Any]:
        """What is there and not null."""
        return self.model_dump(exclude_none=True)

    def read(self, kind: type[Shape]) -> Shape:
        """The dataclass itself."""
        known: Any = kind
        found: Shape = _adapter(known).validate_python(self.model_dump())
        return found


class Nested(Given):
    """A dataclass within one; a program that is newer may say more than is known here."""

    model_config = ConfigDict(extra="ignore")


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def given_of(table: type[Any], *, is_part: bool = False, base: type[Given] = Given) -> type[Given]:
    """What to derive a request from that is a dataclass; as a part of one, all may be absent."""
    hints = get_type_hints(table, include_extras=True)
    described: dict[str, Any] = {}
    for field in fields(table):
        hint = _given(hints[field.name])
        default = ... if field.default is MISSING else field.default
        default = list(default) if isinstance(default, tuple) else default
        described[field.name] = (
            (hint | None, _field(None, hints[field.name]))
            if is_part
            else (hint, _field(default, hints[field.name]))
        )
    # Answers have the dataclass itself, and the description knows each name once.
    name = f"{table.__name__}Given" if base is Nested else table.__name__
    return create_model(name, __base__=base, **described)


def _field(default: Any, hint: Any) -> Any:
    said = (one for one in getattr(hint, "__metadata__", ()) if isinstance(one, Described))
    about = next(said, Described())
    return Field(
        default,
        description=about.description or None,
        examples=[about.example] if about.example else None,
        pattern=about.pattern or None,
    )


def _given(hint: Any) -> Any:
    """A type of the core as JSON has it: lists for tuples, words for choices."""
    arguments = get_args(hint)
    if get_origin(hint) is Annotated:
        described = [one for one in hint.__metadata__ if isinstance(one, Described)]
        constraints = [one for one in hint.__metadata__ if one not in described]
        # A text that must match a pattern can be stored.
        bare = str if any(one.pattern for one in described) else _given(arguments[0])
        return Annotated[bare, *constraints] if constraints else bare
    if get_origin(hint) is tuple:
        return list[_given(arguments[0])]  # type: ignore[misc]
    if get_origin(hint) in (Union, UnionType):
        return Union[*map(_given, arguments)]
    if hint is str:
        return Text
    if isinstance(hint, type) and is_dataclass(hint):
        return given_of(hint, base=Nested)
    return Literal[*map(str, hint)] if issubclass(hint, StrEnum) else hint


class Nothing(Request):
    """An empty object, or no body at all."""

    @model_validator(mode="before")
    @classmethod
    def absent(cls, body: object) -> object:
        return {} if body is None else body


def _without_null(schema: dict[str, Any]) -> None:
    """A parameter may be absent, and then is None; a URL has no way to say null."""
    for described in schema["properties"].values():
        if described.get("default", "") is None:
            del described["default"]
            [kind] = [one for one in described.pop("anyOf") if one != {"type": "null"}]
            described.update(kind)


class Query(BaseModel):
    """Parameters of the URL, which are text; unknown ones are refused."""

    model_config = ConfigDict(extra="forbid", json_schema_extra=_without_null)


class Page(Query):
    """Which part of a list that grows."""

    limit: int = Field(50, ge=1, le=100, description="How many at most")
    cursor: Id | None = Field(None, description="`next` of the answer before; absent: the first")


class ErrorAnswer(BaseModel):
    """Every failure: a stable code, a sentence, and what to do next."""

    error: str
    message: str
    advice: str
    retry_after: int | None = Field(None, description="Seconds, when repeating may help")


def reference(kind: type[Any]) -> dict[str, Any]:
    """An answer whose schema the description has already, also of a dataclass.

    For a model, flask-openapi3 would make its schema anew for every status of every operation,
    which took half a second of each start.
    """
    schema = {"$ref": f"#/components/schemas/{kind.__name__}"}
    return {"content": {"application/json": {"schema": schema}}}


ERRORS: dict[Any, Any] = {
    status: reference(ErrorAnswer) for status in (400, 401, 403, 404, 409, 422, 503)
}
"""Answers that any operation may give."""

JOB: list[dict[str, list[str]]] = [{"job": []}]
PERSON: list[dict[str, list[str]]] = [{"token": []}, {"session": []}]
"""Who may ask, as the description's security schemes name them."""

_describing = Lock()


class Part(APIBlueprint):
    """Operations of the API, described for whoever asks: a start and a command do without.

    The schemas take a quarter of a second, as long as most commands.
    """

    def __init__(self, name: str, import_name: str, **how: Any) -> None:
        super().__init__(name, import_name, **how)
        self._undescribed: list[Callable[[], object]] = []

    def _collect_openapi_info(
        self, rule: str, func: Callable[..., Any], **how: Any
    ) -> ParametersTuple:
        describe = super()._collect_openapi_info
        self._undescribed.append(lambda: describe(rule, func, **how))
        return parse_parameters(func, doc_ui=False)

    def describe(self, app: OpenAPI) -> None:
        """Give an application the description of these operations."""
        with _describing:
            while self._undescribed:
                self._undescribed.pop(0)()
        app.paths.update(self.paths)
        app.components_schemas.update(self.components_schemas)
        app.tags += [tag for tag in self.tags if tag not in app.tags]


class DescribedApi(OpenAPI):
    """An application whose parts are described when somebody asks."""

    def generate_spec_json(self) -> None:
        """Put the description together."""
        for part in self.blueprints.values():
            if isinstance(part, Part):
                part.describe(self)
        super().generate_spec_json()  # type: ignore[no-untyped-call]


Answered = tuple[dict[str, Any] | str, int]
"""A body and its status. Flask's own word for it cannot be read by flask-openapi3."""

Item = TypeVar("Item")


def page_of(items: Sequence[Item], page: Page, *, id_of: Callable[[Item], int]) -> list[Item]:
    """The part of a list in ascending order of ids that a request asks for, and one more."""
    start = page.cursor or 0
    return [item for item in items if id_of(item) > start][: page.limit + 1]


def cut(
    items: Sequence[Item], page: Page, *, id_of: Callable[[Item], int]
) -> tuple[list[Item], int | None]:
    """What to show of one item more than was asked for, and the cursor of what follows."""
    shown = list(items[: page.limit])
    return shown, id_of(shown[-1]) if len(items) > page.limit else None
