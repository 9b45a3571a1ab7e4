"""A month of digests around each change of the clocks: none twice, and none missing that nobody is shown."""

from datetime import timedelta

import pytest

from monitor.store.database import Database
from tests.integration.helpers import ask
from tests.integration.year import Year, around, check, people

DAYS = 30


@pytest.mark.slow
@pytest.mark.parametrize(
    ("month", "day", "shorter"), [(3, 31, timedelta(hours=23)), (10, 27, timedelta(hours=25))]
)
async def test_a_month_around_a_change_of_the_clocks(
    database: Database, month: int, day: int, shorter: timedelta
) -> None:
    year = Year(database, people(25), around(2024, month, day, days=DAYS), DAYS, seed=month)
    states = await check(year, await year.run())
    assert year.kills > 10
    assert states["in_doubt"] > 0
    assert states["sent"] > 0.8 * year.planned
    rows = await ask(
        database,
        "SELECT count(*) AS changed FROM monitor.deliveries WHERE window_until - window_from = :span",
        span=shorter,
    )
    assert rows[0].changed > 0
