"""What a link in a post is, by its address and its words: the same from every source, since hidden targets are hashed."""

from urllib.parse import unquote, urlsplit

_PERSONAL = ("tg://user", "tg:user", "tg://openmessage", "tg:openmessage")


def kind_of_link(href: str, said: str) -> tuple[str, str | None]:
    """An entity's type and value: only a link whose words hide its target keeps the target.

    `?q=`, `mailto:` and `tel:` are how the public pages write a hashtag, an address and a number.
    """
    if href.startswith("?q="):
        return ("cashtag" if said.startswith("$") else "hashtag"), None
    if href.startswith(("mailto:", "tel:")):
        return ("email" if href.startswith("mailto:") else "phone"), None
    if names_user(href):
        return "mention_name", None
    if said.startswith("@") and _bare(href).lower() in (
        f"t.me/{said[1:].lower()}",
        f"telegram.me/{said[1:].lower()}",
    ):
        return "mention", None
    return ("link", None) if _shows(said, href) else ("text_link", href)


def names_user(href: str) -> bool:
    """Whether an address holds a person's id (`tg://user?id=…`, core.telegram.org/api/links)."""
    return href.lstrip().lower().startswith(_PERSONAL)


def _shows(said: str, href: str) -> bool:
    """Whether words are an address. Most are not, and without a dot cannot be, which is soon seen."""
    if "." in href.partition("://")[2] and "." not in said and "%" not in said:
        return False
    return _bare(href) == _bare(said)


def _bare(address: str) -> str:
    """An address without what the public page adds to it: scheme, case of the host, a final slash, escapes."""
    written = address.strip()
    try:
        parts = urlsplit(written if "://" in written else f"http://{written}")
    except ValueError:
        return written
    rest = parts._replace(scheme="", netloc="").geturl()
    return unquote(parts.netloc.lower() + rest).rstrip("/")
