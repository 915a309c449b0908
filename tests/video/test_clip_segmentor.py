"""Segmentation of clips: the video backbone sees clips, heads see frames."""

import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.registry import DefaultScope
from mmengine.structures import PixelData

from swin_dense.quiet import quiet_imports
from swin_dense.registry import MODELS
from swin_dense.video.samples import FrameSamples

with quiet_imports():
    from mmseg.structures import SegDataSample

    from swin_dense.video.clip_segmentor import ClipSegDataPreProcessor

FRAMES, CLASSES = 4, 3
VIDEO = {
    'type': 'swin_dense.VideoSwinTransformer', 'window_size': (2, 3, 3), 'drop_path_rate': 0.0, 'out_indices': (0, 1),
    'arch': {'embed_dims': 8, 'depths': (1, 1), 'num_heads': (1, 2)},
}  # fmt: skip
IMAGE = {**VIDEO, 'type': 'swin_dense.SwinTransformer', 'window_size': 3}


def segmentor(backbone=VIDEO, frames=FRAMES):
    stride = 2 if backbone is VIDEO else 1
    torch.manual_seed(0)
    config = {
        'type': 'swin_dense.ClipSegmentor', 'frames_per_clip': frames, 'backbone': backbone,
        'neck': {'type': 'swin_dense.FrameMaps', 'in_channels': (8, 16), 'frames_per_clip': frames,
                 'temporal_stride': stride},
        'decode_head': {'type': 'UPerHead', 'in_channels': [8, 16], 'in_index': [0, 1], 'pool_scales': (1, 2),
                        'channels': 8, 'num_classes': CLASSES, 'dropout_ratio': 0.0, 'align_corners': False,
                        'norm_cfg': {'type': 'BN'},
                        'loss_decode': {'type': 'CrossEntropyLoss', 'avg_non_ignore': True}},
        'data_preprocessor': {'type': 'swin_dense.ClipSegDataPreProcessor', 'mean': [100.0] * 3, 'std': [50.0] * 3,
                              'bgr_to_rgb': True, 'size_divisor': 1},
        'test_cfg': {'mode': 'whole'},
    }  # fmt: skip
    with DefaultScope.overwrite_default_scope('mmseg'):
        return MODELS.build(ConfigDict(config))


def batch(clips=2, frames=FRAMES, side=32):
    """As the data loader gives it."""
    samples = []
    for clip in range(clips):
        metas = [{'ori_shape': (side, side), 'img_shape': (side, side), 'place': (clip, t)} for t in range(frames)]
        row = [SegDataSample(metainfo=meta) for meta in metas]
        for sample in row:
            sample.gt_sem_seg = PixelData(data=torch.randint(0, CLASSES, (1, side, side)))
        samples.append(FrameSamples(tuple(row)))
    inputs = [torch.randint(0, 256, (frames, 3, side, side), dtype=torch.uint8) for _ in range(clips)]
    return {'inputs': inputs, 'data_samples': samples}


def test_batches_of_clips_become_frames():
    data = batch()
    found = segmentor().data_preprocessor(data, True)
    assert found['inputs'].shape == (8, 3, 32, 32)
    assert [sample.place for sample in found['data_samples']] == [(clip, t) for clip in range(2) for t in range(FRAMES)]
    expected = (data['inputs'][1][2].float()[[2, 1, 0]] - 100) / 50
    torch.testing.assert_close(found['inputs'][1 * FRAMES + 2], expected)
    single = [frame for clip in data['inputs'] for frame in clip]
    plain = ClipSegDataPreProcessor(mean=[100.0] * 3, std=[50.0] * 3, bgr_to_rgb=True)({'inputs': single}, False)
    assert torch.equal(plain['inputs'], found['inputs'])


def test_a_video_backbone_sees_whole_clips():
    model = segmentor().eval()
    frames = torch.randn(8, 3, 32, 32)
    levels = model.extract_feat(frames)
    assert [level.shape for level in levels] == [(8, 8, 8, 8), (8, 16, 4, 4)]
    clips = torch.stack([frames[:4], frames[4:]]).transpose(1, 2)
    for level, direct in zip(levels, model.neck(model.backbone(clips)), strict=True):
        assert torch.equal(level, direct)
    changed = frames.clone()
    changed[1] += 1
    moved = (model.extract_feat(changed)[1] - levels[1]).abs().flatten(1).amax(1) > 1e-4
    assert moved.tolist() == [True] * 4 + [False] * 4  # of the clip, and of no other
    with pytest.raises(ValueError, match='6 frames are no clips of 4'):
        model.extract_feat(frames[:6])


def test_a_backbone_for_images_sees_frame_by_frame():
    model = segmentor(IMAGE).eval()
    assert not model.sees_clips
    frames = torch.randn(8, 3, 32, 32)
    for level, alone in zip(model.extract_feat(frames), model.backbone(frames[5:6]), strict=True):
        torch.testing.assert_close(level[5:6], alone)


@pytest.mark.parametrize('backbone', [VIDEO, IMAGE], ids=['video', 'image'])
def test_trains_and_predicts(backbone):
    model = segmentor(backbone)
    model(**model.data_preprocessor(batch(), True), mode='loss')['decode.loss_ce'].backward()
    assert not [name for name, each in model.named_parameters() if each.requires_grad and each.grad is None]
    found = model.eval().test_step(batch(side=30))
    assert [sample.place for sample in found] == [(clip, frame) for clip in range(2) for frame in range(FRAMES)]
    assert all(sample.pred_sem_seg.data.shape == (1, 30, 30) for sample in found)
