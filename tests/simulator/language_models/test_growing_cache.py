"""Rows that are chosen late are those that would have been chosen at once."""

import copy

import pytest

torch = pytest.importorskip("torch")

from simulator.language_models.growing_cache import growing_cache  # noqa: E402


def states(n, length, seed):
    torch.manual_seed(seed)
    return torch.randn(n, 2, length, 3), torch.randn(n, 2, length, 3)


@pytest.mark.parametrize("new", [1, 4])
def test_choosing_and_growing_are_those_of_the_library(new):
    import transformers

    ours, theirs = growing_cache(), transformers.DynamicCache()
    for cache in (ours, theirs):
        cache.update(*states(5, 6, 0), 0)
        for rows in ([4, 0, 0, 2], [1, 3, 3]):
            cache.layers[0].batch_select_indices(torch.tensor(rows))
        assert cache.get_seq_length() == 6
        cache.update(*states(3, new, 1), 0)
        cache.layers[0].batch_select_indices(torch.tensor([2, 1]))
    assert ours.get_seq_length() == theirs.get_seq_length() == 6 + new
    for name in ("keys", "values"):
        assert torch.equal(getattr(ours.layers[0], name), getattr(theirs.layers[0], name))


def test_a_copy_that_grows_leaves_the_first_as_it_is():
    first = growing_cache()
    first.update(*states(3, 2, 0), 0)
    layer = first.layers[0]
    before = layer.keys.clone()
    other = copy.copy(layer)
    other.batch_select_indices(torch.tensor([1, 1]))
    other.update(*states(2, 1, 1))
    assert torch.equal(layer.keys, before)
    assert torch.equal(other.keys[:, :, :2], before[[1, 1]])
