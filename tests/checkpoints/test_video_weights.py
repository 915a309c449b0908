"""Weights for Video Swin: its own layouts, inflation from images, other windows."""

import json

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from swin_dense.backbones import SwinTransformer, VideoSwinTransformer
from swin_dense.checkpoints import load_pretrained
from swin_dense.checkpoints.conversion import convert
from swin_dense.checkpoints.identification import identify
from swin_dense.checkpoints.surroundings import with_own_names
from swin_dense.checkpoints.windows_of_tables import likely_window
from tests.golden_files import FOLDER, parameter, reference

TABLE = 'layers.0.blocks.0.attn.relative_position_bias_table'
PATCHES = 'patch_embed.proj.weight'


def arch_of(meta):
    args = meta['args']
    return {'embed_dims': args['embed_dim'], 'depths': args['depths'], 'num_heads': args['num_heads']}


def images():
    """Weights of a 2-D classifier, by the formula of the golden files, and the official inflation of them."""
    with np.load(FOLDER / 'video_swin_inflation.npz', allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    meta = json.loads(str(arrays.pop('meta')))
    state = {name: parameter(meta['salt'], name, shape) for name, shape in meta['state_shapes'].items()}
    inflated = {name.removeprefix('state3d/'): torch.from_numpy(array) for name, array in arrays.items()}
    return meta, state, inflated


def video(meta, **options):
    return VideoSwinTransformer(arch=arch_of(meta), **options).eval()


def test_inflation_is_bit_equal():
    meta, state, inflated = images()
    net = video(meta)
    report = load_pretrained(net, state)
    own = net.state_dict()
    for name, value in inflated.items():
        assert torch.equal(own[name], value), name
    untouched = [name for name in own if name not in inflated and name in state]
    assert len(untouched) + len(inflated) == len(own) - len(report.missing) - 2  # norm3 has another name in the file
    for name in untouched:
        assert torch.equal(own[name], state[name]), name
    assert torch.equal(own['norm3.weight'], state['norm.weight'])
    assert {name for name, *_ in report.resized} == set(inflated)
    ways = {name: how for name, *_, how in report.resized}
    assert ways[PATCHES] == 'inflated to 2 frames, average'
    assert ways[TABLE] == 'repeated for 15 offsets in time'
    assert {name.split('.')[0] for name, _ in report.why_missing} == {'norm0', 'norm1', 'norm2'}


def test_what_was_inflated_is_not_inflated_again():
    meta, state, _ = images()
    first, second = video(meta), video(meta)
    load_pretrained(first, state)
    report = load_pretrained(second, first.state_dict())
    assert report.resized == ()
    for name, value in first.state_dict().items():
        assert torch.equal(second.state_dict()[name], value)


@pytest.mark.parametrize('target', ['official', 'swin_dense', 'timm', 'torchvision', 'huggingface', 'mmdet'])
def test_inflation_from_every_layout_of_images(target):
    meta, state, inflated = images()
    dense = SwinTransformer(arch=arch_of(meta))
    load_pretrained(dense, state)
    net = video(meta, out_indices=(3,))
    report = load_pretrained(net, convert(dense.state_dict(), target).tensors)
    assert report.is_complete
    for name, value in inflated.items():
        assert torch.equal(net.state_dict()[name], value), name


def test_centre_inflation():
    meta, state, _ = images()
    net = video(meta, patch_size=(3, 4, 4), inflation='centre')
    load_pretrained(net, state)
    kernel = net.state_dict()[PATCHES]
    assert torch.equal(kernel[:, :, 1], state[PATCHES])
    assert not kernel[:, :, [0, 2]].any()


def test_windows_of_images_are_resized_and_repeated():
    meta, state, _ = images()
    net, flat = video(meta, window_size=(4, 5, 5)), SwinTransformer(arch=arch_of(meta), window_size=5)
    load_pretrained(flat, state)
    report = load_pretrained(net, state)
    assert torch.equal(net.state_dict()[TABLE], flat.state_dict()[TABLE].repeat(7, 1))
    assert {name: how for name, *_, how in report.resized}[TABLE] == 'bicubic, repeated for 7 offsets in time'


@pytest.mark.parametrize('frames', [16, 32])
@torch.inference_mode()
def test_a_clip_that_stands_still_has_the_features_of_its_image(frames):
    """Softmax over copies of the same keys is that over the keys, at every border in time as well: a shifted window at
    the end holds fewer steps, and copies of the same keys all the same. So equality holds at each step, up to rounding.
    """
    meta, state, _ = images()
    net, flat = video(meta), SwinTransformer(arch=arch_of(meta), clamp_shift=True).eval()
    load_pretrained(net, state)
    load_pretrained(flat, state)
    flat.norm3.load_state_dict({'weight': state['norm.weight'], 'bias': state['norm.bias']})
    image = torch.randn(1, 3, 224, 224)
    for level, expected in zip(net(image[:, :, None].expand(-1, -1, frames, -1, -1)), flat(image), strict=True):
        assert level.shape[2] == frames // 2
        torch.testing.assert_close(
            level, expected[:, :, None].expand_as(level), rtol=0, atol=2e-5 * expected.abs().max()
        )


@torch.inference_mode()
def test_the_last_frame_of_an_odd_number_is_half_a_patch():
    """Its partner is zero padding: the mean of a frame and black. All steps whose windows have none of it are equal."""
    meta, state, _ = images()
    net = video(meta, window_size=(2, 7, 7))
    load_pretrained(net, state)
    clip = torch.randn(1, 3, 1, 56, 56)
    whole, odd = (net(clip.expand(-1, -1, frames, -1, -1))[0] for frames in (16, 15))
    torch.testing.assert_close(odd[:, :, :5], whole[:, :, :5], rtol=0, atol=1e-4)
    assert (odd[:, :, -1] - whole[:, :, -1]).abs().max() > 0.1


@torch.inference_mode()
def test_official_files():
    meta, state, inputs, expected = reference('video_swin_official')
    sizes = {'patch_size': tuple(meta['args']['patch_size']), 'window_size': tuple(meta['args']['window_size'])}
    content = {'state_dict': {f'backbone.{name}': value for name, value in state.items()}}
    content['state_dict']['cls_head.fc_cls.weight'] = torch.zeros(5, 4)
    net = video(meta, **sizes)
    report = load_pretrained(net, content)
    assert report.layout == 'Video Swin, official'
    output = net(inputs['input'])[3]
    torch.testing.assert_close(output, expected['output'], rtol=0, atol=1e-4 * expected['output'].abs().max())
    wanted = {f'backbone.{name}' for name in net.state_dict()} | {'cls_head.fc_cls.weight'}
    whole, title = with_own_names(content['state_dict'], wanted)
    assert title == report.layout
    assert set(whole) == wanted - {f'backbone.norm{level}.{kind}' for level in range(3) for kind in ('weight', 'bias')}


@torch.inference_mode()
def test_torchvision_files(tmp_path):
    meta, state, inputs, expected = reference('video_swin_torchvision')
    net = video(meta, out_indices=(3,))
    report = load_pretrained(net, state)
    assert report.layout == 'Video Swin, torchvision'
    pooled = net(inputs['input'])[0].mean((2, 3, 4))
    logits = F.linear(pooled, state['head.weight'], state['head.bias'])
    torch.testing.assert_close(logits, expected['logits'], rtol=0, atol=1e-4 * expected['logits'].abs().max())
    torch.save(state, tmp_path / 'a.pth')
    said = str(identify(tmp_path / 'a.pth'))
    assert 'Video Swin with embed_dims=12' in said
    assert 'window_size=(8, 7, 7)' in said
    official = convert(state, 'official').tensors
    back = convert(official, 'torchvision').tensors
    assert set(back) == set(state)
    for name, value in state.items():
        assert torch.equal(back[name], value), name


def test_other_windows_of_videos():
    """In time linearly: from 3 offsets -1, 0, 1 to 7, whose centres lie at (i + 1/2) 3/7 - 1/2 of the old."""
    arch = {'embed_dims': 8, 'depths': (1,), 'num_heads': (2,)}
    small = VideoSwinTransformer(arch=arch, window_size=(2, 3, 3), out_indices=(0,))
    large = VideoSwinTransformer(arch=arch, window_size=(4, 3, 3), out_indices=(0,))
    report = load_pretrained(large, small.state_dict())
    ((name, _, _, how),) = report.resized
    assert (name, how) == (TABLE, 'bicubic in space, linear in time')
    old = small.state_dict()[TABLE].view(3, 5, 5, 2)
    new = large.state_dict()[TABLE].view(7, 5, 5, 2)
    for row in range(7):
        place = min(max((row + 0.5) * 3 / 7 - 0.5, 0), 2)
        low, share = int(place), place - int(place)
        torch.testing.assert_close(new[row], old[low] * (1 - share) + old[min(low + 1, 2)] * share)
    wider = VideoSwinTransformer(arch=arch, window_size=(2, 5, 5), out_indices=(0,))
    load_pretrained(wider, small.state_dict())
    expected = F.interpolate(old.permute(0, 3, 1, 2), size=(9, 9), mode='bicubic').permute(0, 2, 3, 1)
    torch.testing.assert_close(wider.state_dict()[TABLE].view(3, 9, 9, 2), expected)


def test_windows_are_read_from_tables():
    assert [likely_window(rows) for rows in (15 * 13**2, 31 * 13**2, 15 * 23**2, 3 * 5**2)] == [
        (8, 7, 7), (16, 7, 7), (8, 12, 12), (2, 3, 3)
    ]  # fmt: skip


def test_a_deeper_model_of_images_is_refused():
    meta, state, _ = images()
    net = VideoSwinTransformer(arch={**arch_of(meta), 'depths': (2, 2, 1, 2)})
    with pytest.raises(ValueError, match=r'looks like Swin with .*built is Video Swin'):
        load_pretrained(net, state)
