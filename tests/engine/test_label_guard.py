"""Labels that no class has, through loaders with workers as the runner builds and uses them."""

import json

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import Compose, ConcatDataset, RepeatDataset
from mmengine.registry import init_default_scope
from PIL import Image
from torch.utils.data import DataLoader

from swin_dense.engine.errors import DataError, explain
from swin_dense.engine.exact_data import SeededDataset
from swin_dense.engine.label_guard import LabelGuard, guard_labels
from swin_dense.engine.pipelines import annotation_loaders, leaf_datasets
from swin_dense.engine.runner import Runner
from swin_dense.engine.settings import restored_scope

pytestmark = pytest.mark.filterwarnings('ignore')
LOADING = [{'type': 'LoadImageFromFile'}, {'type': 'LoadAnnotations'}]
PACKED = [*LOADING, {'type': 'PackSegInputs'}]
CLASSES = ('a', 'b', 'c', 'd', 'e')
SIZE = (32, 48)


@pytest.fixture(autouse=True)
def _scope():
    with restored_scope():
        init_default_scope('mmseg')
        yield


@pytest.fixture
def root(tmp_path):
    """Three images with masks of the numbers 0 to 4 and 255."""
    for folder in ('images', 'masks'):
        (tmp_path / folder).mkdir()
    for number in range(3):
        mask = np.random.default_rng(number).choice([0, 1, 2, 3, 4, 255], SIZE).astype(np.uint8)
        Image.new('RGB', SIZE[::-1], (number, 9, 9)).save(tmp_path / 'images' / f'{number}.jpg')
        Image.fromarray(mask).save(tmp_path / 'masks' / f'{number}.png')
    return tmp_path


def plant(root, value, *, count=6, mask=1):
    path = root / 'masks' / f'{mask}.png'
    changed = np.array(Image.open(path))
    changed[0, :count] = value
    Image.fromarray(changed).save(path)
    return path


def dataset_cfg(root, **arguments):
    return {
        'type': 'BaseSegDataset', 'data_root': str(root), 'metainfo': {'classes': CLASSES}, 'pipeline': PACKED,
        'data_prefix': {'img_path': 'images', 'seg_map_path': 'masks'}, **arguments,
    }  # fmt: skip


def loader_cfg(dataset, *, workers=0, sampler='DefaultSampler'):
    return {
        'batch_size': 2, 'num_workers': workers, 'dataset': dataset, 'sampler': {'type': sampler, 'shuffle': False},
    }  # fmt: skip


def labels(dataset):
    return [np.asarray(sample['data_samples'].gt_sem_seg.data) for sample in dataset]


def test_sound_masks_pass_unchanged(root):
    from mmseg.registry import DATASETS

    plain = DATASETS.build(dataset_cfg(root))
    guarded = Runner.build_dataloader(loader_cfg(dataset_cfg(root))).dataset
    assert len(list(annotation_loaders(guarded.pipeline))) == 1
    for mine, theirs in zip(labels(guarded), labels(plain), strict=True):
        np.testing.assert_array_equal(mine, theirs)


@pytest.mark.parametrize('workers', [0, 2])
def test_a_label_beyond_ends_loading_with_the_file(root, workers):
    path = plant(root, 7)
    loader = Runner.build_dataloader(loader_cfg(dataset_cfg(root), workers=workers))
    with pytest.raises(DataError) as caught:
        list(loader)
    told = ' '.join(explain(caught.value).split())
    assert told.startswith(f'{path}: the mask has the label 7 on 6 pixels. The labels of the 5 classes (a, b, c, d, e)')
    assert 'are 0 to 4, and 255 is ignored' in told
    assert 'label_map' in told
    assert 'reduce_zero_label=True' in told


@pytest.mark.parametrize('ignored', [255, 254, 0, None])
def test_each_number_is_taken_or_refused(ignored):
    for value in range(256):
        mask = np.zeros((3, 4), np.uint8)
        mask[2, 1] = value
        guard = LabelGuard(classes=CLASSES, num_classes=5, ignored=ignored)
        results = {'gt_seg_map': mask, 'seg_map_path': 'm.png'}
        if value < 5 or value == ignored:
            assert guard(results) is results
        else:
            with pytest.raises(DataError, match=rf'm\.png: the mask has the label {value} on 1 pixels'):
                guard(results)


