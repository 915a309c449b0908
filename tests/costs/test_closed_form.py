"""Two independent counters agree to the unit: formulas, and torch's counter of the products that are dispatched."""

import pytest
import torch
from mmengine.config import Config

from swin_dense.backbones.vit import TransformerBlock
from swin_dense.costs import build_model, closed_form_macs, count_costs, count_macs
from swin_dense.layers.swin_block import SwinBlock

TINY_SWIN = {'embed_dims': 8, 'depths': (2, 3, 2, 1), 'num_heads': (1, 2, 4, 8)}
TINY_SHIFT = {'embed_dims': 12, 'depths': (1, 2, 3, 1), 'mlp_ratio': 2, 'n_div': 12}
TINY_VIT = {'embed_dims': 24, 'depth': 6, 'num_heads': 3}
BACKBONES = {
    'swin': {'type': 'swin_dense.SwinTransformer', 'arch': TINY_SWIN},
    'swin_window': {
        'type': 'swin_dense.SwinTransformer',
        'arch': dict(TINY_SWIN, window_size=5, mlp_ratio=2.5),
        'out_indices': (1, 2),
        'in_channels': 4,
    },
    'swin_window_argument': {'type': 'swin_dense.SwinTransformer', 'arch': TINY_SWIN, 'window_size': 3},
    'shift_vit': {'type': 'swin_dense.ShiftViT', 'arch': TINY_SHIFT},
    'shift_vit_two_levels': {
        'type': 'swin_dense.ShiftViT',
        'arch': TINY_SHIFT,
        'out_indices': (0, 1),
        'in_channels': 1,
    },
    'vit': {'type': 'swin_dense.VisionTransformer', 'arch': TINY_VIT},
    'vit_patch': {
        'type': 'swin_dense.VisionTransformer',
        'arch': dict(TINY_VIT, mlp_ratio=3),
        'patch_size': 14,
        'out_indices': (1, 3),
        'final_norm': False,
        'class_token': False,
    },
    'vit_windows': {
        'type': 'swin_dense.VisionTransformer',
        'arch': TINY_VIT,
        'patch_size': 8,
        'window_size': 5,
        'relative_position': True,
        'class_token': False,
    },
    'vit_chosen_global': {
        'type': 'swin_dense.VisionTransformer',
        'arch': TINY_VIT,
        'window_size': 3,
        'global_blocks': (0,),
        'class_token': False,
    },
}


def counted(backbone, size):
    (part,) = count_costs(build_model(Config({'backbone': backbone}), 'meta'), size)
    return part.macs


@pytest.mark.parametrize('size', [(33, 50), (64, 64), (131, 257)], ids=str)
@pytest.mark.parametrize('name', BACKBONES)
def test_counters_agree(name, size):
    assert closed_form_macs(BACKBONES[name], size) == counted(BACKBONES[name], size)


def test_no_formula():
    """Other backbones are counted once; mmdet's Swin is not taken for ours."""
    assert closed_form_macs({'type': 'ResNet', 'depth': 50}, (224, 224)) is None
    assert closed_form_macs({'type': 'SwinTransformer', 'embed_dims': 96}, (224, 224)) is None


def attention_macs(block, x, *more):
    """Of a block without its MLP."""
    _, whole = count_macs(block, x, *more)
    _, mlp = count_macs(block.mlp, x)
    return whole - mlp


@pytest.mark.parametrize('shifts', [False, True])
@pytest.mark.parametrize(('height', 'width', 'window'), [(56, 56, 7), (14, 35, 7), (24, 12, 12), (12, 12, 12)])
def test_window_attention(height, width, window, shifts):
    """Swin, equation 2: 4 h w C^2 + 2 M^2 h w C."""
    channels = 96
    with torch.device('meta'):
        block = SwinBlock(
            channels=channels,
            num_heads=3,
            window_size=(window, window),
            hidden_channels=4 * channels,
            drop_path_rate=0.0,
            shift=(window // 2 * shifts,) * 2,
            clamp_shift=False,
        )
        measured = attention_macs(block, torch.empty(1, height, width, channels))
    hw = height * width
    assert measured == 4 * hw * channels**2 + 2 * window**2 * hw * channels


@pytest.mark.parametrize(('height', 'width'), [(14, 14), (14, 35)])
def test_global_attention(height, width):
    """Swin, equation 1: 4 h w C^2 + 2 (h w)^2 C."""
    channels = 192
    with torch.device('meta'):
        block = TransformerBlock(
            channels=channels,
            num_heads=3,
            hidden_channels=4 * channels,
            drop_path_rate=0.0,
            window_size=None,
            relative_grid=None,
        )
        measured = attention_macs(block, torch.empty(1, height * width, channels), (height, width))
    hw = height * width
    assert measured == 4 * hw * channels**2 + 2 * hw**2 * channels


SIDES = (224, 448, 896)


@pytest.mark.parametrize('kind', ['swin_dense.SwinTransformer', 'swin_dense.ShiftViT'])
def test_linear_in_area(kind):
    """Exactly, at multiples of 7 windows x stride 32."""
    smallest, *others = (counted({'type': kind, 'arch': 'tiny'}, (side, side)) for side in SIDES)
    assert [count / smallest for count in others] == [4, 16]


def test_vit_above_linear_in_area():
    """The share of attention grows with the number of tokens: 4 times the pixels are over 4 times the work."""
    vit = {'type': 'swin_dense.VisionTransformer', 'arch': 'small', 'class_token': False}
    counts = [counted(vit, (side, side)) for side in SIDES]
    tokens = [(side // 16) ** 2 for side in SIDES]
    a_token, a_pair = 16**2 * 3 * 384 + 12 * 12 * 384**2, 12 * 2 * 384  # patch; 12 blocks; 12 x q k and attention v
    assert counts == [number * a_token + number**2 * a_pair for number in tokens]
    assert counts[1] / counts[0] > 4.5
    assert counts[2] / counts[1] > 6
