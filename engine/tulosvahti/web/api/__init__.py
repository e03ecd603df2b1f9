"""The JSON API under ``/api/v1``: what the pages show, with numbers as decimal strings. It only reads.

**To add an address**: a function of a :class:`~tulosvahti.web.api.calls.Call` that gives JSON data, and an
:class:`~tulosvahti.web.api.calls.ApiAt` in ``web/api/addresses.py``. Its parameters and the shape of its answer are said
there once: requests are read by them, and ``/api/v1/openapi.json`` is made of them.
"""
