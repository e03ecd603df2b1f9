"""``[schedule]`` in config.toml: jobs and their defaults, every problem with its place, and nights worth knowing about."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tulosvahti.cli.starting import start_project
from tulosvahti.core.slots import Job, Missed
from tulosvahti.load.project import json_schemas, load_project
from tulosvahti.load.schedule import changing_hours
from tulosvahti.problem import ProblemsError


@pytest.fixture
def project(tmp_path):
    start_project(tmp_path)

    def load(schedule: str, zone: str = "Europe/Helsinki"):
        (tmp_path / "config.toml").write_text(f'name = "a"\ntime_zone = "{zone}"\n{schedule}', encoding="utf-8")
        return load_project(tmp_path)

    return load


ALL = """\
[schedule]
nightly = "30 4 * * *"
missed = "skip"
max_late = "2 h"
retries = 1

[schedule.jobs.weekly-sums]
cron = "0 6 * * MON"
rules = ["answers-*", "service-*"]
missed = "run-once"
retry_after = "45 s"

[schedule.jobs.deliveries]
on_delivery = "survey"
retries = 0
"""


@pytest.mark.parametrize(
    ("text", "jobs"),
    [
        ("", [Job("nightly", "0 5 * * *")]),
        ('[schedule]\nnightly = "0 4 * * *"\n', [Job("nightly", "0 4 * * *")]),
        ('[schedule.jobs.a]\ncron = "0 4 * * *"\n', [Job("a", "0 4 * * *")]),
        ('[schedule]\njobs.a = {cron = "0 4 * * *"}\n', [Job("a", "0 4 * * *")]),
        (
            ALL,
            [
                Job("nightly", "30 4 * * *", missed=Missed.SKIP, max_late=timedelta(hours=2), retries=1),
                Job("weekly-sums", "0 6 * * MON", rules="answers-*,service-*", max_late=timedelta(hours=2), retries=1, retry_after=timedelta(seconds=45)),
                Job("deliveries", on_delivery="survey", missed=Missed.SKIP, max_late=timedelta(hours=2), retries=0),
            ],
        ),
    ],
)  # fmt: skip
def test_jobs(project, text, jobs):
    loaded = project(text)
    assert list(loaded.config.schedule.jobs) == jobs
    assert loaded.problems == ()


FIVE = (
    "five fields: minute 0-59, hour 0-23, day 1-31, month 1-12, weekday 0-7 (0 and 7: Sunday), each *, a number, "
    'a list 1,15, a range 1-5 or a step */2; as "30 2 * * *"'
)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('nightly = "0 25 * * *"', [f"config.toml:4:1: nightly: '0 25 * * *' is not a schedule: bad hour; allowed: {FIVE}"]),
        (
            'nightly = "0 5 * *"\n[schedule.jobs.sums]\nrules = "*"\ncron = "0 5 31 2 *"',
            [
                f"config.toml:4:1: nightly: '0 5 * *' is not a schedule: it has 4 fields; allowed: {FIVE}",
                f"config.toml:7:1: cron: '0 5 31 2 *' is not a schedule: bad day-of-month; allowed: {FIVE}",
            ],
        ),
        ('jobs.a = {rules = "x"}', ["config.toml:4:1: a: a mapping: give cron or on_delivery: a job for each"]),
        ('[schedule.jobs.a]\ncron = "0 5 * * *"\non_delivery = "*"', ["config.toml:4:1: a: a mapping: give cron or on_delivery: a job for each"]),
        ('[schedule.jobs.a]\non_delivery = "*"\nmax_late = "1 h"', ["config.toml:4:1: a: a mapping: missed and max_late go with cron: a delivery is never late"]),
        (
            '[schedule.jobs.nightly]\ncron = "0 5 * * *"\n[schedule]\nnightly = "0 5 * * *"',
            ["config.toml:4:1: the job nightly is declared twice: here and by the key nightly of [schedule]; allowed: one of them; remove the key nightly"],
        ),
        ('missed = "all"', ["config.toml:4:1: missed: 'all' is not known; allowed: 'run-once', 'skip'"]),
        ('max_late = "soon"', ["config.toml:4:1: max_late: 'soon' has not the right form; allowed: such as 45 s, 10 min, 12 h or 3 d"]),
        ("retries = -1", ["config.toml:4:1: retries: -1: input should be greater than or equal to 0"]),
        ('nightl = "0 5 * * *"', ["config.toml:4:1: unknown key 'nightl'; allowed: missed, max_late, retries, retry_after, nightly, jobs; did you mean 'nightly'?"]),
    ],
)  # fmt: skip
def test_problems_of_the_schedule(project, text, said):
    with pytest.raises(ProblemsError) as raised:
        project(f"{'' if text.startswith('[') else '[schedule]'}\n{text}\n")
    assert [str(problem) for problem in raised.value.problems] == said


def test_an_unknown_zone(project):
    with pytest.raises(ProblemsError, match=r"^config.toml:2:1: time_zone: 'Europe/Kajaani' is not a time zone; allowed: names such as"):
        project("", "Europe/Kajaani")


def test_a_group_that_matches_nothing_and_the_other_jobs_stay(project):
    loaded = project('[schedule.jobs.sums]\ncron = "0 5 * * *"\nrules = "service-*, servce-satisfaction"\n[schedule.jobs.late]\non_delivery = ["survey", "crm*"]\n')
    assert [str(problem) for problem in loaded.problems] == [
        "config.toml:5:1: rules: no rule matches 'servce-satisfaction', so job sums would never judge it; allowed: globs of rule names; did you mean 'service-satisfaction'?",
        "config.toml:7:1: on_delivery: no input matches 'crm*', so job late would never judge it; allowed: globs of input names",
    ]


@pytest.mark.parametrize(
    ("cron", "zone", "said"),
    [
        ("0 5 * * *", "Europe/Helsinki", ""),
        ("30 3 * * *", "UTC", ""),
        ("30 3 * * MON", "Europe/Helsinki", ""),  # The clock changes on Sundays.
        ("0 * * * *", "Europe/Helsinki", ""),  # Every hour: there is none to choose.
        ("0 4 * * *", "Europe/Helsinki", ""),
        (
            "0,30 3 * * *",
            "Europe/Helsinki",
            ("config.toml:4:1: warning: nightly: '0,30 3 * * *' falls into hours that the clock of Europe/Helsinki changes: "
            "on 2026-03-29 the clock goes from 03:00 to 04:00, so what is due at 03:00, 03:30 runs at 04:00; "
            "on 2026-10-25 it goes from 04:00 back to 03:00, so what is due at 03:00, 03:30 runs once, the first time; allowed: any hour; "
            "nothing is lost or doubled; choose another hour if it must run at its own time in these nights too"),
        ),
        ("30 23 * * *", "America/Nuuk", "on 2026-03-28 the clock goes from 23:00 to 00:00, so what is due at 23:30 runs at 00:00"),
        ("45 1 * * *", "Australia/Lord_Howe", "it goes from 02:00 back to 01:30, so what is due at 01:45 runs once, the first time"),
    ],
)
def test_warnings_name_the_nights(project, cron, zone, said):
    config = project(f'[schedule]\nnightly = "{cron}"\n', zone).config
    warnings = changing_hours(config.schedule, zone, datetime(2026, 1, 1, tzinfo=UTC))
    assert said in "".join(map(str, warnings))
    assert bool(said) == bool(warnings)


def test_the_schema_has_the_jobs():
    schema = json_schemas()["config"]
    job = schema["$defs"]["JobShape"]["properties"]
    assert {"cron", "on_delivery", "rules", "missed", "max_late", "retries", "retry_after"} == set(job)
    assert schema["$defs"]["ScheduleShape"]["properties"]["jobs"]["patternProperties"] == {
        "^[a-z0-9]+(-[a-z0-9]+)*$": {"$ref": "#/$defs/JobShape"}
    }
