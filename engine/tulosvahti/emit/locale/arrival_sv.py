"""What is said of deliveries to those who made them, and of what they changed: a part of the catalogue (sv)."""

WORDS: dict[str, str] = {
    "revised.title": "Avslutade perioder som ändrades av nytt innehåll",
    "revised.said": "var {before} (körning {run}), är {after}; orsak: {because}",
    "revised.because": "{input} har annat innehåll: {files} ({before} → {now})",
    "revised.rules": "också projektets regler har ändrats",
}
