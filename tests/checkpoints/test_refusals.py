"""What does not fit is refused in words that say why, and leaves the backbone as it was."""

import os
import pickle
import re

import pytest
import torch

from swin_dense.backbones import SwinTransformer
from swin_dense.checkpoints import load_pretrained
from swin_dense.checkpoints.conversion import convert
from tests.checkpoints.models import ARCH, assert_equal_states, copied, small_shift_vit, small_swin
from tests.golden_files import reference


@pytest.fixture
def state():
    return reference('swin_dense_official')[1]


@pytest.fixture
def refused():
    """Load, expecting a ValueError whose message has all of `parts`, and the backbone as before."""

    def check(source, *parts, backbone=None, error=ValueError):
        backbone = backbone or small_swin()
        before = copied(backbone.state_dict())
        with pytest.raises(error) as caught:
            load_pretrained(backbone, source)
        for part in parts:
            assert part in str(caught.value)
        assert_equal_states(backbone.state_dict(), before)
        assert not hasattr(backbone, 'load_report')
        return str(caught.value)

    return check


FC1 = 'layers.2.blocks.1.mlp.fc1.weight'


@pytest.mark.parametrize('prefix', ['', 'backbone.'])
def test_a_renamed_key(state, refused, prefix):
    state['layers.2.blocks.1.mlp.fc_1.weight'] = state.pop(FC1)
    message = refused(
        {prefix + name: tensor for name, tensor in state.items()},
        '124 of 125 tensors',
        f'missing in the file, 1: {FC1} (nearest in the file: {prefix}layers.2.blocks.1.mlp.fc_1.weight)',
        f'unknown to the backbone, 1: {prefix}layers.2.blocks.1.mlp.fc_1.weight.',
        'allow_partial=True',
    )
    assert 'looks like' not in message


def test_another_window_is_not_another_architecture(state, refused):
    del state[FC1]
    assert 'looks like' not in refused(state, f'1: {FC1}.', backbone=small_swin(window_size=5))


@pytest.mark.parametrize('target', ['swin_dense', 'mmdet'])
def test_no_output_norm_at_all_is_the_trunk_of_a_classifier(state, refused, target):
    """By whatever names; where there is one, all have to be."""
    dense = convert(state, target).tensors
    bare = {name: tensor for name, tensor in dense.items() if not name.startswith('norm')}
    backbone = small_swin()
    report = load_pretrained(backbone, bare)
    assert len(bare) - len(report.ignored) == len(report.loaded) == 117
    reason = 'the file has no output norms; they start from scratch'
    assert report.why_missing == tuple(
        (f'norm{level}.{kind}', reason) for level in range(4) for kind in ('weight', 'bias')
    )
    refused({**bare, 'norm2.bias': state['norm2.bias']}, 'missing in the file, 7: norm0.weight')


def test_a_missing_block(state, refused):
    without = {name: tensor for name, tensor in state.items() if not name.startswith('layers.1.blocks.1.')}
    refused(
        without,
        'missing in the file, 13: layers.1.blocks.1.norm1.weight',
        'The file looks like Swin with embed_dims=12, depths=(2, 1, 2, 2), num_heads=(1, 2, 4, 8), window_size=7',
        'built is Swin with embed_dims=12, depths=(2, 2, 2, 2)',
    )


def test_a_transposed_weight(state, refused):
    state[FC1] = state[FC1].T
    refused(state, f'of another shape, 1: {FC1} (48, 192) in the file, (192, 48) here (transposed?)')


def test_a_dense_file_without_a_norm_is_not_taken_for_a_classifier(state, refused):
    del state['norm1.weight']
    refused(state, 'missing in the file, 1: norm1.weight')


def test_a_classifier_without_a_block_is_refused_although_it_lacks_norms(refused):
    state = reference('swin_cls_official')[1]
    del state['layers.0.blocks.0.norm1.bias']
    assert 'norm3' not in refused(state, 'missing in the file, 1: layers.0.blocks.0.norm1.bias')


