"""The COCO data set against mmdet's where both mean the same, and against slow loops where they do not."""

import json

import numpy as np
import pytest
from mmdet.datasets import CocoDataset as MmdetCocoDataset
from mmengine.registry import DATASETS

from swin_dense.datasets.coco import CocoDataset
from swin_dense.datasets.coco_json import area_of, category_names

pytestmark = pytest.mark.filterwarnings('ignore')

NAMES = {4: 'cat', 9: 'dog', 2: 'cow'}  # as the file lists them: neither by id nor by name


def content_of(seed=0, *, outlines=True):
    generator = np.random.default_rng(seed)
    images = [{'id': n, 'file_name': f'{n}.jpg', 'height': 50 + n, 'width': 61 + n} for n in (3, 1, 8, 5)]
    annotations = []
    for image in images[:-1]:  # the last has none
        for _ in range(6):
            x, y, w, h = (int(value) for value in generator.integers([0, 0, 2, 2], [30, 25, 30, 24]))
            annotations.append(
                {
                    'id': len(annotations) + 1, 'image_id': image['id'], 'bbox': [x, y, w, h], 'area': w * h // 2,
                    'category_id': int(generator.choice(list(NAMES))), 'iscrowd': int(generator.random() < 0.2),
                }
            )  # fmt: skip
            if outlines:
                annotations[-1]['segmentation'] = [[x, y, x + w, y, x + w, y + h, x, y + h]]
    categories = [{'id': key, 'name': name} for key, name in NAMES.items()]
    return {'images': images, 'annotations': annotations, 'categories': categories}


@pytest.fixture
def written(tmp_path):
    def write(content):
        path = tmp_path / 'annotations.json'
        path.write_text(json.dumps(content))
        return path

    return write


def data_set(path, cls=CocoDataset, **options):
    return cls(ann_file=str(path), data_prefix={'img': 'images'}, pipeline=[], **options)


def samples(dataset):
    return [dataset.get_data_info(index) for index in range(len(dataset))]


def test_equals_mmdet_s_where_classes_are_in_the_file_s_order(written):
    path = written(content_of())
    for classes in (tuple(NAMES.values()), ('cat', 'cow')):
        options = {'metainfo': {'classes': classes}, 'filter_cfg': {'filter_empty_gt': True, 'min_size': 52}}
        ours, theirs = data_set(path, **options), data_set(path, MmdetCocoDataset, **options)
        assert samples(ours) == samples(theirs)
        assert len(ours) == 2  # of 4, one has no objects and one is small
        assert ours.cat_ids == theirs.cat_ids


def test_labels_are_places_in_the_classes(written):
    content = content_of()
    path = written(content)
    classes = ('dog', 'cow', 'cat')
    ours = data_set(path, metainfo={'classes': classes})
    assert [NAMES[number] for number in ours.cat_ids] == list(classes)
    for sample in samples(ours):
        expected = [
            classes.index(NAMES[each['category_id']])
            for each in content['annotations']
            if each['image_id'] == sample['img_id']
        ]
        assert [each['bbox_label'] for each in sample['instances']] == expected
    # mmdet's has other names at the same numbers
    theirs = data_set(path, MmdetCocoDataset, metainfo={'classes': classes})
    assert [NAMES[number] for number in theirs.cat_ids] != list(classes)


def test_classes_are_those_of_the_file_unless_given(written):
    path = written(content_of())
    ours = data_set(path)
    assert ours.metainfo['classes'] == ('cat', 'dog', 'cow')
    assert len(set(ours.metainfo['palette'])) == 3
    assert len(ours) == 4
    assert sum(len(sample['instances']) for sample in samples(ours)) == 18
    assert data_set(path, lazy_init=True).metainfo['classes'] == ('cat', 'dog', 'cow')
    # in mmdet's, the names of COCO are in force, of which this file has all three, in another order
    assert len(data_set(path, MmdetCocoDataset).metainfo['classes']) == 80


def test_coco_s_own_names_keep_their_colours(written):
    coco = MmdetCocoDataset.METAINFO
    content = {**content_of(), 'categories': [{'id': n, 'name': name} for n, name in enumerate(coco['classes'])]}
    assert data_set(written(content)).metainfo == coco


def test_colours_that_are_given_stay(written):
    metainfo = {'classes': ('dog',), 'palette': [(1, 2, 3)]}
    assert data_set(written(content_of()), metainfo=metainfo).metainfo == metainfo


def test_it_is_found_by_name(written):
    cfg = {'type': 'swin_dense.CocoDataset', 'ann_file': str(written(content_of())), 'data_prefix': {'img': ''}}
    assert DATASETS.build({**cfg, 'pipeline': []}).metainfo['classes'] == ('cat', 'dog', 'cow')


@pytest.mark.parametrize(
    ('classes', 'says'),
    [
        ('cat', r"classes=\('cat',\)"),
        (('Cat', 'dog'), r"classes 'Cat'.*Did you mean 'cat' for 'Cat'.*'cat', 'dog', 'cow'"),
        (('cat', 'horse'), r"does not have the classes 'horse'"),
        (('cat', 'cat'), r"names 'cat' twice"),
    ],
)
def test_wrong_classes_are_errors(written, classes, says):
    with pytest.raises(ValueError, match=says):
        data_set(written(content_of()), metainfo={'classes': classes})


