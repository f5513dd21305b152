"""The base of every model read from a file, and its refusals in words a person can act on.

The `description` of a field says what would be right; messages end with it.
"""

import difflib
from collections.abc import Mapping
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails, PydanticCustomError

from bot.settings.documents import Document
from bot.settings.problems import Location, Misread, Problem, kind_of, shown


class Strict(BaseModel):
    """Unknown keys and other types are refused; values never show up in exceptions."""

    model_config = ConfigDict(
        strict=True, extra="forbid", frozen=True, hide_input_in_errors=True, allow_inf_nan=False
    )


Model = TypeVar("Model", bound=BaseModel)


def refused(wrong: str, right: str = "") -> PydanticCustomError:
    """What a validator raises; without `right` the description of the field stands in."""
    return PydanticCustomError("refused", "{wrong}", {"wrong": wrong, "right": right})


def parse(
    model: type[Model], document: Document, at: Location = ()
) -> tuple[Model | None, list[Problem]]:
    """Read the part of `document` at `at` as `model`: the model, or None and every problem."""
    data: Any = document.data
    for step in at:
        data = data[step]
    try:
        return model.model_validate(data), []
    except ValidationError as error:
        details = error.errors(include_url=False)
    return None, [_problem(model, document, at, detail) for detail in details]


def _problem(
    model: type[BaseModel], document: Document, at: Location, detail: ErrorDetails
) -> Problem:
    location = detail["loc"]
    owner, field, inner = _field(model, location)
    described = (field.description if field else None) or "see the example configuration"
    found = kind_of(detail.get("input"))
    context: Mapping[str, Any] = detail.get("ctx", {})
    match detail["type"]:
        case "refused":
            wrong, right = context["wrong"], context["right"] or described
        case "missing":
            wrong, right = "this is missing", described
            found_at = document.line((*at, *location[:-1]))
            return Problem(found_at, document.problem((*at, *location), "", "").key, wrong, right)
        case "extra_forbidden":
            wrong, right = "there is no setting of this name here", _known(owner, location)
        case "model_type" | "dict_type" if inner is not None:
            names = ", ".join(inner.model_fields)
            wrong, right = f"found {found}", f"write these keys below it: {names}"
        case "string_type" if isinstance(detail["input"], bool | int | Misread):
            wrong, right = f"found {found} where text belongs", f"put it in quotes: {described}"
        case "greater_than_equal" | "less_than_equal":
            wrong, right = f"{found} is out of range", described
        case "too_long" | "too_short":
            wrong, right = f"this has {len(detail['input'])} entries", described
        case _:
            wrong, right = f"found {found}", described
    return document.problem((*at, *location), wrong, right)


def _field(
    model: type[BaseModel], location: Location
) -> tuple[type[BaseModel], FieldInfo | None, type[BaseModel] | None]:
    """The model `location` ends in, the field it names there, and the model of that field."""
    field: FieldInfo | None = None
    inner: type[BaseModel] | None = model
    owner = model
    for step in location:
        if isinstance(step, str) and inner is not None:
            owner, field = inner, inner.model_fields.get(step)
            inner = _model_in(field.annotation) if field else None
    return owner, field, inner


def _model_in(annotation: Any) -> type[BaseModel] | None:
    candidates = [annotation, *get_args(annotation)]
    for candidate in candidates:
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
    return None


def _known(owner: type[BaseModel], location: Location) -> str:
    names = list(owner.model_fields)
    close = difflib.get_close_matches(str(location[-1]), names, n=1)
    if close:
        return f"did you mean `{close[0]}`?"
    return shown(f"the settings here are {', '.join(names)}", 200)
