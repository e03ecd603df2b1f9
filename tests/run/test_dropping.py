"""Drop folders: what is taken, what is refused, what waits; and a crash before any step, after which all goes on."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tulosvahti import wiring
from tulosvahti.cli.starting import start_project
from tulosvahti.core.arrival import Fate, How
from tulosvahti.load import dropped as dropped_files
from tulosvahti.load.project import load_project
from tulosvahti.run.nightly import take_in
from tulosvahti.store import deliveries

CONTRACT = """\
title: Käynnit
path: {path}
dialect: {{delimiter: ";"}}
deliverer: agency
primaryKey: [id]
max_rejects: 60 %
drop: {{folder: in, {drop}}}
fields:
  - {{name: id, type: string, constraints: {{required: true}}}}
  - {{name: arvo, type: number, decimalChar: ","}}
"""
SOUND, OTHER, BROKEN = "id;arvo\na;1\n", "id;arvo\na;2,5\nb;x\n", "id\na\n"
STEPS = ["read", "log the arrival", "judge", "put in place", "move aside", "log what became of it"]


class Crash(BaseException):
    """The process ends here."""


class Yard:
    """A project with one input that has a drop folder."""

    def __init__(self, root: Path, path: str = "visits.csv", drop: str = "complete: rename") -> None:
        start_project(root)
        (root / "inputs" / "visits.yaml").write_text(CONTRACT.format(path=path, drop=drop), encoding="utf-8")
        (root / "in").mkdir()
        self.root, self.project = root, load_project(root)
        assert not self.project.problems
        self.now = datetime.now(UTC) + timedelta(hours=1)

    def drop(self, name: str, content: str | bytes = SOUND, written: int | None = None) -> Path:
        path = self.root / "in" / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        if written is not None:
            os.utime(path, ns=(written, written))
        return path

    def take(self, step: Any = lambda _name: None) -> list[str]:
        with wiring.run_lock(self.project), closing(wiring.open_ledger(self.project)) as ledger:
            return [str(item.logged.became.state) for item in wiring.take_dropped(self.project, ledger, lambda: self.now, step)]

    def logged(self) -> list[deliveries.Logged]:
        with closing(wiring.open_ledger(self.project)) as ledger, ledger.transaction(reading=True) as connection:
            return deliveries.logged(connection)

    def states(self) -> int:
        with closing(wiring.open_ledger(self.project)) as ledger, ledger.engine.connect() as connection:
            return connection.exec_driver_sql("SELECT count(*) FROM delivery_states").scalar_one()

    def judged(self) -> Any:
        as_of = self.now.date()
        return take_in(self.project, ["visits"], as_of, lambda _content: "", wiring.refusals(self.project))["visits"].delivery

    def files(self) -> list[str]:
        return sorted(str(path.relative_to(self.root / "in")) for path in (self.root / "in").rglob("*") if not path.is_dir() or path.is_symlink())

    @property
    def place(self) -> Path:
        return self.root / "inputs" / "visits.csv"


@pytest.fixture
def yard(tmp_path: Path) -> Yard:
    return Yard(tmp_path)


def test_a_delivery_is_kept_logged_put_in_place_and_moved_aside(yard: Yard) -> None:
    yard.drop("visits-2026.csv")
    assert yard.take() == ["accepted"]
    (found,) = yard.logged()
    assert (found.file.name, found.place, found.how, found.became.state, found.became.rows) == ("visits-2026.csv", "visits.csv", How.DROP, Fate.ACCEPTED, 1)
    assert yard.place.read_text() == SOUND
    assert yard.files() == ["taken/000001-visits-2026.csv"]
    assert yard.judged().rows == 1


def test_a_run_does_not_log_it_again(yard: Yard) -> None:
    yard.drop("v.csv")
    for hour in range(2):
        at = yard.now + timedelta(hours=hour)
        wiring.run_once(yard.project, at.date(), expectations=False, clock=lambda at=at: at)
    assert [(item.how, item.became.state) for item in yard.logged() if item.input == "visits"] == [(How.DROP, Fate.ACCEPTED)]


def test_the_same_content_three_times_is_three_lines_and_counted_once(yard: Yard) -> None:
    for name in ("a.csv", "b.csv", "b.csv"):
        yard.drop(name)
        yard.take()
    assert [item.became.state for item in yard.logged()] == [Fate.DUPLICATE, Fate.DUPLICATE, Fate.ACCEPTED]
    assert yard.logged()[0].became.explanation == "the same content as visits.csv: counted once"
    assert yard.files() == ["taken/000001-a.csv", "taken/000002-b.csv", "taken/000003-b.csv"]


@pytest.mark.parametrize("name", [".hidden.csv", "a.csv.part", "a.tmp", "a.csv.filepart", "~a.csv~", "a.crdownload", "Thumbs.db"])
def test_what_is_under_way_is_left_alone(yard: Yard, name: str) -> None:
    yard.drop(name)
    assert yard.take() == []
    assert yard.files() == [name]
    assert yard.logged() == []


def test_settle_time(tmp_path: Path) -> None:
    yard = Yard(tmp_path, drop="complete: settle, settle: 10 min")
    path = yard.drop("a.csv")
    yard.now = datetime.fromtimestamp(path.stat().st_mtime, UTC) + timedelta(minutes=9)
    assert yard.take() == []
    yard.now += timedelta(minutes=2)
    assert yard.take() == ["accepted"]


@pytest.mark.parametrize("ending", [".sha256", ".manifest"])
def test_manifest_is_waited_for_and_moved_with_its_file(tmp_path: Path, ending: str) -> None:
    yard = Yard(tmp_path, drop="complete: manifest, files: '*.csv'")
    yard.drop("a.csv")
    assert yard.take() == []
    digest = hashlib.sha256(SOUND.encode()).hexdigest()
    yard.drop(f"a.csv{ending}", f"{digest}  a.csv\n" if ending == ".sha256" else f'{{"sha256": "{digest}", "size": {len(SOUND)}}}')
    assert yard.take() == ["accepted"]
    assert yard.files() == ["taken/000001-a.csv", f"taken/000001-a.csv{ending}"]


def test_a_file_that_is_not_what_its_list_says_is_waited_for_then_refused(tmp_path: Path) -> None:
    yard = Yard(tmp_path, drop="complete: manifest, settle: 5 min")
    path = yard.drop("a.csv")
    yard.drop("a.csv.manifest", f"sha256: {'0' * 64}\nsize: 9\n")
    yard.now = datetime.fromtimestamp(path.stat().st_mtime, UTC) + timedelta(minutes=1)
    assert yard.take() == []
    yard.now += timedelta(minutes=5)
    assert yard.take() == ["quarantined"]
    assert yard.logged()[0].became.explanation == f"a.csv has {len(SOUND)} bytes; its list says 9"


@pytest.mark.skipif(os.name == "nt", reason="no pipes and links there")
@pytest.mark.parametrize(("kind", "word"), [("pipe", "a pipe"), ("link", "a link"), ("folder", "a folder")])
def test_what_is_no_file_is_refused_and_never_opened(yard: Yard, kind: str, word: str) -> None:
    (yard.root / "secret").write_text(SOUND)
    place = yard.root / "in" / "a.csv"
    {"pipe": lambda: os.mkfifo(place), "link": lambda: place.symlink_to(yard.root / "secret"), "folder": place.mkdir}[kind]()
    assert yard.take() == ["quarantined"]
    (found,) = yard.logged()
    assert (found.became.explanation, found.file.sha256) == (f"a.csv is {word}, not a file", "")
    assert (yard.root / "secret").read_text() == SOUND
    assert not yard.place.exists()
    assert yard.take() == []
    assert yard.judged().state == "missing", "what is no file says nothing of the content"


def test_a_file_that_grows_while_it_is_read_is_not_taken(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    path = yard.drop("a.csv")
    opened = os.open

    def growing(place: Any, flags: int, *more: Any) -> int:
        with path.open("a") as file:
            file.write("z;9\n")
        return opened(place, flags, *more)

    with monkeypatch.context() as patch:
        patch.setattr(dropped_files.os, "open", growing)
        assert yard.take() == []
    assert (yard.logged(), yard.files()) == ([], ["a.csv"])
    assert yard.take() == ["accepted"]


def test_what_stays_in_its_folder_is_taken_once_and_again_when_it_is_another(tmp_path: Path) -> None:
    yard = Yard(tmp_path, drop="complete: rename, taken: leave")
    yard.drop("a.csv", written=10**18)
    assert [yard.take(), yard.take()] == [["accepted"], []]
    yard.drop("a.csv", OTHER, written=2 * 10**18)
    assert [yard.take(), yard.take()] == [["accepted_with_rejects"], []]
    assert yard.files() == ["a.csv"]
    assert yard.place.read_text() == OTHER


def test_one_of_several_goes_to_its_own_name_and_strangers_are_refused(tmp_path: Path) -> None:
    yard = Yard(tmp_path, path="visits_*.csv")
    yard.drop("visits_1.csv")
    yard.drop("other.csv", OTHER)
    yard.drop("visits_2.csv", "id;arvo\na;7\n")
    assert sorted(yard.take()) == ["accepted", "accepted", "quarantined"]
    refused = next(item for item in yard.logged() if item.became.state is Fate.QUARANTINED)
    assert refused.became.explanation == "the name 'other.csv' is none of the input's; allowed: visits_*.csv"
    assert (yard.root / "inputs" / "visits_2.csv").is_file()
    assert yard.files()[0] == f"refused/{refused.id:06d}-other.csv"


def test_a_refused_delivery_stands_in_until_another_is_accepted(yard: Yard) -> None:
    yard.drop("a.csv")
    yard.take()
    yard.drop("b.csv", BROKEN)
    assert yard.take() == ["quarantined"]
    assert yard.place.read_text() == SOUND, "what was accepted is kept"
    judged = yard.judged()
    assert (judged.state, judged.sha256) == ("quarantined", hashlib.sha256(BROKEN.encode()).hexdigest())
    assert judged.explanation.startswith("delivery 2, b.csv of 20")
    assert judged.explanation.endswith("is kept, and is not judged")
    assert "tulosvahti deliveries withdraw 2 --reason TEXT" in judged.next_step
    yard.drop("c.csv", OTHER)
    yard.take()
    assert yard.judged().state == "accepted"


@pytest.mark.parametrize("how", ["the same content again", "put there by hand", "withdrawn"])
def test_what_lifts_a_refusal(yard: Yard, how: str) -> None:
    yard.drop("a.csv")
    yard.take()
    yard.drop("b.csv", BROKEN)
    yard.take()
    if how == "the same content again":
        yard.drop("a.csv")
        yard.take()
    elif how == "put there by hand":
        yard.place.write_text(OTHER)
    else:
        with closing(wiring.open_ledger(yard.project)) as ledger, ledger.transaction() as connection:
            deliveries.settle(connection, 2, deliveries.Became(Fate.WITHDRAWN, explanation="a slip", by="me"), yard.now)
    assert yard.judged().state == "accepted"


def test_every_step_is_passed(yard: Yard) -> None:
    yard.drop("a.csv")
    seen: list[str] = []
    yard.take(seen.append)
    assert seen == STEPS


@pytest.mark.parametrize("content", [SOUND, BROKEN], ids=["accepted", "refused"])
@pytest.mark.parametrize("at", STEPS)
def test_a_crash_before_any_step_loses_and_doubles_nothing(yard: Yard, at: str, content: str) -> None:
    def crash(name: str) -> None:
        if name == at:
            raise Crash

    yard.drop("a.csv", content)
    if at == "put in place" and content is BROKEN:
        pytest.skip("a refused delivery is not put in place")
    with pytest.raises(Crash):
        yard.take(crash)
    state = "accepted" if content is SOUND else "quarantined"
    assert yard.take() == [state]
    assert yard.take() == []
    (found,) = yard.logged()
    assert (found.became.state, yard.states()) == (state, 1)
    assert yard.files() == [f"{'taken' if content is SOUND else 'refused'}/000001-a.csv"]
    assert yard.place.exists() is (content is SOUND)


@pytest.mark.parametrize("at", ["judge", "move aside", "log what became of it"])
def test_what_was_dropped_after_a_crash_is_another_delivery(yard: Yard, at: str) -> None:
    def crash(name: str) -> None:
        if name == at:
            raise Crash

    yard.drop("a.csv")
    with pytest.raises(Crash):
        yard.take(crash)
    yard.drop("a.csv", OTHER)
    assert yard.take() == ["accepted", "accepted_with_rejects"]
    assert yard.place.read_text() == OTHER, "the later one wins"
    assert re.sub(r"\d+", "", " ".join(yard.files())).startswith("taken/-a.csv")


@pytest.mark.parametrize("at", STEPS)
def test_killed_at_any_step(yard: Yard, at: str) -> None:
    yard.drop("a.csv")
    code = f"""
import os, pathlib
from contextlib import closing
from tulosvahti import wiring
from tulosvahti.load.project import load_project
project = load_project(pathlib.Path({str(yard.root)!r}))
with wiring.run_lock(project), closing(wiring.open_ledger(project)) as ledger:
    wiring.take_dropped(project, ledger, step=lambda name: os.kill(os.getpid(), 9) if name == {at!r} else None)
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -9  # noqa: S603
    assert yard.take() == ["accepted"]
    assert (len(yard.logged()), yard.states(), yard.place.read_text()) == (1, 1, SOUND)


def test_lint_of_drop(tmp_path: Path) -> None:
    start_project(tmp_path)
    place = tmp_path / "inputs" / "visits.yaml"
    place.write_text(CONTRACT.format(path="v.csv", drop="files: a/*.csv").replace("folder: in", "folder: ./inputs/"), encoding="utf-8")
    told = [item.message for item in load_project(tmp_path).problems]
    assert sorted(told) == ["drop: files: 'a/*.csv' is no name", "drop: folder: inputs/ is where accepted deliveries are put"]
