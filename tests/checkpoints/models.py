"""Small backbones, and comparisons, for the tests of loading."""

import torch

from swin_dense.backbones import SwinTransformer

# what both golden files were made with
ARCH = {'embed_dims': 12, 'depths': (2, 2, 2, 2), 'num_heads': (1, 2, 4, 8)}


def small_swin(**changes) -> SwinTransformer:
    return SwinTransformer(**{'arch': ARCH, **changes})


def copied(state: dict) -> dict:
    return {name: tensor.clone() for name, tensor in state.items()}


def assert_equal_states(state: dict, expected: dict) -> None:
    assert list(state) == list(expected)
    for name, tensor in expected.items():
        assert torch.equal(state[name], tensor), name
