"""Files in the layouts of other places, against what the models of those places computed from them (tests/golden)."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import nn

from swin_dense.checkpoints import load_pretrained
from swin_dense.checkpoints.layouts import detect_layout
from tests.checkpoints.models import assert_close, small_shift_vit, small_swin, small_vit
from tests.golden_files import reference

OTHER_SHIFT_VIT = {'embed_dims': 20, 'depths': (1, 2, 2, 1), 'mlp_ratio': 4, 'n_div': 16}
# clamp_shift: they do not shift where one window covers the map
STAGED = {
    'swin_timm': lambda **options: small_swin(clamp_shift=True, **options),
    'swin_torchvision': lambda **options: small_swin(clamp_shift=True, **options),
    'swin_hf': lambda **options: small_swin(clamp_shift=True, **options),
    'shiftvit_official_ndiv12': small_shift_vit,
    'shiftvit_official_ndiv16': lambda **options: small_shift_vit(arch=OTHER_SHIFT_VIT, **options),
}


def save_arrays(state, path):
    np.savez(path, **{name: tensor.numpy() for name, tensor in state.items()})


WRITERS = {'.pth': torch.save, '.safetensors': save_file, '.npz': save_arrays}


def loaded(make, name, path, **options):
    """A backbone with the golden weights, by way of a file; all of them accounted for."""
    _, state, inputs, arrays = reference(name)
    WRITERS[path.suffix]({key: value.contiguous() for key, value in state.items()}, path)
    backbone = make(**options).eval()
    report = load_pretrained(backbone, path)
    assert report.unexpected == report.unexplained == report.mismatched == report.resized == ()
    assert len(report.loaded) + len(report.missing) == report.total
    kept = set(report.loaded) - {own for _, own in report.renamed}
    assert kept | {other for other, _ in report.renamed} | {other for other, _ in report.ignored} == set(state)
    return backbone, report, state, inputs, arrays


@pytest.mark.parametrize('suffix', WRITERS)
@pytest.mark.parametrize('name', STAGED)
def test_stages_and_logits(name, suffix, tmp_path):
    backbone, report, state, inputs, arrays = loaded(STAGED[name], name, tmp_path / f'weights{suffix}')
    assert report.missing == tuple(f'norm{level}.{kind}' for level in range(4) for kind in ('weight', 'bias'))
    classifier = detect_layout(state).read(state)
    backbone.norm3.load_state_dict({kind: classifier[f'norm.{kind}'] for kind in ('weight', 'bias')})
    with torch.inference_mode():
        features = backbone(inputs['input'])[3].mean((2, 3))
        assert_close(F.linear(features, classifier['head.weight'], classifier['head.bias']), arrays['logits'])
        for level in range(4):
            backbone.set_submodule(f'norm{level}', nn.Identity())
        levels = backbone(inputs['input'])
    stages = [key for key in arrays if key != 'logits']
    assert len(stages) == (0 if name == 'swin_hf' else 4)
    for key in stages:
        assert_close(levels[int(key[-1])], arrays[key])


@pytest.mark.parametrize('suffix', WRITERS)
def test_vit_of_timm(suffix, tmp_path):
    path = tmp_path / f'weights{suffix}'
    backbone, report, state, inputs, arrays = loaded(small_vit, 'vit_timm', path, final_norm=True)
    assert report.missing == ()
    assert {name for name, _ in report.ignored} == {'head.weight', 'head.bias'}
    tokens = []
    backbone.norm.register_forward_hook(lambda module, args, output: tokens.append(output))
    with torch.inference_mode():
        backbone(inputs['input'])
        backbone(inputs['input_other'])
    assert_close(F.linear(tokens[0][:, 0], state['head.weight'], state['head.bias']), arrays['logits'])
    assert_close(tokens[1], arrays['features_other'])


def test_vit_of_timm_for_another_size(tmp_path):
    """The position embedding is resized once when it is loaded, as timm resizes it in every forward pass."""
    _, state, inputs, arrays = reference('vit_timm')
    backbone = small_vit(image_size=(96, 144)).eval()
    report = load_pretrained(backbone, state)
    assert report.resized == (('pos_embed', (1, 17, 48), (1, 55, 48), 'grid 4 x 4 -> 6 x 9, bicubic'),)
    with torch.inference_mode():
        levels = backbone(inputs['input_other'])
    for number, level in enumerate(levels):
        assert_close(level, arrays[f'inter{number}'])
