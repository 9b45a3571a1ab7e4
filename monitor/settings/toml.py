"""Files of TOML, with the line of whatever is wrong in them."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from monitor.errors import SettingsError

_LINE = re.compile(r"\(at line (\d+)")


def parse_toml(path: Path) -> tuple[dict[str, Any], str]:
    """A TOML file and its text. Raises SettingsError with the line of the first mistake."""
    body = toml_text(path)
    try:
        return tomllib.loads(body), body
    except tomllib.TOMLDecodeError as error:
        raise _not_toml(path, _line_of(error, body), error) from error


def toml_text(path: Path) -> str:
    """The text of a TOML file. Raises SettingsError where it cannot be read or is no UTF-8."""
    try:
        written = path.read_bytes()
    except OSError as error:
        raise SettingsError(
            f"{path} cannot be read",
            error.strerror or str(error),
            "run monitor where config/ is, or set MONITOR_CONFIG_DIR",
        ) from error
    try:
        return written.decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise _not_toml(path, written.count(b"\n", 0, error.start) + 1, error) from error


def _not_toml(path: Path, line: int, error: ValueError) -> SettingsError:
    return SettingsError(
        f"{path}, line {line}: this is not TOML", str(error), "mend that line and start again"
    )


def _line_of(error: tomllib.TOMLDecodeError, body: str) -> int:
    """The line of a mistake in a file; one at the end of the document is in the last."""
    line = _LINE.search(str(error))
    return int(line.group(1)) if line else max(len(body.splitlines()), 1)


def where_of(path: Path, body: str, *keys: str) -> str:
    """A file and the line where the last of these tables and keys begins, each sought after the one before."""
    lines = body.splitlines()
    at = -1
    for key in keys:
        begins = re.compile(rf'\s*\[*\s*["\']?{re.escape(key)}["\']?\s*[].=]')
        found = next((n for n in range(at + 1, len(lines)) if begins.match(lines[n])), None)
        if found is None:
            break
        at = found
    return f"{path}, line {at + 1}" if at >= 0 else str(path)


def entries_of(
    document: Mapping[str, Any], name: str, *, path: Path, body: str
) -> Iterator[tuple[Mapping[str, Any], str]]:
    """The [[name]] tables of a file that holds nothing else, each with where it stands. Raises SettingsError."""
    entries = document.get(name, [])
    stray = sorted(set(document) - {name})
    if stray or not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        key = stray[0] if stray else name
        raise SettingsError(
            f"{where_of(path, body, key)}: `{key}` is unknown or has another form",
            f"the file holds [[{name}]] entries alone",
            "remove it",
        )
    begins = f"[[{name}]]"
    lines = [number for number, line in enumerate(body.splitlines(), 1) if line.strip().startswith(begins)]
    for position, entry in enumerate(entries):
        yield entry, f"{path}, line {lines[position]}" if position < len(lines) else str(path)
