"""No text of 100 kB takes a second of the processor, whatever it repeats; two where others use the machine as well."""

import sys
import time
from collections.abc import Iterator

import pytest

from tests.pathological import SIZE, TEXTS
from tests.rulesets import shipped_rules

SECOND, BUSY = 1.0, 2.0
MILITARY = "ВСУ потеряли 5 танков. "


def spent(text: str) -> float:
    """Seconds of the processor that reading takes; the second try counts where the first was disturbed."""
    shortest = float("inf")
    for _ in range(2):
        began = time.process_time()
        shipped_rules().read(text)
        shortest = min(shortest, time.process_time() - began)
        if shortest < SECOND / 2:
            break
    return shortest


@pytest.fixture(autouse=True)
def untraced() -> Iterator[None]:
    """Nobody counts which lines run: that takes several times as long as reading itself."""
    shipped_rules()
    tracing = sys.gettrace()
    sys.settrace(None)
    yield
    sys.settrace(tracing)


@pytest.mark.parametrize("name", TEXTS)
def test_any_text_of_100_kilobytes_is_read_within_a_second(name: str) -> None:
    assert len(TEXTS[name]) == SIZE
    assert spent((MILITARY + TEXTS[name])[:SIZE]) < BUSY
