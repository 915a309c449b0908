"""Small backbones, and comparisons, for the tests of loading."""

import torch

from swin_dense.backbones import ShiftViT, SwinTransformer, VisionTransformer

# what the golden files of Swin were made with
ARCH = {'embed_dims': 12, 'depths': (2, 2, 2, 2), 'num_heads': (1, 2, 4, 8)}
SHIFT_VIT_ARCH = {'embed_dims': 24, 'depths': (2, 1, 3, 1), 'mlp_ratio': 2.0, 'n_div': 12}
VIT_ARCH = {'embed_dims': 48, 'depth': 4, 'num_heads': 3}
TOLERANCE = 1e-4  # of the largest absolute value


def small_swin(**changes) -> SwinTransformer:
    return SwinTransformer(**{'arch': ARCH, **changes})


def small_shift_vit(**changes) -> ShiftViT:
    return ShiftViT(**{'arch': SHIFT_VIT_ARCH, **changes})


def small_vit(**changes) -> VisionTransformer:
    """As of golden file `vit_timm`."""
    return VisionTransformer(**{'arch': VIT_ARCH, 'image_size': 64, **changes})


def copied(state: dict) -> dict:
    return {name: tensor.clone() for name, tensor in state.items()}


def assert_equal_states(state: dict, expected: dict) -> None:
    assert list(state) == list(expected)
    for name, tensor in expected.items():
        assert torch.equal(state[name], tensor), name


def assert_close(actual: torch.Tensor, expected: torch.Tensor) -> None:
    torch.testing.assert_close(actual, expected, rtol=0, atol=TOLERANCE * expected.abs().max().item())
