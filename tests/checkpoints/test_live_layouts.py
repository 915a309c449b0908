"""The installed mmdet's and mmseg's models load what is written for them, strictly; and their converters agree."""

import importlib.util
from pathlib import Path

import mmseg
import numpy as np
import pytest
import torch
from mmdet.registry import MODELS as DETECTORS
from mmseg.registry import MODELS as SEGMENTORS

from swin_dense.checkpoints import load_pretrained
from swin_dense.checkpoints.conversion import convert
from swin_dense.checkpoints.layouts import detect_layout
from tests.checkpoints.models import (
    ARCH,
    VIT_ARCH,
    assert_close,
    assert_equal_states,
    copied,
    small_swin,
    small_vit,
)
from tests.golden_files import draw, reference

REGISTRIES = {'mmdet': DETECTORS, 'mmseg': SEGMENTORS}
CONVERTERS = Path(mmseg.__file__).parent / '.mim' / 'tools' / 'model_converters'
pytestmark = pytest.mark.filterwarnings('ignore')  # of mmdet, mmseg and torch among themselves


def their_swin(library):
    model = REGISTRIES[library].build({'type': f'{library}.SwinTransformer', 'window_size': 7, **ARCH})
    model.eval()  # which returns None
    return model


def converter(name):
    """A module of mmseg's tools, which are installed beside it."""
    spec = importlib.util.spec_from_file_location(name, CONVERTERS / f'{name}.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize('library', REGISTRIES)
def test_swin_both_ways(library):
    state, images = reference('swin_dense_official')[1], torch.randn(2, 3, 75, 101)
    ours, theirs = small_swin().eval(), their_swin(library)
    load_pretrained(ours, state)
    written = convert(ours.state_dict(), library)
    assert written.left_out == ()
    theirs.load_state_dict(written.tensors)  # strictly: index tables are in it
    with torch.inference_mode():
        for level, expected in zip(ours(images), theirs(images), strict=True):
            assert_close(level, expected)
    # what they save, as a part of a model
    again = small_swin()
    report = load_pretrained(again, {'state_dict': {f'backbone.{k}': v for k, v in theirs.state_dict().items()}})
    assert report.layout == 'Swin, mmdet and mmseg'
    assert report.is_complete
    assert_equal_states(again.state_dict(), ours.state_dict())
    assert ('backbone.stages.0.downsample.norm.bias', 'layers.0.downsample.norm.bias') in report.renamed
    assert ('backbone.patch_embed.norm.bias', 'patch_embed.norm.bias') in report.renamed


def test_swin_as_the_official_converter_of_mmseg_writes_it():
    state = reference('swin_dense_official')[1]
    theirs = converter('swin2mmseg').convert_swin(state)
    ours = convert(state, 'mmseg').tensors
    assert set(theirs) == set(ours)
    for name, value in theirs.items():
        assert torch.equal(ours[name], value), name


@pytest.mark.parametrize('final_norm', [False, True])
def test_vit_both_ways(final_norm):
    images = torch.randn(2, 3, 64, 64)
    ours = small_vit(final_norm=final_norm).eval()
    load_pretrained(ours, reference('vit_timm')[1])
    theirs = SEGMENTORS.build(
        {
            'type': 'mmseg.VisionTransformer', 'img_size': (64, 64), 'embed_dims': 48, 'num_heads': 3, 'num_layers': 4,
            'out_indices': (0, 1, 2, 3), 'patch_bias': True, 'norm_cfg': {'type': 'LN', 'eps': 1e-6},
            'final_norm': final_norm,
        }
    )  # fmt: skip
    theirs.eval()
    theirs.load_state_dict(convert(ours.state_dict(), 'mmseg').tensors)
    with torch.inference_mode():
        for level, expected in zip(ours(images), theirs(images), strict=True):
            assert_close(level, expected)
    again = small_vit(final_norm=final_norm)
    report = load_pretrained(again, {f'backbone.{name}': value for name, value in theirs.state_dict().items()})
    assert report.layout == 'ViT, mmseg'
    assert report.ignored == report.missing == ()
    assert_equal_states(again.state_dict(), ours.state_dict())


def test_vit_as_the_converter_of_mmseg_writes_it():
    state = reference('vit_timm')[1]
    theirs = converter('vit2mmseg').convert_vit(state)
    assert_equal_states(convert(state, 'mmseg').tensors, dict(theirs))


def jax_arrays(heads=VIT_ARCH['num_heads']):
    """With the names and axes of google-research/vision_transformer@c6de1e5."""
    channels, depth, hidden = VIT_ARCH['embed_dims'], VIT_ARCH['depth'], 192
    split = (heads, channels // heads)
    shapes = {'cls': (1, 1, channels), 'Transformer/posembed_input/pos_embedding': (1, 17, channels)}
    shapes |= {'embedding/kernel': (16, 16, 3, channels), 'embedding/bias': (channels,)}
    shapes |= {'pre_logits/kernel': (channels, channels), 'pre_logits/bias': (channels,)}
    shapes |= {'head/kernel': (channels, 5), 'head/bias': (5,)}
    for number in range(depth):
        block = f'Transformer/encoderblock_{number}'
        for part in ('query', 'key', 'value'):
            shapes[f'{block}/MultiHeadDotProductAttention_1/{part}/kernel'] = (channels, *split)
            shapes[f'{block}/MultiHeadDotProductAttention_1/{part}/bias'] = split
        shapes[f'{block}/MultiHeadDotProductAttention_1/out/kernel'] = (*split, channels)
        shapes[f'{block}/MultiHeadDotProductAttention_1/out/bias'] = (channels,)
        shapes[f'{block}/MlpBlock_3/Dense_0/kernel'] = (channels, hidden)
        shapes[f'{block}/MlpBlock_3/Dense_0/bias'] = (hidden,)
        shapes[f'{block}/MlpBlock_3/Dense_1/kernel'] = (hidden, channels)
        shapes[f'{block}/MlpBlock_3/Dense_1/bias'] = (channels,)
        shapes |= {f'{block}/LayerNorm_{i}/{kind}': (channels,) for i in (0, 2) for kind in ('scale', 'bias')}
    shapes |= {f'Transformer/encoder_norm/{kind}': (channels,) for kind in ('scale', 'bias')}
    return {name: draw('jax', name, shape) * 0.1 for name, shape in shapes.items()}


def test_official_jax_arrays(tmp_path):
    arrays = jax_arrays()
    np.savez(tmp_path / 'ViT-T_16.npz', **{name: value.numpy() for name, value in arrays.items()})
    backbone = small_vit(final_norm=True)
    report = load_pretrained(backbone, tmp_path / 'ViT-T_16.npz')
    assert report.layout == 'ViT, official JAX'
    head = {'pre_logits/kernel', 'pre_logits/bias', 'head/kernel', 'head/bias'}
    assert {name for name, _ in report.ignored} == head
    assert report.missing == report.unexpected == report.resized == ()
    qkv = [other for other, name in report.renamed if name == 'blocks.1.attn.qkv.weight']
    names = ('query', 'key', 'value')
    assert sorted(qkv) == sorted(f'Transformer/encoderblock_1/MultiHeadDotProductAttention_1/{n}/kernel' for n in names)
    theirs = converter('vitjax2mmseg').vit_jax_to_torch(arrays, num_layer=VIT_ARCH['depth'])
    state = detect_layout(theirs).read(theirs)
    assert set(state) == set(backbone.state_dict())
    for name, value in backbone.state_dict().items():
        assert torch.equal(value, state[name]), name


@pytest.mark.parametrize('target', ['swin_dense', 'timm', 'mmseg'])
def test_official_jax_arrays_in_other_layouts(target):
    expected, backbone = (small_vit(final_norm=True) for _ in range(2))
    load_pretrained(expected, jax_arrays())
    load_pretrained(backbone, convert(jax_arrays(), target).tensors)
    assert_equal_states(backbone.state_dict(), expected.state_dict())


@pytest.mark.parametrize('allow_partial', [False, True])
def test_official_jax_arrays_of_other_heads(tmp_path, allow_partial):
    """Which would fit in all shapes, and compute something else."""
    np.savez(tmp_path / 'a.npz', **{name: value.numpy() for name, value in jax_arrays(heads=4).items()})
    backbone = small_vit(final_norm=True)
    before = copied(backbone.state_dict())
    with pytest.raises(ValueError, match=r'has 4 heads in its attention, this VisionTransformer 3\. .* num_heads=4'):
        load_pretrained(backbone, tmp_path / 'a.npz', allow_partial=allow_partial)
    assert_equal_states(backbone.state_dict(), before)
