"""Every symbol once: what it means, and where arXiv 2603.07887 defines it.

README's glossary and that of the documentation are made from this table.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["FIRST", "SYMBOLS", "Symbol", "glossary"]

FIRST = ("N", "pi_ref", "V^", "V*", "D_TV")  # what a reader must know


class Symbol(NamedTuple):
    """One symbol of the field, as it stands in formulas of this project.

    Attributes
    ----------
    text : str
        How formulas and docstrings write it.
    latex : str
        The same in LaTeX, for the documentation.
    name : str
        What it is called.
    meaning : str
        One sentence.
    reference : str
        Number in arXiv 2603.07887, or "here" for what is defined in paper/.
    code : str
        Where the value is; empty if it is a number that the user chooses.
    """

    text: str
    latex: str
    name: str
    meaning: str
    reference: str
    code: str


SYMBOLS = (
    Symbol(
        "H", r"H", "horizon", "Number of levels; a path is x_0 (the root), x_1, ..., x_H.",
        "section 2", "problem.horizon",
    ),
    Symbol(
        "N", r"N", "number of particles", "Size of the cloud at every level.",
        "Algorithm 1", "sampler.n_particles",
    ),
    Symbol(
        "pi_ref", r"\pi_{\text{ref}}", "base model",
        "Law of the next token given the prefix: the language model.",
        "section 2", "problem.model.probs",
    ),
    Symbol(
        "r", r"r", "terminal reward", "Number >= 0 that a whole path earns.",
        "section 2", "problem.reward",
    ),
    Symbol(
        "Z", r"Z", "normalising constant", "E_ref[r], the mean reward under the base model.",
        "section 2", "problem.log_z",
    ),
    Symbol(
        "V*", r"V^*", "value function",
        "V*(x) = E_ref[r | x], the mean reward of paths that go on from x.",
        "section 2", "problem.value",
    ),
    Symbol(
        "V^", r"\hat{V}", "process reward model (PRM)",
        "What the sampler takes for V*; V^ = r at level H, and any scale at the root.",
        "section 2", "problem.prm",
    ),
    Symbol(
        "pi*_h", r"\pi^*_h", "target",
        "Law of level h, proportional to pi_ref V*; pi* without h is that of paths.",
        "section 2", "problem.target",
    ),
    Symbol(
        "pi^_h", r"\hat{\pi}_h", "intermediate target",
        "Law of level h, proportional to pi_ref V^, with normalising constant Z^_h.",
        "section 2", "problem.forward_backward.log_z_hat",
    ),
    Symbol(
        "nu^_h", r"\hat{\nu}_h", "weighted cloud",
        "The N particles of level h with their normalised weights, as a law.",
        "Algorithm 1", "runs.cloud_states, runs.cloud_log_weights",
    ),
    Symbol(
        "W^_h", r"\hat{W}_h", "estimate of Z^_h",
        "V^(root) times the product over levels up to h of the mean weight; W^_H estimates Z.",
        "Algorithm 1, C.2", "runs.log_w",
    ),
    Symbol(
        "eta_h", r"\eta_h", "proposal law of pairs",
        "Law of (x_{h-1}, x_h) with x_{h-1} from pi^_{h-1} and x_h from pi_ref given it.",
        "here", "criteria(problem).proposal_chi2",
    ),
    Symbol(
        "C_act", r"C_{\text{act}}", "action-level coverage",
        "Largest V*(x_h)/V*(x_{h-1}) of a step that pi_ref can take.",
        "3.1", "criteria(problem).action_coverage",
    ),
    Symbol(
        "C_inf", r"C_\infty", "L-infinity accuracy",
        "Smallest C with 1/C <= V*/V^ <= C at every level.",
        "3.3", "criteria(problem).prm_accuracy",
    ),
    Symbol(
        "chi2_h", r"\chi^2_h", "chi-square accuracy",
        "chi2(pi*_h ‖ pi^_h), the variance of pi*_h/pi^_h under pi^_h.",
        "1.1", "criteria(problem).chi2",
    ),
    Symbol(
        "Cov_M", r"\text{Cov}_M", "coverage profile", "Cov_M(h) = P(pi*_h/pi^_h >= M) under pi*_h.",
        "3.4", "criteria(problem).coverage_profile",
    ),
    Symbol(
        "D_TV", r"D_{\text{TV}}", "error",
        "Total variation between the law of one output and pi*; failure counts.",
        "section 2", "sampler.exact_law(problem).tv",
    ),
)  # fmt: skip


def glossary() -> str:
    """Write the symbols that matter first as a table in Markdown, for README.

    Returns
    -------
    str
        A row a symbol of `FIRST`: symbol, what it is, value in Python.

    Examples
    --------
    >>> print(glossary().splitlines()[2])
    | `N` | number of particles. Size of the cloud at every level. | `sampler.n_particles` |
    """
    rows = ["| symbol | what it is | in Python |", "|---|---|---|"]
    named = {s.text: s for s in SYMBOLS}
    for s in map(named.__getitem__, FIRST):
        meaning = "".join(f"\\{c}" if c in "*_|" else c for c in f"{s.name}. {s.meaning}")
        code = ", ".join(f"`{part}`" for part in s.code.split(", "))
        rows.append(f"| `{s.text}` | {meaning} | {code} |")
    return "\n".join(rows) + "\n"
