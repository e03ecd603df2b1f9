"""The two bodies of a mail out of templates: the project's own in a child process with limits, or the built-in ones.

The sandbox of a template stops neither an endless loop nor a huge string; a process that can be ended does. A template
that fails costs nothing but its own form: the built-in one stands in, and the fault is told.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from contextlib import suppress
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, PackageLoader, StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from tulosvahti.child import environment
from tulosvahti.emit.words import clean, word

if TYPE_CHECKING:
    from collections.abc import Sequence

FORMS = ("txt", "html")
SECONDS, MEMORY, LONGEST = 10, 1 << 30, 4 << 20
"""What the project's templates of one mail may cost: time, bytes of memory, bytes of result."""
_LAYOUT = {"undefined": StrictUndefined, "trim_blocks": True, "lstrip_blocks": True}


def bodies(
    view: dict[str, Any], folder: Path | None, troubles: list[str], seconds: float = SECONDS, base: str = "digest"
) -> list[str]:
    """Render both forms; ``folder`` may hold the project's own templates. What failed is added to ``troubles``.

    The template of the mail's kind is taken (``reminder.txt.j2``), else ``digest.txt.j2``; so for HTML. A mail of another
    shape has a ``base`` of its own. ``view`` is
    plain data with its ``kind`` and ``language``; templates also get ``say(key, ...)``, the words of that language.
    """
    own = {form: name for form in FORMS if folder is not None and (name := _own(folder, view["kind"], form, base))}
    rendered = _apart(folder, list(own.values()), view, troubles, seconds) if folder is not None and own else {}
    return [rendered[own[form]] if own.get(form) in rendered else _default(form, view, base) for form in FORMS]


def _own(folder: Path, kind: str, form: str, base: str) -> str:
    return next((name for name in (f"{kind}.{form}.j2", f"{base}.{form}.j2") if (folder / name).is_file()), "")


def _default(form: str, view: dict[str, Any], base: str) -> str:
    name = f"{base}.{form}.j2"
    return _built_in(_is_html(name)).get_template(name).render(_full(view))


@lru_cache(maxsize=2)
def _built_in(html: bool) -> Environment:  # noqa: FBT001
    # Plain text has nothing to escape.
    return Environment(loader=PackageLoader("tulosvahti.emit"), autoescape=html, **_LAYOUT)  # type: ignore[arg-type]  # noqa: S701


def _is_html(name: str) -> bool:
    return ".html" in name


def _full(view: dict[str, Any]) -> dict[str, Any]:
    return {**view, "say": partial(word, language=view["language"])}


def _apart(
    folder: Path, names: Sequence[str], view: dict[str, Any], troubles: list[str], seconds: float
) -> dict[str, str]:
    """Render the project's templates in a child process."""
    order = json.dumps({"folder": str(folder.resolve()), "names": names, "view": view, "seconds": int(seconds) + 1})
    fault = "the template needs more memory than is allowed, or crashed"
    with tempfile.TemporaryFile() as out:
        try:
            subprocess.run(  # noqa: S603 (our own module)
                [sys.executable, "-P", "-m", __name__],
                input=order.encode(), stdout=out, stderr=subprocess.DEVNULL, timeout=seconds,
                env=environment(), check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            fault = f"the template did not end in {seconds:g} seconds"
        except OSError as error:
            fault = f"the process for templates could not be started: {error}"
        out.seek(0)
        answers: dict[str, dict[str, str]] = {}
        for line in out.read().splitlines():
            with suppress(ValueError):
                answers |= json.loads(line)
    rendered = {}
    for name in names:
        answer = answers.get(name, {"fault": fault, "line": ""})
        if "text" in answer:
            rendered[name] = answer["text"]
        else:
            place = f"{folder.name}/{name}" + (f":{answer['line']}" if answer["line"] else "")
            troubles.append(f"{place}: {clean(answer['fault'])}; the built-in form was used; correct the template")
    return rendered


def _child(folder: str, names: Sequence[str], view: dict[str, Any], seconds: int) -> None:
    """Render in the child: one line of JSON for each template."""
    _bound(seconds)
    for name in names:
        environment = ImmutableSandboxedEnvironment(
            loader=FileSystemLoader(folder), autoescape=_is_html(name), **_LAYOUT
        )  # fmt: skip
        try:
            text = environment.get_template(name).render(_full(view))
            answer = {"text": text} if len(text) <= LONGEST else {"fault": f"the result is longer than {LONGEST} characters", "line": ""}
        except MemoryError:
            answer = {"fault": "the template needs more memory than is allowed", "line": ""}
        except Exception as error:  # noqa: BLE001 - a project's template can fail in any way; the mail must still go
            answer = {"fault": str(error) or type(error).__name__, "line": str(getattr(error, "lineno", None) or _line(error, name))}
        print(json.dumps({name: answer}), flush=True)  # noqa: T201 (the answer to the parent)


def _line(error: Exception, name: str) -> str:
    """Give the template's line in which an error came up; Jinja puts it into the traceback."""
    line, trace = "", error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename.endswith(name):
            line = str(trace.tb_lineno)
        trace = trace.tb_next
    return line


def _bound(seconds: int) -> None:
    """Bound memory, processor time and output where the system can; the parent's clock bounds the rest."""
    try:
        import resource  # noqa: PLC0415 - not on Windows
    except ImportError:
        return
    wanted = {resource.RLIMIT_AS: MEMORY, resource.RLIMIT_CPU: seconds, resource.RLIMIT_CORE: 0, resource.RLIMIT_FSIZE: LONGEST * 16}
    for what, most in wanted.items():
        with suppress(ValueError, OSError):
            resource.setrlimit(what, (most, most))


if __name__ == "__main__":
    _child(**json.load(sys.stdin))
