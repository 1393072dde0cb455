"""Backward sweeps for the exact second moment of W^_H (coalescence of two lineages).

For t = H, ..., 0 and k = t, ..., 0 the vectors ahead_{k,t}(x) = E[V^(x_t) | x_k = x]
/ V^(x) * Z^_k / Z^_t and restart_{k,t}(x) = E_{pi*}[h_t | x_k = x] are carried from level
k+1 to level k along flat edge tables; only the two vectors of one level are held, and
gathered_k(x) = sum_t (1 - 1/N)^(t - k - lag) ahead restart.
"""

from __future__ import annotations

import numpy as np
from numba import njit

__all__ = ["log_sweeps", "path_sweeps", "sweeps"]

# What underflows is at most 1e-308 of a unit; below this peak nothing brings it back to size.
PEAK = 1e150
# Below it floats lose digits, and arithmetic is ten times as slow.
TINY = 1e-307


@njit(cache=True)
def sweeps(n_actions, state_start, target, weighted, posterior, ratio, n_particles, rejection, f):
    """Return E[(W^_H nu^_H(f) / Z^_H)^2], or nan when a vector passes `PEAK`.

    `weighted` is pi_ref times the normalised weight, `posterior` the kernel of pi*,
    `ratio` the normalised weight of each edge, `f` a function of terminal states (1 for SMC by
    rejection, whose W^_H does not see level H). SMC: two lineages that coalesce at level
    t+1 restart from the edge into it; rejection: they restart from the state at level t.
    """
    horizon = state_start.size - 2
    total = state_start[horizon + 1]
    stay = 1.0 - 1.0 / n_particles
    lag = 1 if rejection else 0
    gathered = np.zeros(total)
    widest = 1
    for h in range(horizon + 1):
        widest = max(widest, state_start[h + 1] - state_start[h])
    ahead, restart = np.empty(widest), np.empty(widest)
    new_ahead, new_restart = np.empty(widest), np.empty(widest)
    peak = 1.0
    for t in range(horizon, lag - 1, -1):
        begin = state_start[t]
        for s in range(state_start[t + 1] - begin):
            ahead[s] = f[s] if t == horizon else 1.0
            g = begin + s
            if t == horizon:
                restart[s] = f[s]
            elif rejection:
                restart[s] = gathered[g] / n_particles
            else:
                value = 0.0
                for a in range(n_actions):
                    e = g * n_actions + a
                    if posterior[e] > 0:
                        value += posterior[e] * ratio[e] * gathered[target[e]]
                restart[s] = value / n_particles
            if lag == 0:
                gathered[g] += ahead[s] * restart[s]
        power = 1.0 if rejection else stay
        for k in range(t - 1, -1, -1):
            begin = state_start[k]
            after = state_start[k + 1]
            for s in range(after - begin):
                x = 0.0
                y = 0.0
                for a in range(n_actions):
                    e = (begin + s) * n_actions + a
                    c = target[e] - after
                    x += weighted[e] * ahead[c]
                    y += posterior[e] * restart[c]
                new_ahead[s] = x
                new_restart[s] = y
                peak = max(peak, abs(x), abs(y))
                gathered[begin + s] += power * x * y
            ahead, new_ahead = new_ahead, ahead
            restart, new_restart = new_restart, restart
            power = power * stay if power > TINY else 0.0
        if not peak < PEAK:
            return np.nan
    return gathered[0]


@njit(cache=True)
def log_sweeps(n_actions, state_start, target, weighted, posterior, ratio, n_particles, rejection):
    """Return log E[(W^_H / Z^_H)^2]; `sweeps` with all tables in logs, for extreme weights."""
    horizon = state_start.size - 2
    total = state_start[horizon + 1]
    log_n = np.log(n_particles)
    stay = np.log1p(-1.0 / n_particles) if n_particles > 1 else -np.inf
    lag = 1 if rejection else 0
    gathered = np.full(total, -np.inf)
    ahead, restart = np.empty(total), np.empty(total)
    for t in range(horizon, lag - 1, -1):
        for g in range(state_start[t], state_start[t + 1]):
            ahead[g] = 0.0
            if t == horizon:
                restart[g] = 0.0
            elif rejection:
                restart[g] = gathered[g] - log_n
            else:
                value = -np.inf
                for e in range(g * n_actions, (g + 1) * n_actions):
                    if posterior[e] > -np.inf:
                        value = np.logaddexp(value, posterior[e] + ratio[e] + gathered[target[e]])
                restart[g] = value - log_n
            if lag == 0:
                gathered[g] = np.logaddexp(gathered[g], restart[g])
        for k in range(t - 1, -1, -1):
            power = 0.0 if t == k + lag else (t - k - lag) * stay
            for g in range(state_start[k], state_start[k + 1]):
                x = -np.inf
                y = -np.inf
                for e in range(g * n_actions, (g + 1) * n_actions):
                    x = np.logaddexp(x, weighted[e] + ahead[target[e]])
                    y = np.logaddexp(y, posterior[e] + restart[target[e]])
                ahead[g] = x
                restart[g] = y
                gathered[g] = np.logaddexp(gathered[g], power + x + y)
    return gathered[0]


@njit(cache=True)
def path_sweeps(
    n_actions, state_start, target, weighted, ratio, n_particles, rejection, states, edges
):
    """Return m(y) of each path, from its flat `states` (P, H+1) and `edges` (P, H)."""
    horizon = state_start.size - 2
    n_paths = states.shape[0]
    stay = 1.0 - 1.0 / n_particles
    lag = 1 if rejection else 0
    gathered = np.zeros((horizon + 1, n_paths))
    ahead = np.empty(state_start[horizon + 1])
    restart = np.empty(n_paths)
    for t in range(horizon, lag - 1, -1):
        for p in range(n_paths):
            if t == horizon:
                restart[p] = 1.0
            elif rejection:
                restart[p] = gathered[t, p] / n_particles
            else:
                restart[p] = ratio[edges[p, t]] * gathered[t + 1, p] / n_particles
            if lag == 0:
                gathered[t, p] += restart[p]
        for g in range(state_start[t], state_start[t + 1]):
            ahead[g] = 1.0
        power = 1.0 if rejection else stay
        for k in range(t - 1, -1, -1):
            for g in range(state_start[k], state_start[k + 1]):
                x = 0.0
                for e in range(g * n_actions, (g + 1) * n_actions):
                    x += weighted[e] * ahead[target[e]]
                ahead[g] = x
            for p in range(n_paths):
                gathered[k, p] += power * ahead[states[p, k]] * restart[p]
            power = power * stay if power > TINY else 0.0
    return gathered[0]
