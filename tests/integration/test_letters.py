"""Mails as they go over the wire: what a provider, a mail program and a reader find in them."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from monitor.letters import Addressed, _clean, digest_letter, notice_letter
from monitor.mail import Mailer, MailOptions
from monitor.model import EVERYTHING, Edition, Language, Mailbox, Notice, Severity, Window
from tests.integration.post import SENDER, Got, office, options

UNTIL = datetime(2024, 8, 9, 5, tzinfo=UTC)
TOKEN = "dG9rZW4tb2YtdGVzdHM_-w"
PUBLIC = "https://review-of-the-digest.of-a-long-name.research.example.org"
EDITION = Edition(
    edition_id=7,
    window=Window(UNTIL - timedelta(days=1), UNTIL),
    zone="Europe/Moscow",
    language=Language.RUSSIAN,
    narrowed=EVERYTHING,
    composed_at=UNTIL,
    subject="Сводка за 9 августа, 08:00 по Москве: 12 постов, 3 изменены, 1 удалён, и ещё кое-что длинное, чтобы строк было две",
    html="<html><body><!--greeting--><p>Суджа &lt;!--greeting--&gt;</p>"
    + "я" * 3000
    + "<!--farewell--></body></html>",
    body="Суджа\n.\n" + "я" * 3000 + "\n",
    page="",
    counts={},
    sha256=b"",
)
READER = Addressed(
    to=Mailbox("Оля", "olya@r.example"),
    language=Language.RUSSIAN,
    message_id="digest-1@m.example",
    token=TOKEN,
)


def ours(**more: Any) -> MailOptions:
    return replace(options(0, public_url=PUBLIC), **more)


async def delivered(raw: bytes) -> Got:
    async with office() as post, Mailer(options(post.port)) as mailer:

        async def ready() -> None:
            pass

        await mailer.send(raw, "olya@r.example", sender=SENDER.address, before_end=ready)
    (got,) = post.got
    assert got.raw == raw
    return got


def headers(raw: bytes) -> dict[str, str]:
    """Each header's lines as they are, joined only where they are folded."""
    head = raw.partition(b"\r\n\r\n")[0].decode("ascii")
    return {
        line.partition(": ")[0].lower(): line.partition(": ")[2]
        for line in re.sub(r"\r\n(?=[ \t])", "", head).split("\r\n")
    }


def part(message: EmailMessage, kind: str) -> str:
    found = message.get_body((kind,))
    assert isinstance(found, EmailMessage)
    assert found.get_content_charset() == "utf-8"
    return str(found.get_content()).replace("\r\n", "\n")


async def test_a_digest_has_the_headers_that_providers_look_for_each_on_a_line_of_its_own() -> None:
    got = await delivered(digest_letter(EDITION, READER, ours(), now=UNTIL))
    lines = got.raw.partition(b"\r\n\r\n")[0].decode().split("\r\n")
    way = f"{PUBLIC}/u/{TOKEN}"
    assert f"List-Unsubscribe: <{way}>, <mailto:monitor@m.example?subject=unsubscribe%20{TOKEN}>" in lines
    assert "List-Unsubscribe-Post: List-Unsubscribe=One-Click" in lines
    assert "Message-ID: <digest-1@m.example>" in lines
    assert "List-Id: <digest.m.example>" in lines
    assert "Auto-Submitted: auto-generated" in lines
    assert "Content-Language: ru" in lines
    assert got.message["Date"].datetime == UNTIL
    assert got.message["Subject"] == EDITION.subject
    assert got.message["From"].addresses[0].display_name == "Монитор"
    assert got.message["To"].addresses[0].addr_spec == "olya@r.example"
    assert got.message["Reply-To"].addresses[0].addr_spec == "monitor@m.example"


async def test_every_line_and_every_encoded_word_is_as_short_as_the_standards_want() -> None:
    raw = digest_letter(EDITION, READER, ours(), now=UNTIL)
    raw.decode("ascii")
    head, _, body = raw.partition(b"\r\n\r\n")
    assert max(map(len, body.split(b"\r\n"))) <= 78
    assert max(map(len, head.split(b"\r\n"))) <= 998
    assert all(len(word) <= 75 for word in re.findall(rb"=\?[^? ]+\?.\?[^? ]*\?=", head))
    assert b"\n" not in raw.replace(b"\r\n", b"")


async def test_both_halves_greet_and_say_why_it_comes_and_how_to_stop_it() -> None:
    got = await delivered(digest_letter(EDITION, replace(READER, late=True), ours(), now=UNTIL))
    assert got.message.get_content_type() == "multipart/alternative"
    assert [one.get_content_type() for one in got.message.iter_parts()] == ["text/plain", "text/html"]
    for kind in ("plain", "html"):
        content = part(got.message, kind)
        assert content.index("Здравствуйте, Оля.") < content.index("опоздала") < content.index("Суджа")
        assert "2024-08-09 08:00 (Europe/Moscow)" in content
        assert content.index("Суджа") < content.index("olya@r.example") < content.index(f"{PUBLIC}/u/{TOKEN}")
    assert "<!--" not in part(got.message, "html")
    assert f'<a href="{PUBLIC}/u/{TOKEN}">' in part(got.message, "html")


