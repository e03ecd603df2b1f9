"""``fetch`` in a contract: where an input is fetched from. A kind of source is one module here and one line of the shape."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tulosvahti.load.sources.database import DatabaseSource
from tulosvahti.load.sources.declared import Declared
from tulosvahti.load.sources.http import HttpSource
from tulosvahti.load.sources.pxweb import PxwebSource
from tulosvahti.load.sources.sftp import SftpSource

if TYPE_CHECKING:
    from tulosvahti.core.fetched import Source


class FetchShape(Declared):
    """Where an input is fetched from: one of them."""

    database: DatabaseSource | None = None
    http: HttpSource | None = None
    pxweb: PxwebSource | None = None
    sftp: SftpSource | None = None

    def declared(self) -> dict[str, Source]:
        """Give what is declared, by key; one is right."""
        found = {name: getattr(self, name) for name in type(self).model_fields}
        return {name: item for name, item in found.items() if item is not None}
