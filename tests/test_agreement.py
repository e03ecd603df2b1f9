"""The rules hold the whole agreement: rows, verbal indicators and quotes are counted against it."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[1]
DEFAULT_AGREEMENT = ROOT.parent / "shared" / "agreement" / "kainuu-tulossopimus-2023.txt"
# The headings of the 18 rows of the indicator tables, in the agreement's order.
INDICATORS = (
    "Käynnissä olevien työttömyysjaksojen keskimääräinen kesto, vk (TA)",
    "Virta yli 3 kuukauden työttömyyteen, % (TA)",
    "Rahoitetuissa hankkeissa keskimäärin syntyvät työpaikat yrityksissä (työpaikkakerroin)",
    "Kasvu CRM-järjestelmään kirjattujen liidien määrä (kpl)",
    "Rahoitetuissa hankkeissa syntyvä liikevaihdon kasvu yrityksissä, liikevaihtokerroin (arvio)",
    "Rahoitetuissa hankkeissa syntyvä viennin kasvu yrityksissä, vientikerroin (arvio)",
    "Rahoitetuissa pk-yritysten hankkeissa syntyvät patentit ja muut aineettomat oikeudet, kpl (arvio)",
    "Elintarvikeketjun turvallisuus ja vastuullisuus (säädösten vaatimukset täyttävien elintarvikeketjun toimijoiden osuus), %",
    "Henkilövahinkoon johtaneiden onnettomuuksien määrä maanteillä (kpl)",
    "Kansalaisten tyytyväisyys maanteiden palvelutasoon (asteikolla 1-5)",
    "Raskaan liikenteen tyytyväisyys maanteiden palvelutasoon (asteikolla 1-5)",
    "Luonnonsuojelualueiden toteutus (ha)",
    "Palvelujen ja joukkoliikenteen järjestämistä tukeva taajamarakenne (vähintään 20as/ha alueella asuvan väestön osuus koko kaupunkiseudun väestöstä (%) (TA)",
    "ELY-keskusten sidosryhmien kokonaistyytyväisyys (TA)",
    "ELY-keskuksen asiakaspalvelutyytyväisyys (kokonaistulos) (TA)",
    "Maatalouden ja elintarviketurvallisuuden valvontasuunnitelmien toteuttaminen täysimääräisesti, %",
    "Ympäristövalvonnan valvontasuunnitelmiin sisältyvän YSL:n mukaisen valvontaohjelman toteutuminen (%)",
    "Henkilöstöbarometrin työtyytyväisyysindeksi (TA)",
)
VERBAL = 15
BLANK = 5
# The head of an indicator table, not an indicator.
TABLE_HEAD = "Mittari 2023 Tavoite"


def fold(text: str) -> str:
    """Without white space and hyphens: the document's lines break words anywhere."""
    return re.sub(r"[\s\-]+", "", text)


@pytest.fixture(scope="module")
def rules() -> list[dict]:
    reader = YAML(typ="safe", pure=True)
    files = sorted((ROOT / "rules").glob("*.yaml"))
    return [rule for file in files for rule in reader.load(file.read_text(encoding="utf-8")).get("rules", [])]


@pytest.fixture(scope="module")
def agreement() -> str:
    path = Path(os.environ.get("TULOSVAHTI_AGREEMENT", DEFAULT_AGREEMENT))
    if not path.is_file():
        pytest.skip("the agreement's text is not here; TULOSVAHTI_AGREEMENT names it")
    return path.read_text(encoding="utf-8")


def quoted(rules: list[dict]) -> list[tuple[str, str]]:
    return [(rule["id"], fold(rule["quote"])) for rule in rules if rule.get("quote")]


@pytest.mark.parametrize("heading", INDICATORS)
def test_each_indicator_row_is_one_rule_with_its_four_years(heading: str, rules: list[dict]) -> None:
    found = [rule for rule in rules if fold(heading) in fold(rule.get("quote") or "") and "measure" in rule]
    assert len(found) == 1
    assert found[0].get("in_state_budget", False) == heading.endswith("(TA)")
    targets = {year: text for year, text in found[0].get("target", {}).items() if text not in {None, "monitor"}}
    assert set(targets) in ({2023, 2024, 2025, 2026}, set())


def test_there_are_eighteen_rows_and_five_are_left_blank(rules: list[dict]) -> None:
    rows = [rule for rule in rules if any(fold(rule.get("quote") or "") == fold(heading) for heading in INDICATORS)]
    assert len(rows) == len(INDICATORS) == 18
    blank = [rule for rule in rows if set(rule.get("target", {}).values()) <= {None, "monitor"}]
    assert len(blank) == BLANK


def test_there_are_fifteen_verbal_indicators(rules: list[dict]) -> None:
    assert sum("narrative" in rule for rule in rules) == VERBAL


def test_each_verbal_mittari_of_the_agreement_is_a_narrative(rules: list[dict], agreement: str) -> None:
    lines = [line.strip() for line in agreement.splitlines() if line.strip().startswith("Mittari")]
    verbal = [fold(line) for line in lines if not line.startswith(TABLE_HEAD)]
    quotes = [fold(rule["quote"]) for rule in rules if "narrative" in rule]
    assert len(verbal) == VERBAL
    assert [line for line in verbal if not any(quote.startswith(line) for quote in quotes)] == []


def test_each_row_of_the_indicator_tables_stands_in_the_agreement(agreement: str) -> None:
    text = fold(agreement)
    assert [heading for heading in INDICATORS if fold(heading) not in text] == []


def test_every_quote_stands_in_the_agreement(rules: list[dict], agreement: str) -> None:
    text = fold(agreement)
    assert [name for name, quote in quoted(rules) if quote not in text] == []
