"""``alerts/routes.yaml``: everything it can say, and everything that can be wrong with it, all at once."""

from __future__ import annotations

import re
from datetime import time, timedelta
from pathlib import Path

import pytest

from tulosvahti.cli.starting import start_project
from tulosvahti.core.route import Escalation, Quiet, Route, Summary
from tulosvahti.core.rule import Wait, WaitUnit
from tulosvahti.load.project import json_schemas, load_project
from tulosvahti.load.route_models import RoutesShape

WHOLE = """\
default: agency
repeat: 2 w
quiet: {start: "20:00", end: "07:00", weekends: true, holidays: true}
holidays: {country: FI, subdivision: "01"}
reminders: {before: [14, 3], after: [10, 2]}
summaries:
  - {to: boss, day: monday}
recipients:
  agency:
    name: A
    mail: a@x.example
    repeat: never
    escalation: {after: 36 h, to: boss}
    deputy: boss
    manager: boss
    quiet: {weekends: true, critical: true}
  boss: {name: B, mail: [b@x.example, c@x.example]}
routes:
  - match: {severity: warning, input: survey}
    also: boss
    for: 2 periods
  - {match: {kind: input}, for: 3 runs}
"""
MISTAKES = """\
default: agncy
quiet: {start: "20:00", end: "07:00"}
holidays: {country: FI, subdivision: Kainuu}
summaries:
  - {to: bos, day: monday}
recipients:
  agency:
    name: A
    mail: a@x.example
    escalation: {after: 2 d, to: boss}
    deputy: agency
    manager: nobody
  boss: {name: B, mail: b, escalation: {after: 1 d, to: deputy}}
  deputy: {name: D, mail: d@x.example, escalation: {after: 1 d, to: agency}}
  loose: {name: L, mail: l@x.example, escalation: {after: 1 d, to: los}}
routes:
  - match: {severity: critcal}
    also: [boss]
  - match: {rule: [serv-*]}
    also: [boss, ghost]
  - match: {rule: "service-*"}
"""
SAID = """\
alerts/routes.yaml:1:10: default: no recipient 'agncy'; allowed: agency, boss, deputy, loose; did you mean 'agency'?
alerts/routes.yaml:3:38: subdivision: FI has no 'Kainuu'; allowed: 01, 02, 03, 04, 05, 06, 07, 08, 09, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19
alerts/routes.yaml:5:10: to: no recipient 'bos'; allowed: agency, boss, deputy, loose; did you mean 'boss'?
alerts/routes.yaml:11:13: deputy: 'agency' cannot stand in for itself; allowed: another recipient
alerts/routes.yaml:12:14: manager: no recipient 'nobody'; allowed: agency, boss, deputy, loose
alerts/routes.yaml:13:25: mail: 'b' is not an address; allowed: name@domain, the name of the letters a to z, digits and signs
alerts/routes.yaml:14:69: escalation goes in a circle: agency → boss → deputy → agency; allowed: a chain that ends; leave out the last step
alerts/routes.yaml:15:68: to: no recipient 'los'; allowed: agency, boss, deputy, loose; did you mean 'loose'?
alerts/routes.yaml:17:23: severity: 'critcal' is not known; allowed: critical, warning, info; did you mean 'critical'?
alerts/routes.yaml:19:12: the route matches no rule and no input of the project: rule serv-*; allowed: globs of what is in rules/ and inputs/; see tulosvahti alerts test-route RULE
alerts/routes.yaml:20:11: also: no recipient 'ghost'; allowed: agency, boss, deputy, loose
alerts/routes.yaml:21:5: the route tells nobody; allowed: also, for; name recipients in also"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    start_project(tmp_path)
    return tmp_path


def said(project: Path, text: str) -> list[str]:
    (project / "alerts/routes.yaml").write_text(text, encoding="utf-8")
    return [str(problem) for problem in load_project(project).problems]


def test_everything(project: Path) -> None:
    assert said(project, WHOLE) == []
    routes = load_project(project).routes
    agency = routes.recipients["agency"]
    assert (routes.repeat_of("agency"), routes.repeat_of("boss")) == (0, 14)
    assert routes.quiet_of("boss") == Quiet(time(20), time(7), weekends=True, holidays=True)
    assert routes.quiet_of("agency") == Quiet(weekends=True, critical=True)
    assert (agency.escalation, agency.deputy, agency.manager) == (Escalation(timedelta(hours=36), "boss"), "boss", "boss")
    assert (routes.country, routes.subdivision, routes.before, routes.after) == ("FI", "01", (14, 3), (2, 10))
    assert routes.summaries == (Summary("boss", 0),)
    assert routes.routes == (
        Route((("severity", ("warning",)), ("input", ("survey",))), ("boss",), Wait(2, WaitUnit.PERIODS)),
        Route((("kind", ("input",)),), (), Wait(3, WaitUnit.RUNS)),
    )


def test_every_mistake_is_told_at_once_and_the_rest_works(project: Path) -> None:
    found = said(project, MISTAKES)
    assert found == SAID.splitlines()
    routes = load_project(project).routes
    assert [bool(routes.recipients[key].escalation) for key in ("agency", "boss", "deputy", "loose")] == [True, True, False, False]
    assert (routes.subdivision, routes.summaries) == ("", ())


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("repeat: 2 w", "repeat: often", "alerts/routes.yaml:2:9: repeat: 'often' has not the right form; allowed: never, or days such as 7 d or 2 w"),
        ("repeat: 2 w", "repeat: 0 d", "repeat: '0 d' has not the right form"),
        ("after: 36 h", "after: soon", "after: 'soon' has not the right form; allowed: such as 12 h, 3 d or 2 w"),
        ("for: 2 periods", "for: 2", "for: 2: input should be a valid string"),
        ("for: 2 periods", "for: 0 runs", "for: '0 runs' has not the right form; allowed: such as 2 periods or 3 runs"),
        ("for: 2 periods", "fr: 2 periods", "unknown key 'fr'; allowed: match, also, for; did you mean 'for'?"),
        ('start: "20:00"', 'start: "25:00"', "start: '25:00' has not the right form; allowed: hours and minutes in quotes"),
        ('start: "20:00", ', "", "quiet: a mapping: give both start and end"),
        ('start: "20:00"', 'start: "07:00"', "quiet: a mapping: give both start and end, and not the same hour twice"),
        ("day: monday", "day: someday", "day: 'someday' is not known; allowed: 'monday', 'tuesday'"),
        ("[14, 3]", "[14, -3]", "before: -3: input should be greater than or equal to 1"),
        ("country: FI", "country: ZZ", "country: the holidays of 'ZZ' are not known; allowed: ISO codes such as FI, SE or AX"),
        ("country: FI", "country: Finland", "country: 'Finland' has not the right form; allowed: two letters such as FI"),
        ("mail: a@x.example", "mail: []", "agency: nobody would hear of it; allowed: mail, channels, or both"),
        ("mail: a@x.example", "channels: ['https://x.example/secret']", "channels: not the name of an environment variable; allowed: names such as TEAMS_URL: the URL is a secret and stays out of the file; set the variable where the service starts"),
    ],
)
def test_one_mistake(project: Path, old: str, new: str, message: str) -> None:
    assert old in WHOLE
    found = said(project, WHOLE.replace(old, new, 1))
    assert any(message in item for item in found), found


def test_a_route_is_not_blamed_for_rules_that_have_problems_of_their_own(project: Path) -> None:
    path = project / "rules/1-service.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("owner:", "ownr:"), encoding="utf-8")
    assert [item for item in said(project, MISTAKES) if "matches no rule" in item] == []


def test_a_rules_own_wait(project: Path) -> None:
    path = project / "rules/1-service.yaml"
    text = path.read_text(encoding="utf-8")
    first = text.index("    owner:")
    path.write_text(text[:first] + "    for: 3 runs\n" + text[first:], encoding="utf-8")
    loaded = load_project(project)
    assert loaded.problems == ()
    assert loaded.rules[0].wait == Wait(3, WaitUnit.RUNS)
    path.write_text(text[:first] + "    for: long\n" + text[first:], encoding="utf-8")
    assert "for: 'long' has not the right form; allowed: such as 2 periods or 3 runs" in str(load_project(project).problems[0])


def test_the_schemas_know_the_keys() -> None:
    schemas = json_schemas()
    assert {"repeat", "quiet", "holidays", "reminders", "summaries"} <= schemas["routes"]["properties"].keys()
    assert "for" in schemas["routes"]["$defs"]["RouteShape"]["properties"]
    assert "for" in schemas["rules"]["$defs"]["RuleShape"]["properties"]
    assert "dashboard" in schemas["config"]["properties"]


def test_the_example_of_the_how_to_has_no_problem(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    for name in ("rules", "inputs", "config.toml"):
        (tmp_path / name).symlink_to(root / name)
    (tmp_path / "alerts").mkdir()
    text = (root / "alerts/README.md").read_text(encoding="utf-8")
    example = text.partition("```yaml\n")[2].partition("```")[0]
    assert said(tmp_path, example.replace("[crm-*, leads]", "[crm-*]")) == []
    shape = RoutesShape.model_json_schema()
    used = set(re.findall(r"\w+", example))
    for part in (shape, *shape["$defs"].values()):
        assert set(part.get("properties", {})) <= used
