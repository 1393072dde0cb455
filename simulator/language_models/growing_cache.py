"""A key-value cache in which choosing rows and adding a token make one copy, not two."""

from __future__ import annotations

from functools import cache
from typing import Any

from simulator.language_models.extra import torch_and_transformers

__all__ = ["growing_cache"]


def growing_cache() -> Any:
    """Return an empty cache of transformers whose layers choose rows when they next grow.

    Returns
    -------
    transformers.DynamicCache
        Made without a configuration: layers with a window would forget how long the text is.
    """
    _, transformers = torch_and_transformers()
    found = transformers.DynamicCache()
    found.layer_class_to_replicate = _layer_type()
    return found


@cache
def _layer_type() -> type:
    torch, transformers = torch_and_transformers()

    class GrowingLayer(transformers.DynamicLayer):  # type: ignore[name-defined,misc]
        """Keys and values of one layer; rows that were chosen are copied when they are needed."""

        chosen: Any = None
        stored: tuple[Any, Any] = (None, None)

        @property
        def keys(self) -> Any:
            return self._settled()[0]

        @keys.setter
        def keys(self, new: Any) -> None:
            self.stored = new, self.stored[1]

        @property
        def values(self) -> Any:
            return self._settled()[1]

        @values.setter
        def values(self, new: Any) -> None:
            self.stored = self.stored[0], new

        def _settled(self) -> tuple[Any, Any]:
            if self.chosen is not None:
                self.stored = self.stored[0][self.chosen], self.stored[1][self.chosen]
                self.chosen = None
            return self.stored

        def get_seq_length(self) -> int:
            stored = self.stored[0]
            return 0 if stored is None or stored.numel() == 0 else int(stored.shape[-2])

        def batch_select_indices(self, indices: Any) -> None:
            self.chosen = indices if self.chosen is None else self.chosen[indices]

        def update(self, key_states: Any, value_states: Any, *given: Any, **named: Any) -> Any:
            if self.chosen is None:
                return super().update(key_states, value_states, *given, **named)
            rows, self.chosen = self.chosen, None
            new = zip(self.stored, (key_states, value_states), strict=True)
            self.stored = tuple(_grown(old, rows, more) for old, more in new)
            return self.stored

    def _grown(old: Any, rows: Any, more: Any) -> Any:
        length = old.shape[-2]
        out = old.new_empty((len(rows), old.shape[1], length + more.shape[-2], old.shape[3]))
        torch.index_select(old, 0, rows, out=out[:, :, :length])
        out[:, :, length:] = more
        return out

    return GrowingLayer
