"""Frame numbers of clips against values from the rules written out."""

import numpy as np
import pytest

from swin_dense.video.sampling import dense_clip, dense_clips, segment_clip


def test_dense_clips_of_a_test():
    # 300 frames, 4 clips of 32 x 2: starts at (i + 1/2) x 237 / 4
    found = dense_clips(300, clip_length=32, interval=2, num_clips=4)
    assert found.shape == (4, 32)
    assert found[:, 0].tolist() == [29, 88, 148, 207]
    assert (np.diff(found) == 2).all()
    assert found.max() <= 299
    # exactly one span
    assert dense_clips(64, clip_length=32, interval=2, num_clips=4)[:, 0].tolist() == [0, 0, 0, 0]
    # the last start that fits
    assert dense_clips(68, clip_length=32, interval=2, num_clips=10)[:, 0].max() == 4


@pytest.mark.parametrize('num_frames', [1, 2, 7, 63])
def test_short_videos_start_again(num_frames):
    expected = [each * 2 % num_frames for each in range(32)]
    np.random.seed(0)
    assert dense_clip(num_frames, clip_length=32, interval=2).tolist() == expected
    assert dense_clips(num_frames, clip_length=32, interval=2, num_clips=3).tolist() == [expected] * 3


def test_training_draws_every_start():
    np.random.seed(0)
    starts = [dense_clip(20, clip_length=4, interval=3)[0] for _ in range(400)]
    assert set(starts) == set(range(9))
    np.random.seed(0)
    assert starts[:5] == [dense_clip(20, clip_length=4, interval=3)[0] for _ in range(5)]


def test_segments():
    # 9 frames, 4 parts: borders 0 2 4 6 8
    assert segment_clip(9, clip_length=4, test_mode=True).tolist() == [1, 3, 5, 7]
    np.random.seed(0)
    drawn = np.stack([segment_clip(9, clip_length=4, test_mode=False) for _ in range(300)])
    assert drawn.min(0).tolist() == [0, 2, 4, 6]
    assert drawn.max(0).tolist() == [2, 4, 6, 8]
    for num_frames in (1, 2, 3):
        for test_mode in (True, False):
            found = segment_clip(num_frames, clip_length=8, test_mode=test_mode)
            assert len(found) == 8
            assert 0 <= found.min() <= found.max() < num_frames


def test_says_what_is_wrong():
    with pytest.raises(ValueError, match='32 frames cannot be taken of a video of 0'):
        dense_clip(0, clip_length=32, interval=2)
