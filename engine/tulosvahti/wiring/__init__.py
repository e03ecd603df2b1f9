"""The only place that builds the real things: clock, ledger, stores, mail. Everything below is handed what it needs."""

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
from tulosvahti.wiring.intake import put_in_place
from tulosvahti.wiring.mail import Delivered, deliver, mail_trouble, why_unsent
from tulosvahti.wiring.reports import make_report, newest_done, stored_json
from tulosvahti.wiring.runs import Done, run_once, run_slot

__all__ = [
    "STATE", "Delivered", "Done", "Overview", "acknowledge_link", "alert", "default_as_of", "deliver", "judged_words",
    "mail_trouble", "make_report", "newest_done", "now", "open_ledger", "overview", "put_in_place", "run_lock", "run_once", "run_slot",
    "secret", "service_lock",
    "state_folder", "steady", "stored_json", "why_unsent",
]  # fmt: skip
