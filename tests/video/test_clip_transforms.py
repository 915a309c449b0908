"""Sizes and pixels of clips against single frames; what is drawn is the same in all frames."""

import cv2
import numpy as np
import pytest
import torch
from mmengine.dataset import Compose
from mmengine.registry import DefaultScope

from swin_dense.registry import TRANSFORMS
from swin_dense.video.clip_augmentations import OPERATIONS, RandAugmentClips, RandomErasingClips
from swin_dense.video.clip_transforms import (
    CenterCropClips,
    DecodeClips,
    FlipClips,
    PackClips,
    RandomResizedCropClips,
    ResizeShortSide,
    ThreeCrops,
)
from tests.video.video_files import number_of, numbered_video


def noise(height=40, width=56, frames=3):
    return np.random.default_rng(0).integers(0, 256, (frames, height, width, 3), dtype=np.uint8)


def static(height=40, width=56, frames=4):
    return np.repeat(noise(height, width, 1), frames, axis=0)


def test_decodes_the_frames_that_it_says(tmp_path):
    path = str(numbered_video(tmp_path / 'b_frames.mp4'))
    np.random.seed(3)
    for step in (
        DecodeClips(clip_length=5, interval=3),
        DecodeClips(clip_length=8, sampling='segments'),
        DecodeClips(clip_length=5, interval=3, num_clips=3, test_mode=True),
    ):
        found = step({'path': path})
        numbers = [[number_of(frame) for frame in clip] for clip in found['clips']]
        assert numbers == found['frame_numbers'].tolist()
        assert len(numbers) == step.num_clips


def test_short_side():
    clip = noise(40, 56)
    found = ResizeShortSide(size=20)({'clips': [clip, clip.transpose(0, 2, 1, 3)]})['clips']
    assert [each.shape for each in found] == [(3, 20, 28, 3), (3, 28, 20, 3)]
    assert np.array_equal(found[0][1], cv2.resize(clip[1], (28, 20)))


def test_crops():
    clip = noise(20, 33)
    (middle,) = CenterCropClips(size=20)({'clips': [clip]})['clips']
    assert np.array_equal(middle, clip[:, :, 6:26])
    left, centre, right = ThreeCrops(size=20)({'clips': [clip]})['clips']
    assert np.array_equal(left, clip[:, :, :20])
    assert np.array_equal(centre, middle)
    assert np.array_equal(right, clip[:, :, 13:])
    top, _, bottom = ThreeCrops(size=20)({'clips': [clip.transpose(0, 2, 1, 3)]})['clips']
    assert np.array_equal(top, left.transpose(0, 2, 1, 3))
    assert np.array_equal(bottom, right.transpose(0, 2, 1, 3))
    with pytest.raises(ValueError, match=r'20 x 33 .* no crop of 24 x 24'):
        ThreeCrops(size=24)({'clips': [clip]})


def test_crop_of_any_size():
    np.random.seed(0)
    step = RandomResizedCropClips(size=24)
    shares = []
    for _ in range(300):
        _, _, height, width = step._part(40, 56)
        shares.append(height * width / (40 * 56))
        assert 0.7 < width / height < 1.4
    assert 0.05 < min(shares) < 0.12
    assert max(shares) > 0.8
    assert step({'clips': [noise()]})['clips'][0].shape == (3, 24, 24, 3)
    assert RandomResizedCropClips(size=24, area=(1, 1), aspect=(1, 1))._part(40, 56) == (0, 8, 40, 40)


@pytest.mark.parametrize(
    'step',
    [RandomResizedCropClips(size=24), FlipClips(prob=0.5), RandomErasingClips(prob=1), RandAugmentClips(num_ops=4)],
    ids=lambda step: type(step).__name__,
)
def test_all_frames_of_a_clip_are_treated_alike(step):
    np.random.seed(0)
    results = [step({'clips': [static()]})['clips'][0] for _ in range(12)]
    for clip in results:
        assert clip.dtype == np.uint8
        assert (clip == clip[:1]).all()
    assert len({clip.tobytes() for clip in results}) > 1


@pytest.mark.parametrize('name', OPERATIONS)
def test_operations_of_randaugment(name, monkeypatch):
    """Each does something at its full strength and, where it has a strength, nothing at none."""
    plain = static(frames=1)
    for magnitude in (0, 10):
        monkeypatch.setattr('swin_dense.video.clip_augmentations.OPERATIONS', {name: OPERATIONS[name]})
        np.random.seed(0)
        (found,) = RandAugmentClips(num_ops=1, magnitude=magnitude)({'clips': [plain // 2 + 30]})['clips']
        strengthless = name in ('auto_contrast', 'equalize', 'invert')
        assert np.array_equal(found, plain // 2 + 30) == (magnitude == 0 and not strengthless)


def test_erasing_covers_a_rectangle():
    np.random.seed(0)
    clip = static()
    (found,) = RandomErasingClips(prob=1)({'clips': [clip.copy()]})['clips']
    rows, columns = np.nonzero((found[0] != clip[0]).any(-1))
    share = (np.ptp(rows) + 1) * (np.ptp(columns) + 1) / (40 * 56)
    assert 0.01 < share < 0.4
    assert len(rows) > 0.95 * share * 40 * 56


def test_a_pipeline_from_a_file_to_a_tensor(tmp_path):
    path = str(numbered_video(tmp_path / 'b_frames.mp4'))
    with DefaultScope.overwrite_default_scope('swin_dense'):
        pipeline = Compose(
            [
                {'type': 'DecodeClips', 'clip_length': 4, 'num_clips': 2, 'test_mode': True},
                {'type': 'ResizeShortSide', 'size': 32},
                {'type': 'ThreeCrops', 'size': 32},
                {'type': 'PackClips'},
            ]
        )
    packed = pipeline({'path': path, 'label': 3, 'sample_idx': 0})
    assert packed['inputs'].shape == (6, 3, 4, 32, 32)
    assert packed['inputs'].dtype == torch.uint8
    frames = DecodeClips(clip_length=4, num_clips=2, test_mode=True)({'path': path})['clips']
    assert np.array_equal(packed['inputs'][4].permute(1, 2, 3, 0), frames[1][:, :, 16:48])
    assert packed['data_samples'].gt_label.item() == 3
    assert packed['data_samples'].path == path


@pytest.mark.parametrize(
    ('config', 'reason'),
    [
        ({'type': 'DecodeClips', 'sampling': 'random'}, "dense, segments; got 'random'"),
        ({'type': 'DecodeClips', 'clip_length': 0}, 'at least 1; got 0, 2, 1'),
        ({'type': 'DecodeClips', 'num_clips': 4}, r'in test_mode; got num_clips=4'),
        ({'type': 'RandomResizedCropClips', 'size': 8, 'area': (0, 1)}, r'got \(0, 1\)'),
        ({'type': 'RandomResizedCropClips', 'size': 8, 'aspect': (2, 1)}, r'got \(2, 1\)'),
        ({'type': 'RandAugmentClips', 'magnitude': 11}, 'from 0 to 10; got 4 and 11'),
    ],
)
def test_says_what_is_wrong(config, reason):
    with pytest.raises(ValueError, match=reason):
        TRANSFORMS.build({**config, 'type': f'swin_dense.{config["type"]}'})


def test_views_of_two_sizes_are_refused():
    with pytest.raises(ValueError, match='different sizes'):
        PackClips()({'clips': [noise(), noise(20)], 'path': 'a.mp4'})
