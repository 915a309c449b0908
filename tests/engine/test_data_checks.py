"""Faults of data sets on disk, as a user meets them: through the runner's loaders."""

import json

import pytest
from PIL import Image

from swin_dense.engine.data_checks import check_class_counts, check_files
from swin_dense.engine.errors import DataError, explain
from swin_dense.engine.exact_data import SeededDataset, SeededIndex
from swin_dense.engine.runner import Runner
from swin_dense.engine.settings import restored_scope


@pytest.fixture
def coco(tmp_path):
    images = [{'id': i, 'file_name': f'{i}.jpg', 'height': 20, 'width': 30} for i in range(1, 6)]
    boxes = [
        {'id': i, 'image_id': i, 'category_id': 1, 'bbox': [2, 3, 10, 9], 'area': 90, 'iscrowd': 0} for i in range(1, 6)
    ]
    (tmp_path / 'images').mkdir()
    for image in images:
        Image.new('RGB', (30, 20)).save(tmp_path / 'images' / image['file_name'])
    content = {'images': images, 'annotations': boxes, 'categories': [{'id': 1, 'name': 'cat'}]}
    (tmp_path / 'a.json').write_text(json.dumps(content, indent=1))
    return tmp_path


def loader_of(folder, **changes):
    from mmengine.registry import init_default_scope

    dataset = {
        'type': 'CocoDataset', 'data_root': str(folder), 'ann_file': 'a.json', 'data_prefix': {'img': 'images/'},
        'metainfo': {'classes': ('cat',)}, 'pipeline': [{'type': 'LoadImageFromFile'}], **changes,
    }  # fmt: skip
    with restored_scope():
        init_default_scope('mmdet')
        sampler = {'type': 'DefaultSampler', 'shuffle': False}
        return Runner.build_dataloader({'batch_size': 1, 'num_workers': 0, 'dataset': dataset, 'sampler': sampler})


def test_a_sound_data_set_passes(coco):
    check_files(loader_of(coco).dataset, name='train')


