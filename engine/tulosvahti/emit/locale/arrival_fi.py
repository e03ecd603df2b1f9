"""What is said of deliveries to those who made them, and of what they changed: a part of the catalogue (fi)."""

WORDS: dict[str, str] = {
    "revised.title": "Päättyneet kaudet, joita muuttunut aineisto muutti",
    "revised.said": "oli {before} (ajo {run}), on {after}; syy: {because}",
    "revised.because": "aineiston {input} sisältö on muuttunut: {files} ({before} → {now})",
    "revised.rules": "myös hankkeen sääntöjä on muutettu",
}
