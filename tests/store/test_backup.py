"""Backups on real databases: made while in use, restored into either, refused when touched, killed half-way."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import signal
import sqlite3
import subprocess
import sys
import tarfile
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from published import NOW, publish_run
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from tulosvahti.store import backup, schema
from tulosvahti.store.backup import BackupError, make_backup, verify
from tulosvahti.store.database import LedgerError
from tulosvahti.store.half_restored import refuse_half_restored
from tulosvahti.store.inputs import InputStore
from tulosvahti.store.ledger import Ledger
from tulosvahti.store.lock import LockedError, RunLock
from tulosvahti.store.restore import OccupiedError, Place, restore

SQLITE = "sqlite:///.tulosvahti/ledger.db"
FACTS = {"project": "Kainuu", "engine": "0.1.0", "made_at": "2023-06-01T02:30:00+00:00"}


def contents(url: str, root: Path) -> dict[str, list[tuple[object, ...]]]:
    with closing(Ledger(url, root)) as ledger, ledger.engine.connect() as connection:
        tables = schema.METADATA.sorted_tables
        return {table.name: sorted(map(tuple, connection.execute(select(table))), key=repr) for table in tables}


def files(state: Path) -> dict[str, tuple[bytes, int]]:
    return {
        path.relative_to(state).as_posix(): (path.read_bytes(), path.stat().st_mode & 0o777)
        for path in state.rglob("*")
        if path.is_file() and not path.name.endswith((".lock", ".db", "-wal", "-shm")) and "before-restore-" not in str(path)
    }


def filled(root: Path, url: str, runs: int = 2) -> Path:
    """Make a project's state: runs, an input, a report, a secret."""
    state = root / ".tulosvahti"
    sha256 = InputStore(root).keep(b"a;b\n1;2\n")
    with closing(Ledger(url, root)) as ledger:
        for _ in range(runs):
            publish_run(ledger, sha256)
    (state / "reports").mkdir()
    (state / "reports" / "run-1.fi.html").write_text("<p>ä</p>", encoding="utf-8")
    (state / "link.key").write_bytes(b"\x00secret")
    (state / "link.key").chmod(0o600)
    return state


def archived(root: Path, url: str, target: Path) -> backup.Backup:
    with closing(Ledger(url, root)) as ledger:
        return make_backup(ledger.engine, root / ".tulosvahti", target, FACTS)


@pytest.fixture
def archive(tmp_path):
    filled(tmp_path / "old", SQLITE)
    archived(tmp_path / "old", SQLITE, tmp_path / "backup.tar.gz")
    return tmp_path / "backup.tar.gz"


def place(root: Path, url: str = SQLITE) -> Place:
    return Place(root, root / ".tulosvahti", url)


@pytest.mark.parametrize("source", ["sqlite", "postgresql"])
@pytest.mark.parametrize("target", ["sqlite", "sqlite elsewhere", "postgresql"])
def test_from_either_database_into_either(tmp_path, request, source, target):
    old_root, new_root = tmp_path / "old", tmp_path / "new"
    new_root.mkdir()
    urls = {"sqlite": SQLITE, "sqlite elsewhere": "sqlite:///data/of/ledger.sqlite"}
    old = urls.get(source) or request.getfixturevalue("postgresql_url")
    new = urls.get(target) or request.getfixturevalue("other_postgresql_url")
    state = filled(old_root, old)
    made = archived(old_root, old, tmp_path / "b" / "backup.tar.gz")
    assert (made.runs, made.missing) == (2, ())
    assert made.path.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in made.path.parent.iterdir()] == ["backup.tar.gz"]
    found, aside = restore(made.path, place(new_root, new), "T1", force=False)
    assert (found, aside) == (made, None)
    before, after = contents(old, old_root), contents(new, new_root)
    if source == "sqlite" and target == "postgresql":  # A NUL, which PostgreSQL cannot hold, is its picture there.
        before["rejects"] = [tuple(str(v).replace("\0", "␀") if isinstance(v, str) else v for v in row) for row in before["rejects"]]
    assert after == before
    assert files(new_root / ".tulosvahti") == files(state)
    with closing(Ledger(new, new_root)) as ledger:
        assert publish_run(ledger) == "3"
        with pytest.raises(IntegrityError, match="append-only"), ledger.engine.begin() as connection:
            connection.execute(schema.verdicts.delete())


