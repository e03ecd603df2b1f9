"""``config.toml``: what the project is called, when it runs, where mail and storage are."""

from __future__ import annotations

from email.utils import parseaddr
from importlib.util import find_spec
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tulosvahti.load.addresses import is_address, not_an_address
from tulosvahti.load.models import ConfigShape
from tulosvahti.load.opened import no_project
from tulosvahti.load.schedule import read_schedule
from tulosvahti.load.serving import read_serve
from tulosvahti.load.settings import CONFIG, ComputeConfig, Config, MailConfig, ServiceConfig
from tulosvahti.load.shapes import shaped, text_of
from tulosvahti.load.source import read_toml
from tulosvahti.load.sources.declared import bytes_of, seconds_of
from tulosvahti.problem import Place, Problem, ProblemsError

if TYPE_CHECKING:
    from pathlib import Path



def load_config(root: Path) -> Config:
    """Read the settings.

    Raises:
        ProblemsError: the file is missing or broken.

    """
    path = root / CONFIG
    if not path.exists():
        raise ProblemsError([no_project(path)])
    source = read_toml(path, CONFIG)
    shape = shaped(ConfigShape, source.data, source) if source.data is not None else None
    if shape is not None:
        try:
            ZoneInfo(shape.time_zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            message = f"time_zone: {shape.time_zone!r} is not a time zone"
            source.problems.append(Problem(source.place(("time_zone",)), message, "names such as Europe/Helsinki"))
        schedule = read_schedule(shape.schedule, source)
        serve = read_serve(shape.serve, shape.dashboard.url, source)
        source.problems.extend(_ledger_problems(shape.storage.ledger, source.place(("storage", "ledger"))))
        if shape.compute.engine == "spark" and find_spec("pyspark") is None:
            step = "pip install 'tulosvahti[spark]', with Java 17 or newer"
            place = source.place(("compute", "engine"))
            source.problems.append(Problem(place, "compute.engine: PySpark is not installed", "duckdb, or spark with PySpark", step))
        for key, addresses in (("sender", [parseaddr(shape.mail.sender)[1]]), ("operator", shape.mail.operator)):
            source.problems += [
                not_an_address(source.place(("mail", key)), key, one) for one in addresses if not is_address(one)
            ]
    if shape is None or source.problems:
        raise ProblemsError(source.problems)
    mail = MailConfig(**{**shape.mail.model_dump(), "operator": tuple(shape.mail.operator)})
    return Config(
        text_of(shape.name),
        tuple(shape.languages),
        shape.time_zone,
        shape.as_of,
        schedule,
        mail,
        shape.storage.ledger,
        ComputeConfig(
            shape.compute.engine,
            seconds_of(shape.compute.deadline),
            bytes_of(shape.compute.memory),
            shape.compute.threads,
            shape.compute.master,
            tuple(sorted((name, str(value)) for name, value in shape.compute.settings.items())),
        ),
        shape.compute.data_docs,
        shape.dashboard.url.rstrip("/"),
        ServiceConfig(**shape.service.model_dump()),
        shape.storage.password_env,
        serve,
    )


def _ledger_problems(url: str, place: Place) -> list[Problem]:
    allowed = "sqlite:///FILE or postgresql+psycopg://USER@HOST/DATABASE"
    if url.startswith("sqlite:///"):
        return []
    try:
        parts = urlsplit(url)
        password = parts.password or dict(parse_qsl(parts.query)).get("password")
    except ValueError as error:
        return [Problem(place, f"ledger: not a database URL ({error})", allowed)]
    if parts.scheme not in {"postgresql", "postgresql+psycopg"}:
        return [Problem(place, f"ledger: {parts.scheme or url!r} is not a database that the ledger can be in", allowed)]
    if not parts.path.strip("/"):
        return [Problem(place, "ledger: the URL names no database", allowed)]
    if password:
        step = "put it into ~/.pgpass, or into an environment variable that storage.password_env names"
        return [Problem(place, "ledger: a password stands in a file that is kept in git", "a URL without one", step)]
    return []
