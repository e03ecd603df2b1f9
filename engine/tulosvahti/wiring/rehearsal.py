"""An edited rule file tried out: its problems, and what its rules would say of the inputs. Nothing is saved.

The inputs are those that lie there now, or those that a past run had.
"""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from tulosvahti.emit.jsonout import to_json
from tulosvahti.emit.stored import stored_of
from tulosvahti.load.project import load_project
from tulosvahti.run.judging import with_cited
from tulosvahti.run.nightly import Before, Request, evaluate, needed_inputs
from tulosvahti.wiring.dropping import refusals
from tulosvahti.wiring.past_inputs import Then, inputs_then
from tulosvahti.wiring.secrets import secret_reader

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from tulosvahti.core.refusal import Refusal
    from tulosvahti.core.rule import Rule
    from tulosvahti.emit.stored import Stored
    from tulosvahti.load.project import Project
    from tulosvahti.load.tables import Taken
    from tulosvahti.problem import Problem

LONGEST = 400_000
"""Characters of a rule file that is tried out."""


@dataclass(frozen=True)
class Rehearsed:
    """What came of it. ``before`` and ``after``: the file's rules as they are saved, and as edited, on the same inputs."""

    problems: tuple[Problem, ...]
    before: Stored | None = None
    after: Stored | None = None
    gone: tuple[str, ...] = ()
    """Inputs of a past run that cannot be had again: they were judged as they are now."""


def rule_files(project: Project) -> list[str]:
    """Name the project's rule files, in their order."""
    return sorted(path.name for path in (project.root / "rules").glob("*.yaml") if path.is_file())


def rule_text(project: Project, name: str) -> str | None:
    """Give the text of a rule file; None where there is none of that name."""
    if name not in rule_files(project):
        return None
    return (project.root / "rules" / name).read_text(encoding="utf-8", errors="replace")


def rehearse(  # noqa: PLR0913 (an edit, and on what it is tried out)
    project: Project, name: str, text: str, as_of: date, *, judged: bool, past: Stored | None = None
) -> Rehearsed:
    """Read the project with one rule file replaced; judge its rules, saved and edited, where that is asked for.

    ``past``: the run whose inputs they are judged on, as of its day; else on those of now, as of ``as_of``.

    Raises:
        ProblemsError: config.toml is broken.

    """
    with tempfile.TemporaryDirectory(prefix="tulosvahti-rules-", ignore_cleanup_errors=True) as scratch:
        edited = _edited(project, name, text, Path(scratch))
        place = f"rules/{name}"
        mine = {rule.id for side in (project, edited) for rule in side.rules if rule.place.file == place}
        known = {str(problem) for problem in project.problems if problem.place.file != place}
        problems = tuple(problem for problem in edited.problems if str(problem) not in known)
        if not judged or not mine:
            return Rehearsed(problems)
        then = Then()
        if past is not None:
            read = {name for side in (project, edited) for rule in side.rules if rule.id in mine for name in _read(side, rule)}
            then = inputs_then(project, past.data["inputs"], sorted(read & project.contracts.keys()), past.as_of)
        on = _On(past.as_of if past is not None else as_of, then.taken, {} if past is not None else refusals(project))
        before, after = (_judged(side, mine, on, Path(scratch)) for side in (project, edited))
    return Rehearsed(problems, before, after, tuple(then.gone))


@dataclass(frozen=True)
class _On:
    """What both sides are judged on."""

    as_of: date
    given: Mapping[str, Taken]
    refusals: Mapping[str, Refusal]


def _read(project: Project, rule: Rule) -> Sequence[str]:
    return needed_inputs(with_cited([rule], {item.id: item for item in project.rules}))


def _edited(project: Project, name: str, text: str, folder: Path) -> Project:
    """Read a copy of the project's declarations; its data stays where it is."""
    shutil.copy2(project.root / "config.toml", folder / "config.toml")
    for path in project.root.iterdir():  # What the files name, such as certificates, is found where it was.
        if not path.name.startswith(".") and path.name not in {"config.toml", "rules", "inputs", "alerts"}:
            (folder / path.name).symlink_to(path.resolve())
    for part in ("rules", "inputs", "alerts"):
        (folder / part).mkdir()
        for path in (project.root / part).glob("*.yaml"):
            if path.is_file():
                shutil.copy2(path, folder / part / path.name)
    (folder / "rules" / name).write_text(text, encoding="utf-8")
    return replace(load_project(folder), root=project.root)


def _judged(project: Project, rules: set[str], on: _On, scratch: Path) -> Stored:
    chosen = ",".join(sorted(rule.id for rule in project.rules if rule.id in rules)) or "-"
    work = Path(tempfile.mkdtemp(dir=scratch))
    secret = secret_reader(project.root)
    request = Request("0", on.as_of, chosen, expectations=False, work_folder=work, secret=secret, given=on.given)
    outcome = evaluate(project, request, Before({}, {}, None, refusals=on.refusals), lambda _content: "")
    return stored_of(outcome, to_json(outcome, project.agreements, project.contracts))