@pytest.fixture
def other_postgresql_url(postgresql):
    from postgresql import new_schema  # noqa: PLC0415

    other_postgresql_url.number = getattr(other_postgresql_url, "number", 0) + 1
    return new_schema(postgresql, f"other{other_postgresql_url.number}")


def test_a_copy_of_the_live_file_is_empty_and_the_backup_is_not(tmp_path):
    state = filled(tmp_path, SQLITE, runs=0)
    with closing(Ledger(SQLITE, tmp_path)) as ledger:
        ledger.start_run(NOW.date(), NOW, "abc", "0.1.0")
        (tmp_path / "copy.db").write_bytes((state / "ledger.db").read_bytes())
        made = make_backup(ledger.engine, state, tmp_path / "backup.tar.gz", FACTS)
    with closing(sqlite3.connect(tmp_path / "copy.db")) as raw:
        assert raw.execute("SELECT count(*) FROM runs").fetchone() == (0,)
    assert made.runs == 1


def test_rows_that_are_made_again_are_left_out(tmp_path):
    state = filled(tmp_path, SQLITE)
    rows = state / "store" / "rows" / "leads" / "0.parquet"
    rows.parent.mkdir(parents=True)
    rows.write_bytes(b"PAR1")
    made = archived(tmp_path, SQLITE, tmp_path / "backup.tar.gz")
    assert made.missing == ()
    assert any(name.startswith("state/store/") for name in made.files)
    assert not [name for name in made.files if "rows" in name]


def test_an_input_that_is_gone_is_told(tmp_path):
    with closing(Ledger(SQLITE, tmp_path)) as ledger:
        publish_run(ledger, "ab" * 32)
    assert archived(tmp_path, SQLITE, tmp_path / "b.tar.gz").missing == ("ab" * 32,)


def test_an_archive_that_is_there_is_kept(tmp_path, archive):
    before = archive.read_bytes()
    with pytest.raises(BackupError, match="is there already"):
        archived(tmp_path / "old", SQLITE, archive)
    assert archive.read_bytes() == before


def test_a_backup_is_not_kept_in_what_it_is_a_copy_of(tmp_path):
    filled(tmp_path, SQLITE)
    with pytest.raises(BackupError, match="name a place outside"):
        archived(tmp_path, SQLITE, tmp_path / ".tulosvahti" / "backups" / "b.tar.gz")


def rewritten(archive: Path, change) -> None:
    """Make the archive anew from its members, as ``change`` leaves them."""
    with tarfile.open(archive) as tar:
        members = [(member.name, tar.extractfile(member).read()) for member in tar]
    with tarfile.open(archive, "w:gz") as tar:
        for name, content in change(members):
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))


def damaged_ledger(members):
    """Damage the ledger so that all digests are right: only SQLite can tell."""
    broken = dict(members)
    broken["ledger.db"] = broken["ledger.db"][:4096] + b"\xff" * (len(broken["ledger.db"]) - 4096)
    manifest = json.loads(broken["manifest.json"])
    manifest["files"]["ledger.db"][0] = hashlib.sha256(broken["ledger.db"]).hexdigest()
    return [*((n, c) for n, c in broken.items() if n != "manifest.json"), ("manifest.json", json.dumps(manifest).encode())]


def other_manifest(**changes):
    return lambda members: [
        (n, json.dumps({**json.loads(c), **changes}).encode() if n == "manifest.json" else c) for n, c in members
    ]


