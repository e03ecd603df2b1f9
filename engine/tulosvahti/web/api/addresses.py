"""The addresses of the API, what each takes and gives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tulosvahti import wiring
from tulosvahti.core.contract import DeliveryState
from tulosvahti.core.text import LANGUAGES, Text
from tulosvahti.core.verdict import Change, Word
from tulosvahti.store import deliveries as arrivals
from tulosvahti.web.api import shapes
from tulosvahti.web.api.calls import ApiAt, Asked, Call, missing
from tulosvahti.web.api.described import described
from tulosvahti.web.past import newest_run, run_or_refusal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tulosvahti.core.rule import Rule
    from tulosvahti.emit.stored import Stored

_MOST_RUNS = 100_000
RUN = Asked("run", "Number of a run that is done, or `newest`.", form=r"newest|[1-9][0-9]{0,8}")
RULE = Asked("rule", "Id of a rule.", form=r"[a-z0-9]+(-[a-z0-9]+)*")
OWNER = Asked("owner", "Only of this party.")
INPUT = Asked("input", "Only of this input.")


def runs(call: Call) -> list[dict[str, Any]]:
    """Give the runs, newest first."""
    return [
        {
            "id": run.id, "as_of": run.as_of.isoformat(), "state": str(run.state), "started_at": run.started_at.isoformat(),
            "finished_at": run.finished_at.isoformat() if run.finished_at else None, "rules_sha256": run.rules_sha256,
            "engine": run.engine, "lookback": run.lookback, "forced_rules": run.forced_rules, "reason": run.reason,
        }
        for run in call.page.ledger.runs(_MOST_RUNS)
    ]  # fmt: skip


def _stored(call: Call) -> Stored:
    wanted = call.part("run")
    found = newest_run(call.page) if wanted == "newest" else run_or_refusal(call.page, wanted)
    if found is None:
        msg = "no run is done yet"
        raise missing(msg)
    return found


def run(call: Call) -> dict[str, Any]:
    """Give one run."""
    number = str(_stored(call).run["id"])
    return next(item for item in runs(call) if item["id"] == number)


def verdicts(call: Call) -> Sequence[Mapping[str, Any]]:
    """Give the verdicts of a run, in the agreement's order."""
    return [
        item for item in _stored(call).verdicts
        if all(call.asked(name) in {"", item[name]} for name in ("verdict", "owner", "rule"))
    ]  # fmt: skip


def findings(call: Call) -> Sequence[Mapping[str, Any]]:
    """Give the findings of a run."""
    found: Sequence[Mapping[str, Any]] = _stored(call).data["findings"]
    return [item for item in found if call.asked("change") in {"", item["change"]}]


def inputs(call: Call) -> Sequence[Mapping[str, Any]]:
    """Give the inputs of a run."""
    found: Sequence[Mapping[str, Any]] = _stored(call).data["inputs"]
    return [item for item in found if call.asked("state") in {"", item["state"]}]


def run_problems(call: Call) -> Sequence[Mapping[str, Any]]:
    """Give the problems that a run met."""
    found: Sequence[Mapping[str, Any]] = _stored(call).data["problems"]
    return found


def rules(call: Call) -> list[dict[str, Any]]:
    """Give the rules as they are now."""
    return [_rule(item) for item in call.page.project.rules if call.asked("owner") in {"", item.owner}]


def rule(call: Call) -> dict[str, Any]:
    """Give one rule."""
    return _rule(_found(call))


def _found(call: Call) -> Rule:
    found = next((item for item in call.page.project.rules if item.id == call.part("rule")), None)
    if found is None:
        msg = f"there is no rule {call.part('rule')!r}"
        raise missing(msg)
    return found


def _rule(item: Rule) -> dict[str, Any]:
    cite = item.cite
    return {
        "id": item.id, "kind": item.kind, "title": _texts(item.title), "owner": item.owner, "unit": item.unit or None,
        "severity": str(item.severity), "in_state_budget": item.in_state_budget, "inputs": list(item.inputs),
        "cite": {"agreement": cite.agreement, "section": cite.section, "page": cite.page, "quote": cite.quote},
    }  # fmt: skip


def _texts(text: Text) -> dict[str, str]:
    return {language: text.in_language(language) for language in LANGUAGES}


def history(call: Call) -> list[dict[str, Any]]:
    """Give the verdicts of a rule, newest run first."""
    return [
        {
            "run": item.run, "as_of": item.as_of.isoformat(), "subject": dict(item.subject), "period": item.period or None,
            "verdict": str(item.verdict), "provisional": item.provisional, "observed": item.observed, "target": item.target,
            "margin": item.margin, "rules_sha256": item.rules_sha256,
        }
        for item in call.page.ledger.history(_found(call).id, _MOST_RUNS)
    ]  # fmt: skip


