"""What a contract says of words in place of numbers: which fields may have them, and what they mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tulosvahti.core.quantity import NumberTextError, read_agreed_number
from tulosvahti.core.worded import STATED, stated_of
from tulosvahti.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tulosvahti.load.contract_models import ContractShape, StatedShape
    from tulosvahti.load.source import Source


def stated_words(shape: StatedShape) -> tuple[tuple[str, str], ...]:
    """Give the words that state a verdict, each with what it means."""
    return tuple((said, words) for said in STATED for words in getattr(shape, said))


def worded_problems(shape: ContractShape, source: Source) -> Iterator[Problem]:
    """Give what is wrong with fields that allow words in place of numbers."""
    keys = {*shape.primaryKey, *(name for key in shape.foreignKeys for name in key.fields)}
    for at, item in enumerate(shape.fields):
        meanings = stated_words(item.stated)
        for key in [key for key, used in (("censored", item.censored), ("stated", meanings)) if used]:
            place = source.place(("fields", at, key))
            if item.type not in {"number", "integer"}:
                yield Problem(place, f"{key}: field {item.name!r} has type {item.type} and no numbers", "a field of type number or integer")
            elif item.name in keys:
                yield Problem(place, f"{key}: field {item.name!r} is part of a key, which tells rows apart", "a field that is in no key")
        for nth, (said, words) in enumerate(meanings):
            place = source.place(("fields", at, "stated", said))
            if not words.strip():
                yield Problem(place, "stated: blank words state nothing", "words as people write them in place of a number")
            elif _is_number(words):
                yield Problem(place, f"stated: {words!r} is a number", "words as people write them in place of a number")
            elif stated_of(words, meanings[:nth]):
                yield Problem(place, f"stated: {words!r} is there twice", "words that mean one thing")
            elif any(stated_of(words, [(said, missing if isinstance(missing, str) else missing.value)]) for missing in shape.missingValues):
                yield Problem(place, f"stated: {words!r} is a missing value too", "words that mean one thing")


def _is_number(words: str) -> bool:
    try:
        read_agreed_number(words)
    except NumberTextError:
        return False
    return True
