"""Regular expressions that take linear time on any text (RE2), and are quiet about it."""

from typing import Any

import re2

# What an expression may take to remember the states it has been in, in bytes; beyond that it is slow, not wrong.
_MEMORY = 32 << 20


def linear(expression: str) -> Any:
    """An expression of RE2 over UTF-8 bytes. Raises re2.error for what is none."""
    options = re2.Options()
    options.log_errors = False
    options.max_mem = _MEMORY
    return re2.compile(expression.encode(), options)


def words_in(words: list[str]) -> str:
    """An expression for any of these words or beginnings, as they stand."""
    return "|".join(re2.escape(word) for word in words)
