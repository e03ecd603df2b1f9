"""The catalogues: one module a language, all with the same keys."""
