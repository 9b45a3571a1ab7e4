"""A rules file: its TOML, and the line and column of whatever is wrong in it."""

import re
import tomllib
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, NamedTuple

from monitor.errors import SettingsError

_AT = re.compile(r"\(at line (\d+), column (\d+)\)")


class RuleFile(NamedTuple):
    """The name of a rules file, for messages, and its text."""

    name: str
    text: str

    def table(self) -> Mapping[str, Any]:
        """The file's tables. Raises SettingsError with the line and column of the first mistake in the TOML."""
        try:
            return tomllib.loads(self.text)
        except tomllib.TOMLDecodeError as error:
            found = _AT.search(str(error))
            lines = self.text.splitlines() or [""]
            line, column = (int(found[1]), int(found[2])) if found else (len(lines), len(lines[-1]) + 1)
            raise SettingsError(
                f"{self.name}, line {line}, column {column}: this is not TOML",
                _AT.sub("", str(error)).strip(),
                "mend that place and start again",
            ) from error

    def mistake(
        self, keys: tuple[str, ...], value: object, *, what: str, why: str, mend: str
    ) -> SettingsError:
        """An error that names where `value` stands under the tables and keys `keys`, each sought after the one before."""
        line, column = self._place(keys, value)
        return SettingsError(f"{self.name}, line {line}, column {column}: {what}", why, mend)

    def _place(self, keys: tuple[str, ...], value: object) -> tuple[int, int]:
        at = 0
        for key in keys:
            quoted = re.escape(key)
            found = re.compile(
                rf"""^[ \t]*\[*[ \t]*(?:[\w"'-]+[ \t]*\.[ \t]*)*(["']?{quoted}["']?)[ \t]*[].=]|[{{,][ \t]*({quoted})[ \t]*=""",
                re.MULTILINE,
            ).search(self.text, self.text.rfind("\n", 0, at) + 1)
            if found is not None:
                at = found.start(1) if found.start(1) >= 0 else found.start(2)
        if isinstance(value, str) and value:
            after = at + len(keys[-1]) if keys else at
            quoted_places = [self.text.find(quote + value + quote, after) for quote in "\"'"]
            at = min((place + 1 for place in quoted_places if place >= 0), default=at)
        return self.text.count("\n", 0, at) + 1, at - (self.text.rfind("\n", 0, at) + 1) + 1


class RuleTexts(NamedTuple):
    """The files of a ruleset: topics, how figures are read, and the gazetteer."""

    rules: RuleFile
    figures: RuleFile
    places: RuleFile

    @property
    def body(self) -> str:
        """The whole ruleset as one text, by whose hash it is known; the names of the files are no part of it."""
        return "".join(
            f"# ---- {role} ----\n{file.text.rstrip()}\n"
            for role, file in zip(self._fields, self, strict=True)
        )

    @property
    def sha256(self) -> bytes:
        """The hash that flags and figures carry."""
        return sha256(self.body.encode()).digest()
