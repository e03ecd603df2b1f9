"""The only place that builds the real things: clock, ledger, stores, mail. Everything below is handed what it needs.

A name is looked up when it is used: what measures loads data libraries, which those who only look do without.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tulosvahti.wiring.alerts import Overview, acknowledge_link, alert, judged_words, overview
    from tulosvahti.wiring.base import (
        STATE,
        default_as_of,
        now,
        open_ledger,
        run_lock,
        secret,
        service_lock,
        state_folder,
        steady,
    )
    from tulosvahti.wiring.dropping import dropped, refusals, take_dropped
    from tulosvahti.wiring.fetching import fetch, fetch_aside, keep_fetched
    from tulosvahti.wiring.intake import put_in_place
    from tulosvahti.wiring.mail import Delivered, deliver, mail_trouble, why_unsent
    from tulosvahti.wiring.reports import make_report, newest_done, stored_json
    from tulosvahti.wiring.runs import Done, run_once, run_slot
    from tulosvahti.wiring.secrets import secret_reader

__all__ = [
    "STATE", "Delivered", "Done", "Overview", "acknowledge_link", "alert", "default_as_of", "deliver", "dropped", "fetch", "fetch_aside", "judged_words",
    "keep_fetched",
    "mail_trouble", "make_report", "newest_done", "now", "open_ledger", "overview", "put_in_place", "refusals", "run_lock", "run_once", "run_slot",
    "secret", "secret_reader", "service_lock",
    "state_folder", "steady", "stored_json", "take_dropped", "why_unsent",
]  # fmt: skip
_PLACES = {
    "alerts": "Overview acknowledge_link alert judged_words overview",
    "base": "STATE default_as_of now open_ledger run_lock secret service_lock state_folder steady",
    "dropping": "dropped refusals take_dropped",
    "fetching": "fetch fetch_aside keep_fetched",
    "intake": "put_in_place",
    "mail": "Delivered deliver mail_trouble why_unsent",
    "reports": "make_report newest_done stored_json",
    "runs": "Done run_once run_slot",
    "secrets": "secret_reader",
}
_PLACE_OF = {name: place for place, names in _PLACES.items() for name in names.split()}


def __getattr__(name: str) -> Any:  # noqa: ANN401 (whatever it is)
    if name not in _PLACE_OF:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    return getattr(import_module(f"{__name__}.{_PLACE_OF[name]}"), name)
