"""How things look on a terminal: one line a thing, colour for state alone, all of it readable without colour."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.markup import escape

from monitor.answers import cell
from monitor.cli.sources import mend_of
from monitor.model import Alert, DeliveryState, Figure, Flag, Qualifier, Reading, Scope, Severity, Side, Watch
from monitor.notice_texts import headline
from monitor.queries import SavedQuery
from monitor.store.accounts import AccountState
from monitor.store.aside import Aside
from monitor.store.coverage import Looks, Ranges
from monitor.store.deliveries import Ailing, LastDay
from monitor.store.editions import Listed
from monitor.store.flags import Flagged, Stated
from monitor.store.news import News
from monitor.store.queue import Waiting as ForReview
from monitor.store.readers import Known
from monitor.store.readings import Waiting
from monitor.store.rows import span_as_json
from monitor.store.silences import Silence
from monitor.trial import Example, Trial
from monitor.words import QUOTE, counted, excerpt, plural

MOST_FIGURES = 8
NOTHING_WAITS = Waiting(0, 0)
WIDEST = 60
_HOUR = 3600
_ACCOUNT_MENDS = {
    "session_lost": "{login}; its channels are read through their public pages meanwhile",
    "account_banned": "write to recover@telegram.org; its watches are paused",
    "unreachable": "it goes on by itself; its channels are read through their public pages meanwhile",
}
_MENDS = {
    "no_preview": 'no public pages: monitor login, and source = "telegram" in config/channels.toml',
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
    "flood_wait": "it goes on by itself; a longer MONITOR_TELEGRAM_PACE avoids it",
    "session_lost": "monitor login",
    "account_banned": 'write to recover@telegram.org, or set source = "preview" for it',
    "barred": "see it in Telegram; another source may still show it",
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


def flagged(console: Console, post: Flagged) -> None:
    """A flagged post: when, where, what for, and the words that show it."""
    topics = " ".join(flag.topic for flag in post.flags)
    told = max((span for flag in post.flags for span in flag.spans), key=lambda span: span.end - span.start)
    quote = excerpt(post.text, told.start, told.end)
    edited = f"edited ×{post.version - 1}: " if post.version > 1 else ""
    name = post.handle or str(post.channel_id)
    console.print(f"{moment(post.posted_at)}  {escape(name):<16} {topics:<28} {edited}«{escape(quote)}»")
    if post.figures:
        console.print(f"{'':<59} {escape(figures(post.figures))}", style="dim")


def figures(stated: Sequence[Stated]) -> str:
    """Figures in short, as «personnel ≤300 ukraine · tank 11»; a side with a question mark is inferred."""
    told = [figure_in_short(*one) for one in stated[:MOST_FIGURES]]
    return " · ".join(told + [f"{len(stated) - MOST_FIGURES} more"] * (len(stated) > MOST_FIGURES))


def figure_in_short(figure: Figure, inferred: Side | None = None) -> str:
    """One figure: its kind, its bounds, and whose it is where that is known."""
    parts = [figure.kind, bounds(figure)]
    if figure.side is not Side.UNKNOWN:
        parts.append(figure.side.value)
    elif inferred is not None:
        parts.append(f"{inferred.value}?")
    if figure.scope is Scope.SINCE:
        parts.append(f"since {figure.since}" if figure.since else "in all")
    return " ".join(parts)


def bounds(figure: Figure) -> str:
    """The bounds of a figure: 11, ~400, ≤300, ≥20 or 300–400."""
    low, high = (None if bound is None else f"{bound:,.10g}" for bound in (figure.low, figure.high))
    if low is None or high is None:
        return f"≤{high}" if high is not None else f"≥{low or 0}"
    about = "~" if figure.qualifier is Qualifier.ABOUT else ""
    return about + (low if low == high else f"{low}–{high}")


def came_in(console: Console, item: News, flags: Flagged | None) -> None:
    """A post or an edit as it comes: an edit with what it said before; quiet where nothing is flagged."""
    topics = " ".join(flag.topic for flag in flags.flags) if flags else ""
    name = item.handle or str(item.channel_id)
    if item.before is not None:
        before, after = changed_words(item.before, item.text)
        console.print(
            f"{moment(item.posted_at)}  {escape(name):<16} {topics or 'edited':<28} edited ×{item.version - 1}: «{escape(before)}» → «{escape(after)}»"
        )
    elif flags is not None:
        flagged(console, flags)
    else:
        console.print(
            f"{moment(item.posted_at)}  {escape(name):<16} {'':<28} {escape(_opening(item))}", style="dim"
        )


def gone(console: Console, item: News) -> None:
    """A deletion as it is found, with the words that are kept."""
    name = item.handle or str(item.channel_id)
    console.print(
        f"{moment(item.posted_at)}  {escape(name):<16} {'deleted; its words are kept':<28} {escape(_opening(item))}"
    )


def _opening(item: News) -> str:
    words = " ".join(item.text.split())
    return (
        f"«{excerpt(words, 0, 0, width=2 * QUOTE - 40)}»" if words else f"({item.media_kind or 'no words'})"
    )


def changed_words(before: str, after: str, *, around: int = 3, most: int = 14) -> tuple[str, str]:
    """The words that differ between two texts, with a few around them: what stood there, and what stands there now."""
    old, new = before.split(), after.split()
    same = [0, 0]
    shorter = min(len(old), len(new))
    while same[0] < shorter and old[same[0]] == new[same[0]]:
        same[0] += 1
    while same[1] < shorter - same[0] and old[-1 - same[1]] == new[-1 - same[1]]:
        same[1] += 1
    return _part(old, same, around, most), _part(new, same, around, most)


def _part(words: list[str], same: list[int], around: int, most: int) -> str:
    first = max(same[0] - around, 0)
    last = min(len(words) - same[1] + around, len(words))
    cut = min(last, first + most)
    return ("…" if first else "") + " ".join(words[first:cut]) + ("…" if cut < len(words) else "")


def flagged_as_json(post: Flagged) -> dict[str, object]:
    """A flagged post for programs."""
    return {
        "channel_id": post.channel_id,
        "handle": post.handle,
        "message_id": post.message_id,
        "version": post.version,
        "posted_at": post.posted_at.isoformat(),
        "text": post.text,
        "flags": [flag_as_json(flag) for flag in post.flags],
        "figures": [
            figure_as_json(figure, post.text) | {"side_inferred": inferred}
            for figure, inferred in post.figures
        ],
    }


def flag_as_json(flag: Flag) -> dict[str, object]:
    """A flag for programs."""
    return {"topic": flag.topic, "spans": [span_as_json(span) for span in flag.spans]}


def figure_as_json(figure: Figure, text: str) -> dict[str, object]:
    """A figure for programs, with its words in the text."""
    return {"quote": text[figure.start : figure.end], **asdict(figure)}


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
        "via": watch.via.value if watch.via else None,
    }


def _state(watch: Watch) -> str:
    if watch.paused_at:
        return "stopped" if watch.problem else "paused"
    if watch.problem:
        return "failing"
    return "up to date" if watch.last_look_at else "new"


_AILS = {"addresses_refused": ("address refused", "addresses refused")}
NO_CASES = ForReview(0, 0, None)
NO_DIGEST = LastDay(0, 0, 0, None)


@dataclass(frozen=True, slots=True)
class Mails:
    """What of mails and alerts did not go, or may not have, and whose address is refused."""

    ailing: Sequence[Ailing] = ()
    away: Sequence[Known] = ()

    def counts(self) -> dict[str, int]:
        """How many of each."""
        states = Counter(one.state for one in self.ailing)
        return {
            "in_doubt": states[DeliveryState.IN_DOUBT],
            "failed": states[DeliveryState.FAILED],
            "addresses_refused": sum(1 for one in self.away if one.refused_at),
        }

    def words(self) -> str:
        """All of it on a line; empty where all is well."""
        return " · ".join(
            f"{count:,} {_AILS.get(name, (name, name))[count != 1].replace('_', ' ')}"
            for name, count in self.counts().items()
            if count
        )


@dataclass(frozen=True, slots=True)
class Standing:
    """How everything stands: watches, accounts, and the counts of the archive."""

    watches: Sequence[Watch]
    accounts: Sequence[AccountState]
    totals: dict[str, int]
    reading: Waiting = NOTHING_WAITS
    review: ForReview = NO_CASES
    alerts: Mapping[Severity, int] = field(default_factory=dict)
    mails: Mails = field(default_factory=Mails)
    digest: LastDay = NO_DIGEST


def standing_as_json(standing: Standing) -> dict[str, object]:
    """How everything stands, for programs."""
    return {
        "watches": [watch_as_json(watch) for watch in standing.watches],
        "accounts": [
            {
                "name": account.name,
                "problem": account.problem,
                "problem_text": account.problem_text,
                "problem_since": account.problem_since,
                "retry_at": account.retry_at,
                "last_ok_at": account.last_ok_at,
                "waits": dict(account.waits),
            }
            for account in standing.accounts
        ],
        "totals": standing.totals,
        "unread": standing.reading.due,
        "review": {
            "open": standing.review.open,
            "escalated": standing.review.escalated,
            "oldest_opened_at": standing.review.oldest,
        },
        "alerts": {severity.value: count for severity, count in standing.alerts.items()},
        "mails": standing.mails.counts(),
        "digest": standing.digest._asdict(),
    }


def status(console: Console, standing: Standing, *, now: datetime) -> None:
    """One screen: the counts of watches by state, the worst first, then accounts, then the archive."""
    watches, totals = standing.watches, standing.totals
    states = [_state(watch) for watch in watches]
    parts = [
        f"{mark} {states.count(name)} {name}"
        for name, mark in (
            ("up to date", "✓"),
            ("new", "·"),
            ("failing", "[red]✗[/red]"),
            ("stopped", "[red]✗[/red]"),
            ("paused", "[yellow]‖[/yellow]"),
        )
        if name in states
    ]
    console.print(f"watches   {len(watches)}     {' · '.join(parts) or 'none: monitor channels add HANDLE'}")
    for watch in watches:
        _watch(console, watch, now=now)
    if standing.accounts:
        _accounts(console, standing.accounts, now=now)
    due, posts = standing.reading
    if due:
        console.print(
            f"reading   {due:,} of {counted(posts, 'post')} not yet read under the present rules     → monitor flag, or monitor up"
        )
    if standing.review.oldest is not None:
        console.print(_review(standing.review, now), markup=False)
    if standing.alerts:
        parts = [f"{count:,} {severity.value}" for severity, count in standing.alerts.items()]
        console.print(f"alerts    {' · '.join(parts)}     → monitor alerts list")
    if standing.digest.planned:
        console.print(f"digest    {_digest(standing.digest)}")
    if words := standing.mails.words():
        console.print(f"mails     {words}     → monitor digest doubt")
    gone = f" · {totals['deleted']} deleted, their words kept" if totals["deleted"] else ""
    gone += f" · {totals['missing']} not visible" if totals["missing"] else ""
    console.print(
        f"archive   {counted(totals['posts'], 'post')} · {totals['edited']} edited{gone} · {totals['flagged']} flagged · {totals['set_aside']} set aside"
    )


def _review(review: ForReview, now: datetime) -> str:
    waited = int((now - review.oldest).total_seconds() // 60) if review.oldest else 0
    escalated = f" · {review.escalated} escalated" if review.escalated else ""
    return (
        f"review    {review.open} open · oldest {_waited(waited)}{escalated}     → monitor web, or monitor up"
    )


def _digest(day: LastDay) -> str:
    """How the newest digests went."""
    if day.kept and not day.sent:
        return f"kept for {day.kept:,}, with no mail server to go to     → monitor digest show"
    at = f" {moment(day.sent_at)}" if day.sent_at else ""
    return f"sent{at} to {day.sent:,} of {day.planned:,}"


def _waited(minutes: int) -> str:
    if minutes < 60:  # noqa: PLR2004 - an hour
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // 1440} d"


def _accounts(console: Console, accounts: Sequence[AccountState], *, now: datetime) -> None:
    broken = sum(account.problem is not None for account in accounts)
    parts = [f"✓ {len(accounts) - broken} working"] if broken < len(accounts) else []
    parts += [f"[red]✗[/red] {broken} not"] if broken else []
    console.print(f"accounts  {len(accounts)}     {' · '.join(parts)}")
    for account in accounts:
        mark = "[red]✗[/red]" if account.problem else "[yellow]‖[/yellow]" if account.waits else "✓"
        console.print(f"  {mark} {escape(account.name):<17} {escape(_of_account(account, now))}")


def _of_account(account: AccountState, now: datetime) -> str:
    if account.problem:
        since = f" since {moment(account.problem_since)}" if account.problem_since else ""
        mend = _ACCOUNT_MENDS.get(account.problem, "see the log").format(login=mend_of(account.name))
        return f"{account.problem_text}{since}     → {mend}"
    waits = [
        f"waits with {request} until {until:%H:%M:%S} (asked by Telegram; {ago(until - now)} left)"
        for request, until in account.waits
    ]
    return " · ".join(waits) or ("works" if account.last_ok_at else "not used yet")


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
    via = f" · through {watch.via.value} for now" if watch.via else ""
    return f"{newest} · next look {'in ' if due != 'now' else ''}{due}{older}{via}"


def alerts(
    console: Console, found: Sequence[Alert], silences: Sequence[Silence], *, count: int, now: datetime
) -> None:
    """Alerts, the gravest first, a line each with who was told of it; then the silences."""
    for one in found:
        mark = "[red]✗[/red]" if one.severity is Severity.CRITICAL else "[yellow]![/yellow]"
        told = "silenced" if one.silenced else "told" if one.told_at else "nobody told yet"
        console.print(
            f"{mark} {moment(one.raised_at)}  {one.kind:<9} {escape(one.subject):<22} {told:<16} {escape(headline(one))}"
        )
    if count > len(found):
        console.print(f"and {count - len(found):,} more")
    if not count:
        console.print("no alert is raised")
    for quiet in silences:
        of = f"{quiet.kind or 'every kind'} {quiet.subject or ''}".strip()
        console.print(
            f"silence {quiet.silence_id} of {of} for {ago(quiet.until - now)} more, by {quiet.made_by}: {quiet.note}",
            markup=False,
        )


def mails(console: Console, found: Mails) -> None:
    """What a person must see to, a line or two each, and who gets no digest and why."""
    for one in found.ailing:
        what = (
            f"digest until {one.window.until:%Y-%m-%d %H:%M} UTC" if one.window else f"alert by {one.route}"
        )
        mark = "[yellow]?[/yellow]" if one.state is DeliveryState.IN_DOUBT else "[red]✗[/red]"
        state = one.state.value.replace("_", " ")
        console.print(f"{mark} {one.delivery_id:<6} {state:<9} {what} to {escape(one.address)}")
        if one.error:
            console.print(f"         {escape(one.error)}")
    for reader in found.away:
        why = f"refused: {reader.refusal}" if reader.refused_at else "unsubscribed"
        console.print(f"‖ {escape(reader.address)} gets no digest, {escape(why)}")
    if not (found.ailing or found.away):
        console.print("nothing is in doubt, nothing failed")


def mails_as_json(found: Mails) -> dict[str, object]:
    """The same for programs."""
    return {
        "deliveries": [
            asdict(one) | {"window": one.window._asdict() if one.window else None} for one in found.ailing
        ],
        "away": [
            {name: value for name, value in asdict(reader).items() if name != "token"}
            for reader in found.away
        ],
    }


def alerts_as_json(found: Sequence[Alert], silences: Sequence[Silence]) -> dict[str, object]:
    """Alerts and silences for programs."""
    return {
        "alerts": [asdict(one) | {"words": headline(one)} for one in found],
        "silences": [asdict(quiet) for quiet in silences],
    }


def coverage(console: Console, ranges: Iterable[Ranges], looks: Iterable[Looks]) -> None:
    """What is known of the message ids, a line a channel and one for each gap; then the looks, failed ones marked."""
    for known in ranges:
        mark = "[red]✗[/red]" if known.unknown else "[yellow]·[/yellow]" if known.unshown else "✓"
        if not known.looked:
            console.print(f"  · @{known.handle:<16} no look has shown a post yet")
            continue
        first, last = known.looked[0][0], known.looked[-1][1]
        told = f"ids {first}–{last}: {counted(known.held, 'post')}, {known.empty} proven empty"
        told += f", {known.purged} purged" if known.purged else ""
        rest = f", {known.unshown} without a post, not asked for yet" if known.unshown else ""
        console.print(f"  {mark} @{known.handle:<16} {told}{rest}")
        for low, high in known.unknown:
            console.print(f"      [red]nobody looked at {low}–{high}[/red]")
    for look in looks:
        _look(console, look)


def _look(console: Console, look: Looks) -> None:
    span = f"{look.first_id}–{look.last_id}" if look.first_id is not None else ""
    until = (
        f"–{look.ended_at:%H:%M}"
        if look.ended_at.date() == look.started_at.date()
        else f" – {moment(look.ended_at)}"
    )
    outcome = "ok" if look.outcome == "ok" else f"[red]{escape(look.outcome)}[/red]"
    words = f"  {escape(look.detail)}" if look.detail else ""
    console.print(
        f"{moment(look.started_at)}{until:<15}  {look.handle or 'a file':<17} {look.source:<9} {look.kind:<9} {outcome}  {span}  ×{look.looks}{words}"
    )


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


def reading_as_json(found: Reading, text: str) -> dict[str, object]:
    """What the rules find in a text, for programs."""
    return {
        "flags": [flag_as_json(flag) | {"raised": flag.raised} for flag in found.flags],
        "figures": [figure_as_json(figure, text) for figure in found.figures],
    }


def trial(console: Console, tried: Trial) -> None:
    """What tried rules would change, with the first examples of each change."""
    console.print(f"read {counted(tried.posts, 'post')} under these rules; nothing was written")
    if tried.unread:
        console.print(
            f"[yellow]{tried.unread:,} of them {plural(tried.unread, 'was', 'were')} not yet read under the rules in force, so {plural(tried.unread, 'it is', 'they are')} compared with older ones or none[/yellow]     → monitor flag"
        )
    for topic, change in sorted(tried.topics.items()):
        console.print(
            f"{escape(topic):<20} {change.newly:>7,} newly flagged  {change.no_longer:>7,} no longer"
        )
        for mark, examples in (("+", change.newly_seen), ("-", change.no_longer_seen)):
            for example in examples:
                console.print(f"  {mark} {_where(example):<28} «{escape(_quoted(example))}»")
    if not tried.topics:
        console.print("no post would be flagged otherwise")
    for kind in sorted(tried.added.keys() | tried.removed.keys()):
        console.print(
            f"figures of {escape(kind):<15} {tried.added[kind]:>7,} added  {tried.removed[kind]:>7,} removed"
        )


def _where(example: Example) -> str:
    return f"{example.post.handle or example.post.channel_id}/{example.post.message_id}"


def _quoted(example: Example) -> str:
    return excerpt(example.post.text, example.start, example.end)


def trial_as_json(tried: Trial) -> dict[str, object]:
    """What tried rules would change, for programs."""

    def shown(examples: Sequence[Example]) -> list[dict[str, object]]:
        return [
            {
                "channel_id": example.post.channel_id,
                "handle": example.post.handle,
                "message_id": example.post.message_id,
                "posted_at": example.post.posted_at.isoformat(),
                "start": example.start,
                "end": example.end,
                "excerpt": _quoted(example),
            }
            for example in examples
        ]

    return {
        "posts": tried.posts,
        "unread": tried.unread,
        "topics": {
            topic: {
                "newly": change.newly,
                "no_longer": change.no_longer,
                "newly_seen": shown(change.newly_seen),
                "no_longer_seen": shown(change.no_longer_seen),
            }
            for topic, change in sorted(tried.topics.items())
        },
        "figures": {
            kind: {"added": tried.added[kind], "removed": tried.removed[kind]}
            for kind in sorted(tried.added.keys() | tried.removed.keys())
        },
    }


def editions(console: Console, listed: Sequence[Listed]) -> None:
    """Digests that were made, the newest first: number, window, language, to how many, and what they say first."""
    if not listed:
        console.print(
            "no digest was made yet → list readers in config/digest.toml, or see: monitor digest preview"
        )
    for one in listed:
        sent = f"sent to {one.sent} of {one.planned}"
        console.print(
            f"{one.edition_id:>5}  {one.window.since:%Y-%m-%d %H:%M} – {one.window.until:%Y-%m-%d %H:%M} UTC  "
            f"{one.language.value}  {sent:<16} {escape(one.subject)}"
        )


def saved_query(console: Console, query: SavedQuery) -> None:
    """A saved query: what it asks, its parameters with their defaults, its SQL."""
    console.print(f"[bold]{escape(query.title.english)}[/bold]")
    console.print(query.question.english, markup=False)
    if query.portable:
        console.print("portable: runs in DuckDB too, over files of the views", style="dim")
    for one in query.parameters:
        told = f"  {one.name:<9} {one.type:<9} {one.default or '(empty)':<16} {one.meaning.english}"
        console.print(told, markup=False)
    console.print()
    console.print(query.sql, markup=False)


def table(console: Console, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Rows under the names of their columns, long texts cut, numbers to the right; then how many there are."""
    cells = [[_cut(_one_line(cell(value))) for value in row] for row in rows]
    widths = [max(map(cell_len, column)) for column in zip(columns, *cells, strict=True)]
    right = [
        all(value is None or isinstance(value, int | float | Decimal) for value in column)
        for column in zip(*rows, strict=True)
    ] or [False] * len(columns)
    console.print(_aligned(columns, widths, right), markup=False, style="dim")
    for line in cells:
        console.print(_aligned(line, widths, right), markup=False)
    console.print(counted(len(rows), "row"), style="dim")


def _one_line(text: str) -> str:
    """A channel's words must not move the cursor."""
    return "".join(character for character in " ".join(text.split()) if character.isprintable())


def _cut(text: str) -> str:
    return text if cell_len(text) <= WIDEST else set_cell_size(text, WIDEST - 1).rstrip() + "…"


def _aligned(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    padded = [
        " " * (width - cell_len(one)) + one if to_right else one + " " * (width - cell_len(one))
        for one, width, to_right in zip(cells, widths, right, strict=True)
    ]
    return "  ".join(padded).rstrip()
