"""Clips of videos with masks: which frames, the same draws for each, and what is wrong with files."""

import pytest
import torch
from mmengine.dataset import pseudo_collate
from mmengine.registry import DATASETS, DefaultScope

from swin_dense.engine.errors import DataError
from swin_dense.engine.exact_data import SeededDataset, SeededIndex
from swin_dense.engine.label_guard import guard_labels
from swin_dense.quiet import quiet_imports
from tests.video.masked_videos import write_masked_videos

with quiet_imports():
    from swin_dense.video.clip_segmentor import ClipSegDataPreProcessor

PLAIN = [{'type': 'LoadImageFromFile'}, {'type': 'LoadAnnotations'}, {'type': 'PackSegInputs'}]


def dataset(root, *, transforms=PLAIN, **options):
    config = {
        'type': 'swin_dense.ClipSegmentationDataset', 'data_root': str(root), 'ann_file': 'list.txt',
        'data_prefix': {'video': 'data'}, 'metainfo': {'classes': ('x', 'y', 'z')}, 'frames_per_clip': 4,
        'pipeline': [{'type': 'swin_dense.ForEachFrame', 'transforms': transforms}], **options,
    }  # fmt: skip
    with DefaultScope.overwrite_default_scope('mmseg'):
        return DATASETS.build(config)


def numbers(sample):
    """The frames that pixels say, and those that metainfo says."""
    assert sample['inputs'].dtype == torch.uint8
    found = [int(frame[0, 0, 0]) // 5 for frame in sample['inputs']]
    assert found == [each.frame for each in sample['data_samples'].frames]
    return found


def test_tests_cover_each_frame_once(tmp_path):
    write_masked_videos(tmp_path, (10, 4, 1))
    data = dataset(tmp_path, test_mode=True)
    found = [
        (sample['data_samples'].frames[0].video, numbers(sample)) for sample in (data[n] for n in range(len(data)))
    ]
    assert found == [('a', [0, 1, 2, 3]), ('a', [4, 5, 6, 7]), ('a', [8, 9, 9, 9]), ('b', [0, 1, 2, 3]),
                     ('c', [0, 0, 0, 0])]  # fmt: skip
    assert [each.is_copy for each in data[2]['data_samples'].frames] == [False, False, True, True]
    mask = data[1]['data_samples'].frames[2].gt_sem_seg.data[0]
    assert mask[0, ::4].tolist() == [(each + 6) % 3 for each in range(8)]


def test_training_draws_clips(tmp_path):
    write_masked_videos(tmp_path, (10, 2))
    data = SeededDataset(dataset(tmp_path, interval=2))
    assert len(data) == 2
    clips = {tuple(numbers(data[SeededIndex(0, seed=seed)])) for seed in range(40)}
    assert clips == {(start, start + 2, start + 4, start + 6) for start in range(4)}
    assert numbers(data[SeededIndex(1, seed=0)]) == [0, 1, 1, 1]
    assert numbers(data[SeededIndex(0, seed=7)]) == numbers(data[SeededIndex(0, seed=7)])


def test_draws_are_the_same_for_all_frames(tmp_path):
    write_masked_videos(tmp_path, (1,))  # a clip of copies
    transforms = [
        *PLAIN[:2], {'type': 'RandomResize', 'scale': (32, 24), 'ratio_range': (1.0, 2.0), 'keep_ratio': True},
        {'type': 'RandomCrop', 'crop_size': (16, 16)}, {'type': 'RandomFlip', 'prob': 0.5},
        {'type': 'PhotoMetricDistortion'}, PLAIN[2],
    ]  # fmt: skip
    data = SeededDataset(dataset(tmp_path, transforms=transforms))
    seen = set()
    for seed in range(8):
        sample = data[SeededIndex(0, seed=seed)]
        masks = torch.stack([each.gt_sem_seg.data for each in sample['data_samples'].frames])
        assert (sample['inputs'] == sample['inputs'][:1]).all()
        assert (masks == masks[:1]).all()
        seen.add(masks[0].numpy().tobytes())
    assert len(seen) > 4
    with pytest.raises(ValueError, match=r'RandomCrop with cat_max_ratio=0.75 would cut every frame elsewhere'):
        dataset(tmp_path, transforms=[*PLAIN[:2], {'type': 'RandomCrop', 'crop_size': (8, 8), 'cat_max_ratio': 0.75}])


def test_a_batch_reaches_the_model_clip_by_clip(tmp_path):
    write_masked_videos(tmp_path, (8,))
    data = dataset(tmp_path, test_mode=True)
    collated = pseudo_collate([data[0], data[1]])
    found = ClipSegDataPreProcessor()(collated, False)
    assert [sample.frame for sample in found['data_samples']] == list(range(8))
    assert (found['inputs'][:, 0, 0, 0] / 5).tolist() == list(range(8))


def test_labels_are_guarded(tmp_path):
    write_masked_videos(tmp_path, (4,), labels=4)
    data = dataset(tmp_path)
    guard_labels(data)
    with pytest.raises(DataError, match=r'mask/0\.png.* label 3 on 192 pixels.*3 classes'):
        data[0]


def test_zero_can_mean_no_label(tmp_path):
    write_masked_videos(tmp_path, (4,), labels=4)
    data = dataset(tmp_path, reduce_zero_label=True)
    guard_labels(data)
    mask = data[0]['data_samples'].frames[0].gt_sem_seg.data[0, 0, ::4]
    assert mask.tolist() == [255, 0, 1, 2] * 2


def test_says_what_is_wrong(tmp_path):
    write_masked_videos(tmp_path, (4, 3))
    with pytest.raises(ValueError, match='got 0 and 1'):
        dataset(tmp_path, frames_per_clip=0)
    with pytest.raises(DataError, match=r"no list of videos '.*other.txt'"):
        dataset(tmp_path, ann_file='other.txt')
    with pytest.raises(DataError, match=r"no folder '.*nowhere'"):
        dataset(tmp_path, data_prefix={'video': 'nowhere'})
    (tmp_path / 'data' / 'b' / 'mask' / '1.png').unlink()
    with pytest.raises(DataError, match=r"b: 1 frames without a mask.* as '1' in origin/ and mask/"):
        dataset(tmp_path)
    (tmp_path / 'list.txt').write_text('a\nz\n')
    with pytest.raises(DataError, match=r'1 of 2 videos of .*list\.txt are not in .*data: z'):
        dataset(tmp_path)
