"""Maps of frames against a loop over frames."""

import pytest
import torch

from swin_dense.necks import FrameMaps


@pytest.mark.parametrize(('frames', 'stride'), [(8, 2), (7, 2), (1, 2), (6, 3)])
def test_frames_come_in_their_order(frames, stride):
    torch.manual_seed(0)
    neck = FrameMaps(in_channels=(4, 6), frames_per_clip=frames, temporal_stride=stride)
    steps = -(-frames // stride)
    levels = [torch.randn(2, 4, steps, 5, 3), torch.randn(2, 6, steps, 2, 2)]
    for level, found in zip(levels, neck(levels), strict=True):  # at the start each frame has the map of its step
        expected = [level[clip, :, frame // stride] for clip in range(2) for frame in range(frames)]
        torch.testing.assert_close(found, torch.stack(expected))
    for parameter in neck.parameters():
        torch.nn.init.normal_(parameter)
    for level, found, projection in zip(levels, neck(levels), neck.projections, strict=True):
        for clip in range(2):
            for frame in range(frames):
                channels = level.shape[1]
                rows = slice(frame % stride * channels, (frame % stride + 1) * channels)
                expected = torch.einsum('oc,chw->ohw', projection.weight[rows], level[clip, :, frame // stride])
                expected = expected + projection.bias[rows, None, None]
                torch.testing.assert_close(found[clip * frames + frame], expected, atol=1e-5, rtol=1e-5)


def test_without_a_stride_nothing_changes():
    neck = FrameMaps(in_channels=(4,), frames_per_clip=3, temporal_stride=1)
    assert not list(neck.parameters())
    images = torch.randn(6, 4, 5, 5)
    assert neck([images])[0] is images
    clips = torch.randn(2, 4, 3, 5, 5)
    assert torch.equal(neck([clips])[0][4], clips[1, :, 1])


def test_says_what_is_wrong():
    with pytest.raises(ValueError, match='got 0 and 2'):
        FrameMaps(in_channels=(4,), frames_per_clip=0, temporal_stride=2)
    with pytest.raises(ValueError, match='3 steps in time; clips of 8 frames have 4 at a stride of 2'):
        FrameMaps(in_channels=(4,), frames_per_clip=8, temporal_stride=2)([torch.randn(1, 4, 3, 2, 2)])
