"""How many injections a statement needs, and how sure one is after them."""

from __future__ import annotations

from statistics import NormalDist

from ..errors import UsageError


def _quantile(confidence: float) -> float:
    if not 0 < confidence < 1:
        raise UsageError(f"confidence={confidence!r} is not between 0 and 1")
    return NormalDist().inv_cdf(0.5 + confidence / 2)


def sample_size(population: int, margin: float, confidence: float = 0.95) -> int:
    """Injections, of `population` possible ones, after which a share is known to within `margin`.

    For the worst case of a share of one half (Leveugle, Calvez, Maistri, Vanhauwaert: "Statistical fault injection:
    quantified error and confidence", DATE 2009).

    >>> fi.sample_size(10**9, 0.01), fi.sample_size(1000, 0.01)
    (9604, 906)
    """
    if not 0 < margin < 1:
        raise UsageError(f"margin={margin!r} is not between 0 and 1")
    if population <= 0:
        raise UsageError("there is nothing to inject: the fault space is empty")
    t = _quantile(confidence)
    exact = population / (1 + margin**2 * (population - 1) / (t**2 * 0.25))
    return min(population, max(1, -int(-exact // 1)))


def wilson(hits: int, trials: int, confidence: float = 0.95, population: int | None = None) -> tuple[float, float]:
    """The interval for a share of which `hits` of `trials` were seen (Wilson, 1927); (0, 1) before the first.

    With `population`, the trials are different ones of so many: the interval narrows as they become all of them, as in
    sample_size(), and is the share itself in the end.

    >>> low, high = fi.wilson(8, 10)
    >>> round(low, 3), round(high, 3)
    (0.49, 0.943)
    >>> fi.wilson(8, 10, population=10)
    (0.8, 0.8)
    """
    if not 0 <= hits <= trials:
        raise UsageError(f"{hits} of {trials} is not a count of trials")
    if trials == 0:
        return 0.0, 1.0
    if population is not None and trials > population:
        raise UsageError(f"{trials} different trials of {population} possible ones cannot be")
    share = hits / trials
    if trials == population:
        return share, share
    t = _quantile(confidence)
    # So many drawn with replacement would be as certain.
    alike = trials if population is None else trials * (population - 1) / (population - trials)
    weight = 1 + t**2 / alike
    middle = (share + t**2 / (2 * alike)) / weight
    half = t / weight * (share * (1 - share) / alike + t**2 / (4 * alike**2)) ** 0.5
    return max(0.0, middle - half), min(1.0, middle + half)


__all__ = ["sample_size", "wilson"]
