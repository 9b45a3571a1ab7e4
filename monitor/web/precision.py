"""How precise the rules are by what was decided, how far second looks agree with first opinions, and where they do not."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from monitor.store import decisions, precision
from monitor.web.agreement import agreement, interval
from monitor.web.auth import SignedIn
from monitor.web.frame import counts_of
from monitor.web.pages import page
from monitor.web.site import site_of

router = APIRouter()
MOST_ROWS, MOST_DISAGREEMENTS = 1000, 100


@router.get("/precision")
async def precision_page(request: Request, user: SignedIn, ruleset: str = "") -> Response:
    """The page; without a ruleset that is known it is of the one in use last."""
    async with site_of(request).database.transaction() as tx:
        known = await precision.rulesets(tx)
        chosen = next((one for one in known if one.sha256 == ruleset), known[0] if known else None)
        rows = await precision.under(tx, chosen.sha256 if chosen else None, limit=MOST_ROWS + 1)
        pairs = await decisions.pairs(tx)
        counts = await counts_of(tx, request, user)
    apart = [pair for pair in reversed(pairs) if pair[1] is not pair[2]]
    return page(
        request,
        "precision.html",
        known=known,
        chosen=chosen,
        rows=rows[:MOST_ROWS],
        capped=len(rows) > MOST_ROWS,
        interval=interval,
        agreement=agreement((first, second) for _, first, second in pairs),
        apart=apart[:MOST_DISAGREEMENTS],
        unlisted=max(len(apart) - MOST_DISAGREEMENTS, 0),
        counts=counts,
    )