def test_the_ignored_number_is_that_of_the_head(root):
    dataset = Runner.build_dataloader(loader_cfg(dataset_cfg(root))).dataset
    assert len(labels(dataset)) == 3
    guard_labels(dataset, {'decode_head': [{'ignore_index': 3}, {'ignore_index': 4}]})
    with pytest.raises(DataError, match=r'the label 255 .* and 4 is ignored'):
        labels(dataset)
    guard_labels(dataset, {'type': 'SegTTAModel', 'module': {'decode_head': {'ignore_index': 255}}})
    assert len(labels(dataset)) == 3


def test_numbers_of_classes_without_names_are_the_head_s(root):
    dataset = Runner.build_dataloader(loader_cfg(dataset_cfg(root, metainfo=None))).dataset
    assert len(labels(dataset)) == 3
    guard_labels(dataset, {'decode_head': {'num_classes': 4}})
    with pytest.raises(DataError, match=r'the label 4 on .* of the 4 classes are 0 to 3'):
        labels(dataset)


def test_reduced_labels_are_told_as_in_the_file(root):
    plant(root, 6)
    dataset = Runner.build_dataloader(loader_cfg(dataset_cfg(root, reduce_zero_label=True))).dataset
    with pytest.raises(DataError, match=r'the label 5 on 6 pixels after reduce_zero_label \(one more in the file\)'):
        labels(dataset)


def test_within_wrappers_and_views(root):
    views = [[{'type': 'RandomFlip', 'prob': 0.0}], [{'type': 'LoadAnnotations'}], [{'type': 'PackSegInputs'}]]
    pipeline = [LOADING[0], {'type': 'TestTimeAug', 'transforms': views}]
    sometimes = [LOADING[0], {'type': 'RandomApply', 'transforms': [LOADING[1]], 'prob': 1.0}]
    path = plant(root, 9)
    parts = [dataset_cfg(root, pipeline=pipeline), dataset_cfg(root, pipeline=sometimes)]
    joined = {'type': 'ConcatDataset', 'datasets': parts}
    dataset = Runner.build_dataloader(loader_cfg({'type': 'RepeatDataset', 'times': 2, 'dataset': joined})).dataset
    assert isinstance(dataset, RepeatDataset)
    assert isinstance(dataset.dataset, ConcatDataset)
    assert len(list(leaf_datasets(SeededDataset(dataset)))) == 2
    for index in (1, 4, 7, 10):
        with pytest.raises(DataError, match=str(path)):
            dataset[index]
    assert isinstance(dataset[0], dict)


def test_a_second_guard_takes_the_place_of_the_first(root):
    dataset = Runner.build_dataloader(loader_cfg(dataset_cfg(root))).dataset
    guard_labels(dataset)
    steps = dataset.pipeline.transforms
    assert [type(step).__name__ for step in steps] == [
        'LoadImageFromFile', 'LoadAnnotations', 'LabelGuard', 'PackSegInputs',
    ]  # fmt: skip


@pytest.mark.parametrize('channels', [3, 4])
def test_masks_of_colors(root, channels):
    drawn = np.random.default_rng(0).choice([0, 128], (*SIZE, channels)).astype(np.uint8)
    Image.fromarray(drawn).save(root / 'masks' / '1.png')
    dataset = Runner.build_dataloader(loader_cfg(dataset_cfg(root))).dataset
    with pytest.raises(DataError, match=r'1\.png: the mask is RGB.*8 colours.*mask_colors=dict'):
        labels(dataset)


def test_values_over_255_are_not_cut(root):
    """mmseg reads 16 bits as 8: 258 would be trained as 2."""
    Image.fromarray(np.full(SIZE, 258, np.uint16)).save(root / 'masks' / '1.png')
    dataset = Runner.build_dataloader(loader_cfg(dataset_cfg(root))).dataset
    with pytest.raises(DataError, match=r'1\.png: the mask has 16 bits and values over 255 \(258'):
        labels(dataset)
    Image.fromarray(np.full(SIZE, 3, np.uint16)).save(root / 'masks' / '1.png')
    assert (labels(dataset)[1] == 3).all()


