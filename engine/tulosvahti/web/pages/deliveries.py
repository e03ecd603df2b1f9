"""Deliveries: what came, what was refused and why, what is due; and uploading by hand, looked at before it counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tulosvahti import wiring
from tulosvahti.core.arrival import Fate
from tulosvahti.core.contract import DeliveryState
from tulosvahti.core.role import Deed
from tulosvahti.emit.told import told
from tulosvahti.store import deliveries
from tulosvahti.web.page import Page, PageAt, Upload
from tulosvahti.web.tickets import taken, ticket

if TYPE_CHECKING:
    from starlette.responses import Response

    from tulosvahti.core.contract import Contract
    from tulosvahti.wiring.taking import Judged

_NEWEST = 50
_ALL = 500
_ROWS = 200


def overview(page: Page) -> Response:
    """Show how each input stands, what is due, and the newest arrivals."""
    with page.ledger.transaction(reading=True) as connection:
        stands = {item["name"]: item for item in deliveries.newest_states(connection)}
        came = deliveries.logged(connection, limit=_NEWEST)
    state = page.asked("state", allowed=[str(one) for one in DeliveryState])
    names = [name for name in page.project.contracts if state in {"", stands.get(name, {}).get("state", "missing")}]
    return page.show(
        "deliveries.html.j2", page.say("web.deliveries.title"), names=names, stands=stands, came=came, state=state,
        states=[str(one) for one in DeliveryState], say_told=lambda text: told(text, page.language), fates=_fate,
    )  # fmt: skip


def _fate(fate: Fate) -> str:
    """Give the state that a fate is coloured as."""
    good = {Fate.ACCEPTED: "accepted", Fate.PARTLY: "late", Fate.LATE: "late", Fate.QUARANTINED: "quarantined"}
    return good.get(fate, "not_due")


def one(page: Page, problem: str = "", status: int = 200) -> Response:
    """Show an input: its contract, how it stands, every arrival, and the form to upload."""
    contract = _contract(page)
    with page.ledger.transaction(reading=True) as connection:
        stands = {item["name"]: item for item in deliveries.newest_states(connection)}
        came = deliveries.logged(connection, contract.name, _ALL)
    return page.show(
        "delivery.html.j2", contract.title.in_language(page.language), status, contract=contract, stand=stands.get(contract.name),
        came=came, problem=problem, say_told=lambda text: told(text, page.language), fates=_fate, may=_may(page, contract),
        rules=[rule for rule in page.project.rules if contract.name in rule.inputs],
    )  # fmt: skip


def _contract(page: Page) -> Contract:
    contract = page.project.contracts.get(page.part("name"))
    if contract is None:
        raise page.missing("web.deliveries.no_such", name=page.part("name"))
    return contract


def _may(page: Page, contract: Contract) -> bool:
    own = contract.entered or not contract.path
    return page.person.may_for(Deed.DELIVER, contract.deliverer) and not own


def preview(page: Page) -> Response:
    """Judge an uploaded file in the intake's child process, and show what would come of it; nothing counts yet."""
    contract = _contract(page)
    if not _may(page, contract):
        raise page.refused("web.error.not_yours")
    found = page.files.get("file", [])
    if not found or not found[0].content:
        return one(page, page.say("web.deliveries.no_file"), 422)
    judged = _judged(page, contract, found[0])
    return page.show(
        "preview.html.j2", page.say("web.deliveries.preview", name=contract.title.in_language(page.language)), contract=contract,
        delivery=judged.delivery, file=found[0].name, say_told=lambda text: told(text, page.language), most=_ROWS,
        ticket=ticket(page, f"delivery {contract.name}", found[0]), place=judged.place.name,
    )  # fmt: skip


def _judged(page: Page, contract: Contract, upload: Upload) -> Judged:
    from tulosvahti.wiring.taking import CallError, judge_content  # noqa: PLC0415 (loads data libraries)

    as_of = wiring.default_as_of(page.project, page.now)
    try:
        with page.house.computing():
            return judge_content(page.project, upload.content, upload.name, contract.name, as_of)
    except CallError as error:
        raise page.refused("web.deliveries.cannot", why=told(str(error), page.language)) from None


def accept(page: Page) -> Response:
    """Put the file that was looked at in place: the next run counts it."""
    from tulosvahti.wiring.taking import accept as put  # noqa: PLC0415 (as above)

    contract = _contract(page)
    if not _may(page, contract):
        raise page.refused("web.error.not_yours")
    filename, sha256, content = taken(page, f"delivery {contract.name}")
    judged = _judged(page, contract, Upload(filename, content))
    if judged.delivery.state is DeliveryState.QUARANTINED:
        raise page.refused("web.deliveries.quarantined")
    with page.change("delivered", f"input:{contract.name}", page.field("note"), file=filename, sha256=sha256) as connection:
        put(page.project, connection, judged, page.person.name, page.now)
    return page.done(f"/deliveries/{contract.name}", "web.said.delivered")


PAGES = (
    PageAt("/deliveries", overview, menu="web.nav.deliveries"),
    PageAt("/deliveries/{name}", one),
    PageAt("/deliveries/{name}/preview", preview, Deed.DELIVER, method="POST"),
    PageAt("/deliveries/{name}/accepted", accept, Deed.DELIVER, method="POST"),
)
