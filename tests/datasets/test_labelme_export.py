"""Converted folders, read by mmdet and mmseg, and against regions that Pillow draws."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from shapely.geometry import Polygon

from swin_dense.datasets.labelme_export import convert_labelme
from tests.datasets.labelme_files import shape, write
from tests.datasets.test_labelme import drawn

pytestmark = pytest.mark.filterwarnings('ignore')
ROOT = Path(__file__).resolve().parents[2]
BIG, SMALL = [[5, 5], [60.5, 10], [40, 50.25]], [[20, 15], [35, 15], [35, 25], [20, 25]]


def labelled(folder, count=10):
    """Images with a cat below a dog, in two sub-folders with equal names."""
    for number in range(count):
        shapes = [shape('dog', BIG), shape('cat', SMALL), shape('line', [[1, 1], [2, 2]], 'line')]
        write(folder, f'{"ab"[number % 2]}/{number // 2}', shapes)
    return folder


def contents(out, split):
    return json.loads((out / 'annotations' / f'instances_{split}.json').read_text())


def test_coco(tmp_path):
    shapes = [
        shape('dog', BIG),
        shape('cat', SMALL, group_id=3),
        shape('cat', [[70, 40], [95, 40], [95, 80]], group_id=3),  # leaves the image of 60 x 80
        shape('sun', [[30, 30], [30, 42]], 'circle'),
        shape('cat', [[90, 10], [99, 10], [99, 20]]),  # is not in it
        shape('__ignore__', SMALL),
        shape('line', [[1, 1], [2, 2]], 'line'),
    ]
    write(tmp_path / 'in', 'a', shapes)
    done = convert_labelme(tmp_path / 'in', tmp_path / 'out', val_share=0)
    assert done.classes == ['cat', 'dog', 'sun']
    assert done.num_images == {'train': 1}
    assert done.left_out == {'line': 1, 'shape without a pixel in the image': 1, '__ignore__ (not in COCO json)': 1}
    content = contents(tmp_path / 'out', 'train')
    assert content['categories'] == [{'id': 1, 'name': 'cat'}, {'id': 2, 'name': 'dog'}, {'id': 3, 'name': 'sun'}]
    assert content['images'] == [{'id': 1, 'file_name': 'a.jpg', 'height': 60, 'width': 80}]
    keys = ('id', 'image_id', 'category_id', 'iscrowd')
    rows = [tuple(each[key] for key in keys) for each in content['annotations']]
    assert rows == [(1, 1, 2, 0), (2, 1, 1, 0), (3, 1, 3, 0)]
    dog, cat, sun = content['annotations']
    assert dog['bbox'] == [5, 5, 55.5, 45.25]
    assert dog['segmentation'] == [[5, 5, 60.5, 10, 40, 50.25]]
    assert dog['area'] == pytest.approx(Polygon(BIG).area, rel=0.01)
    assert cat['bbox'] == [20, 15, 60, 45]  # of both parts, in the image
    assert cat['area'] == pytest.approx(drawn(cat['segmentation']).sum(), rel=0.05)
    assert sun['area'] == pytest.approx(np.pi * 12**2, rel=0.03)
    assert sun['bbox'] == pytest.approx([18, 18, 24, 24], abs=0.2)


def test_mmdet_reads_it(tmp_path):
    from mmdet.datasets import CocoDataset
    from mmdet.datasets.transforms import LoadAnnotations
    from mmdet.registry import TRANSFORMS
    from mmengine.registry import DefaultScope

    convert_labelme(labelled(tmp_path / 'in'), tmp_path / 'out')
    assert TRANSFORMS.get('LoadAnnotations') is LoadAnnotations
    with DefaultScope.overwrite_default_scope('mmdet'):
        pipeline = [
            {'type': 'LoadImageFromFile'},
            {'type': 'LoadAnnotations', 'with_bbox': True, 'with_mask': True, 'poly2mask': True},
        ]
        names = set()
        for split, count in (('train', 8), ('val', 2)):
            data = CocoDataset(
                data_root=str(tmp_path / 'out'),
                ann_file=f'annotations/instances_{split}.json',
                data_prefix={'img': f'{split}/'},
                metainfo={'classes': ('cat', 'dog')},
                pipeline=pipeline,
            )
            assert len(data) == count
            for sample in data:
                names.add(Path(sample['img_path']).relative_to(tmp_path / 'out' / split).as_posix())
                assert sample['gt_bboxes_labels'].tolist() == [1, 0]
                assert sample['img'].shape == (60, 80, 3)
                for mask, points in zip(sample['gt_masks'].masks, (BIG, SMALL), strict=True):
                    expected = drawn([np.ravel(points).tolist()])
                    assert (mask.astype(bool) != expected).sum() <= 0.05 * expected.sum()
    assert names == {f'{folder}/{number}.jpg' for folder in 'ab' for number in range(5)}


def test_mmseg_reads_it(tmp_path):
    from mmengine.registry import DefaultScope
    from mmseg.datasets import BaseSegDataset

    ignored = [shape('__ignore__', SMALL), shape('dog', [[60, 40], [80, 40], [80, 60], [60, 60]], 'polygon')]
    write(labelled(tmp_path / 'in'), 'c', [shape('dog', BIG), *ignored, shape('_background_', SMALL, group_id=1)])
    write(tmp_path / 'in', 'd', [shape('dog', BIG), *ignored])
    done = convert_labelme(tmp_path / 'in', tmp_path / 'out', masks=True, val_share=0.25)
    assert done.classes == ['background', 'cat', 'dog']
    assert done.num_images == {'train': 9, 'val': 3}
    big, small = (drawn([np.ravel(points).tolist()]) for points in (BIG, SMALL))
    corner = np.zeros((60, 80), bool)
    corner[40:, 60:] = True
    expected = {
        'c': np.where(corner, 2, np.where(small, 0, np.where(big, 2, 0))),
        'd': np.where(corner, 2, np.where(small, 255, np.where(big, 2, 0))),
        'other': np.where(small, 1, np.where(big, 2, 0)),
    }
    seen = []
    with DefaultScope.overwrite_default_scope('mmseg'):
        for long_name in ('training', 'validation'):
            data = BaseSegDataset(
                data_root=str(tmp_path / 'out'),
                data_prefix={'img_path': f'images/{long_name}', 'seg_map_path': f'annotations/{long_name}'},
                metainfo={'classes': done.classes, 'palette': [[0, 0, 0]] * 3},
                pipeline=[{'type': 'LoadImageFromFile'}, {'type': 'LoadAnnotations'}],
            )
            for sample in data:
                name = Path(sample['img_path']).stem
                mask = sample['gt_seg_map']
                assert mask.shape == sample['img'].shape[:2]
                assert (mask != expected.get(name, expected['other'])).mean() < 0.02
                assert set(np.unique(mask)) == set(np.unique(expected.get(name, expected['other'])))
                seen.append(name)
    assert sorted(seen) == sorted([*'0123401234', 'c', 'd'])


def test_sets_share_nothing_and_stay(tmp_path):
    def val_names(folder, **options):
        out = tmp_path / f'out{len(list(tmp_path.iterdir()))}'
        convert_labelme(folder, out, **options)
        train, val = ({image['file_name'] for image in contents(out, split)['images']} for split in ('train', 'val'))
        assert not train & val
        assert contents(out, 'train')['categories'] == contents(out, 'val')['categories']
        ids = [
            [each['id'] for each in contents(out, split)[part]]
            for split in ('train', 'val')
            for part in ('images', 'annotations')
        ]
        assert ids[0] + ids[2] == list(range(1, 1 + len(train | val)))
        assert ids[1] + ids[3] == list(range(1, 1 + len(ids[1]) + len(ids[3])))
        return val

    folder = labelled(tmp_path / 'in', 40)
    first = val_names(folder)
    assert len(first) == 8
    assert val_names(folder) == first
    assert val_names(folder, seed=1) != first
    assert val_names(folder, val_share=0.5) > first
    write(folder, 'new', [shape('cat', SMALL)])
    assert len(val_names(folder) & first) >= 7
    assert len(val_names(labelled(tmp_path / 'few', 2), val_share=0.01)) == 1


def test_one_bad_file_does_not_stop_the_others(tmp_path):
    folder = labelled(tmp_path / 'in', 4)
    (folder / 'broken.json').write_text('{')
    write(folder, 'gone', [shape('cat', SMALL)], image=False)
    write(folder, 'twice', [shape('cat', SMALL)], image=False, imagePath='a/0.jpg')
    done = run(folder, tmp_path / 'out')
    assert done.returncode == 2
    assert 'train: 3 images with 3 cat, 3 dog' in done.stdout
    assert 'left out: 4 x line' in done.stdout
    for name, reason in (
        ('broken', 'is not valid JSON'),
        ('gone', 'its image is not there'),
        ('twice', 'names the image of'),
    ):
        assert f'error: {folder}/{name}.json: {reason}' in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ['in', 'out']
    assert not list((tmp_path / 'out').rglob('unsorted'))


def run(*arguments):
    command = [sys.executable, 'tools/convert_labelme.py', str(arguments[0]), '--out', *map(str, arguments[1:])]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)


def test_the_tool_says_how_to_go_on(tmp_path):
    done = run(labelled(tmp_path / 'in', 4), tmp_path / 'two words', '--masks')
    assert done.returncode == 0, done.stderr
    assert f"DATASET_ROOT='{tmp_path}/two words' CLASSES=background,cat,dog python tools/train.py" in done.stdout
    done = run(tmp_path / 'in', tmp_path / 'out', '--val-share', '0.5')
    assert done.returncode == 0, done.stderr
    assert 'mask_rcnn_swin_tiny_own_1x.py' in done.stdout


@pytest.mark.parametrize(('make', 'options', 'message'), [
    (lambda _: None, {}, 'there is no folder'),
    (lambda folder: folder.mkdir(), {}, 'no json files'),
    (labelled, {'val_share': 1}, 'share of the images, from 0 to below 1; got 1'),
    (labelled, {'val_share': float('nan')}, 'got nan'),
    (lambda folder: write(folder, 'a', []), {}, 'nothing to learn'),
    (lambda folder: write(folder, 'a', [shape('a,b', SMALL)]), {'masks': True}, r"by commas; rename \['a,b'\]"),
    (lambda folder: write(folder, 'a', [shape(f'{n}', SMALL) for n in range(255)]), {'masks': True}, '255 labels'),
    (lambda folder: write(folder, 'a', [shape('', SMALL)]), {}, r'none of the 1 json .*a\.json shapes\[0\]: its label'),
])  # fmt: skip
def test_nothing_is_left_of_what_failed(tmp_path, make, options, message):
    make(tmp_path / 'in')
    before = sorted(tmp_path.iterdir())
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        convert_labelme(tmp_path / 'in', tmp_path / 'out', **options)
    assert sorted(tmp_path.iterdir()) == before


def test_other_files_are_not_written_over(tmp_path):
    labelled(tmp_path / 'in', 2)
    (tmp_path / 'out').mkdir()
    convert_labelme(tmp_path / 'in', tmp_path / 'out')  # empty
    with pytest.raises(ValueError, match='not an empty folder'):
        convert_labelme(tmp_path / 'in', tmp_path / 'out')
    with pytest.raises(ValueError, match='not an empty folder'):
        convert_labelme(tmp_path / 'in', tmp_path / 'in' / 'a' / '0.json')


def test_254_classes_and_a_background_fit_into_a_mask(tmp_path):
    write(
        tmp_path / 'in',
        'a',
        [
            shape(
                f'{n:03}', [[n % 80, n // 80], [n % 80 + 1, n // 80], [n % 80 + 1, n // 80 + 1], [n % 80, n // 80 + 1]]
            )
            for n in range(254)
        ],
    )
    convert_labelme(tmp_path / 'in', tmp_path / 'out', masks=True, val_share=0)
    mask = np.array(Image.open(tmp_path / 'out' / 'annotations' / 'training' / 'a.png'))
    assert mask[3, 13] == 254
    assert mask.ravel()[:254].tolist() == list(range(1, 255))
