"""What is said of deliveries to those who made them, and of what they changed: a part of the catalogue (en)."""

WORDS: dict[str, str] = {
    "revised.title": "Closed periods that other content changed",
    "revised.said": "was {before} (run {run}), is {after}, because {because}",
    "revised.because": "{input} has other content: {files} ({before} → {now})",
    "revised.rules": "the project's rules were changed too",
}
