"""The ledger's tables of values entered by hand: versions of rows, deeds done with them, and their evidence."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, Table, Text

from tulosvahti.store.metadata import METADATA

APPEND_ONLY = ("entries", "entry_steps", "entry_attachments")
"""As in :mod:`tulosvahti.store.schema`."""


def _said(*more: str) -> list[Column[str]]:
    return [Column(name, Text, nullable=False) for name in ("at", "by", *more)]


def _id() -> Column[int]:
    return Column("id", Integer, primary_key=True)


def _entry() -> Column[int]:
    return Column("entry_id", Integer, ForeignKey("entries.id"), nullable=False, index=True)


def _reason() -> Column[str]:
    return Column("reason", Text, nullable=False, server_default="")


entries = Table(
    "entries", METADATA, _id(), *_said("input", "key_json", "sort", "values_json"), _reason(), Index(None, "input", "key_json")
)
"""Versions of rows; the newest of each input, key and sort is worked on."""

entry_steps = Table("entry_steps", METADATA, _id(), *_said(), _entry(), Column("deed", Text, nullable=False), _reason())

entry_attachments = Table(
    "entry_attachments", METADATA, _id(), *_said(), _entry(),
    *(Column(name, Text, nullable=False) for name in ("name", "sha256")), Column("size", Integer, nullable=False),
)  # fmt: skip
"""Evidence beside an entry; the content lies in the input store under its digest."""
