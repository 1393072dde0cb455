"""How far each exact quantity reaches, told where the law of paths is out of reach."""

from __future__ import annotations

__all__ = ["reach"]


def reach() -> list[dict[str, object]]:
    """List what is computed without runs, how far, and by which command.

    Returns
    -------
    list of dict
        One a quantity: what is exact, how far, and the command.

    Examples
    --------
    >>> [row["exact"] for row in reach()][:2]
    ['error and law of paths', 'law of terminal states']
    """
    from simulator.exact.law import DEFAULT_LIMIT
    from simulator.exact.second_moments import WORK
    from simulator.exact.share_chain import LONGEST
    from theory.bounds import conditional_weight, weight_shortfall

    clouds = f"{DEFAULT_LIMIT:.0e} transitions between clouds"
    measured = "beyond, --runs measures it"
    rows = (
        ("error and law of paths", f"{DEFAULT_LIMIT:.0e} paths and {clouds}", "exact PROBLEM"),
        (
            "law of terminal states",
            f"{clouds}; multinomial SMC and smc-rs at any N: H = {LONGEST} with 2 states a level, "
            "some hundreds with 3; its error is a lower limit of that on paths",
            "exact PROBLEM --on states",
        ),
        (
            "S2, variance of W^_H, by recursion",
            f"any N, H^2 times edges of a level up to {WORK:.0e}",
            "check PROBLEM --statement S2",
        ),
        (
            "J, path by path",
            f"any N, {conditional_weight.LIMIT} paths; {measured}",
            "check PROBLEM --statement J",
        ),
        (
            "T, by quadrature in each cloud",
            f"{clouds}; {measured}",
            "check PROBLEM --statement T",
        ),
        (
            "Z, with W^_H as part of clouds",
            f"{weight_shortfall.LIMIT:.0e} such transitions; {measured}",
            "check PROBLEM --statement Z",
        ),
        ("N D_TV for large N", "on paths, any H; sums over many paths are measured", "law PROBLEM"),
    )
    return [{"exact": what, "reaches": far, "command": command} for what, far, command in rows]
