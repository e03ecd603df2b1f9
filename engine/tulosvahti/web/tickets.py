"""What was looked at and is to be taken: a signed note in the form, so that only that, and only by whom looked, is taken."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import TYPE_CHECKING

from tulosvahti.store.inputs import InputStore, InputStoreError

if TYPE_CHECKING:
    from tulosvahti.web.page import Page, Upload


def ticket(page: Page, what: str, upload: Upload) -> str:
    """Keep an upload by its content, and give the note for it."""
    sha256 = InputStore(page.project.root).keep(upload.content)
    said = base64.urlsafe_b64encode(json.dumps([what, upload.name, sha256]).encode()).decode()
    return f"{said}.{_mac(page, said)}"


def taken(page: Page, what: str) -> tuple[str, str, bytes]:
    """Give name, digest and content of what was looked at.

    Raises:
        Refusal: the note is not ours, or of something else.

    """
    said, _, mac = page.form.get("ticket", "").partition(".")
    if not hmac.compare_digest(mac.encode(), _mac(page, said).encode()):
        raise page.refused("web.error.old_form")
    of, name, sha256 = json.loads(base64.urlsafe_b64decode(said))
    if of != what:
        raise page.refused("web.error.old_form")
    try:
        return name, sha256, InputStore(page.project.root).read(sha256)
    except InputStoreError:
        raise page.refused("web.error.old_form") from None


def _mac(page: Page, said: str) -> str:
    return hmac.new(page.house.secret, f"tulosvahti taken {page.person.name} {said}".encode(), hashlib.sha256).hexdigest()
