"""How things look on a terminal: one line a thing, colour for state alone, all of it readable without colour."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from rich.console import Console
from rich.markup import escape

from monitor.model import Watch
from monitor.store.aside import Aside
from monitor.store.flags import Flagged

QUOTE = 90
_HOUR = 3600
_MENDS = {
    "no_preview": "no public pages: add an account when the `telegram` source is there, or pause it",
    "handle_free": "see whether the handle was renamed, and mend config/channels.toml",
    "not_a_channel": "remove it from config/channels.toml: only public channels are watched",
    "restricted": "the platform does not show it here; pause it, or read it from elsewhere",
    "rate_limited": "it goes on by itself; a longer MONITOR_PREVIEW_PACE avoids it",
    "soft_ban": "it goes on by itself; a longer MONITOR_PREVIEW_PACE avoids it",
    "unreachable": "it goes on by itself; see the network",
    "server_fault": "it goes on by itself",
    "unreadable": "the pages changed: look for a newer version of monitor",
    "fault": "a fault of monitor's own: report it, with the log",
    "empty": "it goes on by itself; see whether the channel has posts",
    "robots": "the host asks not to be read; pause the watch",
}


def moment(at: datetime) -> str:
    """A time to the minute, as «06 Aug 13:20» (UTC)."""
    return f"{at:%d %b %H:%M}"


def ago(span: timedelta) -> str:
    """A length of time in its largest unit."""
    seconds = max(int(span.total_seconds()), 0)
    for unit, size in (("d", 86400), ("h", _HOUR), ("min", 60)):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def excerpt(text: str, start: int, end: int, width: int = QUOTE) -> str:
    """The words around a span on one line, none cut in two, with an ellipsis where something was left out."""
    margin = max((width - (end - start)) // 2, 0)
    left, right = max(start - margin, 0), min(end + margin, len(text))
    if left:
        left = start - len(text[left:start].partition(" ")[2])
    if right < len(text):
        right = end + len(text[end:right].rpartition(" ")[0])
    words = " ".join(text[left:right].split())
    return ("…" if left else "") + words + ("…" if right < len(text) else "")


def flagged(console: Console, post: Flagged) -> None:
    """A flagged post: when, where, what for, and the words that show it."""
    topics = " ".join(flag.topic for flag in post.flags)
    told = max((span for flag in post.flags for span in flag.spans), key=lambda span: span.end - span.start)
    quote = excerpt(post.text, told.start, told.end)
    edited = f"edited ×{post.version - 1}: " if post.version > 1 else ""
    name = post.handle or str(post.channel_id)
    console.print(f"{moment(post.posted_at)}  {escape(name):<16} {topics:<28} {edited}«{escape(quote)}»")


def flagged_as_json(post: Flagged) -> dict[str, object]:
    """A flagged post for programs."""
    return {
        "channel_id": post.channel_id,
        "handle": post.handle,
        "message_id": post.message_id,
        "version": post.version,
        "posted_at": post.posted_at.isoformat(),
        "text": post.text,
        "flags": [
            {"topic": f.topic, "spans": [{"start": s.start, "end": s.end, "term": s.term} for s in f.spans]}
            for f in post.flags
        ],
    }


def watch_as_json(watch: Watch) -> dict[str, object]:
    """A watch for programs."""
    return {
        "handle": watch.handle,
        "label": watch.label,
        "source": watch.source.value,
        "channel_id": watch.channel_id,
        "state": _state(watch),
        "problem": watch.problem,
        "problem_text": watch.problem_text,
        "problem_since": watch.problem_since,
        "paused_at": watch.paused_at,
        "pause_reason": watch.pause_reason,
        "cursor": watch.cursor,
        "backfill_since": watch.backfill_since,
        "backfill_done": watch.backfill_done,
        "last_look_at": watch.last_look_at,
        "next_look_at": watch.next_look_at,
        "last_post_at": watch.last_post_at,
    }


def _state(watch: Watch) -> str:
    if watch.paused_at:
        return "stopped" if watch.problem else "paused"
    if watch.problem:
        return "failing"
    return "up to date" if watch.last_look_at else "new"


def status(console: Console, watches: Sequence[Watch], totals: dict[str, int], *, now: datetime) -> None:
    """One screen: the counts of watches by state, the worst first, then the archive."""
    states = [_state(watch) for watch in watches]
    parts = [
        f"{states.count(name)} {name}"
        for name in ("stopped", "failing", "paused", "new", "up to date")
        if name in states
    ]
    console.print(f"watches   {len(watches)}     {' · '.join(parts) or 'none: monitor channels add HANDLE'}")
    for watch in watches:
        _watch(console, watch, now=now)
    console.print(
        f"archive   {totals['posts']} posts · {totals['edited']} edited · {totals['flagged']} flagged · {totals['set_aside']} set aside"
    )


def _watch(console: Console, watch: Watch, *, now: datetime) -> None:
    state = _state(watch)
    mark = {"stopped": "[red]✗[/red]", "failing": "[red]✗[/red]", "paused": "[yellow]‖[/yellow]"}.get(
        state, "✓" if state != "new" else "·"
    )
    console.print(f"  {mark} @{watch.handle:<16} {watch.source.value:<9} {escape(_words(watch, now))}")


def _words(watch: Watch, now: datetime) -> str:
    if watch.paused_at:
        return f"paused: {watch.pause_reason}     → monitor channels resume {watch.handle}"
    if watch.problem:
        since = f" since {moment(watch.problem_since)}" if watch.problem_since else ""
        return f"{watch.problem_text}{since}     → {_MENDS.get(watch.problem, 'see the log')}"
    if watch.last_look_at is None:
        return "not looked at yet     → monitor collect, or monitor up"
    newest = f"last post {ago(now - watch.last_post_at)} ago" if watch.last_post_at else "no posts"
    due = ago(watch.next_look_at - now) if watch.next_look_at and watch.next_look_at > now else "now"
    older = (
        ""
        if watch.backfill_done or watch.backfill_since is None
        else f" · fetching back to {watch.backfill_since:%Y-%m-%d}"
    )
    return f"{newest} · next look in {due}{older}" if due != "now" else f"{newest} · next look now{older}"


def asides(console: Console, found: Iterable[Aside]) -> None:
    """What was set aside, and why."""
    for thing in found:
        where = thing.handle or thing.source
        number = f"/{thing.message_id}" if thing.message_id else ""
        console.print(f"  {moment(thing.last_at)}  {where}{number}  ×{thing.times}  {escape(thing.reason)}")


def channels(console: Console, watches: Iterable[Watch]) -> None:
    """The channel list, a line each."""
    for watch in watches:
        pace = f"{ago(watch.pace.quickest)}–{ago(watch.pace.slowest)}"
        console.print(
            f"@{watch.handle:<18} {watch.source.value:<9} {watch.side:<8} {pace:<16} {_state(watch):<11} {escape(watch.label)}"
        )