def test_cut_off_annotations_give_file_and_place(coco):
    text = (coco / 'a.json').read_text()
    (coco / 'a.json').write_text(text[: len(text) // 2])
    with pytest.raises(DataError) as caught:
        loader_of(coco)
    message = str(caught.value)
    assert str(coco / 'a.json') in message
    assert f'line {text[: len(text) // 2].count(chr(10)) + 1}' in message
    assert f'{len(text) // 2:,} bytes' in message
    assert 'cut off' in message


def test_a_missing_folder_is_told_from_a_missing_file(coco):
    with pytest.raises(DataError, match=r'no folder .*nowhere.*COCO_ROOT.*make_demo_data'):
        loader_of(coco / 'nowhere')
    with pytest.raises(DataError, match=r'a file of the data set is missing: .*b\.json'):
        loader_of(coco, ann_file='b.json')


def test_wrong_json_gives_the_line(coco):
    text = (coco / 'a.json').read_text().replace('"iscrowd": 0', '"iscrowd": ', 1)
    (coco / 'a.json').write_text(text)
    with pytest.raises(DataError, match=r'is not valid JSON.*line') as caught:
        loader_of(coco)
    assert 'cut off' not in str(caught.value)


def test_missing_annotations(coco):
    with pytest.raises(DataError, match=r'b\.json.*data_root'):
        loader_of(coco, ann_file='b.json')


def test_a_missing_image_is_found_before_training(coco):
    (coco / 'images' / '4.jpg').unlink()
    with pytest.raises(DataError) as caught:
        check_files(loader_of(coco).dataset, name='val')
    message = str(caught.value)
    assert str(coco / 'images' / '4.jpg') in message
    assert 'sample 3' in message
    assert str(coco / 'a.json') in message
    assert 'val set' in message


def test_a_missing_folder(coco):
    with pytest.raises(DataError, match=r'1\.jpg \(sample 0\).* and 2 more'):
        check_files(loader_of(coco, data_prefix={'img': 'pictures/'}).dataset, name='train')


def test_a_missing_mask(tmp_path):
    from mmengine.registry import init_default_scope
    from mmseg.datasets import BaseSegDataset

    for folder in ('images', 'masks'):
        (tmp_path / folder).mkdir()
    for number in range(3):
        Image.new('RGB', (9, 7)).save(tmp_path / 'images' / f'{number}.jpg')
        Image.new('L', (9, 7)).save(tmp_path / 'masks' / f'{number}.png')
    with restored_scope():
        init_default_scope('mmseg')
        dataset = BaseSegDataset(
            data_root=str(tmp_path), data_prefix={'img_path': 'images', 'seg_map_path': 'masks'}, pipeline=[]
        )
    check_files(dataset, name='train')
    (tmp_path / 'masks' / '1.png').unlink()
    with pytest.raises(DataError, match=r'1\.png \(sample 1\)'):
        check_files(dataset, name='train')


def test_no_usable_sample(coco):
    with pytest.raises(DataError, match=r'set is empty.*a\.json.*classes Cat'):
        check_files(
            loader_of(coco, metainfo={'classes': ('Cat',)}, filter_cfg={'filter_empty_gt': True}).dataset, name='train'
        )


def test_a_broken_image_in_training_names_path_and_sample(coco):
    dataset = SeededDataset(loader_of(coco).dataset)
    (coco / 'images' / '2.jpg').unlink()
    with pytest.raises(DataError) as caught:
        dataset[SeededIndex(1, 0)]
    assert str(coco / 'images' / '2.jpg') in str(caught.value)
    assert 'sample 1 of' in str(caught.value)


def test_a_worker_s_error_keeps_its_message(coco):
    from swin_dense.engine.exact_data import exact_loader

    loader = loader_of(coco)
    (coco / 'images' / '2.jpg').unlink()
    loader.num_workers, loader.prefetch_factor = 1, 2
    with pytest.raises(DataError) as caught:
        list(exact_loader(loader, seed=0, endless=False))
    explained = explain(caught.value)
    assert explained.startswith('sample 1 of')
    assert 'Traceback' not in explained


@pytest.mark.parametrize(
    ('model', 'place'),
    [
        ({'roi_head': {'bbox_head': {'num_classes': 80}}}, 'model.roi_head.bbox_head.num_classes is 80'),
        ({'roi_head': {'bbox_head': [{'num_classes': 1}, {'num_classes': 2}]}}, 'bbox_head.1.num_classes is 2'),
        ({'decode_head': {'num_classes': 150}}, 'decode_head.num_classes is 150'),
    ],
)
def test_class_counts_that_differ(coco, model, place):
    with pytest.raises(ValueError, match=f'{place}, and the data set has 1 classes'):
        check_class_counts(model, loader_of(coco).dataset)


def test_class_counts_that_agree(coco):
    model = {'backbone': {'num_classes': 1000}, 'rpn_head': {'num_classes': 1}, 'bbox_head': {'num_classes': 1}}
    check_class_counts(model, loader_of(coco).dataset)
    # HTC: things and stuff, from maps of their own
    model['roi_head'] = {'semantic_head': {'num_classes': 183}, 'mask_head': [{'num_classes': 1}]}
    check_class_counts(model, loader_of(coco).dataset)
    model['roi_head']['mask_head'][0]['num_classes'] = 2
    with pytest.raises(ValueError, match=r'roi_head\.mask_head\.0\.num_classes is 2'):
        check_class_counts(model, loader_of(coco).dataset)


@pytest.mark.filterwarnings('ignore:`reduce_zero_label` will be deprecated')
def test_a_mask_whose_image_is_lost(tmp_path):
    from mmseg.datasets import BaseSegDataset

    for folder, suffix in (('images', '.jpg'), ('masks', '.png')):
        (tmp_path / folder).mkdir()
        for number in range(3):
            (tmp_path / folder / f'{number}{suffix}').touch()

    def build():
        return BaseSegDataset(
            data_root=str(tmp_path),
            data_prefix={'img_path': 'images', 'seg_map_path': 'masks'},
            metainfo={'classes': ('a',)},
            pipeline=[],
        )

    check_files(build(), name='train')
    (tmp_path / 'images' / '1.jpg').unlink()
    with pytest.raises(DataError, match=r'1 masks of the train set have no image: .*1\.png'):
        check_files(build(), name='train')