def deliveries(call: Call) -> list[dict[str, Any]]:
    """Give the arrivals, newest first."""
    with call.page.ledger.transaction(reading=True) as connection:
        found = arrivals.logged(connection, call.asked("input"))
    return [
        {
            "id": item.id, "input": item.input, "place": item.place, "file": item.file.name, "sha256": item.file.sha256,
            "size": item.file.size, "arrived_at": item.arrived_at, "how": str(item.how), "by": item.file.by,
            "state": str(item.became.state), "rows": item.became.rows, "rejects": item.became.rejects,
            "explanation": item.became.explanation, "next_step": item.became.next_step, "run": item.run,
        }
        for item in found
    ]  # fmt: skip


def alerts(call: Call) -> list[dict[str, Any]]:
    """Give the alerts that are pending or fire, worst first."""
    page = call.page
    with page.house.computing():
        overview = wiring.overview(page.project, page.now, page.ledger)
    found = []
    for item in sorted((one for one in overview.standings if one.alert.active), key=lambda one: one.rank):
        said = [one for one in overview.memory.acknowledgements if one.covers(item.alert)]
        told = sorted((who, one) for (who, key), one in overview.memory.log.items() if key == item.key)
        found.append(
            {
                "alert": str(item.key), "about": str(item.key.about), "name": item.key.name, "subject": dict(item.key.subject),
                "state": str(item.alert.state), "since": item.alert.since.isoformat() if item.alert.since else None,
                "verdict": item.alert.word or None, "periods": dict(item.alert.words), "severity": str(item.matter.severity),
                "muted_by": item.muted or None,
                "acknowledged": {"by": said[-1].by, "at": said[-1].at.isoformat(), "note": said[-1].note} if said else None,
                "told": [{"recipient": who, "at": one.at.isoformat(), "firing": one.firing} for who, one in told],
            }
        )  # fmt: skip
    return found


def problems(call: Call) -> list[dict[str, Any]]:
    """Give the problems of the project's files as they are now."""
    return [{**item.parts(), "rule": item.rule or None} for item in call.page.project.problems]


def document(call: Call) -> dict[str, Any]:
    """Give the OpenAPI document."""
    return described(ADDRESSES, call.page.project.config.dashboard)


ADDRESSES: tuple[ApiAt, ...] = (
    ApiAt("/openapi.json", document, "This document.", {"type": "object"}, public=True),
    ApiAt("/runs", runs, "The runs, newest first.", shapes.RUN, paged=True),
    ApiAt("/runs/{run}", run, "One run.", shapes.RUN, parts=(RUN,)),
    ApiAt(
        "/runs/{run}/verdicts", verdicts, "The verdicts of a run, in the agreement's order.", shapes.VERDICT,
        (Asked("verdict", "Only this word.", words=tuple(map(str, Word))), OWNER, RULE), (RUN,), paged=True,
    ),
    ApiAt(
        "/runs/{run}/findings", findings, "What needed attention, and how it changed.", shapes.FINDING,
        (Asked("change", "Only this change.", words=tuple(map(str, Change))),), (RUN,), paged=True,
    ),
    ApiAt(
        "/runs/{run}/inputs", inputs, "The inputs of a run, with what was rejected.", shapes.INPUT,
        (Asked("state", "Only in this state.", words=tuple(map(str, DeliveryState))),), (RUN,), paged=True,
    ),
    ApiAt("/runs/{run}/problems", run_problems, "The problems that a run met.", shapes.PROBLEM, parts=(RUN,), paged=True),
    ApiAt("/rules", rules, "The rules as they are now.", shapes.RULE, (OWNER,), paged=True),
    ApiAt("/rules/{rule}", rule, "One rule.", shapes.RULE, parts=(RULE,)),
    ApiAt("/rules/{rule}/history", history, "The verdicts of a rule, newest run first.", shapes.PAST, parts=(RULE,), paged=True),
    ApiAt("/deliveries", deliveries, "The arrivals, newest first, and what became of each.", shapes.DELIVERY, (INPUT,), paged=True),
    ApiAt("/alerts", alerts, "The alerts that are pending or fire, worst first.", shapes.ALERT, paged=True),
    ApiAt("/problems", problems, "The problems of the project's files as they are now.", shapes.PROBLEM, paged=True),
)  # fmt: skip
