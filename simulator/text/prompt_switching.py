"""Prompt switching: the same model under another prompt as target, with exact values."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING

import numpy as np

from simulator.checks import check_real
from simulator.text.language_model import WAIT, Prompt, Session
from simulator.text.problem import LanguagePRM, PRMSession
from simulator.typing import Bools, Floats, Ints

if TYPE_CHECKING:
    from simulator.text.problem import LanguageModelProblem

__all__ = ["PromptSwitching"]


class PromptSwitching(LanguagePRM):
    r"""V^ = V* · (M(.|p) / M(.|p*))^((1 - h/H) alpha), V* = M(.|p*) / M(.|p_ref).

    The target is pi* = M(.|p*), Z = 1, and V* is exact (arXiv 2603.07887, section on prompt
    switching). p_ref is the problem's prompt. alpha = 0 is the perfect PRM; else it believes
    in prompt p at first and comes round to p* at the end.

    All this needs laws of the same support under all prompts, `LanguageModel.same_support`:
    then E_ref[V*] is the sum of M(y|p*) over all y that M(.|p_ref) can draw, which are all.
    A softmax has it at every temperature. A nucleus (top_p < 1) has not: pi* is then M(.|p*)
    given that M(.|p_ref) can draw the text too, and Z, the probability of that under p*, is
    at most 1 and not known. Where M(.|p) cannot draw a text that M(.|p*) can, V^ = 0, and the
    samplers give it up: pi* and Z are then those of the texts that remain.

    Parameters
    ----------
    target : str or sequence of int
        p*.
    belief : str or sequence of int, optional
        p; by default p*.
    alpha : float, optional
        >= 0.

    Raises
    ------
    InputError
        If alpha is not a finite number >= 0.

    Examples
    --------
    >>> from simulator.text.problem import LanguageModelProblem
    >>> from simulator.text.tabular import TabularLM
    >>> from simulator.problem.model import TabularModel
    >>> lm = TabularLM(
    ...     {"calm": TabularModel.tree([[[0.5, 0.5]]]), "loud": TabularModel.tree([[[0.8, 0.2]]])}
    ... )
    >>> problem = LanguageModelProblem(lm, "calm", 1, PromptSwitching("loud"))
    >>> prm_session = problem.prm.start(problem, 2)
    >>> prm_session.extend(np.array([0, 1]), np.log([0.5, 0.5]))
    >>> np.exp(prm_session.log_values(np.arange(2), np.ones(2, dtype=bool))).round(3).tolist()
    [1.6, 0.4]
    """

    def __init__(self, target: Prompt, belief: Prompt | None = None, alpha: float = 0.0) -> None:
        check_real("alpha", alpha, 0)
        self.target, self.alpha = target, float(alpha)
        self.belief = target if belief is None or alpha == 0 else belief

    def log_z_of(self, problem: LanguageModelProblem) -> float | None:
        """Return 0, where Z = 1 is certain.

        Parameters
        ----------
        problem : LanguageModelProblem
            What is sampled.

        Returns
        -------
        float or None
            None if laws of the model differ in their support, unless all prompts are one.
        """
        # E_ref[p_B/p_A] = sum of p_B over the support of p_A, and V^ must not be 0 on the way.
        # With equal supports that is 1 at any temperature: p_A and p_B are the laws that are
        # sampled and scored, tempered already, and a softmax is 0 nowhere.
        only = {_key(problem.prompt), _key(self.target), _key(self.belief)}
        return 0.0 if problem.lm.same_support or len(only) == 1 else None

    def start(self, problem: LanguageModelProblem, n: int) -> PRMSession:
        """Begin with n empty texts; see `LanguagePRM.start`.

        Parameters
        ----------
        problem : LanguageModelProblem
            What is sampled; it holds the model, the prompt and where texts stop.
        n : int
            Number of texts.

        Returns
        -------
        PRMSession
            With one row a text.
        """
        return _Switch(self, problem, n)


class _Switch(PRMSession):
    """log M of the texts under the prompts that differ from p_ref, each in its own session."""

    def __init__(self, prm: PromptSwitching, problem: LanguageModelProblem, n: int) -> None:
        self.prm, self.total = prm, problem.max_tokens
        self.reference = problem.prompt
        prompts: list[Prompt] = [prm.target, prm.belief]
        self.sessions: dict[Prompt, Session] = {}
        for p in prompts:
            key = _key(p)
            if key != _key(problem.prompt) and key not in self.sessions:
                self.sessions[key] = problem.lm.start(p, n)
        self.log_mass = {key: np.zeros(n) for key in (_key(problem.prompt), *self.sessions)}
        self.levels = np.zeros(n, dtype=np.int64)

    def log_values(self, rows: Ints, final: Bools) -> Floats:
        mass = {key: x[rows] for key, x in self.log_mass.items()}
        return self._mix(mass, self.levels[rows], final)

    def _mix(self, mass: dict[Prompt, Floats], levels: Ints, final: Bools) -> Floats:
        reference = mass[_key(self.reference)]
        target, belief = mass[_key(self.prm.target)], mass[_key(self.prm.belief)]
        power = np.where(final, 0.0, (1 - levels / self.total) * self.prm.alpha)
        dead = np.isneginf(target) | np.isneginf(reference) | (np.isneginf(belief) & (power > 0))
        with np.errstate(invalid="ignore"):
            out = target - reference + np.where(power > 0, power * (belief - target), 0.0)
        return np.where(dead, -np.inf, out)

    def child_log_values(self, log_probs: Floats, last: Bools) -> Floats:
        mass = {_key(self.reference): self.log_mass[_key(self.reference)][:, None] + log_probs}
        for key, session in self.sessions.items():
            mass[key] = self.log_mass[key][:, None] + session.next_logprobs()
        return self._mix(mass, self.levels[:, None] + 1, last)

    def extend(self, tokens: Ints, log_probs: Floats) -> None:
        self.log_mass[_key(self.reference)] = self.log_mass[_key(self.reference)] + log_probs
        for key, session in self.sessions.items():
            self.log_mass[key] = self.log_mass[key] + session.log_probs_of(tokens)
            session.extend(tokens)
        self.levels = self.levels + (tokens != WAIT)

    def reorder(self, ancestors: Ints) -> None:
        for session in self.sessions.values():
            session.reorder(ancestors)
        self.log_mass = {key: x[ancestors] for key, x in self.log_mass.items()}
        self.levels = self.levels[ancestors]

    def fork(self, rows: Ints) -> PRMSession:
        new = copy(self)
        new.sessions = {key: session.fork(rows) for key, session in self.sessions.items()}
        new.log_mass = {key: x[rows] for key, x in self.log_mass.items()}
        new.levels = self.levels[rows]
        return new


def _key(prompt: Prompt) -> Prompt:
    return prompt if isinstance(prompt, str) else tuple(prompt)
