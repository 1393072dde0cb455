"""What the studies of prompt switching measure on a whole vocabulary (arXiv 2603.07887)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from simulator.errors import InputError
from simulator.measure.confidence import clopper_pearson, mean_upper
from simulator.samplers.runs import Runs
from simulator.samplers.smc.sampler import SMC
from simulator.text.drawing import chosen
from simulator.text.language_model import LanguageModel, Prompt
from simulator.text.problem import LanguageModelProblem
from simulator.text.prompt_switching import PromptSwitching
from simulator.typing import Floats, RngLike

__all__ = [
    "Certificate",
    "certificate",
    "deviation_floor",
    "log_prob_deviation",
    "read_texts",
    "sample_texts",
]

Tokens = npt.NDArray[np.int32]

ROWS = 16  # texts whose laws are held at once


def sample_texts(lm: LanguageModel, prompt: Prompt, n: int, horizon: int, rng: RngLike) -> Tokens:
    """Draw texts of H tokens from M(. | prompt); none ends early.

    Returns
    -------
    (n, H) int32 array
    """
    problem = LanguageModelProblem(lm, prompt, horizon, PromptSwitching(prompt), eos=None)
    tokens = SMC(1).run(problem, n, rng=rng, keep=("tokens",)).tokens
    assert tokens is not None
    return tokens


def read_texts(
    lm: LanguageModel, law: Prompt, prompts: Sequence[Prompt], texts: Tokens
) -> tuple[list[Floats], list[Floats]]:
    r"""Score texts under several prompts, and what their tokens would score on average.

    The means are E[log M(a_h | p, a_<h) | a_<h] with a_h drawn from M(. | law, a_<h). Over
    texts of M(. | law) they average to the same as the scores, with less noise, since the
    token is integrated out; differences of two prompts are relative entropies.

    Parameters
    ----------
    law : str or sequence of int
        One of the prompts.
    prompts : sequence of str or of sequences of int
        The prompts p.
    texts : (n, H) int array
        Without `WAIT`.

    Returns
    -------
    scores, means : lists of (n, H) arrays
        One a prompt; -inf where M(. | p) lacks a token that M(. | law) has.

    Examples
    --------
    >>> from simulator.text.tabular import TabularLM
    >>> from simulator.problem.model import TabularModel
    >>> lm = TabularLM(
    ...     {"calm": TabularModel.tree([[[0.5, 0.5]]]), "loud": TabularModel.tree([[[0.8, 0.2]]])}
    ... )
    >>> _, (calm, loud) = read_texts(lm, "loud", ["calm", "loud"], np.array([[1]]))
    >>> float((loud - calm).sum().round(4))  # KL(loud || calm)
    0.1927
    """
    shape = (len(prompts), *texts.shape)
    scores, means = np.empty(shape), np.empty(shape)
    at = list(prompts).index(law)
    size = min(ROWS, lm.texts_at_once(texts.shape[1]))
    for i in range(0, len(texts), size):
        some = texts[i : i + size]
        levels = zip(*(lm.laws(p, some) for p in prompts), strict=True)
        for h, tables in enumerate(levels):
            weights = np.exp(tables[at])
            for k, table in enumerate(tables):
                scores[k, i : i + size, h] = chosen(table, some[:, h].astype(np.int64))
                means[k, i : i + size, h] = _mean(weights, table)
    return list(scores), list(means)


def _mean(weights: Floats, values: Floats) -> Floats:
    with np.errstate(invalid="ignore"):
        return np.where(weights > 0, weights * values, 0.0).sum(axis=1)


def log_prob_deviation(output: Sequence[Floats], target: Sequence[Floats]) -> float:
    r"""Return the LPD: sum over p and h of |mean log M(a_h | p, a_<h) - the same under pi*|.

    Parameters
    ----------
    output : sequence of (R, H) arrays
        log M of the tokens that a sampler put out, under each prompt p.
    target : sequence of (R', H) arrays
        The same for texts drawn from pi*.

    Returns
    -------
    float
        Never below 0, and above 0 for finite R even if the laws agree.

    Examples
    --------
    >>> log_prob_deviation([np.array([[-1.0, -2.0]])], [np.array([[-1.5, -2.0], [-1.0, -1.0]])])
    0.75
    """
    gaps = [np.abs(a.mean(axis=0) - b.mean(axis=0)) for a, b in zip(output, target, strict=True)]
    return float(sum(g.sum() for g in gaps))


def deviation_floor(output: Sequence[Floats], target: Sequence[Floats]) -> float:
    r"""Return what the LPD would be on average if the two laws agreed: noise only.

    .. math:: \sqrt{2/\pi} \sum_{p,h} \sqrt{s^2_{p,h}/R + s'^2_{p,h}/R'}

    with the sample variances of the columns, for means that are close to normal.

    Parameters
    ----------
    output, target : sequences of arrays
        As in `log_prob_deviation`; at least 2 rows.

    Examples
    --------
    >>> x = [np.array([[-1.0], [-3.0]])]
    >>> round(deviation_floor(x, x), 4)
    1.1284
    """
    total = 0.0
    for a, b in zip(output, target, strict=True):
        variance = a.var(axis=0, ddof=1) / len(a) + b.var(axis=0, ddof=1) / len(b)
        total += float(np.sqrt(variance).sum())
    return float(np.sqrt(2 / np.pi)) * total


@dataclass(frozen=True)
class Certificate:
    """Limits of D_TV(law of one output, pi*) on a whole vocabulary, both with `confidence`.

    Attributes
    ----------
    low, high : float
    confidence : float
    shortfall_mean : float
        Mean of (1 - W^_H)_+; 1 for samplers that are not properly weighted.
    """

    low: float
    high: float
    confidence: float
    shortfall_mean: float


def certificate(
    runs: Runs,
    statistic: Floats,
    target_statistic: Floats,
    *,
    properly_weighted: bool,
    confidence: float = 0.95,
) -> Certificate:
    r"""Certify the error in prompt switching, where Z = 1 and pi* can be drawn from.

    Above: E[(1 - W^_H)_+] (lemma C.3). Below: for any event D_TV >= P_pi*(E) - P(E). The
    event is {statistic <= c} or its complement, chosen on the first halves of both samples;
    its probabilities are bounded on the second halves (Clopper-Pearson). A failed run is in
    no event of pi*, so it counts as error.

    Parameters
    ----------
    statistic : (R,) array
        Of each output, for instance log M(y|p*) - log M(y|p_ref); any number where it failed.
    target_statistic : (R',) array
        Of texts drawn from pi*.
    properly_weighted : bool
        Whether the upper limit applies.

    Raises
    ------
    InputError
        If there are fewer than 4 runs or texts.

    Examples
    --------
    >>> ones = np.ones(100, dtype=np.int64)
    >>> runs = Runs(ones, np.zeros(100), ones < 1, ones, ones)
    >>> c = certificate(runs, np.zeros(100), np.ones(100), properly_weighted=False)
    >>> 0.8 < c.low < 1.0 == c.high
    True
    """
    if min(len(runs), target_statistic.size) < 4:
        raise InputError("certificate: at least 4 runs and 4 texts are needed")
    delta = 1 - confidence
    high, mean = 1.0, 1.0
    if properly_weighted and runs.log_w is not None:
        short = np.maximum(0.0, -np.expm1(runs.log_w))
        mean, high = float(short.mean()), mean_upper(short, delta / 2)
    found = np.where(runs.failed, np.inf, statistic)
    r, t = len(runs) // 2, target_statistic.size // 2
    cut, sign = _event(found[:r], target_statistic[:t])
    ours = _inside(found[r:], cut, sign)
    theirs = _inside(target_statistic[t:], cut, sign)
    # clopper_pearson gives each side half of its delta, and one side of each is used
    least = clopper_pearson(int(theirs.sum()), theirs.size, delta / 2)[0]
    most = clopper_pearson(int(ours.sum()), ours.size, delta / 2)[1]
    low = max(0.0, least - most)
    return Certificate(low, max(high, low), confidence, mean)


def _inside(x: Floats, cut: float, sign: int) -> npt.NDArray[np.bool_]:
    """Tell who is in the event that pi* favours; a failed run, at infinity, never is."""
    return np.asarray((x <= cut) if sign > 0 else (x > cut) & (x < np.inf))


def _event(ours: Floats, theirs: Floats) -> tuple[float, int]:
    """Cut and side with the largest excess of pi*."""
    best, chosen = -np.inf, (float(np.median(theirs)), 1)
    both = np.concatenate([ours, theirs])
    for cut in np.unique(both[np.isfinite(both)]):
        for sign in (1, -1):
            gap = float(_inside(theirs, cut, sign).mean() - _inside(ours, cut, sign).mean())
            if gap > best:
                best, chosen = gap, (float(cut), sign)
    return chosen
