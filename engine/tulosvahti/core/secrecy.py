"""What must never be told: each secret that was read is known here, and is taken out of every text that is shown or kept.

A secret is masked in all the forms in which it gets into a text: as it is, in a URL, in JSON, in a Python or HTML text,
in Base64. One of fewer than four characters is masked where it stands alone: elsewhere it would take words apart.
"""

from __future__ import annotations

import base64
import html
import json
import re
import threading
from dataclasses import dataclass
from urllib.parse import quote, quote_plus

MASK = "***"
_SHORT = 4
_LINE = 12
"""The lines of a secret of several lines (a key) are secrets too, from this length."""
_KNOWN: set[str] = set()
_LOCK = threading.Lock()
_PATTERN: list[re.Pattern[str]] = []


@dataclass(frozen=True)
class SecretName:
    """Where a secret is: exactly one of an environment variable, a systemd credential and a file."""

    env: str = ""
    credential: str = ""
    file: str = ""

    def __str__(self) -> str:
        """Name the place for people."""
        if self.env:
            return f"the environment variable {self.env}"
        return f"the systemd credential {self.credential}" if self.credential else f"the file {self.file}"


class SecretError(Exception):
    """A secret is not there or may not be used; the text is a sentence and ``next_step`` another."""

    def __init__(self, message: str, next_step: str) -> None:
        """Keep both sentences."""
        super().__init__(message)
        self.next_step = next_step

    def __str__(self) -> str:
        """Say both."""
        return f"{self.args[0]}; {self.next_step}"


def kept_secret(value: str) -> str:
    """Take note of a secret, which from now on is masked, and give it back."""
    lines = [line for line in value.splitlines() if len(line) >= _LINE]
    found = {form for text in (value, *lines) if text.strip() for form in _forms(text)}
    with _LOCK:
        if not found <= _KNOWN:
            _KNOWN.update(found)
            _PATTERN.clear()
    return value


def masked(text: str) -> str:
    """Give the text with every known secret masked."""
    with _LOCK:
        if not _KNOWN:
            return text
        if not _PATTERN:
            parts = sorted(_KNOWN, key=lambda form: (-len(form), form))
            _PATTERN.append(re.compile("|".join(map(_part, parts))))
        return _PATTERN[0].sub(MASK, text)


def _forms(value: str) -> set[str]:
    forms = {
        value,
        quote(value),
        quote(value, safe=""),
        quote_plus(value),
        html.escape(value),
        json.dumps(value)[1:-1],
        json.dumps(value, ensure_ascii=False)[1:-1],
        repr(value)[1:-1],
        base64.b64encode(value.encode()).decode().rstrip("="),
    }
    lowered = {re.sub(r"%[0-9A-F]{2}", lambda found: found[0].lower(), form) for form in forms}
    return {form for form in forms | lowered if form}


def _part(form: str) -> str:
    text = re.escape(form)
    return text if len(form) >= _SHORT else rf"(?<!\w){text}(?!\w)"
