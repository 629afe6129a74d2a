"""API keys in files: one line, told nothing of in errors."""

from __future__ import annotations

import re
from pathlib import Path


class ApiKeyFileError(ValueError):
    """The file holds no API key; the message never repeats its content."""


def read_key(path: Path) -> str:
    """Return the API key that a file holds.

    Raises:
        ApiKeyFileError: the file cannot be read, or is not one line of a key.
    """
    try:
        text = path.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ApiKeyFileError(f"{path}: cannot be read; give the file that holds the API key") from error
    if not re.fullmatch(r"[A-Za-z0-9_.~+/=-]{1,512}", text):
        raise ApiKeyFileError(f"{path}: is not one line with an API key; `hallmark apikey create` makes one")
    return text