async def test_one_that_is_on_time_does_not_speak_of_it_in_either_language() -> None:
    english = replace(READER, language=Language.ENGLISH, to=Mailbox("", "olya@r.example"))
    content = part((await delivered(digest_letter(EDITION, english, ours(), now=UNTIL))).message, "plain")
    assert content.startswith("Good day.\n\nСуджа\n.\n")
    assert "late" not in content


async def test_without_a_site_one_unsubscribes_by_mail_alone() -> None:
    answering = options(0, reply_to=Mailbox("", "ann@m.example"))
    found = headers(digest_letter(EDITION, READER, answering, now=UNTIL))
    assert found["list-unsubscribe"] == f"<mailto:ann@m.example?subject=unsubscribe%20{TOKEN}>"
    assert "list-unsubscribe-post" not in found
    assert found["reply-to"] == "ann@m.example"


EVIL = "Оля\r\nBcc: all@evil.example\n\x00\x1b[2J\u202emoc.live\u2066\u2028X-Evil: 1"


async def test_no_name_and_no_subject_makes_a_header_of_its_own_or_turns_the_line_round() -> None:
    to = Mailbox(EVIL, "olya@r.example")
    raw = digest_letter(replace(EDITION, subject=EVIL), replace(READER, to=to), ours(), now=UNTIL)
    found = headers(raw)
    assert "bcc" not in found
    assert "x-evil" not in found
    message = (await delivered(raw)).message
    assert message["Subject"] == "Оля Bcc: all@evil.example [2J moc.live X-Evil: 1"
    # Python puts a space where a long name is folded.
    assert message["To"].addresses[0].display_name.replace(" ", "") == message["Subject"].replace(" ", "")
    assert "\u202e" not in part(message, "plain")


HIDING = "=?utf-8?q?=0D=0ABcc:_all=40evil.example=0D=0A=0D=0Anot_ours?="
PIECES = (
    *(HIDING, "=?utf-8?b?DQpCY2M6IHg=?=", "=?", "?=", "=", "?", "=\u200e?", "=\r\n?", "utf-8?q?", "=0D=0A"),
    *(
        EVIL,
        "\r\n",
        "\n",
        "Bcc: x",
        "Ж" * 90,
        "x" * 90,
        '"',
        "\\",
        ",",
        ";",
        ":",
        "<",
        ">",
        "@",
        "(",
        ")",
        " ",
        "👍",
    ),
)
WORDS = st.one_of(st.lists(st.sampled_from(PIECES), max_size=12).map("".join), st.text(max_size=80))


@settings(deadline=None, max_examples=300)
@given(subject=WORDS, name=WORDS)
@example(subject=HIDING, name="")
@example(subject="", name=HIDING)
def test_whatever_a_name_or_a_subject_says_the_headers_are_ours(subject: str, name: str) -> None:
    usual = digest_letter(EDITION, READER, ours(), now=UNTIL)
    raw = digest_letter(
        replace(EDITION, subject=f"Kursk {subject}"),
        replace(READER, to=Mailbox(name, "olya@r.example")),
        ours(sender=Mailbox(name, SENDER.address)),
        now=UNTIL,
    )
    assert list(headers(raw)) == list(headers(usual))
    message = message_from_bytes(raw, policy=policy.default)
    for header, address in (("To", "olya@r.example"), ("From", SENDER.address)):
        (box,) = message[header].addresses
        assert box.addr_spec == address
        assert box.display_name.replace(" ", "") == _clean(name).replace(" ", "")
    told = _clean(f"Kursk {subject}")[:200]
    assert message["Subject"].replace(" ", "") == told.replace(" ", "")
    assert not re.search("[\x00-\x1f\x7f\u202a-\u202e\u2066-\u2069]", message["Subject"])


async def test_a_name_is_a_name_in_the_page_too() -> None:
    to = Mailbox('<script>alert("x")</script><!--farewell-->', "olya@r.example")
    html = part(
        (await delivered(digest_letter(EDITION, replace(READER, to=to), ours(), now=UNTIL))).message, "html"
    )
    assert "<script>" not in html
    assert html.count(f"/u/{TOKEN}") == 2


@pytest.mark.parametrize("subject", ["kursk: Суджа", EVIL, HIDING])
async def test_an_alert_is_text_alone(subject: str) -> None:
    notice = Notice(
        notice_id=1,
        kind="topic",
        severity=Severity.CRITICAL,
        person="Ann",
        language=Language.ENGLISH,
        made_at=UNTIL,
        subject=subject,
        body="Суджа\n.\nhttps://review.example/case/1\n",
        told={},
    )
    raw = notice_letter(
        notice, Mailbox("Ann", "ann@m.example"), ours(), message_id="notice-1-1@m.example", now=UNTIL
    )
    message = (await delivered(raw)).message
    assert message.get_content_type() == "text/plain"
    assert part(message, "plain") == notice.body
    assert message["Message-ID"] == "<notice-1-1@m.example>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert set(headers(raw)) == {
        *("from", "to", "reply-to", "subject", "date", "message-id", "auto-submitted", "content-language"),
        *("content-type", "content-transfer-encoding", "mime-version"),
    }
