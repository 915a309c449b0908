"""Swin without shifted windows, and without position bias; the class token of ViT as a level."""

import pytest
import torch

from swin_dense.backbones import SwinTransformer, VisionTransformer
from tests.backbones.test_golden_swin import WAYS

ARCH = {'embed_dims': 8, 'depths': (2,), 'num_heads': (2,), 'window_size': 3}


def swin(**options):
    torch.manual_seed(0)
    model = SwinTransformer(arch=ARCH, out_indices=(0,), drop_path_rate=0.0, **options).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith('bias_table'):
                parameter.copy_(torch.randn_like(parameter))
    return model


def touched(model):
    """Tokens of a 6 x 6 map that depend on the first window's first pixel."""
    images = torch.randn(1, 3, 24, 24)
    changed = images.clone()
    changed[..., 0, 0] += 1
    (first,), (second,) = model(images), model(changed)
    return (first != second).any(1)[0]


@torch.no_grad()
def test_windows_meet_only_where_they_are_shifted() -> None:
    assert touched(swin()).sum() > 9
    alone = touched(swin(shifted_windows=False))
    assert alone[:3, :3].all()
    assert alone.sum() == 9


@pytest.mark.parametrize('way', WAYS)
def test_without_bias_there_is_no_table(way) -> None:
    model, biased = swin(position_bias=False), swin()
    state = biased.state_dict()
    tables = [name for name in state if name.endswith('relative_position_bias_table')]
    for name in tables:
        state.pop(name)
    assert tables
    assert state.keys() == model.state_dict().keys()
    model.load_state_dict(state)
    images = torch.randn(1, 3, 20, 28)
    (found,) = way(model, images)
    assert not torch.allclose(found, biased(images)[0], atol=1e-3)
    for name in tables:
        biased.get_parameter(name).data.zero_()
    torch.testing.assert_close(found, biased(images)[0], rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_class_token_is_the_last_level() -> None:
    arch = {'embed_dims': 24, 'depth': 2, 'num_heads': 3}
    torch.manual_seed(0)
    model = VisionTransformer(arch=arch, patch_size=8, image_size=32, out_indices=(1,), final_norm=True,
                              class_token_level=True).eval()  # fmt: skip
    seen = []
    model.norm.register_forward_hook(lambda module, inputs, output: seen.append(output))
    images = torch.randn(2, 3, 32, 40)
    levels = model(images)
    assert [tuple(level.shape) for level in levels] == [(2, 24, 4, 5), (2, 24, 1, 1)]
    assert len(levels) == len(model.out_channels) == len(model.out_strides)
    torch.testing.assert_close(levels[1][:, :, 0, 0], seen[0][:, 0])
    with pytest.raises(ValueError, match='needs class_token=True'):
        VisionTransformer(arch=arch, class_token=False, class_token_level=True)
