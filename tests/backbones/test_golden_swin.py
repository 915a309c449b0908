"""Swin against what the official implementations computed (tests/golden), on each of its ways through the blocks."""

import pytest
import torch
import torch.nn.functional as F

from swin_dense.backbones import SwinTransformer
from swin_dense.layers import mlp, packed_attention, tiles
from tests.golden_files import reference

TOLERANCE = 1e-4  # of the largest absolute value


def plain(model, images):
    with torch.enable_grad():
        return model(images)


def in_tiles(model, images):
    with torch.inference_mode():
        return model(images)


def compiled(model, images):
    torch._dynamo.reset()
    return torch.compile(model, backend='eager', fullgraph=True)(images)


def in_small_tiles(model, images):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mlp, 'ROWS_PER_THREAD', 97)
        patch.setattr(tiles, 'ROWS_PER_THREAD', 113)
        patch.setattr(packed_attention, 'MAP_VALUES_PER_THREAD', 1)
        outputs = in_tiles(model, images)
        torch.testing.assert_close(plain(model, images), outputs, rtol=1e-3, atol=1e-4)
        return outputs


WAYS = [plain, in_tiles, in_small_tiles, compiled]


def swin(meta, state_dict, **kwargs):
    args = meta['args']
    arch = {
        'embed_dims': args['embed_dim'],
        'depths': args['depths'],
        'num_heads': args['num_heads'],
        'window_size': args['window_size'],
    }
    model = SwinTransformer(arch=arch, **kwargs).eval()
    names = set(model.state_dict())
    model.load_state_dict({key: value for key, value in state_dict.items() if key in names})
    return model, set(state_dict) - names


def assert_close(actual, expected):
    assert actual.shape == expected.shape
    assert (actual - expected).abs().max() <= TOLERANCE * expected.abs().max()


@pytest.mark.parametrize('way', WAYS)
def test_official_dense_code(way):
    meta, state_dict, inputs, expected = reference('swin_dense_official')
    model, unused = swin(meta, state_dict)
    assert all(key.endswith('relative_position_index') for key in unused)
    outputs = way(model, inputs['input'])
    assert {f'out{i}' for i in range(len(outputs))} == set(expected)
    for i, output in enumerate(outputs):
        assert_close(output, expected[f'out{i}'])


@pytest.mark.parametrize('way', WAYS)
def test_official_classification_code(way):
    meta, state_dict, inputs, expected = reference('swin_cls_official')
    state_dict['norm3.weight'], state_dict['norm3.bias'] = state_dict.pop('norm.weight'), state_dict.pop('norm.bias')
    model, unused = swin(meta, state_dict, out_indices=(3,), clamp_shift=True)
    assert {key.rsplit('.', 1)[-1] for key in unused if not key.startswith('head.')} == {
        'relative_position_index',
        'attn_mask',
    }
    (level,) = way(model, inputs['input'])
    features = level.mean((2, 3))
    assert set(expected) == {'features', 'logits'}
    assert_close(features, expected['features'])
    assert_close(F.linear(features, state_dict['head.weight'], state_dict['head.bias']), expected['logits'])


def test_clamped_shift_is_another_model_at_the_last_stage():
    meta, state_dict, inputs, _ = reference('swin_cls_official')
    state_dict['norm3.weight'], state_dict['norm3.bias'] = state_dict.pop('norm.weight'), state_dict.pop('norm.bias')
    clamped, shifted = (
        in_tiles(swin(meta, state_dict, out_indices=(3,), clamp_shift=clamp)[0], inputs['input'])[0]
        for clamp in (True, False)
    )
    assert (clamped - shifted).abs().max() > 0.01 * clamped.abs().max()
