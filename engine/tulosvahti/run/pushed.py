"""Inputs that are measured in their database: what the contract says of the rows there, and the engine over them.

Only counts, sums and failing rows leave the database. All of an input's queries read one moment of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from tulosvahti.compute.found import LostError, NotComputedError
from tulosvahti.compute.pushed_sql import counts, doubles, mismatches, select_of
from tulosvahti.core.contract import DATED, Delivery, DeliveryState, Notice
from tulosvahti.core.fetched import SourceError
from tulosvahti.core.period import containing
from tulosvahti.core.secrecy import SecretError, SecretName, masked
from tulosvahti.load.sources.database import DatabaseSource, engine_there, relation_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import date
    from pathlib import Path

    from tulosvahti.compute.sql_database import SqlDatabase
    from tulosvahti.core.contract import Contract
    from tulosvahti.load.project import Project

_MOST_REJECTED = Decimal(10)
_NOTICE = "measured in its database: no rows are kept here, and a replay measures what the database has then"


@dataclass(frozen=True)
class Pushed:
    """An input in its database: the delivery as it is judged; ``database`` is None where nothing can be measured.

    ``lost``: why the database could not be reached, where it could not.
    """

    delivery: Delivery
    database: SqlDatabase | None = None
    height: int = 0
    lost: str = ""


def push_all(
    project: Project, names: Iterable[str], as_of: date, secret: Callable[[SecretName], str] | None
) -> dict[str, Pushed]:
    """Hold those of the inputs that are measured in their database against their contracts."""
    given = secret or _nothing
    return {
        name: pushed_in(project.contracts[name], project.root, as_of, project.config.compute.seconds, given)
        for name in names
        if project.contracts[name].pushed
    }


def _nothing(name: SecretName) -> str:
    msg = f"{name} is not read here"
    raise SecretError(msg, "judge it with `tulosvahti run`")


def pushed_in(contract: Contract, root: Path, as_of: date, seconds: float, secret: Callable[[SecretName], str]) -> Pushed:
    """Hold the rows of a pushed input against its contract, where they lie."""
    source, expected = contract.fetch, contract.expected_through(as_of)

    def refused(explanation: str, next_step: str, state: DeliveryState = DeliveryState.QUARANTINED) -> Delivery:
        return Delivery(
            contract.name, state, expected_through=expected, explanation=masked(explanation), next_step=next_step,
            synthetic=contract.synthetic,
        )  # fmt: skip

    if not isinstance(source, DatabaseSource):
        return Pushed(refused("it is in no database", "mend `fetch` in the contract"))
    try:
        engine = engine_there(source, root, secret(source.password.name) if source.password is not None else "")
    except (SourceError, SecretError) as error:
        return Pushed(refused(str(error.args[0]), error.next_step, DeliveryState.MISSING))
    relation = relation_of(source)
    from tulosvahti.compute.sql_database import SqlDatabase  # noqa: PLC0415 (few projects measure in a database)

    database = SqlDatabase(engine, {contract.name: select_of(contract, relation)}, seconds)
    try:
        wrong = mismatches(contract, database.columns(relation))
        if wrong:
            database.close()
            step = "mend the contract, or give the database's view the types that it promises"
            return Pushed(refused("; ".join(wrong), step))
        delivery, height = _judged(contract, database, as_of, expected)
    except LostError as error:
        database.close()
        step = "see that the database answers, and that this machine may connect"
        return Pushed(refused(str(error), step, DeliveryState.MISSING), lost=f"{source.shown}: {masked(str(error))}")
    except NotComputedError as error:
        database.close()
        return Pushed(refused(f"{source.shown} cannot be read: {error}", "mend the contract, or ask the keeper of the database"))
    if not delivery.usable:
        database.close()
        return Pushed(delivery)
    return Pushed(delivery, database, height)


def _judged(contract: Contract, database: SqlDatabase, as_of: date, expected: date | None) -> tuple[Delivery, int]:
    total, rejected, filled, last = database.rows(counts(contract, as_of))[0]
    explanation = step = ""
    state, covered = DeliveryState.ACCEPTED, None
    if last is not None:
        covered = containing(last, DATED[contract.field(contract.period).type]).last_day
        covered = covered if contract.frequency is None else containing(covered, contract.frequency).last_day
    limit = _MOST_REJECTED if contract.max_rejects_percent is None else contract.max_rejects_percent
    for named, twice in doubles(contract):
        if (several := database.rows(twice)[0][0]) and state is DeliveryState.ACCEPTED:
            state = DeliveryState.QUARANTINED
            explanation, step = f"{several} values of {named} stand more than once", f"ask {contract.sender} to make {named} unique there"
    if rejected * 100 > limit * total:
        state = DeliveryState.QUARANTINED
        explanation = f"{rejected} of {total} rows break the contract, more than {limit:f} %"
        step = f"ask {contract.sender} to mend the rows in the database"
    elif state is DeliveryState.ACCEPTED and expected is not None and contract.period and (covered is None or covered < expected):
        state = DeliveryState.LATE
        reach = f"content reaches {covered.isoformat()}" if covered else "no row is known yet"
        explanation = f"{reach}; it was due to reach {expected.isoformat()}"
        step = f"ask {contract.sender} for content up to {expected.isoformat()}"
    elif state is DeliveryState.ACCEPTED and rejected:
        explanation, step = f"{rejected} of {total} rows break the contract", f"ask {contract.sender} to mend them in the database"
    told = [_NOTICE, *([f"codes that lost their leading zeros are filled up in {filled} rows"] if filled else [])]
    delivery = Delivery(
        contract.name, state, rows=total - rejected, rejected_rows=rejected, covered_through=covered, expected_through=expected,
        explanation=explanation, next_step=step, notices=tuple(map(Notice, told)), synthetic=contract.synthetic,
        header=tuple(item.column for item in contract.fields),
    )  # fmt: skip
    return delivery, total
