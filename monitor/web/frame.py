"""What the pages beside the queue share: the counts in the links that every page bears."""

from starlette.requests import Request

from monitor.model import User
from monitor.store.database import Transaction
from monitor.web.queue import COUNTED, counted


async def counts_of(tx: Transaction, request: Request, user: User) -> dict[str, int]:
    """How many cases wait behind each link, by its name."""
    counts = await counted(tx, request, user)
    return {name: counts[view] for name, view in COUNTED.items()}
