"""Sentences made in English where a fault is found are said in the reader's language, and each has its words."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tulosvahti.emit.told import catalogue, key_of, told

if TYPE_CHECKING:
    from collections.abc import Iterator

ENGINE = Path(__file__).parents[2] / "engine/tulosvahti"
LANGUAGES = ("fi", "sv")
SAID_BY = {"Problem", "Notice", "Reject", "UnreadableError", "ExpressionError", "QuantityError", "TargetTextError", "Odd", "MergeError", "EntryRefusedError"}
"""What carries a sentence to a reader. A name bound to a sentence counts where it is called msg, message, step or reason."""
BOUND = {"msg", "message", "step", "next_step", "reason", "explanation", "said", "why"}
NOT_SHOWN = {"load/drafting.py", "compute/measuring.py", "compute/rule_sql.py", "compute/parts_sql.py", "compute/planning.py", "run/cases.py"}
"""Drafts of contracts, SQL, and what the command ``test`` prints."""
NAMES = {
    "minLength, maxLength, pattern, enum", "utf-8, utf-16, windows-1252, iso-8859-1", "also, for", "same key as",
    "sum(…), count(…), avg(…), min(…), max(…)", "agreement, section, title, rules",
    "No module named {}",
}  # fmt: skip
"""Names of keys and the like, the same in every language; a part of a sentence; what is said to Python alone."""


def sentences(path: Path) -> Iterator[tuple[int, str]]:
    """Give the sentences of a module that reach readers, each detail as ``{}``."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            if name in SAID_BY or (name == "append" and ast.unparse(node.func) == "notices.append"):
                for value in (*node.args, *(item.value for item in node.keywords)):
                    yield from told_by(value)
        elif isinstance(node, ast.Assign) and all(isinstance(at, ast.Name) and at.id in BOUND for at in node.targets):
            yield from told_by(node.value)


def told_by(node: ast.expr) -> Iterator[tuple[int, str]]:
    if isinstance(node, ast.IfExp):
        yield from told_by(node.body)
        yield from told_by(node.orelse)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.lineno, node.value
    elif isinstance(node, ast.JoinedStr):
        parts = [part.value if isinstance(part, ast.Constant) else "{}" for part in node.values]
        yield node.lineno, "".join(str(part) for part in parts)


def untold(language: str) -> list[str]:
    known = {"{}".join(key_of(sentence).literals) for sentence in catalogue(language)}
    found = []
    for folder in ("load", "compute", "core", "run"):
        for path in sorted((ENGINE / folder).rglob("*.py")):
            name = path.relative_to(ENGINE).as_posix()
            if name in NOT_SHOWN:
                continue
            for line, sentence in sentences(path):
                words = re.findall(r"[A-Za-z]{2,}", sentence.replace("{}", " "))
                # Also a sentence that the catalogue takes apart otherwise, such as one with "; allowed:".
                if len(words) > 1 and " " in sentence and sentence not in known | NAMES and told(sentence, language) == sentence:
                    found.append(f"{name}:{line}: {sentence}")
    return found


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_sentence_has_its_words(language: str) -> None:
    missing = untold(language)
    assert not missing, f"add these to emit/locale/told.{language}.po, each detail with a name:\n" + "\n".join(missing)


@pytest.mark.parametrize("language", LANGUAGES)
def test_catalogues_have_the_same_sentences_and_details(language: str) -> None:
    assert catalogue(language).keys() == catalogue("fi").keys()
    for sentence, said in catalogue(language).items():
        assert set(key_of(said).names) == set(key_of(sentence).names), sentence


@pytest.mark.parametrize(
    ("text", "finnish"),
    [
        ("3 of 100 rows are rejected", "3/100 riviä on hylätty"),
        ("not one of the allowed values; allowed: A, B", "ei ole sallittu arvo; sallittu: A, B"),
        ("not a number: unexpected character 'x'; allowed: digits, decimal mark ',', no thousands separator", "ei ole luku: odottamaton merkki 'x'; sallittu: numeroita, desimaalimerkki ',', ei tuhaterotinta"),
        ("column 'a' is missing (renamed to 'b'?); found: b, c", "sarake 'a' puuttuu (uusi nimi 'b'?); löytyi: b, c"),
        ("a sentence of an older engine", "a sentence of an older engine"),
        ("unknown key '{name}'", "tuntematon avain '{name}'"),
        ("", ""),
    ],
)  # fmt: skip
def test_a_sentence_is_said_with_its_details(text: str, finnish: str) -> None:
    assert told(text, "fi") == finnish
    assert told(text, "en") == text


def test_codes_are_words_in_english_too() -> None:
    assert told("no_row: YHTEENSÄ", "en") == "there is no row YHTEENSÄ"


def test_hostile_details_cost_no_time_and_stay_themselves() -> None:
    hostile = "; allowed: " * 300
    assert told(f"unknown key {hostile}", "sv").startswith("okänd nyckel")
    assert told("x" * 100_000, "sv") == "x" * 100_000


@pytest.mark.parametrize(
    ("sentence", "said"),
    [
        (
            "https://a.fi/x.csv answered 503 Service Unavailable (6 attempts in 31 s); what was there at 2026-03-01T05:00:00+00:00 is used",
            "https://a.fi/x.csv vastasi 503 Service Unavailable (6 yritystä, 31 s); käytetään sitä, mitä siellä oli 2026-03-01T05:00:00+00:00",
        ),
        ("https://a.fi/x.csv answered 404 Not Found: there is no such file", "https://a.fi/x.csv vastasi 404 Not Found: tiedostoa ei ole"),
        ("sftp://me@a.fi/x.csv: there is no such file", "sftp://me@a.fi/x.csv: tiedostoa ei ole"),
        (
            "postgresql://me@a.fi/x leads did not give all of it within 10 min",
            "postgresql://me@a.fi/x leads ei antanut kaikkea ajassa 10 min",
        ),
    ],
)
def test_what_servers_did_is_said_in_the_readers_language(sentence: str, said: str) -> None:
    assert told(sentence, "fi") == said


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_sentence_stands_twice_with_other_names_of_its_details(language: str) -> None:
    shapes = ["{}".join(key_of(sentence).literals) for sentence in catalogue(language)]
    assert sorted({shape for shape in shapes if shapes.count(shape) > 1}) == []
