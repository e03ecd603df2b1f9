"""Rendering and delivering: terminal, report, workbook, mail."""
