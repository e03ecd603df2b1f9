"""What the declarations of several sources have: secrets, spans of time, sizes; and their problems."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from tulosvahti.core.secrecy import SecretName
from tulosvahti.problem import Place, Problem

_SECONDS = {"s": 1, "min": 60, "h": 3600}
_BYTES = {"kB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30}
SECRET_IN_FILE = "secret_in_file"  # noqa: S105 (the name of a problem)
_SAYS_SECRET = re.compile(r"pass|pwd|secret|token|auth|cookie|credential|signature|\bsig\b|api[-_]?key|(?:^|[-_])key$", re.IGNORECASE)

Wait = Annotated[str, Field(pattern=r"^\s*[1-9]\d{0,3}\s*(s|min|h)\s*$", description="such as 45 s, 10 min or 1 h")]
Size = Annotated[str, Field(pattern=r"^\s*[1-9]\d{0,5}\s*(kB|MB|GB)\s*$", description="such as 500 kB, 200 MB or 2 GB")]


class Declared(BaseModel):
    """A mapping with known keys only."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @property
    def several(self) -> bool:
        """Tell whether more than one file may come, whose rows are then told apart by the contract's key."""
        return False


class SecretShape(Declared):
    """Where a secret is; the secret itself never stands in a file of the project."""

    env: str = Field(default="", pattern=r"^([A-Za-z_]\w*)?$", description="the name of an environment variable")
    credential: str = Field(default="", pattern=r"^([\w.-]+)?$", description="the name of a systemd credential")
    file: str = ""

    @model_validator(mode="after")
    def _one(self) -> SecretShape:
        if sum(map(bool, (self.env, self.credential, self.file))) != 1:
            msg = "give one of env, credential and file"
            raise ValueError(msg)
        return self

    @property
    def name(self) -> SecretName:
        """Give the place."""
        return SecretName(self.env, self.credential, self.file)


def _no_secret_itself(value: Any) -> Any:  # noqa: ANN401 (what a person wrote)
    if isinstance(value, dict | SecretShape) or value is None:
        return value
    raise PydanticCustomError(SECRET_IN_FILE, "a secret stands in a file of the project")


Secret = Annotated[SecretShape, BeforeValidator(_no_secret_itself)]


def seconds_of(text: str) -> float:
    """Read a wait: ``10 min``."""
    count, unit = _parts(text)
    return float(count * _SECONDS[unit])


def bytes_of(text: str) -> int:
    """Read a size: ``200 MB``."""
    count, unit = _parts(text)
    return count * _BYTES[unit]


def _parts(text: str) -> tuple[int, str]:
    found = re.fullmatch(r"\s*(\d+)\s*(\w+)\s*", text)
    if found is None:
        raise ValueError(text)  # the shape has refused it already
    return int(found[1]), found[2]


def says_secret(name: str) -> bool:
    """Tell whether a header or a parameter of this name holds a secret."""
    return bool(_SAYS_SECRET.search(name))


def secret_in_file(place: Place, name: str) -> Problem:
    """Say that a secret stands in a file that is kept in git; never the secret."""
    return Problem(
        place,
        f"{name}: a secret stands in a file that is kept in git",
        "{env: NAME}, {credential: NAME} or {file: PATH}",
        "make the secret anew, as it has been seen, and name where it is; of an address, under `parameters`",
    )