@pytest.mark.parametrize(
    ('part', 'change', 'says'),
    [
        ('categories', {'id': 9}, "categories .*differ in 'id': 9"),
        ('categories', {'name': 'dog'}, "categories.*differ in 'name': 'dog'"),
        ('images', {'id': 1}, "images.*differ in 'id': 1"),
        ('annotations', {'id': 2}, "annotations.*differ in 'id': 2"),
        ('annotations', {'category_id': 77}, 'category ids 77.*4, 9, 2'),
    ],
)
def test_what_would_get_lost_is_an_error(written, part, change, says):
    content = content_of()
    content[part][0].update(change)
    with pytest.raises(ValueError, match=says):
        data_set(written(content))


@pytest.mark.parametrize('part', ['images', 'annotations', 'categories'])
def test_a_file_without_a_part_is_an_error(written, part):
    content = content_of()
    del content[part]
    with pytest.raises(ValueError, match=f"(no|list) .*'{part}'"):
        data_set(written(content), metainfo={'classes': ('cat',)})


@pytest.mark.parametrize(('part', 'key'), [('annotations', 'category_id'), ('images', 'id'), ('annotations', 'id')])
def test_an_entry_without_what_all_need_is_an_error(written, part, key):
    content = content_of()
    del content[part][1][key]
    with pytest.raises(ValueError, match=rf"{part}\[1\].* no '{key}'.*check.py"):
        data_set(written(content))


def test_whole_sizes_become_whole_numbers(written):
    content = content_of()
    expected = samples(data_set(written(content)))
    for image in content['images']:
        image['height'], image['width'] = float(image['height']), float(image['width'])
    found = samples(data_set(written(content)))
    assert found == expected
    assert {type(sample[side]) for sample in found for side in ('height', 'width')} == {int}


@pytest.mark.parametrize('area', [None, 0, 0.0, -3, float('nan'), 'absent'])
@pytest.mark.parametrize('outlines', [False, True])
def test_areas_are_computed(written, area, outlines):
    """All objects are kept, and nothing differs from a file with the areas; mmdet's drops them or stops."""
    content = content_of(outlines=outlines)
    expected = samples(data_set(written(content)))
    for annotation in content['annotations']:
        annotation['area'] = area
        if area == 'absent':
            del annotation['area']
    path = written(content)
    assert samples(data_set(path)) == expected
    if area in (0, -3):
        assert sum(len(sample['instances']) for sample in samples(data_set(path, MmdetCocoDataset))) == 0


def test_area_is_the_segmentation_s_else_the_box_s():
    box = {'bbox': [3, 4, 20, 10]}
    assert area_of(box, 50, 60) == 200
    # an L of 20 x 10 without its upper right 12 x 6, counted pixel by pixel
    corner = {**box, 'segmentation': [[3, 4, 11, 4, 11, 10, 23, 10, 23, 14, 3, 14]]}
    mask = np.zeros((50, 60), bool)
    mask[4:14, 3:23] = True
    mask[4:10, 11:23] = False
    assert area_of(corner, 50, 60) == mask.sum() == 200 - 72
    two = {**box, 'segmentation': [[0, 0, 6, 0, 6, 6, 0, 6], [4, 0, 10, 0, 10, 6, 4, 6]]}  # they overlap
    assert area_of(two, 50, 60) == 60
    runs = {**box, 'segmentation': {'size': [50, 60], 'counts': [7, 31, 3000 - 38]}}
    assert area_of(runs, 50, 60) == 31
    for broken in ([], [[1, 2]], [['a']], {'counts': 'abc'}, 'x', [[5, 5, 5, 5, 5, 5]]):
        assert area_of({**box, 'segmentation': broken}, 50, 60) == 200
    assert area_of(corner, None, None) == 200
    assert area_of({'bbox': [1, 2, -3, 4]}, 50, 60) == area_of({}, 50, 60) == 0


def test_names_are_read_without_the_rest(tmp_path):
    path = tmp_path / 'a.json'
    names = '"categories" : [{"id": 7, "name": "categories"}, {"id": 1, "name": "\\u00e4 \\"b\\""}]'
    for text in (
        '{"images": [], ' + names + ', "annotations": []}',
        '{' + names + '}',
        '{"info": {"about": "the \\"categories\\" : [1]"}, ' + names + '}',
        '{"info": {"categories": [3]}, ' + names + '}',  # the key twice: the outer counts
    ):
        path.write_text(text)
        assert category_names(path) == ('categories', 'ä "b"')
    path.write_text('{"images": [], "categories": [{"id": 1, "name": "cat"}], "annotations": ]}')
    assert category_names(path) == ('cat',)  # the rest is for those who need it


@pytest.mark.parametrize(
    'text', ['[]', '{}', '{"categories": []}', '{"categories": ["cat"]}', '{"categories": {}}', '{']
)
def test_files_without_names_are_errors(tmp_path, text):
    (tmp_path / 'a.json').write_text(text)
    with pytest.raises(ValueError):
        category_names(tmp_path / 'a.json')


def test_a_changed_file_is_read_again(tmp_path):
    path = tmp_path / 'a.json'
    path.write_text('{"categories": [{"id": 1, "name": "cat"}]}')
    assert category_names(path) == ('cat',)
    path.write_text('{"categories": [{"id": 1, "name": "mouse"}]}')
    assert category_names(path) == ('mouse',)
