"""ShiftViT against what the official code computed (tests/golden), and its options."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from swin_dense.backbones import ShiftViT
from swin_dense.backbones.shift_vit import ARCHITECTURES
from tests.backbones.test_golden_swin import WAYS, assert_close
from tests.golden_files import reference

TINY = {'embed_dims': 24, 'depths': (1, 2), 'mlp_ratio': 2, 'n_div': 12}


def official(name, **options):
    """The model of a golden file, its weights, inputs and outputs; 1x1 convolutions as linear layers."""
    meta, state_dict, inputs, expected = reference(name)
    args = meta['args']
    arch = {'embed_dims': args['embed_dim'], **{key: args[key] for key in ('depths', 'mlp_ratio', 'n_div')}}
    state_dict = {
        key: value[..., 0, 0] if '.mlp.' in key and value.ndim == 4 else value for key, value in state_dict.items()
    }
    return ShiftViT(arch=arch, **options).eval(), state_dict, inputs['input'], expected


@pytest.mark.parametrize('way', WAYS)
@pytest.mark.parametrize('name', ['shiftvit_official_ndiv12', 'shiftvit_official_ndiv16'])
def test_official_levels(name, way):
    model, state_dict, images, expected = official(name)
    loaded = model.load_state_dict(
        {key: value for key, value in state_dict.items() if key in model.state_dict()}, strict=False
    )
    assert all(key.startswith('norm') for key in loaded.missing_keys)
    for stage in range(4):  # the official classifier has no norm there
        model.set_submodule(f'norm{stage}', nn.Identity())
    levels = way(model, images)
    assert set(expected) == {'logits', *(f'out{stage}' for stage in range(4))}
    for stage, level in enumerate(levels):
        assert_close(level, expected[f'out{stage}'])


@pytest.mark.parametrize('way', WAYS)
@pytest.mark.parametrize('name', ['shiftvit_official_ndiv12', 'shiftvit_official_ndiv16'])
def test_official_logits(name, way):
    model, state_dict, images, expected = official(name, out_indices=(3,))
    head = {key: state_dict.pop(f'head.{key}') for key in ('weight', 'bias')}
    model.load_state_dict(
        {key.replace('norm.', 'norm3.') if key.startswith('norm.') else key: value for key, value in state_dict.items()}
    )
    (level,) = way(model, images)
    assert_close(F.linear(level.mean((2, 3)), head['weight'], head['bias']), expected['logits'])


# published: README of microsoft/SPACH@dcede1e, in millions; the others were never published, and are counted from the
# official code
PARAMETERS = {
    'light_tiny': 19.61, 'r4_tiny': 31.43, 'tiny': 28.57, 'light_small': 33.8, 'r4_small': 51.52, 'small': 50.3,
    'light_base': 59.71, 'r4_base': 87.27, 'base': 89.03,
}  # fmt: skip


@pytest.mark.parametrize('arch', ARCHITECTURES)
def test_parameters_of_the_official_variants(arch):
    with torch.device('meta'):
        backbone, head = ShiftViT(arch=arch, out_indices=(3,)), nn.Linear(ARCHITECTURES[arch]['embed_dims'] * 8, 1000)
    count = sum(parameter.numel() for module in (backbone, head) for parameter in module.parameters())
    assert round(count / 1e6, 2) == PARAMETERS[arch]


def test_every_option_changes_the_result():
    images = torch.randn(2, 3, 40, 56)
    torch.manual_seed(0)
    plain = ShiftViT(arch=TINY, out_indices=(0, 1)).train()
    for option in ({'n_div': 8}, {'shift_pixels': 2}, {'shift_pixels': 0}, {'activation': 'relu'}, {'norm': 'batch'}):
        other = ShiftViT(arch=TINY, out_indices=(0, 1), **option).train()
        other.load_state_dict(plain.state_dict(), strict='norm' not in option)
        assert (other(images)[1] - plain(images)[1]).abs().max() > 1e-3


@pytest.mark.parametrize(
    'options', [{'norm': 'batch'}, {'activation': 'relu'}, {'n_div': 20, 'shift_pixels': 2}], ids=str
)
def test_ways_agree_with_every_option(options):
    model = ShiftViT(arch=TINY, out_indices=(0, 1), **options).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.2)
    images = torch.randn(2, 3, 41, 30)
    results = [way(model, images) for way in WAYS]
    for levels in results[1:]:
        for level, expected in zip(levels, results[0], strict=True):
            assert_close(level, expected)


def test_weights_start_as_officially():
    model = ShiftViT(arch=TINY, out_indices=(0, 1))
    for module in model.modules():
        if isinstance(module, (nn.Linear, nn.Conv2d)):
            assert 0.015 < module.weight.std() < 0.025
            assert module.bias is None or not module.bias.any()
