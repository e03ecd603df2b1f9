"""Why something cannot be shown or done: a sentence in the reader's language instead of a page."""

from __future__ import annotations

from http import HTTPStatus


class Refusal(Exception):  # noqa: N818 (it is no fault of the program)
    """An answer that says why not. ``key`` is of the catalogue; ``details`` fill its sentence."""

    def __init__(self, status: HTTPStatus, key: str, **details: object) -> None:
        """Name the sentence."""
        super().__init__(key)
        self.status, self.key, self.details = status, key, details
        self.headers: dict[str, str] = {}
