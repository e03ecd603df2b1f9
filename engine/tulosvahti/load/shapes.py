"""From data with places to a shape, or to every problem of its form, each with its place."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from tulosvahti.core.rule import Wait, WaitUnit
from tulosvahti.core.text import Text
from tulosvahti.load.sources.declared import SECRET_IN_FILE, secret_in_file
from tulosvahti.problem import Problem, nearest

if TYPE_CHECKING:
    from tulosvahti.load.source import Source

S = TypeVar("S", bound=BaseModel)
At = tuple[str | int, ...]


def shaped(model: type[S], data: Any, source: Source, at: At = (), rule: str = "") -> S | None:  # noqa: ANN401
    """Read a shape; None where the source got problems instead."""
    if not isinstance(data, dict):
        source.problems.append(
            Problem(source.place(at), f"a mapping is expected, not {_name_of(data)}", ", ".join(_keys(model)), "", rule)
        )
        return None
    try:
        return model.model_validate(data)
    except ValidationError as error:
        seen = set()
        for item in _one_for_each_place(error.errors(), source, at):
            problem = _problem(model, item, source, at, rule)
            if (problem.place, problem.message) not in seen:
                seen.add((problem.place, problem.message))
                source.problems.append(problem)
        return None


def _one_for_each_place(errors: list[Any], source: Source, at: At) -> list[Any]:
    """Leave out the other branches of a part that may be several things: one mistake is one problem."""
    places = [_real(tuple(item["loc"]), source, at) for item in errors]
    kept = []
    for index, item in enumerate(errors):
        here = places[index]
        deeper = any(len(other) > len(here) and other[: len(here)] == here for other in places)
        again = any(places[earlier] == here and errors[earlier]["type"].endswith("_type") for earlier in range(index))
        if not (item["type"].endswith("_type") and (deeper or again)):
            kept.append(item)
    return kept


def _problem(model: type[BaseModel], item: Any, source: Source, at: At, rule: str) -> Problem:  # noqa: ANN401
    location = _real(tuple(item["loc"]), source, at)
    key = next((part for part in reversed(location) if isinstance(part, str)), "")
    kind, context = item["type"], item.get("ctx") or {}
    if kind == "extra_forbidden":
        owner = _model_at(model, tuple(item["loc"])[:-1])
        allowed = _keys(owner) if owner else []
        place = source.place((*at, *location, "\0key"))
        return Problem(place, f"unknown key {key!r}", ", ".join(allowed), nearest(key, allowed), rule)
    if kind == "missing":
        return Problem(source.place((*at, *location)), f"{key!r} is missing", "", f"add {key}: …", rule)
    place = source.place((*at, *location))
    if kind == SECRET_IN_FILE:
        return replace(secret_in_file(place, key), rule=rule)
    value = item.get("input")
    shown = _name_of(value) if isinstance(value, dict | list) else repr(value)
    if kind in {"literal_error", "enum"}:
        return Problem(place, f"{key}: {shown} is not known", str(context.get("expected", "")).replace(" or ", ", "), "", rule)
    if kind == "string_pattern_mismatch":
        field = _model_at(model, tuple(item["loc"])[:-1])
        described = _described(field, key) if field else ""
        return Problem(place, f"{key}: {shown} has not the right form", described or str(context.get("pattern", "")), "", rule)
    message = str(item["msg"]).removeprefix("Value error, ")
    return Problem(place, f"{key}: {shown}: {message[:1].lower()}{message[1:]}" if key else message, "", "", rule)


def _keys(model: type[BaseModel]) -> list[str]:
    return [item.alias or name for name, item in model.model_fields.items()]


def _described(model: type[BaseModel], key: str) -> str:
    """Give what a field allows, said of the field itself or of a type inside its annotation."""
    found = next((item for name, item in model.model_fields.items() if key in {name, item.alias}), None)
    return "" if found is None else found.description or _description(found.annotation)


def _description(annotation: Any) -> str:  # noqa: ANN401
    own = (part.description for part in getattr(annotation, "__metadata__", ()) if isinstance(part, FieldInfo))
    inner = (_description(part) for part in getattr(annotation, "__args__", ()))
    return next((text for text in (*own, *inner) if text), "")


def _real(loc: At, source: Source, at: At) -> At:
    """Drop the parts of a location that name a branch of the model and not a place in the file."""
    result: list[str | int] = []
    for index, part in enumerate(loc):
        last = index == len(loc) - 1
        if (*at, *result, part) in source.places or (last and not _is_branch(part)):
            result.append(part)
    return tuple(result)


def _is_branch(part: str | int) -> bool:
    return isinstance(part, str) and (part in {"str", "int", "constrained-int", "date", "float"} or "[" in part or part.endswith("Shape"))


def _model_at(model: type[BaseModel], loc: At) -> type[BaseModel] | None:
    found: type[BaseModel] | None = model
    for part in loc:
        if found is None or not isinstance(part, str) or part not in found.model_fields:
            continue
        found = _inner(found.model_fields[part].annotation) or found
    return found


def _inner(annotation: Any) -> type[BaseModel] | None:  # noqa: ANN401
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for part in getattr(annotation, "__args__", ()):
        if found := _inner(part):
            return found
    return None


def _name_of(value: object) -> str:
    if value is None:
        return "nothing"
    for kind, name in ((dict, "a mapping"), (list, "a list"), (str, "a text")):
        if isinstance(value, kind):
            return name
    return repr(value)


def text_of(value: str | dict[Any, str]) -> Text:
    """Read a text: one for all languages, or one for each."""
    return Text(value, value, value) if isinstance(value, str) else Text(**value)


def wait_of(text: str | None) -> Wait | None:
    """Read a wait such as ``2 periods`` or ``3 runs``; its form is the model's to refuse."""
    if text is None:
        return None
    count, unit = text.split()
    return Wait(int(count), WaitUnit.RUNS if unit.startswith("run") else WaitUnit.PERIODS)
