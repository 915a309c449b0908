"""Sound COCO data of many kinds has no error, and broken entries never end a check."""

import copy
import itertools
import json
import os
import random
import time
import unicodedata

import numpy as np
import pytest
from mmengine.config import Config
from PIL import Image
from pycocotools import mask as coco_masks

from swin_dense.checks.coco_files import CocoFile
from swin_dense.checks.coco_masks import _run_lengths
from swin_dense.checks.coco_rows import rows_of
from swin_dense.checks.coco_usable import kept_objects
from swin_dense.checks.dataset_configs import dataset_configs
from swin_dense.checks.detection import check_detection_data

pytestmark = pytest.mark.filterwarnings('ignore')

LOADING = [{'type': 'LoadImageFromFile'}, {'type': 'LoadAnnotations', 'with_bbox': True, 'with_mask': True}]


def config_of(root, *, kind='swin_dense.CocoDataset', splits=('train',), **options):
    def loader(split):
        dataset = {
            'type': kind, 'data_root': str(root), 'ann_file': f'{split}.json', 'data_prefix': {'img': split},
            'pipeline': LOADING, 'test_mode': split != 'train', **options,
        }  # fmt: skip
        return {'dataset': dataset}

    return Config({'default_scope': 'mmdet', **{f'{split}_dataloader': loader(split) for split in splits}})


def found_in(cfg, depth='quick'):
    return list(check_detection_data(cfg, ('train', 'val', 'test'), depth))


def rules(found, *levels):
    return {each.rule for each in found if each.level in levels}