@pytest.mark.parametrize('name', ['head.weight', 'norm.weight', 'extra.bias', 'absolute_pos_embed', 'norm7.weight'])
def test_what_a_dense_file_should_not_hold(state, refused, name):
    state[name] = torch.ones(3)
    refused(state, f'unknown to the backbone, 1: {name}.')


def test_small_into_tiny(refused):
    with torch.device('meta'):
        small = SwinTransformer(arch='small').state_dict()
    file = {name: torch.zeros(tensor.shape) for name, tensor in small.items()}
    refused(
        {'model': file},
        'The file looks like Swin-S with embed_dims=96, depths=(2, 2, 18, 2), num_heads=(3, 6, 12, 24), window_size=7 '
        "(arch='small'); built is Swin-T with embed_dims=96, depths=(2, 2, 6, 2), num_heads=(3, 6, 12, 24), "
        "window_size=7 (arch='tiny').",
        'unknown to the backbone, 156: layers.2.blocks.6.norm1.weight',
        backbone=SwinTransformer(arch='tiny'),
    )


def test_another_width(refused):
    wide = small_swin(arch={**ARCH, 'embed_dims': 16}, window_size=5).state_dict()
    message = refused(wide, 'looks like Swin with embed_dims=16', 'window_size=5', 'built is Swin with embed_dims=12')
    assert len(message) < 2000


def test_another_number_of_heads(state, refused):
    other = small_swin(arch={**ARCH, 'num_heads': (1, 2, 4, 4)})
    refused(state, 'num_heads=(1, 2, 4, 8)', 'num_heads=(1, 2, 4, 4)', '(169, 8) in the file, (169, 4)', backbone=other)


def test_images_that_were_not_of_three_channels(state, refused):
    refused(
        small_swin(in_channels=5).state_dict(),
        'patch_embed.proj.weight (12, 5, 4, 4) in the file, (12, 3, 4, 4) here',
        'images of 5 channels, the backbone was built with in_channels=3, and only weights for 3 channels are adapted: '
        'build it with in_channels=5',
    )


def test_a_table_that_is_of_no_square_window(state, refused):
    name = 'layers.0.blocks.0.attn.relative_position_bias_table'
    state[name] = torch.zeros(7 * 13, 1)
    refused(state, f'{name} (91, 1) in the file, (169, 1) here')


def test_one_name_twice(state, refused):
    state['_orig_mod.norm0.bias'] = state['norm0.bias']
    refused(state, "holds both 'norm0.bias' and '_orig_mod.norm0.bias'")


def test_weights_beside_the_backbone_of_its_own_names(state, refused):
    """With some keys under `backbone.` and some not, which is meant is not for us to say."""
    mixed = {f'backbone.{name}': tensor for name, tensor in state.items() if name != FC1}
    refused({**mixed, FC1: state[FC1]}, f'missing in the file, 1: {FC1}', f'unknown to the backbone, 1: {FC1}')


@pytest.mark.parametrize('content', [{}, {'epoch': 3, 'optimizer': {}}, {'model': {}}])
def test_no_weights(content, refused, tmp_path):
    torch.save(content, tmp_path / 'file.pth')
    refused(tmp_path / 'file.pth', 'holds no weights', "'state_dict', 'model', 'module'")


def test_another_model(refused):
    refused({'fc.weight': torch.ones(2, 2), 'fc.bias': torch.ones(2)}, '0 of 125', 'unknown to the backbone, 2')


def test_a_web_page(refused, tmp_path):
    path = tmp_path / 'swin.pth'
    path.write_text('<!DOCTYPE html>\n<html><body>Sign in</body></html>')
    refused(str(path), 'swin.pth', 'web page')


@pytest.mark.parametrize('legacy', [False, True])
@pytest.mark.parametrize('share', [0.01, 0.5, 0.99])
def test_a_file_that_is_cut_off(state, refused, tmp_path, share, legacy):
    path = tmp_path / 'swin.pth'
    torch.save({'model': state}, path, _use_new_zipfile_serialization=not legacy)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    refused(path, 'swin.pth', 'Get the file again')


