"""The dashboard: pages over what the ledger knows. Server-rendered, no request to anybody else, no inline script or style.

**To add a page**: one module in ``web/pages`` and its name in ``web/pages/__init__.py``. The module ends with
``PAGES``, one :class:`~tulosvahti.web.page.PageAt` for each address::

    def overview(page: Page) -> Response:
        run = page.ledger.newest_done()                  # page.ledger reads one database, and cannot write
        wanted = page.asked("verdict", allowed=WORDS)    # a query parameter; a foreign value is refused
        return page.show("overview.html.j2", page.say("web.overview.title"), run=run)

    PAGES = (PageAt("/overview", overview, menu="web.nav.overview"),)

- The template lies in ``web/templates`` and begins with ``{% extends "page.html.j2" %}``; it fills the block ``main``,
  and says every text with ``say('web.…')`` (catalogues ``emit/locale/web_fi.py``, ``_sv``, ``_en``: the same keys in all
  three, which a test proves). ``parts.html.j2`` has macros for verdicts, tables, pagers, fields and buttons.
- ``page`` is the :class:`~tulosvahti.web.page.Page`: project, reading ledger, language, person, moment; links are
  ``page.url("/runs", run=3)``, files ``page.asset("house.css")``. ``page.number``, ``page.day``, ``page.moment`` write
  figures as the reader does. ``raise page.missing("web.no_run", run=3)`` answers 404 with a sentence.
- What changes something is a ``PageAt`` of ``method="POST"``: its form needs ``{{ form_token() }}``; it writes with
  ``page.change(...)`` in one transaction with its line in the history of changes, and ends with
  ``return page.done("/alerts", "web.said.acknowledged")``. ``page.form`` has the fields, ``page.files`` the uploads.
- ``deed`` says who may (``core/role.py``). Functions are plain ``def`` and run in threads; a long computation goes
  through ``page.house.computing()``, which lets few at a time begin.
- Styles go into ``web/static/house.css`` by class. A ``style`` attribute or an inline script is stopped by the
  Content-Security-Policy: charts are SVG with presentation attributes, or ``<img>``. What htmx is to swap is a normal
  page too: ``page.partial`` tells whether only a fragment is asked for.
"""
