"""Pure: the mails that go out, as the bytes that are handed over (RFC 5322).

Whatever comes from outside passes `_clean` on its way into a header, and nothing else cleans. One-click unsubscribing
is as RFC 8058 has it.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from email import policy
from email.header import Header
from email.headerregistry import Address, UniqueAddressHeader
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import format_datetime
from html import escape
from urllib.parse import quote
from zoneinfo import ZoneInfo

from monitor.mail import MailOptions
from monitor.model import Edition, Language, Mailbox, Notice

GREETING, FAREWELL = "<!--greeting-->", "<!--farewell-->"
_LONGEST_SUBJECT = 200
_FOLD = "\r\n"
_PLAIN_NAME = re.compile(r"(?!.{61})[A-Za-z0-9]+(?: [A-Za-z0-9]+)*")
# What would turn the reading of a line round, or hide that it is another one.
_HIDDEN = re.compile("[\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")

_WORDS: dict[Language, dict[str, str]] = {
    Language.ENGLISH: {
        "greeting": "Good day.",
        "greeting.name": "Good day, {name}.",
        "late": "This digest comes late: it was due at {due}.",
        "why": "You get this digest because {address} is on the list of its readers.",
        "web": "This digest on the web, whole:",
        "stop": "To get it no more:",
    },
    Language.RUSSIAN: {
        "greeting": "Здравствуйте.",
        "greeting.name": "Здравствуйте, {name}.",
        "late": "Эта сводка опоздала: она должна была прийти {due}.",
        "why": "Вы получаете эту сводку, потому что {address} есть в списке её читателей.",
        "web": "Вся эта сводка на сайте:",
        "stop": "Чтобы больше её не получать:",
    },
}


class _Wire(EmailPolicy):
    """Headers that a machine reads stay on one line; folded, Python would encode them, and no provider decodes that."""

    def fold_binary(self, name: str, value: str) -> bytes:
        """One header as it goes over the wire."""
        if isinstance(value, UniqueAddressHeader):
            return f"{name}: {', '.join(map(_written, value.addresses))}\r\n".encode("ascii")
        one_line = name.lower().startswith("list-") or name.lower() == "message-id"
        return (_ONE_LINE if one_line else _SHORT).fold_binary(name, value)


def _written(box: Address) -> str:
    """A mailbox, its name encoded where it is more than plain words: where Python folds a name, its quotes get lost."""
    if not box.display_name:
        return box.addr_spec
    if _PLAIN_NAME.fullmatch(box.display_name):
        return f"{box.display_name} <{box.addr_spec}>"
    return (
        f"{Header(box.display_name, 'utf-8', maxlinelen=75).encode(linesep=_FOLD)}{_FOLD} <{box.addr_spec}>"
    )


# An encoded word has 75 characters at most (RFC 2047 §2), and a line that goes on begins with a space.
_SHORT = policy.SMTP.clone(max_line_length=76)
_ONE_LINE = policy.SMTP.clone(max_line_length=998)
# Not every server takes eight bits.
_WIRE = _Wire(linesep="\r\n", cte_type="7bit")


@dataclass(frozen=True, slots=True, kw_only=True)
class Addressed:
    """To whom a digest goes. `message_id` is without its brackets; `token` is what unsubscribes the reader."""

    to: Mailbox
    language: Language
    message_id: str
    token: str
    late: bool = False


def digest_letter(edition: Edition, addressed: Addressed, options: MailOptions, *, now: datetime) -> bytes:
    """An edition as it goes to one reader."""
    letter = _letter(edition.subject, addressed.to, options, now=now)
    letter["Message-ID"] = f"<{_clean(addressed.message_id)}>"
    letter["List-Id"] = f"<digest.{_host(options.sender.address)}>"
    letter["List-Unsubscribe"] = ", ".join(f"<{way}>" for way in ways_out(addressed.token, options))
    if options.public_url:
        letter["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    greeting, farewell = _greeting(edition, addressed), _farewell(edition, addressed, options)
    letter.set_content(
        "\n\n".join(["\n".join(greeting), edition.body.strip("\n"), "\n".join(farewell)]) + "\n"
    )
    letter.add_alternative(_page(edition.html, greeting, farewell), subtype="html")
    letter["Content-Language"] = addressed.language.value
    return letter.as_bytes()


def notice_letter(
    notice: Notice, to: Mailbox, options: MailOptions, *, message_id: str, now: datetime
) -> bytes:
    """An alert as it goes to one person: text alone."""
    letter = _letter(notice.subject, to, options, now=now)
    letter["Message-ID"] = f"<{_clean(message_id)}>"
    letter.set_content(notice.body)
    letter["Content-Language"] = notice.language.value
    return letter.as_bytes()


def ways_out(token: str, options: MailOptions) -> list[str]:
    """The addresses by which a reader unsubscribes: the page where there is one, then a mail to a person."""
    mail = f"mailto:{quote((options.reply_to or options.sender).address, safe='@')}?subject=unsubscribe%20{token}"
    return [f"{options.public_url}/u/{token}", mail] if options.public_url else [mail]


def _letter(subject: str, to: Mailbox, options: MailOptions, *, now: datetime) -> EmailMessage:
    letter = EmailMessage(policy=_WIRE)
    letter["From"] = _address(options.sender)
    letter["To"] = _address(to)
    letter["Reply-To"] = _address(options.reply_to or options.sender)
    letter["Subject"] = _clean(subject)[:_LONGEST_SUBJECT]
    letter["Date"] = format_datetime(now)
    letter["Auto-Submitted"] = "auto-generated"
    return letter


def _address(box: Mailbox) -> Address:
    return Address(_clean(box.name), addr_spec=_clean(box.address))


def _host(address: str) -> str:
    return address.rpartition("@")[2]


def _clean(words: str) -> str:
    """Words on one line, in which nothing controls a terminal, a header or the direction of reading."""
    line = " ".join("".join(c if c.isprintable() else " " for c in _HIDDEN.sub(" ", words)).split())
    # Python reads encoded words (RFC 2047) where a header is set, and what they hide would come after the cleaning.
    return line.replace("=?", "= ?")


def _greeting(edition: Edition, addressed: Addressed) -> list[str]:
    words, name = _WORDS[addressed.language], _clean(addressed.to.name)
    lines = [words["greeting.name"].format(name=name) if name else words["greeting"]]
    if addressed.late:
        due = f"{edition.window.until.astimezone(ZoneInfo(edition.zone)):%Y-%m-%d %H:%M} ({edition.zone})"
        lines.append(words["late"].format(due=due))
    return lines


def _farewell(edition: Edition, addressed: Addressed, options: MailOptions) -> list[str]:
    words = _WORDS[addressed.language]
    way = ways_out(addressed.token, options)[0]
    page = f"{options.public_url}/digest/{edition.edition_id}"
    web = [f"{words['web']} {page}"] if options.public_url else []
    return ["-- ", words["why"].format(address=addressed.to.address), *web, f"{words['stop']} {way}"]


def _page(html: str, greeting: list[str], farewell: list[str]) -> str:
    """The page of an edition with what is the reader's own put in."""
    before = "<br>".join(escape(line) for line in greeting)
    why, *links = farewell[1:]
    after = "<br>".join([escape(why), *map(_link, links)])
    return html.replace(GREETING, f"<p>{before}</p>", 1).replace(FAREWELL, f"<p>{after}</p>", 1)


def _link(line: str) -> str:
    """A line that ends with an address, which is made a link."""
    said, _, way = line.rpartition(" ")
    return f'{escape(said)} <a href="{escape(way)}">{escape(way)}</a>'
