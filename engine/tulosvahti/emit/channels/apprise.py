"""Teams, Slack, webhooks and a hundred others, through Apprise; in a child process, which can be ended at a deadline.

Apprise tells only whether all went well, so whatever went wrong is tried again until the patience ends.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

from tulosvahti.child import environment
from tulosvahti.core.delivery import Answer, MailState

if TYPE_CHECKING:
    from tulosvahti.emit.channels.note import Note

_DEADLINE = 55.0


def send(note: Note, url: str, deadline: float = _DEADLINE) -> Answer:
    """Say a note to an Apprise URL. The URL travels on the child's input: nobody sees it in a list of processes."""
    order = json.dumps({"url": url, "title": note.title, "text": note.text})
    try:
        done = subprocess.run(  # noqa: S603 (our own module)
            [sys.executable, "-P", "-m", __name__],
            input=order.encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=deadline,
            env=environment(),
            check=False,
        )
        reason, said = json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        return Answer(MailState.WAITING, "channel_failed", f"no answer in {deadline:g} s")
    except (OSError, ValueError) as error:
        return Answer(MailState.WAITING, "channel_failed", str(error))
    if not reason:
        return Answer(MailState.SENT)
    return Answer(MailState.FAILED if reason == "bad_url" else MailState.WAITING, reason, said.replace(url, "…")[:500])


def _say(url: str, title: str, text: str) -> tuple[str, str]:
    """Do it, in the child: give what went wrong and what Apprise said of it."""
    try:
        import apprise  # noqa: PLC0415 (an extra)
    except ImportError:
        return "not_installed", ""
    channel = apprise.Apprise()
    with apprise.LogCapture(level=30, fmt="%(message)s") as log:  # type: ignore[no-untyped-call]
        if not channel.add(url):
            return "bad_url", ""
        done = channel.notify(body=text, title=title, body_format=apprise.NotifyFormat.TEXT)
        return ("" if done else "channel_failed"), " ".join(log.getvalue().split())


if __name__ == "__main__":
    print(json.dumps(_say(**json.load(sys.stdin))))  # noqa: T201 (the answer to the parent)
