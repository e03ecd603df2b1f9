"""``init``: a new project with the same folders, small and sound, so that it runs at once."""

from __future__ import annotations

import shutil
from importlib.resources import as_file, files
from pathlib import Path


def start_project(folder: Path) -> list[Path]:
    """Write the starter project.

    Raises:
        FileExistsError: the folder holds a project, or a file that would be overwritten.

    """
    with as_file(files("tulosvahti") / "starter") as source:
        pairs = [
            (path, folder / path.relative_to(source).with_name(".gitignore" if path.name == "gitignore" else path.name))
            for path in sorted(source.rglob("*"))
            if path.is_file() and "__pycache__" not in path.parts
        ]
        for _, target in pairs:
            if target.exists():
                msg = f"{target} exists"
                raise FileExistsError(msg)
        for path, target in pairs:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
    return [target for _, target in pairs]