CHANGES = {
    "a byte of a file": lambda members: [(n, c.replace(b"1;2", b"1;3")) for n, c in members],
    "a file less": lambda members: [m for m in members if not m[0].endswith("link.key")],
    "a file more": lambda members: [("state/new", b"x"), *members],
    "a file twice": lambda members: [members[1], *members],
    "a file above": lambda members: [("state/../../evil", b"x"), *members],
    "an absolute file": lambda members: [("/evil", b"x"), *members],
    "something after the manifest": lambda members: [*members, ("state/late", b"x")],
    "no manifest": lambda members: members[:-1],
    "no ledger": lambda members: members[1:],
    "a damaged ledger": damaged_ledger,
    "a manifest of lists": lambda members: [*members[:-1], ("manifest.json", b"[]")],
    "other runs": other_manifest(runs=7),
    "a newer format": other_manifest(format=2),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_an_archive_that_was_touched_is_refused_and_nothing_changes(tmp_path, archive, change):
    rewritten(archive, change)
    state = filled(tmp_path / "mine", SQLITE, runs=1)
    before = contents(SQLITE, tmp_path / "mine"), files(state)
    with pytest.raises(BackupError, match=r"backup\.tar\.gz|damaged"):
        restore(archive, place(tmp_path / "mine"), "T1", force=True)
    assert (contents(SQLITE, tmp_path / "mine"), files(state)) == before
    assert not list(state.glob("*restor*"))


def test_every_cut_and_every_flipped_byte_is_seen(tmp_path, archive):
    whole = archive.read_bytes()
    touched = tmp_path / "touched.tar.gz"
    step = len(whole) // 40
    for at in range(0, len(whole), step):
        touched.write_bytes(whole[:at])
        with pytest.raises(BackupError):
            verify(touched)
        touched.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        try:
            found = verify(touched)
        except BackupError:
            continue
        # Bytes of the gzip header (its time, its flags) are no content: what was read is what the manifest says.
        assert found.files == verify(archive).files
    touched.write_bytes(gzip.compress(b"no tar"))
    with pytest.raises(BackupError):
        verify(touched)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_force_replaces_and_keeps_the_old_state(tmp_path, request, archive, kind):
    url = SQLITE if kind == "sqlite" else request.getfixturevalue("postgresql_url")
    root = tmp_path / "mine"
    state = filled(root, url, runs=3)
    (state / "mine.txt").write_text("mine")
    old = contents(url, root)
    with pytest.raises(OccupiedError, match="--force replaces it"):
        restore(archive, place(root, url), "T1", force=False)
    assert contents(url, root) == old
    _, aside = restore(archive, place(root, url), "T1", force=True)
    assert aside == state / "before-restore-T1"
    assert len(contents(url, root)["runs"]) == 2
    assert not (state / "mine.txt").exists()
    assert (aside / "mine.txt").read_text() == "mine"
    assert contents(f"sqlite:///{aside}/ledger.db", root) == old
    assert restore(archive, place(root, url), "T1", force=True)[1] == state / "before-restore-T1-1"
    assert archived(root, url, tmp_path / "second.tar.gz").files.keys() == verify(archive).files.keys()


def test_a_damaged_ledger_can_be_replaced(tmp_path, archive):
    root = tmp_path / "mine"
    (root / ".tulosvahti").mkdir(parents=True)
    (root / ".tulosvahti" / "ledger.db").write_bytes(b"no ledger any more" * 999)
    _, aside = restore(archive, place(root), "T1", force=True)
    assert aside is not None
    assert len(contents(SQLITE, root)["runs"]) == 2


@pytest.mark.parametrize("name", ["run.lock", "service.lock"])
def test_refused_while_a_run_or_the_service_is_under_way(tmp_path, archive, name):
    root = tmp_path / "mine"
    with RunLock(root / ".tulosvahti" / name), pytest.raises(LockedError):
        restore(archive, place(root), "T1", force=True)


def test_an_archive_of_a_newer_engine_is_refused(tmp_path):
    root = tmp_path / "old"
    filled(root, SQLITE)
    with closing(sqlite3.connect(root / ".tulosvahti" / "ledger.db")) as raw, raw:
        raw.execute("UPDATE alembic_version SET version_num = '9999'")
    from sqlalchemy import make_url  # noqa: PLC0415

    from tulosvahti.store.database import open_engine  # noqa: PLC0415

    engine = open_engine(make_url(SQLITE), root)
    make_backup(engine, root / ".tulosvahti", tmp_path / "b.tar.gz", FACTS)
    engine.dispose()
    with pytest.raises(LedgerError, match="another version than this engine"):
        restore(tmp_path / "b.tar.gz", place(tmp_path / "new"), "T1", force=False)
    assert not list((tmp_path / "new" / ".tulosvahti").glob("*restor*"))


KILLED = """\
import os, pathlib, signal, sys
from tulosvahti.store.restore import Place, restore
left = int(sys.argv[1])
def count(event, arguments):
    global left
    if event in ("os.rename", "os.mkdir", "os.rmdir", "os.remove"):
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
root = pathlib.Path(sys.argv[3])
place = Place(root, root / ".tulosvahti", sys.argv[4])
sys.addaudithook(count)
restore(pathlib.Path(sys.argv[2]), place, "T1", force=True)
"""


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_killed_at_any_step_it_is_old_new_or_says_to_restore_again(tmp_path, request, archive, kind):
    """A real process is killed before each change of the folder; whatever is left, the next restore is right."""
    restored = 0
    outcomes = set()
    step = 0
    while not restored:
        root = tmp_path / f"mine{step}"
        url = SQLITE
        if kind == "postgresql":
            from postgresql import new_schema  # noqa: PLC0415

            url = new_schema(request.getfixturevalue("postgresql"), f"killed{step}")
        state = filled(root, url, runs=3)
        old = contents(url, root)
        command = [sys.executable, "-c", KILLED, str(step), str(archive), str(root), url]
        done = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603
        assert done.returncode in {0, -signal.SIGKILL}, done.stderr
        restored = done.returncode == 0
        try:
            refuse_half_restored(state)
        except LedgerError as error:
            outcomes.add("half")
            assert f"tulosvahti restore --force {archive}" in str(error)  # noqa: PT017
        else:
            runs = len(contents(url, root)["runs"])
            outcomes.add("new" if runs == 2 else "old")
            assert runs == 2 or contents(url, root) == old
        restore(archive, place(root, url), "T2", force=True)
        assert len(contents(url, root)["runs"]) == 2
        kept = state.glob("before-restore-*/ledger.db")
        assert any(len(contents(f"sqlite:///{path}", root)["runs"]) == 3 for path in kept)
        step += 7 if kind == "postgresql" else 3
    assert outcomes == {"old", "half", "new"}


def test_made_while_runs_are_published(tmp_path, ledger_url):
    """Each backup is of one moment: every run in it is whole."""
    writer = (
        "import sys, pathlib; sys.path.insert(0, sys.argv[3]); from published import publish_run;"
        "from tulosvahti.store.ledger import Ledger; ledger = Ledger(sys.argv[1], pathlib.Path(sys.argv[2]))\n"
        "while True: publish_run(ledger)"
    )
    shared = str(Path(__file__).resolve().parents[1] / "shared")
    with closing(Ledger(ledger_url, tmp_path)) as ledger, ExitStack() as stack:
        process = stack.enter_context(subprocess.Popen([sys.executable, "-c", writer, ledger_url, str(tmp_path), shared]))  # noqa: S603
        stack.callback(process.kill)
        while len(ledger.runs()) < 3:
            assert process.poll() is None
        seen = []
        for number in range(5):
            made = make_backup(ledger.engine, tmp_path / ".tulosvahti", tmp_path / f"{number}.tar.gz", FACTS)
            seen.append(made.runs)
            root = tmp_path / f"back{number}"
            restore(made.path, place(root), "T1", force=False)
            rows = contents(SQLITE, root)
            published = [row for row in rows["runs"] if "done" in row]
            assert len(rows["verdicts"]) == len(rows["outbox"]) == len(rows["rejects"]) == len(published)
        assert process.poll() is None
    assert seen[0] < seen[-1]
