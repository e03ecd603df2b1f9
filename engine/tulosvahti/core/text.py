"""Texts in the project's languages, as written in its files."""

from __future__ import annotations

from dataclasses import dataclass

LANGUAGES = ("fi", "sv", "en")


@dataclass(frozen=True)
class Text:
    """One text in up to three languages; a language that is missing falls back to the first that is there."""

    fi: str = ""
    sv: str = ""
    en: str = ""

    def in_language(self, language: str) -> str:
        """Give the text in a language, or in the first that has it."""
        return str(getattr(self, language, "")) or self.fi or self.sv or self.en

    def __bool__(self) -> bool:
        """Tell whether any language has a text."""
        return bool(self.fi or self.sv or self.en)
