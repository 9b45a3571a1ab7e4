"""Rules over frames: what a cluster finds in an export is what the archive holds."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from dask import dataframe as dd
from distributed import Client, LocalCluster

from monitor import flag, frames
from monitor.export import Order, export
from monitor.formats import Format
from monitor.store.database import Database
from monitor.store.exports import Selection
from tests.integration.carried import play
from tests.integration.helpers import ask
from tests.rulesets import shipped_rules, shipped_texts

NOW = datetime(2024, 9, 1, 12, tzinfo=UTC)
FLAGS = """
    SELECT channel_id, message_id, version, topic, jsonb_array_length(spans) FROM research.{view} WHERE is_current
    """
FIGURES = """
    SELECT channel_id, message_id, version, number, kind, low, high, qualifier, side, quote, first_char, end_char, term
    FROM research.figures WHERE is_current
    """


@pytest.fixture
def cluster() -> Iterator[Client]:
    """Two processes on this machine."""
    with (
        LocalCluster(  # type: ignore[no-untyped-call]
            n_workers=2, threads_per_worker=1, dashboard_address=None, host="127.0.0.1"
        ) as local,
        Client(local) as client,  # type: ignore[no-untyped-call]
    ):
        yield client


@pytest.mark.slow
async def test_a_cluster_that_reads_an_export_finds_what_the_archive_holds(
    database: Database, tmp_path: Path, cluster: Client
) -> None:
    await play(database)
    await flag.flag(database, shipped_rules(), shipped_texts(), now=lambda: NOW)
    order = Order(form=Format.PARQUET, selection=Selection(), ruleset="ab" * 32)
    await export(database, tmp_path / "out", order, now=lambda: NOW)
    assert len(cluster.scheduler_info()["workers"]) == 2
    columns = [*frames.KEY, "text", "is_current"]
    versions = dd.read_parquet(tmp_path / "out" / "versions*.parquet", columns=columns).repartition(
        npartitions=3
    )
    present = versions[versions.is_current]
    texts = shipped_texts()
    flags, figures = (
        present.map_partitions(function, texts, meta=frames.empty(kinds)).compute()
        for function, kinds in ((frames.flags_of, frames.FLAGS), (frames.figures_of, frames.FIGURES))
    )
    for raised, view in ((True, "flags"), (False, "mentions")):
        found = flags[flags.raised == raised]
        counts = found.spans.map(json.loads).map(len)
        rows = zip(found.channel_id, found.message_id, found.version, found.topic, counts, strict=True)
        held = {tuple(row) for row in await ask(database, FLAGS.format(view=view))}
        assert set(rows) == held
        assert held
    stated = figures.astype(object).where(figures.notna(), None)
    assert set(stated.itertuples(index=False, name=None)) == {
        tuple(row) for row in await ask(database, FIGURES)
    }
    assert len(stated) > 20
