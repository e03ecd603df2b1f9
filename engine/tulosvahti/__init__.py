"""Tulosvahti: every target of a public agency's agreement judged, every night, with evidence."""

__version__ = "0.1.0"