def large_content(images, boxes, *, height=48, width=64):
    """Boxes at the borders, polygons, run lengths, crowds, images without objects: all of it sound."""
    generator = np.random.default_rng(0)
    starts = generator.integers(0, [width - 4, height - 4], (boxes, 2))
    sizes = generator.integers(1, np.array([width, height]) - starts + 1)
    owners = generator.integers(0, images * 9 // 10, boxes)
    classes = generator.integers(1, 21, boxes)
    annotations = []
    for number, ((x, y), (w, h), owner, category) in enumerate(
        zip(starts.tolist(), sizes.tolist(), owners.tolist(), classes.tolist(), strict=True), 1
    ):
        outline = [[x, y, x + w, y, x + w, y + h, x, y + h]]
        is_crowd = number % 100 == 0
        runs = {'size': [height, width], 'counts': [x * height + y, h, height * width - x * height - y - h]}
        annotations.append(
            {
                'id': number, 'image_id': owner + 1, 'category_id': category * 3, 'bbox': [x, y, w, h], 'area': w * h,
                'iscrowd': int(is_crowd), 'segmentation': runs if is_crowd else outline,
            }
        )  # fmt: skip
    entries = [{'id': n + 1, 'file_name': f'{n:06d}.jpg', 'height': height, 'width': width} for n in range(images)]
    categories = [{'id': 3 * n, 'name': f'class {n}'} for n in range(1, 21)]
    return {'images': entries, 'annotations': annotations, 'categories': categories}


def write_split(root, content, split='train', *, linked=True):
    """The file, and all its images: one picture in the place of all."""
    (root / split).mkdir(parents=True)
    first, *others = [root / split / image['file_name'] for image in content['images']]
    size = (content['images'][0]['height'], content['images'][0]['width'], 3)
    Image.fromarray(np.random.default_rng(len(split)).integers(0, 255, size, np.uint8)).save(first)
    for path in others:
        os.link(first, path)
    (root / f'{split}.json').write_text(json.dumps(content))


@pytest.fixture(scope='module')
def large(tmp_path_factory):
    root = tmp_path_factory.mktemp('large')
    write_split(root, large_content(5_000, 50_000))
    return root


@pytest.mark.parametrize('kind', ['swin_dense.CocoDataset', 'CocoDataset'])
def test_50_000_boxes_in_5_000_files(large, kind):
    names = tuple(f'class {n}' for n in range(1, 21))
    cfg = config_of(large, kind=kind, metainfo={'classes': names})
    started = time.perf_counter()
    found = found_in(cfg)
    assert time.perf_counter() - started < 10
    assert not rules(found, 'error')
    assert rules(found, 'warning') == {'image-content-twice'}
    (usable,) = [each for each in found if each.rule == 'usable']
    assert '5,000 of 5,000 images are used. 49,500 of 50,000 annotations are objects, 500 are crowds' in usable.message


def test_all_of_5_000_files_at_full_depth(large, tmp_path, monkeypatch):
    monkeypatch.setenv('SWIN_DENSE_HOME', str(tmp_path))
    found = found_in(config_of(large), 'full')
    assert not rules(found, 'error')
    (twice,) = [each for each in found if each.rule == 'image-content-twice']
    assert len(twice.cases) == 4_999


def small_content():
    return large_content(6, 40)


@pytest.mark.parametrize('kind', ['swin_dense.CocoDataset', 'CocoDataset'])
@pytest.mark.parametrize('classes', [('class 2', 'class 5'), ('class 5', 'class 2', 'class 9')])
def test_what_is_kept_is_what_the_data_set_keeps(tmp_path, kind, classes):
    """Against the instances of the built data sets, for boxes that are kept and left out for each reason."""
    from mmengine.registry import DATASETS, DefaultScope

    content = large_content(30, 400)
    odd = [
        [10, 10, 0.5, 9], [10, 10, 0, 9], [10, 10, -4, 9], [64, 3, 5, 5], [-9, 3, 9, 5], [-9, 3, 9.5, 5],
        [63.5, 47.5, 9, 9], [0, 0, 1, 1], [3, 48, 9, 9], [3, -9, 9, 9],
    ]  # fmt: skip
    for each, box in zip(content['annotations'][::3], itertools.cycle(odd), strict=False):
        each['bbox'] = box
    for each in content['annotations'][::7]:
        each['area'] = 0
    for each in content['annotations'][::11]:
        each['ignore'] = True
    write_split(tmp_path, content)
    cfg = config_of(tmp_path, kind=kind, metainfo={'classes': classes})
    (dataset,) = dataset_configs(cfg)
    file = CocoFile(str(tmp_path / 'train.json'), content['images'], content['annotations'], content['categories'])
    kept, lost = kept_objects(dataset, file, rows_of(file))
    with DefaultScope.overwrite_default_scope('mmdet'):
        built = DATASETS.build({**dataset.cfg, 'pipeline': []})
    instances = [each for index in range(len(built)) for each in built.get_data_info(index)['instances']]
    expected = sorted(tuple(each['bbox']) for each in instances)
    boxes = [content['annotations'][place]['bbox'] for place in np.flatnonzero(kept)]
    assert sorted((x, y, x + w, y + h) for x, y, w, h in boxes) == expected
    assert len(expected) + sum(lost.values()) == 400
    assert 5 < len(expected) < 60


@pytest.mark.parametrize('filter_cfg', [None, {}, {'filter_empty_gt': True}, {'min_size': 49}, {'min_size': 48}])
@pytest.mark.parametrize('test_mode', [False, True])
def test_images_used_are_those_of_the_data_set(tmp_path, filter_cfg, test_mode):
    from mmengine.registry import DATASETS, DefaultScope

    content = large_content(30, 60)
    for image in content['images'][::4]:
        image['height'] = image['width'] = 49
    write_split(tmp_path, content)
    cfg = config_of(tmp_path, filter_cfg=filter_cfg, test_mode=test_mode, metainfo={'classes': ('class 2', 'class 3')})
    (dataset,) = dataset_configs(cfg)
    with DefaultScope.overwrite_default_scope('mmdet'):
        built = DATASETS.build({**dataset.cfg, 'pipeline': []})
    (usable,) = [each for each in found_in(cfg) if each.rule == 'usable']
    assert usable.message.startswith(f'{len(built)} of 30 images are used')


def test_a_few_boxes_without_area_are_no_error(tmp_path):
    """COCO's own train file has two among 860,000; in a small file one is a slip as well."""
    content = large_content(20, 5_000)
    write_split(tmp_path, content)
    for number, count, level in ((5_000, 1, 'warning'), (40, 4, 'warning'), (5_000, 200, 'warning'),
                                 (40, 9, 'error'), (5_000, 300, 'error')):  # fmt: skip
        few = copy.deepcopy({**content, 'annotations': content['annotations'][:number]})
        for each in few['annotations'][:count]:
            each['bbox'][2] = 0
        (tmp_path / 'train.json').write_text(json.dumps(few))
        assert 'box-without-area' in rules(found_in(config_of(tmp_path)), level), (number, count)


def test_nothing_is_said_of_annotations_that_are_never_loaded(tmp_path):
    """Those of other images, of classes that are not named, or marked to be ignored."""
    content = large_content(20, 400)
    content['categories'].append({'id': 99, 'name': 'other'})
    for number, each in enumerate(content['annotations'][:80]):
        if number % 4 == 0:
            each['image_id'] += 1_000
            each.pop('bbox' if number % 8 else 'segmentation')
        elif number % 4 == 1:
            each['category_id'] = 99
            each['bbox'][2] = [0, -4, 900][number % 3]
            each.pop('segmentation')
        elif number % 4 == 2:
            each['ignore'] = 1
            each.pop('bbox')
        else:
            each['category_id'] = 99
            each['segmentation'] = [[1, 2]]
            each['area'] = 0
    write_split(tmp_path, content)
    names = tuple(each['name'] for each in content['categories'][:-1])
    for kind in ('swin_dense.CocoDataset', 'CocoDataset'):
        found = found_in(config_of(tmp_path, kind=kind, metainfo={'classes': names}))
        assert rules(found, 'error', 'warning') == {'unknown-image', 'classes-left-out', 'image-content-twice'}


def test_a_broken_box_of_another_class_stops_mmdet(tmp_path):
    """It takes boxes apart before it looks at their class."""
    content = small_content()
    content['annotations'][3].update(category_id=60, bbox=[1, 2])
    write_split(tmp_path, content)
    found = found_in(config_of(tmp_path, metainfo={'classes': ('class 1', 'class 2')}))
    assert 'box-of-wrong-length' in rules(found, 'error')


@pytest.mark.parametrize(
    ('change', 'says'),
    [
        (lambda x, y, w, h: (x / 64 + w / 128, y / 48 + h / 96, w / 64, h / 48), 'centre'),
        (lambda x, y, w, h: (x / 64, y / 48, w / 64, h / 48), 'corner'),
    ],
)
def test_boxes_as_yolo_has_them(tmp_path, change, says):
    """Centres of normalised boxes are told from corners, and each fix is the box that was there."""
    content = large_content(20, 300)
    boxes = [list(each['bbox']) for each in content['annotations']]
    for each in content['annotations']:
        each['bbox'] = list(change(*each['bbox']))
    write_split(tmp_path, content)
    found = found_in(config_of(tmp_path))
    (normalised,) = [each for each in found if each.rule.startswith('box') and each.level == 'error']
    assert normalised.rule == 'box-normalised'
    assert says in normalised.message
    for case, box in zip(normalised.cases, boxes, strict=True):
        assert json.loads(case.fix.removeprefix('bbox: ')) == pytest.approx(box, abs=0.01)


def test_centres_of_boxes_in_pixels(tmp_path):
    """Many reach out of their images as corners, none does as centres."""
    content = large_content(20, 300)
    boxes = [list(each['bbox']) for each in content['annotations']]
    for each in content['annotations']:
        x, y, w, h = each['bbox']
        each['bbox'] = [x + w / 2, y + h / 2, w, h]
    write_split(tmp_path, content)
    (found,) = [each for each in found_in(config_of(tmp_path)) if each.rule.startswith('box')]
    assert (found.level, found.rule) == ('error', 'box-of-centre')
    assert [json.loads(case.fix.removeprefix('bbox: ')) for case in found.cases] == boxes


@pytest.mark.parametrize('kind', ['swin_dense.CocoDataset', 'CocoDataset'])
def test_sizes_that_are_no_whole_numbers(tmp_path, kind):
    content = small_content()
    write_split(tmp_path, content)
    for image in content['images']:
        image['height'] = float(image['height'])
    (tmp_path / 'train.json').write_text(json.dumps(content))
    names = tuple(each['name'] for each in content['categories'])
    cfg = config_of(tmp_path, kind=kind, metainfo={'classes': names})
    expected = set() if kind.startswith('swin') else {'image-size-not-whole'}
    known = {'image-content-twice', 'class-without-objects'}
    assert rules(found_in(cfg), 'error', 'warning') - known == expected
    content['images'][1]['height'] = 48.25
    (tmp_path / 'train.json').write_text(json.dumps(content))
    (size,) = [each for each in found_in(cfg) if each.rule == 'image-size-not-whole' and each.level == 'error']
    assert 'images[1].height' in [case.key for case in size.cases]


def test_areas_are_facts_where_they_are_computed(tmp_path):
    content = small_content()
    for each in content['annotations']:
        del each['area']
    write_split(tmp_path, content)
    found = found_in(config_of(tmp_path))
    assert not rules(found, 'error')
    assert 'area-computed' in rules(found, 'ok')
    names = tuple(each['name'] for each in content['categories'])
    found = found_in(config_of(tmp_path, kind='CocoDataset', metainfo={'classes': names}))
    (missing,) = [each for each in found if each.rule == 'area-missing']
    first = content['annotations'][0]
    assert missing.cases[0].fix == f'area: {first["bbox"][2] * first["bbox"][3]:.1f}'


def test_classes_may_be_a_file_of_names(tmp_path):
    write_split(tmp_path, small_content())
    (tmp_path / 'names.txt').write_text('class 7\nclass 1\n')
    found = found_in(config_of(tmp_path, metainfo={'classes': str(tmp_path / 'names.txt')}))
    assert not rules(found, 'error')
    assert 'classes-left-out' in rules(found, 'warning')


def test_data_sets_that_are_repeated_or_joined(tmp_path):
    content = small_content()
    write_split(tmp_path, content)
    cfg = config_of(tmp_path)
    inner = cfg.train_dataloader.dataset
    broken = {**inner, 'ann_file': 'other.json'}
    wrapped = {'type': 'RepeatDataset', 'times': 2, 'dataset': {'type': 'ConcatDataset', 'datasets': [inner, broken]}}
    found = found_in(Config({'default_scope': 'mmdet', 'train_dataloader': {'dataset': wrapped}}))
    (missing,) = [each for each in found if each.level == 'error']
    assert missing.key == 'train_dataloader.dataset.dataset.datasets.1.ann_file'


def test_other_data_sets_are_not_looked_at(tmp_path):
    for kind in ('CocoPanopticDataset', 'LVISV1Dataset', 'CityscapesDataset', 'VOCDataset', 'NoSuchDataset', None):
        found = found_in(config_of(tmp_path, kind=kind))
        assert [each.rule for each in found] in ([], ['annotations-missing']), kind


@pytest.mark.parametrize('orientation', [5, 6, 7, 8, 3, 1])
@pytest.mark.parametrize('color_type', ['color', 'color_ignore_orientation'])
@pytest.mark.parametrize('given', ['stored', 'upright'])
def test_exif_against_what_the_pipeline_loads(tmp_path, orientation, color_type, given):
    """A finding exactly where the loaded picture has another size than the file says."""
    from mmcv.transforms import LoadImageFromFile

    content = small_content()
    if given == 'upright' and orientation > 4:
        for image in content['images']:
            image['height'], image['width'] = image['width'], image['height']
        content['annotations'] = content['annotations'][:1]
        content['annotations'][0].update(bbox=[1, 1, 9, 9], segmentation=[[1, 1, 10, 1, 10, 10]])
    write_split(tmp_path, content)
    path = tmp_path / 'train' / content['images'][0]['file_name']
    exif = Image.Exif()
    exif[274] = orientation
    pixels = np.random.default_rng(0).integers(0, 255, (48, 64, 3), np.uint8)
    path.unlink()  # it has links
    Image.fromarray(pixels).save(path, exif=exif)
    loading = {'type': 'LoadImageFromFile', 'color_type': color_type}
    loaded = LoadImageFromFile(color_type=color_type)({'img_path': str(path)})['img'].shape[:2]
    cfg = config_of(tmp_path, pipeline=[loading, LOADING[1]])
    cases = [
        case for each in found_in(cfg) if each.rule in ('image-rotated', 'image-size') for case in each.cases
        if case.key == 'images[0]'
    ]  # fmt: skip
    stated = (content['images'][0]['height'], content['images'][0]['width'])
    assert bool(cases) == (loaded != stated)
    assert all(each.rule == 'image-rotated' for each in found_in(cfg) if 'images[0]' in each.key and each.rule != 'ok')


def test_run_lengths_are_read_as_pycocotools_reads_them():
    generator = np.random.default_rng(0)
    for height, width in ((1, 1), (7, 5), (40, 61), (300, 211)):
        for share in (0.0, 0.03, 0.5, 1.0):
            mask = (generator.random((height, width)) < share).astype(np.uint8)
            packed = coco_masks.encode(np.asfortranarray(mask))['counts'].decode()
            column = mask.ravel(order='F')
            changes = np.flatnonzero(np.diff(np.concatenate([[0], column]))).tolist()
            borders = [0, *changes, column.size]
            assert _run_lengths(packed) == [b - a for a, b in itertools.pairwise(borders)], (height, width, share)
    assert _run_lengths('') is None
    assert _run_lengths('~~~') is None
    assert _run_lengths([1, 2.5]) is None


@pytest.mark.parametrize('depth', ['quick', 'full'])
def test_packed_run_lengths_are_read_for_a_second_at_the_quick_depth(tmp_path, monkeypatch, depth):
    content = large_content(50, 3_000, height=200, width=300)
    generator = np.random.default_rng(0)
    packed = coco_masks.encode(np.asfortranarray(generator.random((200, 300)) < 0.1, np.uint8))
    counts = packed['counts'].decode()
    for each in content['annotations']:
        each['segmentation'] = {'size': [200, 300], 'counts': counts}
    write_split(tmp_path, content)
    read = []
    monkeypatch.setattr('swin_dense.checks.coco_masks._run_lengths', remembered(read))
    assert not rules(found_in(config_of(tmp_path), depth), 'error')
    whole = len(counts) * 3_000
    assert whole > 20_000_000
    assert sum(read) == whole if depth == 'full' else 1_000_000 < sum(read) <= 2_100_000


def remembered(read):
    """The reader of run lengths, which puts the length of what it reads into a list, and reads each text once."""
    known = {}

    def read_one(text):
        read.append(len(text))
        if text not in known:
            known[text] = _run_lengths(text)
        return known[text]

    return read_one


JUNK = [None, True, 0, -1, 2**70, 10**400, 1.5, float('nan'), float('inf'), '', '7', 'ä', [], [1], [[]], {}, {'id': 1}]


@pytest.mark.parametrize('seed', range(100))
def test_junk_never_ends_a_check(tmp_path, seed):
    """Any value of JSON at any place gives findings, not an exception."""
    generator = random.Random(seed)
    content = small_content()
    write_split(tmp_path, content)
    for _ in range(3):
        part = generator.choice(['images', 'annotations', 'categories', 'annotations', ''])
        if not part:
            content[generator.choice(['images', 'annotations', 'categories'])] = generator.choice(JUNK)
            break
        place = generator.randrange(len(content[part]))
        entry = content[part][place]
        if not isinstance(entry, dict) or not entry or generator.random() < 0.1:
            content[part][place] = generator.choice(JUNK)
        elif generator.random() < 0.3 and entry.get('bbox'):
            entry['bbox'][generator.randrange(4)] = generator.choice(JUNK)
        elif generator.random() < 0.3 and isinstance(entry.get('segmentation'), list):
            entry['segmentation'] = generator.choice([[[*range(5), each]] for each in JUNK] + JUNK + [[1, 2], [[[]]]])
        else:
            entry[generator.choice([*entry])] = generator.choice(JUNK)
    (tmp_path / 'train.json').write_text(json.dumps(content))
    for kind in ('swin_dense.CocoDataset', 'CocoDataset'):
        for each in found_in(config_of(tmp_path, kind=kind)):
            assert each.text()
            json.dumps(each.as_dict())


@pytest.mark.parametrize(
    'options',
    [
        {'ann_file': value} for value in (None, '', 3, 'train', '/dev/null', 's3://bucket/a.json')
    ] + [{'data_prefix': value} for value in (None, 'train', {}, {'img': None}, {'img': ''}, {'img': '/nowhere'})]
    + [{'metainfo': value} for value in (None, {}, *({'classes': names} for names in (None, (), [1, 2], 5)))]
    + [{'filter_cfg': value} for value in ({}, 5, {'min_size': 'x'}, {'filter_empty_gt': 1})]
    + [{'pipeline': value} for value in (None, [], [None], 'x', [{'type': 'RandomChoice', 'transforms': [LOADING]}])]
    + [{'data_root': value} for value in (None, '', 'nowhere')],
    ids=str,
)  # fmt: skip
def test_wrong_arguments_never_end_a_check(tmp_path, options):
    write_split(tmp_path, small_content())
    for each in found_in(config_of(tmp_path, **options)):
        assert each.text()


def test_masks_are_looked_for_in_steps_inside_steps(tmp_path):
    content = small_content()
    for each in content['annotations']:
        del each['segmentation']
    write_split(tmp_path, content)
    boxes = [LOADING[0], {'type': 'LoadAnnotations', 'with_bbox': True}]
    assert not rules(found_in(config_of(tmp_path, pipeline=boxes)), 'error')
    inside = [{'type': 'RandomChoice', 'transforms': [[LOADING[1]], boxes]}]
    assert 'segmentation-missing' in rules(found_in(config_of(tmp_path, pipeline=inside)), 'error')


# --- names and copies -------------------------------------------------------------------------------------------------


def two_splits(root, *, val_seed_boxes=30):
    """Sound train and val files, each with images of its own."""
    write_split(root, large_content(6, 40))
    val = large_content(4, val_seed_boxes)
    for image in val['images']:
        image['file_name'] = f'v{image["file_name"]}'
    write_split(root, val, 'val')
    return val


def named(found, *levels):
    known = {'image-content-twice', 'class-without-objects', 'class-not-trained'}
    return [each for each in found if each.level in (levels or ('error', 'warning')) and each.rule not in known]


def test_a_missing_class_is_not_another_order(tmp_path):
    """Of this package's data set: labels follow the classes."""
    write_split(tmp_path, small_content())
    found = found_in(config_of(tmp_path, metainfo={'classes': ('class 2', 'klass 9', 'class 4')}))
    assert rules(found, 'error') == {'class-not-in-file'}


@pytest.mark.parametrize('key', ['dataset_name', 'dataset_type', 'task_name', 'image_names', 'class_weights', 'from'])
def test_other_keys_of_metainfo_are_left_alone(tmp_path, key):
    write_split(tmp_path, small_content())
    assert 'metainfo-key' not in rules(found_in(config_of(tmp_path, metainfo={key: 'x'})), 'error')


@pytest.mark.parametrize('key', ['CLASSES', 'class_names', 'clases', 'classses', 'names', 'Class', 'labels'])
def test_keys_that_are_meant_to_be_classes(tmp_path, key):
    write_split(tmp_path, small_content())
    assert 'metainfo-key' in rules(found_in(config_of(tmp_path, metainfo={key: ('class 1',)})), 'error')


def test_addresses_in_the_place_of_names(tmp_path):
    content = small_content()
    write_split(tmp_path, content)
    content['images'][2]['file_name'] = 'https://images.example/a/000002.jpg?size=640'
    (tmp_path / 'train.json').write_text(json.dumps(content))
    (found,) = named(found_in(config_of(tmp_path)))
    assert (found.level, found.rule) == ('error', 'image-address')
    assert found.cases[0].fix == "file_name: '000002.jpg'"
    assert 'Download' in found.remedy


def test_a_val_file_that_is_a_copy_of_the_train_file(tmp_path):
    """Its images are in the folder of training, which is not to become that of validation."""
    two_splits(tmp_path)
    (tmp_path / 'val.json').write_text((tmp_path / 'train.json').read_text())
    found = named(found_in(config_of(tmp_path, splits=('train', 'val'))), 'error')
    assert [each.rule for each in found] == ['image-missing', 'annotations-copied']
    for each in found:
        assert 'val_dataloader.dataset.ann_file' in each.remedy
        assert 'data_prefix' not in each.remedy
    assert str(tmp_path / 'train') in found[0].remedy
    # names that both folders have
    for path in sorted((tmp_path / 'train').iterdir()):
        os.link(path, tmp_path / 'val' / path.name)
    found = named(found_in(config_of(tmp_path, splits=('train', 'val'))), 'error')
    assert [each.rule for each in found] == ['annotations-copied']


@pytest.mark.parametrize('what', ['file', 'folder'])
def test_links_to_images_of_training(tmp_path, what):
    two_splits(tmp_path)
    train = sorted((tmp_path / 'train').iterdir())
    val = json.loads((tmp_path / 'val.json').read_text())
    if what == 'file':
        path = tmp_path / 'val' / val['images'][0]['file_name']
        path.unlink()
        path.symlink_to(train[2])
    else:
        (tmp_path / 'val' / 'linked').symlink_to(tmp_path / 'train')
        val['images'][0]['file_name'] = f'linked/{train[2].name}'
        (tmp_path / 'val.json').write_text(json.dumps(val))
    (found,) = named(found_in(config_of(tmp_path, splits=('train', 'val'))), 'error')
    assert (found.rule, found.key) == ('image-in-train', 'images[0].file_name')


def test_val_images_in_the_folder_of_training(tmp_path):
    two_splits(tmp_path)
    for path in sorted((tmp_path / 'val').iterdir()):
        path.rename(tmp_path / 'train' / path.name)
    (found,) = named(found_in(config_of(tmp_path, splits=('train', 'val'))), 'error')
    assert found.rule == 'image-missing'
    assert "data_prefix=dict(img='train/') in val_dataloader.dataset" in found.remedy


def test_image_names_that_differ_in_how_accents_are_written(tmp_path):
    content = small_content()
    for image in content['images']:
        image['file_name'] = unicodedata.normalize('NFC', f'caf\u00e9 {image["file_name"]}')
    write_split(tmp_path, content)
    for path in sorted((tmp_path / 'train').iterdir()):
        path.rename(path.with_name(unicodedata.normalize('NFD', path.name)))
    (found,) = named(found_in(config_of(tmp_path)))
    assert found.rule == 'image-missing'
    assert 'NFC' in found.remedy
    assert "'cafe\\u0301" in found.cases[0].fix


def test_ids_that_are_texts(tmp_path):
    content = small_content()
    write_split(tmp_path, content)
    for each in content['annotations']:
        each['image_id'] = str(each['image_id'])
    (tmp_path / 'train.json').write_text(json.dumps(content))
    (found,) = named(found_in(config_of(tmp_path)))
    assert found.rule == 'key-of-wrong-type'
    assert "'image_id' in quotation marks" in found.message
    assert 'is never equal' in found.message
    assert found.cases[0].fix == f'image_id: {content["annotations"][0]["image_id"]}'


# --- exports of Roboflow ----------------------------------------------------------------------------------------------


def test_an_empty_category_that_is_the_supercategory(tmp_path):
    content = small_content()
    for each in content['categories']:
        each['supercategory'] = 'shapes'
    content['categories'].insert(0, {'id': 0, 'name': 'shapes', 'supercategory': 'none'})
    content['categories'] = content['categories'][:4]
    content['annotations'] = [each for each in content['annotations'] if each['category_id'] in (3, 6, 9)]
    write_split(tmp_path, content)
    (found,) = [each for each in found_in(config_of(tmp_path)) if each.rule == 'class-without-objects']
    assert "'shapes' is the supercategory of the others" in found.message
    assert "classes=('class 1', 'class 2', 'class 3')" in found.remedy


def test_a_name_twice_of_which_one_is_empty(tmp_path):
    """The project is called as its class: the empty category is to go, not to be renamed."""
    content = small_content()
    content['categories'].insert(0, {'id': 0, 'name': 'class 2', 'supercategory': 'none'})
    write_split(tmp_path, content)
    (found,) = [each for each in found_in(config_of(tmp_path)) if each.rule == 'category-name-twice']
    assert [(case.key, case.fix) for case in found.cases] == [('categories[0].name', 'remove this category')]
    assert 'has no annotation' in found.message
    assert 'Roboflow' in found.remedy
    content['annotations'][0]['category_id'] = 0
    (tmp_path / 'train.json').write_text(json.dumps(content))
    (found,) = [each for each in found_in(config_of(tmp_path)) if each.rule == 'category-name-twice']
    assert 'category_id' in found.remedy
    assert 'Roboflow' not in found.remedy
