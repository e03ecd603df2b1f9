"""What is said when a command cannot come to its end: a sentence where the cause is outside, a trace where it is ours."""

from __future__ import annotations

import sys
import traceback
from contextlib import suppress

from tulosvahti.core.secrecy import SecretError, masked


def tell(error: Exception) -> None:
    """Write it to standard error; never raises, as that may be what fails."""
    with suppress(OSError, ValueError):
        sentence = _sentence(error)
        told = f"not completed: {sentence}" if sentence else "".join(traceback.format_exception(error)).rstrip()
        print(masked(told), file=sys.stderr)  # noqa: T201


def _sentence(error: Exception) -> str:
    from sqlalchemy import exc  # noqa: PLC0415 (an error is rare, and --help is quick)

    from tulosvahti.store.database import LedgerError, told  # noqa: PLC0415
    from tulosvahti.store.inputs import InputStoreError  # noqa: PLC0415
    from tulosvahti.store.lock import LockedError  # noqa: PLC0415

    if isinstance(error, (LedgerError, InputStoreError, LockedError, SecretError)):
        return str(error)
    ours = (exc.IntegrityError, exc.ProgrammingError, exc.DataError, exc.NotSupportedError)
    if isinstance(error, (exc.DatabaseError, exc.TimeoutError)) and not isinstance(error, ours):
        return f"the ledger could not be read or written: {told(error)}; what was committed before is kept: mend the cause, then run again"
    if isinstance(error, OSError):
        return f"{error}; what was done before is kept: mend the cause, then run again"
    return ""
