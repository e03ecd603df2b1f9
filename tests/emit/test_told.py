"""Sentences made in English where a fault is found are said in the reader's language, and each has its words."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tulosvahti.emit.told import catalogue, key_of, told

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

ENGINE = Path(__file__).parents[2] / "engine/tulosvahti"
LANGUAGES = ("fi", "sv")
NOT_SHOWN = {
    "load/drafting.py", "load/column_forms.py", "load/plain_form.py", "compute/measuring.py", "compute/rule_sql.py", "compute/parts_sql.py",
    "compute/cells_sql.py", "compute/folding.py", "compute/planning.py", "compute/uniqueness.py", "core/comparators.py", "run/cases.py",
}  # fmt: skip
"""Drafts of contracts, SQL, faults of what is kept, words that are looked for, and what the command ``test`` prints."""
NAMES = {
    "minLength, maxLength, pattern, enum", "utf-8, utf-16, windows-1252, iso-8859-1", "also, for", "same key as",
    "sum(…), count(…), avg(…), min(…), max(…)", "agreement, section, title, rules", "integer, number", "index of {}",
    "openid profile email", "doctype html", "h:mm AM/PM", "h:mm:ss AM/PM", "m/d/yy h:mm",
    "No module named {}", "Value error, ", "statement timeout",
    # Words of totals and targets that are looked for.
    "kaikki yhteensä", "koko maa yhteensä", "summa totalt", "grand total", "in total", "följs upp",
    # Names of rules that foreign keys make, in each language.
    "{one}: jokaisella rivillä ({fields}) on pari aineistossa {other}", "{one}: varje rad ({fields}) har en motsvarighet i {other}",
    "{one}: every row ({fields}) has its partner in {other}",
    # Steps of a plan, which ``explain --plan`` prints, and numbers of the evidence, which have words by their names.
    "in one query", "for unique ({}) by {}", "told by the footer of the file", "least latest",
    "shared out", "rows that meet the condition", "rows known", "rows in scope", "rows summed", "rows counted", "different values", "rows with a limit",
}  # fmt: skip
"""Names of keys and the like, the same in every language; parts of sentences; what is said to others than readers."""
UNSAID = {"re", "log", "LOG", "_LOG", "logger", "hands", "cast"}
"""What takes patterns, what is logged, and the names of steps."""
SQL = re.compile(r"\b(make_date|DISTINCT|SELECT|CASE|WHEN|SET|PRAGMA|CAST|CREATE|JOIN|WHERE|IS NOT|IS NULL|OVER|BETWEEN|IN|TRANSACTION|DESC|GROUP BY|ORDER BY|NOT \()\b|__")
CODE = re.compile(r"[|\\<]|\w\[|^[^a-zåäö]*$")


def skipped(tree: ast.Module) -> set[int]:
    """Give the nodes that say nothing to readers: docstrings, annotations, patterns, logs, descriptions in schemas alone."""
    found: set[int] = set()
    for node in ast.walk(tree):
        inside: list[ast.AST] = []
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            inside = [node.value]
        elif isinstance(node, ast.JoinedStr):
            inside = list(node.values)
        elif isinstance(node, ast.Call) and ast.unparse(node.func).partition(".")[0] in UNSAID:
            inside = [*node.args, *node.keywords]
        elif isinstance(node, ast.Call) and "pattern" not in {item.arg for item in node.keywords}:
            inside = [item for item in node.keywords if item.arg == "description"]
        inside += [part for part in (getattr(node, "annotation", None), getattr(node, "returns", None)) if part is not None]
        found |= {id(part) for item in inside for part in ast.walk(item) if not isinstance(node, ast.JoinedStr) or isinstance(part, ast.Constant)}
    return found


def sentences(path: Path) -> Iterator[tuple[int, str]]:
    """Give the texts of a module that may reach readers, each detail as ``{}``."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    unsaid = skipped(tree)
    for node in ast.walk(tree):
        if id(node) in unsaid:
            continue
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = node.value
        elif isinstance(node, ast.JoinedStr):
            text = "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
        else:
            continue
        if len(words_of(text)) > 1 and " " in text and not SQL.search(text) and not CODE.search(text):
            yield node.lineno, text


def words_of(text: str) -> list[str]:
    return re.findall(r"[A-Za-z]{2,}", text.replace("{}", " "))


def is_told(sentence: str, language: str, known: Collection[str]) -> bool:
    """Tell whether a sentence has its words: as it is, as a part of another, or in parts that have theirs."""
    if sentence in known or sentence in NAMES:
        return True
    pieces = [piece.strip() for piece in sentence.split("{}") if words_of(piece)]
    if any(all(piece in other for piece in pieces) for other in known):
        return True
    # Most of it is one sentence of the catalogue, which takes it apart otherwise; else all of its parts must be told.
    keys = [key for key in map(key_of, catalogue(language)) if key.details_of(sentence) is not None]
    if any(2 * len(words_of(" ".join(key.literals))) > len(words_of(sentence)) for key in keys):
        return True
    parts = next((sentence.split(mark) for mark in ("; ", ": ") if mark in sentence), [])
    if parts:
        return all(len(words_of(part)) < 2 or is_told(part, language, known) for part in parts)
    return told(sentence, language) != sentence


def untold(language: str) -> list[str]:
    known = {"{}".join(key_of(sentence).literals) for sentence in catalogue(language)}
    found = []
    for folder in ("load", "compute", "core", "run"):
        for path in sorted((ENGINE / folder).rglob("*.py")):
            name = path.relative_to(ENGINE).as_posix()
            if name not in NOT_SHOWN:
                found += [f"{name}:{line}: {text}" for line, text in sentences(path) if not is_told(text, language, known)]
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
        (
            "select does not fit https://x.fi/t: there is no value '20'; there are 2: 020, 091; variable 'a' is selected twice",
            "select ei sovi taulukkoon https://x.fi/t: arvoa '20' ei ole; niitä on 2: 020, 091; muuttuja 'a' on valittu kahdesti",
        ),
        ("Alue: 'top(0)': top takes a count from 1, and may skip some: top(4), top(4, 1)", "Alue: 'top(0)': top ottaa määrän alkaen 1:stä ja voi ohittaa joitakin: top(4), top(4, 1)"),
        ("query: the function pg_sleep does more than read the data", "query: funktio pg_sleep tekee muutakin kuin lukee tietoja"),
        (
            "https://x.fi/t does not give what is asked for, not even in small parts: of Alue 2 of 3 values are missing (A, B)",
            "https://x.fi/t ei anna pyydettyä edes pieninä osina: muuttujan Alue arvoista puuttuu 2/3 (A, B)",
        ),
        ("table is refused: it has 2 figures, and the product of its sizes is 3: the answer was cut", "taulukkoa ei oteta vastaan: siinä on 2 lukua, ja sen kokojen tulo on 3: vastaus katkesi"),
        (
            "delivery 3, a.csv of 2026-03-01, was refused: 3 of 100 rows are rejected; what was accepted before (0123) is kept, and is not judged",
            "toimitus 3, a.csv (1.3.2026), hylättiin: 3/100 riviä on hylätty; aiemmin hyväksytty (0123) säilytetään, eikä sitä arvioida",
        ),
        ("column 'n' is float8; allowed for number: int2, numeric", "sarake 'n' on float8; tyypille number sallittu: int2, numeric"),
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