def test_a_missing_file(refused, tmp_path):
    refused(tmp_path / 'nothing.pth', 'nothing.pth', error=FileNotFoundError)


class Payload:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize('legacy', [False, True])
def test_a_file_that_runs_code_is_refused_and_does_not_run(state, refused, tmp_path, legacy):
    made = tmp_path / 'made by the payload'
    content = {'model': state, 'epoch': Payload(made)}
    path = tmp_path / 'swin.pth'
    torch.save(content, path, _use_new_zipfile_serialization=not legacy)
    refused(path, 'refused', f'{os.name}.mkdir' if os.name == 'nt' else 'posix.mkdir')
    assert not made.exists()
    # the payload is a real one
    pickle.loads(pickle.dumps(Payload(made)))
    assert made.exists()


@pytest.mark.parametrize('source', [None, 3, ['a.pth']])
def test_what_is_no_source(source, refused):
    refused(source, 'path, a URL or a state dict', type(source).__name__)


def test_partial_loading_reports_what_does_not_fit(state):
    backbone = small_swin()
    before = copied(backbone.state_dict())
    state['patch_embed.proj.weight'] = torch.ones(12, 5, 4, 4)
    state['extra.bias'] = torch.ones(3)
    del state['norm3.bias']
    report = load_pretrained(backbone, state, allow_partial=True)
    assert report.unexpected == ('extra.bias',)
    assert report.missing == report.unexplained == ('norm3.bias',)
    assert report.mismatched == (('patch_embed.proj.weight', (12, 5, 4, 4), (12, 3, 4, 4)),)
    assert len(report.loaded) == 123
    assert not report.is_complete
    kept = ('norm3.bias', 'patch_embed.proj.weight')
    own = backbone.state_dict()
    assert_equal_states(own, {name: (before if name in kept else state)[name] for name in own})
    table = str(report)
    for row in (
        'unexpected     1  extra.bias',
        'missing        1  initial values kept: norm3.bias',
        'mismatched     1',
    ):
        assert row in table


def test_partial_loading_of_nothing_is_an_error(refused):
    """And does not recommend what was done."""
    for allow_partial in (True, False):
        with pytest.raises(ValueError, match='0 of 125') as caught:
            load_pretrained(small_swin(), {'fc.weight': torch.ones(2, 2)}, allow_partial=allow_partial)
        assert 'to load what fits' not in str(caught.value)
    assert 'allow_partial' not in str(caught.value)


@pytest.mark.parametrize('prefix', ['', 'backbone.'])
def test_a_video_model(state, refused, prefix):
    """SwinTransformer/Video-Swin-Transformer@db018fb: the same names, patches of 2 x 4 x 4, tables of 15 x 13 x 13."""
    video = {
        name: torch.zeros(15 * 13 * 13, value.shape[1]) if name.endswith('bias_table') else value
        for name, value in state.items()
    }
    video['patch_embed.proj.weight'] = torch.zeros(12, 3, 2, 4, 4)
    content = {'state_dict': {prefix + name: value for name, value in video.items()}}
    refused(content, 'of a video model (patches of 2 x 4 x 4, time first): build a VideoSwinTransformer for it')


@pytest.mark.parametrize('make', [small_swin, small_shift_vit])
def test_a_position_grid_for_what_has_no_positions(make):
    with pytest.raises(ValueError, match=r'position_grid=\(14, 14\) is of absolute .* has none\. Leave it out'):
        load_pretrained(make(), make().state_dict(), position_grid=(14, 14))


def test_a_vit_into_a_swin_leaves_the_swin_as_it_was(refused):
    refused(reference('vit_timm')[1], 'looks like ViT with embed_dims=48, depth=4', 'built is Swin with embed_dims=12')


def test_a_backbone_on_the_meta_device_gets_all_or_nothing(state):
    with torch.device('meta'):
        backbone = small_swin()
    del state['norm3.bias']
    with pytest.raises(ValueError, match=re.escape('meta device, so norm3.bias')):
        load_pretrained(backbone, state, allow_partial=True)
    assert all(parameter.is_meta for parameter in backbone.parameters())
