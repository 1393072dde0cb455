"""Laws of the next token, kept and drawn from where the logits of a model are.

One pass over the logits of a row adds up its weights exp(logit) in pieces of `PIECE` tokens. A
draw searches the sums of the pieces and then one piece, so that only tokens and numbers of
single tokens ever come to the host. Running sums are products with a triangle of ones: of
these, unlike of scans, devices promise equal results for equal numbers.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from simulator.language_models.extra import torch_and_transformers
from simulator.text.drawing import Cells, Drawn
from simulator.typing import Floats, Ints

__all__ = ["TokenLaws"]

PIECE = 512  # tokens
AT_ONCE = 1 << 19  # numbers that stay in a processor's cache
ON_DEVICE = 1 << 26  # numbers in float64 that any accelerator has room for


class TokenLaws:
    """Laws of n rows over V tokens: softmax of scale * logits, computed in float64.

    Parameters
    ----------
    logits : (n, V) tensor
        Finite, or -inf for tokens of probability 0; not all of a row.
    scale : float, optional
        1/temperature, > 0.
    peak : (n,) tensor, optional
        Largest logit of each row, where it is known already.
    """

    def __init__(self, logits: Any, scale: float = 1.0, peak: Any = None) -> None:
        self.torch, _ = torch_and_transformers()
        self.logits, self.scale = logits, scale
        self.peak = (logits.amax(dim=1) if peak is None else peak).double()
        self._sums: dict[float, tuple[Any, Any]] = {}

    def __len__(self) -> int:
        return int(self.logits.shape[0])

    def take(self, rows: Any) -> TokenLaws:
        """Return the laws of some rows.

        Parameters
        ----------
        rows : (m,) int tensor
            On the host.

        Returns
        -------
        TokenLaws
        """
        at = rows.to(self.logits.device)
        return TokenLaws(self.logits[at], self.scale, self.peak[at])

    def join(self, other: TokenLaws) -> TokenLaws:
        """Return the laws of these rows and of others of the same model behind them.

        Parameters
        ----------
        other : TokenLaws

        Returns
        -------
        TokenLaws
        """
        cat = self.torch.cat
        both = cat([self.logits, other.logits]), cat([self.peak, other.peak])
        return TokenLaws(both[0], self.scale, both[1])

    def table(self, rows: Ints | None = None) -> Floats:
        """Return log-probabilities.

        Parameters
        ----------
        rows : (m,) int array, optional
            By default all.

        Returns
        -------
        (m, V) array
            On the host.
        """
        logits = self.logits if rows is None else self.logits[self._index(rows)]
        out = self.torch.log_softmax(logits.double() * self.scale, dim=-1)
        return np.asarray(out.cpu().numpy())

    def draw(self, rows: Ints, uniforms: Floats, power: float = 1.0) -> Drawn:
        """Draw a token for each of some rows by inversion; see `Session.draw`.

        Parameters
        ----------
        rows : (m,) int array
        uniforms : (m,) array
        power : float, optional

        Returns
        -------
        Drawn
        """
        at = self._index(rows)
        total = self._totals(power)[at]
        token, _, _ = self._find(at, self._numbers(uniforms) * total, power)
        over_peak = self.logits[at, token] - self.peak[at]
        log_q = power * self.scale * over_peak - self.torch.log(total)
        log_p = log_q if power == 1 else self._log_probs(at, token)
        found = self.torch.stack([token.double(), log_p, log_q]).cpu().numpy()
        return Drawn(found[0].astype(np.int64), found[1], found[2])

    def log_probs_of(self, rows: Ints, tokens: Ints) -> Floats:
        """Return log-probabilities of single tokens.

        Parameters
        ----------
        rows, tokens : (m,) int arrays

        Returns
        -------
        (m,) array
            On the host.
        """
        found = self._log_probs(self._index(rows), self._index(tokens))
        return np.asarray(found.cpu().numpy())

    def locate(
        self, rows: Ints, mass: Floats, points: Floats, *, token_first: bool = False
    ) -> Cells:
        """Find points on the line of all cells; see `Session.locate`.

        Parameters
        ----------
        rows : (m,) int array
            Of each text, in these laws.
        mass : (m,) array
        points : (k,) array
        token_first : bool, optional

        Returns
        -------
        Cells
            Their `rows` are places in `rows`.
        """
        at = self._index(rows)
        if token_first:
            row, token, low, high = self._find_by_token(at, mass, points)
        else:
            ends = np.cumsum(mass)
            owner = np.searchsorted(ends, points, side="right")
            owner = np.minimum(owner, np.flatnonzero(mass)[-1])
            before = np.where(owner > 0, ends[owner - 1], 0.0)
            row, begin = self._index(owner), self._numbers(before)
            scale = self._numbers(mass)[row] / self._totals(1.0)[at[row]]
            mark = (self._numbers(points) - begin) / scale
            token, low, high = self._find(at[row], mark, 1.0)
            low, high = begin + low * scale, begin + high * scale
        log_probs = self._log_probs(at[row], token)
        found = self.torch.stack([row.double(), token.double(), log_probs, low, high])
        rows_, tokens_, log_probs, low, high = found.cpu().numpy()
        return Cells(rows_.astype(np.int64), tokens_.astype(np.int64), log_probs, low, high)

    def _find(self, rows: Any, mark: Any, power: float) -> tuple[Any, Any, Any]:
        """First token of each row whose running weight is beyond a mark, and where it lies."""
        sums, running = (x[rows] for x in self._pieces(power))
        piece = self._first(running > mark[:, None], sums > 0)
        before = self._before(running, piece)
        tokens, weights = self._weights_in(rows, piece, power)
        inside = self._running(weights)
        at = self._first(inside > mark[:, None] - before, weights > 0)
        low = before + self._before(inside, at)
        return tokens.gather(1, at)[:, 0], low[:, 0], (low + weights.gather(1, at))[:, 0]

    def _find_by_token(self, rows: Any, mass: Floats, points: Floats) -> tuple[Any, Any, Any, Any]:
        """Find cells in the order by token and then row: a piece, a token, and then the row."""
        sums, _ = self._pieces(1.0)
        scale = (self._numbers(mass) / self._totals(1.0)[rows])[:, None]
        mark = self._numbers(points)[:, None]
        columns = (sums[rows] * scale).sum(dim=0, keepdim=True)
        running = self._running(columns)
        piece = self._first(running > mark, columns > 0)
        rest = mark - self._before(running.expand(len(mark), -1), piece)
        found = []
        for k in range(len(mark)):  # of one point at a time: all rows, one piece
            tokens, weights = self._weights_in(rows, piece[k].expand(len(rows), 1), 1.0)
            weights = weights * scale
            column = weights.sum(dim=0, keepdim=True)
            inside = self._running(column)
            at = self._first(inside > rest[k], column > 0)
            cells = weights[:, at[0, 0]][None]
            left = rest[k] - self._before(inside, at)
            ends = self._running(cells)
            row = self._first(ends > left, cells > 0)
            low = mark[k] - left[0] + self._before(ends, row)[0]
            found.append([row[0], tokens[0, at[0]], low, low + cells[0, row[0]]])
        row, token, low, high = (self.torch.cat(x) for x in zip(*found, strict=True))
        return row, token, low, high

    def _index(self, numbers: Ints) -> Any:
        return self.torch.as_tensor(numbers, device=self.logits.device)

    def _numbers(self, numbers: Floats) -> Any:
        """Floats as a tensor of float64."""
        return self.torch.as_tensor(numbers, dtype=self.torch.float64, device=self.logits.device)

    def _log_probs(self, rows: Any, tokens: Any) -> Any:
        over_peak = self.logits[rows, tokens] - self.peak[rows]
        return self.scale * over_peak - self.torch.log(self._totals(1.0)[rows])

    def _totals(self, power: float) -> Any:
        """Sum of exp(power * scale * (logit - peak)) of each row."""
        return self._pieces(power)[1][:, -1]

    def _pieces(self, power: float) -> tuple[Any, Any]:
        """Add up exp(power * scale * (logit - peak)) over pieces: sums, and sums of sums."""
        if power not in self._sums:
            torch, n_tokens = self.torch, self.logits.shape[1]
            whole = n_tokens // PIECE * PIECE
            cpu = self.logits.device.type == "cpu"
            step = max(1, (AT_ONCE if cpu else ON_DEVICE) // n_tokens)
            parts = []
            room = torch.empty(  # one for all: memory that is new to a process is slow
                min(step, len(self)), n_tokens, dtype=torch.float64, device=self.logits.device
            )
            for i in range(0, len(self), step):
                logits = self.logits[i : i + step]
                weights = room[: len(logits)].copy_(logits).sub_(self.peak[i : i + step, None])
                self._exponentials(weights, power)
                sums = weights[:, :whole].reshape(len(weights), -1, PIECE).sum(dim=2)
                rest = weights[:, whole:].sum(dim=1, keepdim=True)
                parts.append(torch.cat([sums, rest], dim=1))
            together = torch.cat(parts)
            self._sums[power] = together, self._running(together)
        return self._sums[power]

    def _exponentials(self, over_peak: Any, power: float) -> Any:
        """Turn logits less the peak into weights, in place."""
        factor = power * self.scale
        return (over_peak if factor == 1 else over_peak.mul_(factor)).exp_()

    def _weights_in(self, rows: Any, piece: Any, power: float) -> tuple[Any, Any]:
        """Tokens of one piece a row, (m, PIECE), and their weights; 0 behind the last token."""
        torch, n_tokens = self.torch, self.logits.shape[1]
        tokens = piece * PIECE + torch.arange(PIECE, device=piece.device)
        exists = tokens < n_tokens
        tokens = tokens.clamp(max=n_tokens - 1)
        over_peak = self.logits[rows[:, None], tokens] - self.peak[rows, None]
        weights = self._exponentials(over_peak, power)
        return tokens, torch.where(exists, weights, 0.0)

    def _before(self, running: Any, at: Any) -> Any:
        """Look up the running sum in front of one column a row, (m, 1)."""
        return self.torch.where(at > 0, running.gather(1, (at - 1).clamp(min=0)), 0.0)

    def _running(self, x: Any) -> Any:
        """Compute running sums of each row."""
        return x @ _triangle(x.shape[1], x.device)

    def _first(self, beyond: Any, possible: Any) -> Any:
        """First column, (m, 1), that is beyond the mark and possible; else the last possible."""
        torch = self.torch
        columns = torch.arange(beyond.shape[1], device=beyond.device)
        first = torch.where(beyond & possible, columns, beyond.shape[1]).amin(1, keepdim=True)
        last = torch.where(possible, columns, 0).amax(1, keepdim=True)
        return torch.minimum(first, last)


@lru_cache(maxsize=8)
def _triangle(n: int, device: Any) -> Any:
    torch, _ = torch_and_transformers()
    return torch.ones(n, n, dtype=torch.float64, device=device).triu()
