"""From a run to the mailbox through the command line: a server that fails, the list, and sending again."""

from __future__ import annotations

import email
import threading
from email import policy

import pytest
from mail_server import Inbox, free_port, mail_server

from tulosvahti.load.project import load_project
from tulosvahti.schedule.post import keep_delivering
from tulosvahti.wiring import mail_trouble

MAIL = '[mail]\nsender = "tulosvahti@agency.example"\nhost = "127.0.0.1"\nport = {port}\nstarttls = false\n'


def with_mail(project, port: int, *more: str) -> None:
    config = (project.root / "config.toml").read_text(encoding="utf-8")
    head, _, rest = config.partition("[mail]\n")
    project.write("config.toml", head + MAIL.format(port=port) + "\n".join(more) + "\n" + rest[rest.index("[storage]") :])
    project.write("inputs/visits.csv", "visit_id;visited_on;cost\n")  # something to alert


def test_an_unreachable_server_then_a_refusal_then_a_corrected_one(project):
    with_mail(project, free_port(), 'operator = ["admin@agency.example"]')
    result, _ = project.run("--no-expectations")
    assert result.exit_code == 1
    assert "waits: 127.0.0.1:" in result.stderr
    assert "does not answer" in result.stderr
    assert "mail.host and mail.port in config.toml" in result.stderr
    listed = project.call("outbox")
    assert (listed.exit_code, listed.stdout.count("waiting"), "attempts: 1; next 20" in listed.stdout) == (0, 1, True)

    refuse = lambda _stage, what: "550 no such user" if what == "results@agency.example" else ""  # noqa: E731
    with mail_server(Inbox(refuse)) as inbox:
        with_mail(project, inbox.port, 'operator = ["admin@agency.example"]')
        assert project.call("outbox", "--retry", "1").exit_code == 0
        failed = project.call("outbox", "--send")
        assert failed.exit_code == 1
        assert "mails sent: 1" in failed.stderr
        assert "results@agency.example (agency, run 1; attempts: 2)" in failed.stdout
        assert "tulosvahti outbox --retry 1." in failed.stdout
        ((_, to, content),) = inbox.got
        message = email.message_from_bytes(content, policy=policy.default)
        assert (to, message["Subject"]) == (("admin@agency.example",), "Tulosvahti: a message did not reach its recipient")
        text = message.get_body(("plain",)).get_content()
        assert "The server refuses the address results@agency.example (550 no such user)." in text.replace("\n", " ")

        inbox.fault = lambda _stage, _what: ""
        assert "due now: 1 addresses" in project.call("outbox", "--retry", "all", "--send").stderr
        assert [to for _, to, _ in inbox.got] == [("admin@agency.example",), ("results@agency.example",)]
        assert "nothing waits and nothing failed" in project.call("outbox").stderr
        assert project.call("outbox", "--all").stdout.count(" sent ") == 2
        assert "nothing to retry" in project.call("outbox", "--retry", "all", "--send").stderr
        assert len(inbox.got) == 2


def test_schedule_once_sends_what_waits_though_nothing_is_to_be_run(project):
    with mail_server(Inbox()) as inbox:
        with_mail(project, inbox.port)
        inbox.fault = lambda stage, _what: "451 later" if stage == "MAIL" else ""
        project.run("--no-expectations")
        assert (inbox.got, project.call("outbox").stdout.count(" waiting ")) == ([], 1)
        inbox.fault = lambda _stage, _what: ""
        project.call("outbox", "--retry", "all")
        assert "nothing was run" in project.call("schedule", "--once").stderr
        assert [to for _, to, _ in inbox.got] == [("results@agency.example",)]


def test_a_mail_that_cannot_be_written_to_a_file_is_loud_and_kept(project):
    project.write("inputs/visits.csv", "visit_id;visited_on;cost\n")
    (project.root / ".tulosvahti").mkdir()
    (project.root / ".tulosvahti/outbox").write_text("no folder", encoding="utf-8")
    result, _ = project.run("--no-expectations")
    assert isinstance(result.exception, OSError)
    (project.root / ".tulosvahti/outbox").unlink()
    assert "written: 1" in project.call("outbox", "--retry", "all", "--send").stderr


def test_a_password_that_is_not_there(project):
    with_mail(project, free_port(), 'username = "me"', 'password_env = "TULOSVAHTI_TEST_UNSET"')
    result, _ = project.run("--no-expectations")
    assert "waits: The environment variable TULOSVAHTI_TEST_UNSET is not set." in result.stderr
    opened = load_project(project.root)
    assert mail_trouble(opened).startswith("The environment variable TULOSVAHTI_TEST_UNSET is not set.")


def test_a_template_that_fails_is_told_to_the_operator_in_the_same_run(project):
    project.write("alerts/digest.txt.j2", "{{ nobody }}")
    with mail_server(Inbox()) as inbox:
        with_mail(project, inbox.port)
        result, _ = project.run("--no-expectations")
    assert "alerts/digest.txt.j2:1: 'nobody' is undefined; the built-in form was used" in result.stderr
    subjects = [email.message_from_bytes(content, policy=policy.default)["Subject"] for _, _, content in inbox.got]
    assert len(subjects) == 2
    assert "Tulosvahti: a template of the project failed" in subjects


BROKEN = [
    ("config.toml", 'operator = ["admin"]', "operator: 'admin' is not an address; allowed: name@domain"),
    ("alerts/routes.yaml", "    mail: ä@agency.example", "mail: 'ä@agency.example' is not an address"),
    ("alerts/routes.yaml", "    channels: json://host/secret", "routes.yaml:5:15: channels: not the name of an environment variable; allowed"),
    ("alerts/routes.yaml", "", "agency: nobody would hear of it; allowed: mail, channels, or both"),
]


@pytest.mark.parametrize(("file", "line", "said"), BROKEN)
def test_bad_addresses(project, file, line, said):
    if file == "config.toml":
        with_mail(project, 25, line)
    else:
        routes = (project.root / file).read_text(encoding="utf-8")
        project.write(file, routes.replace("    mail: results@agency.example", line))
    result = project.call("lint")
    assert result.exit_code == 2
    assert said in result.stdout + result.stderr
    assert f"{file}:" in result.stdout + result.stderr
    assert "secret" not in result.stdout.replace("is a secret", "")


def test_retry_of_what_is_no_number(project):
    result = project.call("outbox", "--retry", "first")
    assert (result.exit_code, "allowed: the number of a message in the list, or all" in result.stderr) == (2, True)


def test_the_loop_goes_on_after_a_fault_and_ends_when_told():
    stop, calls = threading.Event(), []

    def deliver() -> None:
        calls.append(1)
        if len(calls) == 1:
            raise OSError("disk full")
        stop.set()

    keep_delivering(deliver, stop, 0.01)
    assert len(calls) == 2
