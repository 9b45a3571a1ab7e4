"""Channels and how they described themselves over time."""

from datetime import datetime

from sqlalchemy import text

from monitor.model import Channel, SourceName
from monitor.store.database import Transaction

_LAST = text(
    """
    SELECT c.version, v.title, v.handle, v.about, v.subscribers, v.subscribers_unit, v.verified
    FROM monitor.channels c JOIN monitor.channel_versions v USING (channel_id, version)
    WHERE c.channel_id = :channel
    """
)


async def keep(tx: Transaction, channel: Channel, *, source: SourceName, at: datetime) -> bool:
    """Write how a channel describes itself; a version is added where something that was seen differs."""
    subscribers = channel.subscribers
    seen = {
        "title": channel.title,
        "handle": channel.handle,
        "about": channel.about,
        "subscribers": subscribers.value if subscribers else None,
        "subscribers_unit": subscribers.unit if subscribers else None,
        "verified": channel.verified,
    }
    last = (await tx.execute(_LAST, {"channel": channel.channel_id})).mappings().one_or_none()
    merged = {
        name: last[name] if value is None and last is not None else value for name, value in seen.items()
    }
    if last is not None and all(last[name] == value for name, value in merged.items()):
        return False
    number = 1 if last is None else last["version"] + 1
    row = merged | {"channel": channel.channel_id, "version": number, "at": at, "source": source.value}
    await tx.execute(
        text(
            """
            INSERT INTO monitor.channel_versions (channel_id, version, seen_at, source, title, handle, about,
                                                  subscribers, subscribers_unit, verified)
            VALUES (:channel, :version, :at, :source, :title, :handle, :about, :subscribers, :subscribers_unit,
                    :verified)
            """
        ),
        row,
    )
    await tx.execute(
        text(
            """
            INSERT INTO monitor.channels (channel_id, first_seen_at, version) VALUES (:channel, :at, :version)
            ON CONFLICT (channel_id) DO UPDATE SET version = excluded.version
            """
        ),
        row,
    )
    return True
