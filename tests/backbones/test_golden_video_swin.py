"""Video Swin against what the official implementations computed (tests/golden), on each way through the blocks."""

import pytest
import torch
import torch.nn.functional as F

from swin_dense.backbones import VideoSwinTransformer
from tests.backbones.test_golden_swin import WAYS, assert_close
from tests.golden_files import reference


def video_swin(meta, **options):
    args = meta['args']
    arch = {'embed_dims': args['embed_dim'], 'depths': args['depths'], 'num_heads': args['num_heads']}
    sizes = {'patch_size': tuple(args['patch_size']), 'window_size': tuple(args['window_size'])}
    return VideoSwinTransformer(arch=arch, **sizes, **options).eval()


def official():
    """Levels of the official model, without norms but for the last one, which is its output."""
    meta, state_dict, inputs, expected = reference('video_swin_official')
    state_dict['norm3.weight'], state_dict['norm3.bias'] = state_dict.pop('norm.weight'), state_dict.pop('norm.bias')
    model = video_swin(meta)
    names = set(model.state_dict())
    model.load_state_dict({key: value for key, value in state_dict.items() if key in names}, strict=False)
    assert {key.rsplit('.')[-1] for key in set(state_dict) - names} == {'relative_position_index'}
    levels = [expected[f'stage{stage}'] for stage in range(4)]
    normed = [F.layer_norm(level.movedim(1, -1), level.shape[1:2]).movedim(-1, 1) for level in levels[:3]]
    return model, inputs['input'], [*normed, expected['output']]


@pytest.mark.parametrize('way', WAYS)
def test_official_code(way):
    """The input is of 9 x 18 x 25 tokens: windows are clamped in time, and at the last two levels in space."""
    model, clips, expected = official()
    for actual, wanted in zip(way(model, clips), expected, strict=True):
        assert_close(actual, wanted)


@pytest.mark.parametrize('way', WAYS)
def test_torchvision(way):
    meta, state_dict, inputs, expected = reference('video_swin_torchvision')
    model = video_swin(meta, out_indices=(3,))
    own = {}
    for key, value in state_dict.items():
        part, number, *rest = key.split('.')
        if part != 'features':
            own[key.replace('norm.', 'norm3.') if part == 'norm' else key] = value
        else:
            stage, name = int(number) // 2, '.'.join(rest)
            name = name.replace('mlp.0', 'mlp.fc1').replace('mlp.3', 'mlp.fc2')
            own[f'layers.{stage}.{"downsample" if int(number) % 2 else "blocks"}.{name}'] = value
    model.load_state_dict({key: own[key] for key in model.state_dict()})
    (level,) = way(model, inputs['input'])
    assert_close(F.linear(level.mean((2, 3, 4)), own['head.weight'], own['head.bias']), expected['logits'])


def test_true_offsets_differ_where_windows_are_clamped_in_space():
    model, clips, expected = official()
    for block in model.modules():
        if hasattr(block, 'exact_clamped_bias'):
            block.exact_clamped_bias = True
    with torch.inference_mode():
        levels = model(clips)
    for level in range(2):
        assert_close(levels[level], expected[level])
    for level in (2, 3):
        assert (levels[level] - expected[level]).abs().max() > 0.01 * expected[level].abs().max()