@pytest.mark.parametrize(
    ('values', 'says'),
    [
        (np.full(SIZE, 258, np.uint16), r'has 16 bits and values over 255 \(258'),
        (np.full(SIZE, 65535, np.uint16), r'65535.*mask\[mask == 65535\] = 255'),
        (np.full(SIZE, 1.5, np.float32), 'numbers with fractions'),
        (np.full(SIZE, np.nan, np.float32), 'numbers with fractions'),
    ],
)
def test_values_of_tiff_are_not_cut(root, values, says):
    """mmseg makes 8 bits of all of them; the reader goes by the content, not by the ending."""
    Image.fromarray(values).save(root / 'masks' / '1.png', format='TIFF')
    dataset = Runner.build_dataloader(loader_cfg(dataset_cfg(root))).dataset
    with pytest.raises(DataError, match=rf'1\.png: .*{says}'):
        labels(dataset)
    Image.fromarray(np.full(SIZE, 2, np.uint16)).save(root / 'masks' / '1.png', format='TIFF')
    assert (labels(dataset)[1] == 2).all()


def test_a_mask_of_another_size(root):
    Image.new('L', (40, 32)).save(root / 'masks' / '1.png')
    dataset = Runner.build_dataloader(loader_cfg(dataset_cfg(root))).dataset
    with pytest.raises(DataError, match=r'1\.png: the mask is 32 x 40 .*1\.jpg is 32 x 48'):
        labels(dataset)


def test_a_mask_loaded_after_the_image_was_resized(root):
    resized = [LOADING[0], {'type': 'Resize', 'scale': (20, 20)}, *PACKED[1:]]
    dataset = Runner.build_dataloader(loader_cfg(dataset_cfg(root, pipeline=resized))).dataset
    assert labels(dataset)[0].shape[-2:] == SIZE


def test_colors_of_the_own_data_set_come_before_the_guard(root):
    drawn = np.zeros((*SIZE, 3), np.uint8)
    drawn[:, 20:] = (200, 0, 0)
    Image.fromarray(drawn).save(root / 'masks' / '1.png')
    cfg = dataset_cfg(root, type='swin_dense.SegmentationDataset', mask_colors={'a': (0, 0, 0), 'c': (200, 0, 0)})
    dataset = Runner.build_dataloader(loader_cfg(cfg)).dataset
    expected = np.zeros(SIZE, np.uint8)
    expected[:, 20:] = 2
    np.testing.assert_array_equal(labels(dataset)[1][0], expected)


# --- in whole runs ---------------------------------------------------------------------------------------------------


def runner_cfg(root, work_dir, *, val=None):
    """A segmentor of one convolution on the data of `root`; `val` is another folder to validate on."""
    norm = {'type': 'BN', 'requires_grad': True}
    model = {
        'type': 'EncoderDecoder',
        'data_preprocessor': {'type': 'SegDataPreProcessor', 'size': SIZE, 'seg_pad_val': 255},
        'backbone': {
            'type': 'swin_dense.SwinTransformer', 'out_indices': (0,),
            'arch': {'embed_dims': 8, 'depths': (1, 1), 'num_heads': (1, 2), 'window_size': 4},
        },
        'decode_head': {
            'type': 'FCNHead', 'in_channels': 8, 'channels': 8, 'num_convs': 0, 'concat_input': False,
            'num_classes': 5, 'norm_cfg': norm, 'in_index': 0,
        },
        'test_cfg': {'mode': 'whole'},
    }  # fmt: skip
    return Config(
        {
            'default_scope': 'mmseg', 'model': model, 'work_dir': str(work_dir),
            'train_dataloader': loader_cfg(dataset_cfg(root), workers=2, sampler='InfiniteSampler'),
            'val_dataloader': {**loader_cfg(dataset_cfg(val or root), workers=2), 'batch_size': 1},
            'train_cfg': {'type': 'IterBasedTrainLoop', 'max_iters': 3, 'val_interval': 3}, 'val_cfg': {},
            'val_evaluator': {'type': 'IoUMetric'}, 'optim_wrapper': {'optimizer': {'type': 'SGD', 'lr': 0.01}},
            'env_cfg': {'mp_cfg': {'mp_start_method': 'fork'}},
        }
    )  # fmt: skip


