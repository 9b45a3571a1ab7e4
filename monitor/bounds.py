"""The bounds of a figure in short, the same words as on the terminal."""


def bounds_in_short(low: float | None, high: float | None, *, about: bool = False) -> str:
    """The bounds of a figure: 11, ~400, ≤300, ≥20 or 300–400; a question mark where both are open."""
    least, most = (None if bound is None else f"{bound:,.10g}" for bound in (low, high))
    if least is None or most is None:
        return f"≤{most}" if most is not None else f"≥{least}" if least is not None else "?"
    return ("~" if about else "") + (least if least == most else f"{least}–{most}")