def test_training_ends_in_the_loader(root, tmp_path):
    path = plant(root, 7)
    with pytest.raises(DataError) as caught:
        Runner.from_cfg(runner_cfg(root, tmp_path / 'work')).train()
    assert explain(caught.value).startswith(f'{path}: the mask has the label 7')


def test_training_goes_by_what_the_head_ignores(root, tmp_path):
    cfg = runner_cfg(root, tmp_path / 'work')
    cfg.model.decode_head.ignore_index = 4
    with pytest.raises(DataError, match=r'the label 255 on .* and 4 is ignored'):
        Runner.from_cfg(cfg).train()


def test_validation_ends_in_the_loader(root, tmp_path):
    import shutil

    val = shutil.copytree(root / 'images', tmp_path / 'val' / 'images').parent
    shutil.copytree(root / 'masks', val / 'masks')
    path = plant(val, 200)
    cfg = runner_cfg(root, tmp_path / 'work', val=val)
    before = cfg.pretty_text
    runner = Runner.from_cfg(cfg)
    with pytest.raises(DataError) as caught:
        runner.train()
    assert explain(caught.value).startswith(f'{path}: the mask has the label 200')
    assert cfg.pretty_text == before


def test_maps_beside_boxes(tmp_path):
    """HTC learns from maps of things and stuff: its semantic head says how many numbers there are."""
    for folder in ('images', 'maps'):
        (tmp_path / folder).mkdir()
    Image.new('RGB', (30, 20)).save(tmp_path / 'images' / '1.jpg')
    Image.fromarray(np.full((20, 30), 182, np.uint8)).save(tmp_path / 'maps' / '1.png')
    box = {'id': 1, 'image_id': 1, 'category_id': 1, 'bbox': [2, 3, 10, 9], 'area': 90, 'iscrowd': 0}
    content = {
        'images': [{'id': 1, 'file_name': '1.jpg', 'height': 20, 'width': 30}],
        'annotations': [box], 'categories': [{'id': 1, 'name': 'cat'}],
    }  # fmt: skip
    (tmp_path / 'a.json').write_text(json.dumps(content))
    init_default_scope('mmdet')
    cfg = {
        'type': 'CocoDataset', 'data_root': str(tmp_path), 'ann_file': 'a.json', 'metainfo': {'classes': ('cat',)},
        'data_prefix': {'img': 'images/', 'seg': 'maps/'},
        'pipeline': [LOADING[0], {'type': 'LoadAnnotations', 'with_bbox': True, 'with_seg': True}],
    }  # fmt: skip
    dataset = Runner.build_dataloader(loader_cfg(cfg)).dataset
    head = {'type': 'FusedSemanticHead', 'num_classes': 183}  # its own loss ignores 255
    guard_labels(dataset, {'roi_head': {'semantic_head': head}})
    assert dataset[0]['gt_seg_map'].max() == 182
    Image.fromarray(np.full((20, 30), 255, np.uint8)).save(tmp_path / 'maps' / '1.png')
    assert dataset[0]['gt_seg_map'].max() == 255
    guard_labels(dataset, {'roi_head': {'semantic_head': {**head, 'loss_seg': {'ignore_index': 0}}}})
    with pytest.raises(DataError, match=r'the label 255 on 600 pixels.*0 is ignored'):
        dataset[0]
    guard_labels(dataset, {'roi_head': {'semantic_head': head}})
    Image.fromarray(np.full((20, 30), 183, np.uint8)).save(tmp_path / 'maps' / '1.png')
    with pytest.raises(DataError, match=r'maps/1\.png: the mask has the label 183 on 600 pixels.*0 to 182'):
        dataset[0]


def test_other_data_sets_and_volumes_are_left_alone():
    class Numbers(torch.utils.data.Dataset):
        def __len__(self):
            return 3

        def __getitem__(self, index):
            return index

    guard_labels(DataLoader(Numbers()).dataset, {'decode_head': {'num_classes': 2}})
    volume = np.ones((4, 5, 6), np.float32)  # depth, height, width of a scan
    guard = LabelGuard(classes=(), num_classes=2, ignored=255)
    assert Compose([guard])({'gt_seg_map': volume})['gt_seg_map'] is volume
    assert guard({'img': volume}) == {'img': volume}
