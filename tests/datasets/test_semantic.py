"""One's own masks, against mmseg's data set and loader, and against loops over pixels."""

import itertools

import numpy as np
import pytest
from mmengine.dataset import Compose
from mmengine.registry import init_default_scope
from PIL import Image

from swin_dense.engine.errors import DataError
from swin_dense.engine.settings import restored_scope
from swin_dense.registry import DATASETS

pytestmark = pytest.mark.filterwarnings('ignore')

CLASSES = ('ground', 'roof', 'tree')
COLORS = {'ground': (10, 20, 30), 'roof': (200, 0, 0), 'tree': (0, 200, 0), 255: (0, 0, 0)}
IMAGE = np.random.default_rng(0).integers(0, 255, (5, 7, 3)).astype(np.uint8)
LABELS = np.random.default_rng(1).choice([0, 1, 2, 255], (5, 7)).astype(np.uint8)
LOADING = [{'type': 'LoadImageFromFile'}, {'type': 'LoadAnnotations'}]


@pytest.fixture(autouse=True)
def _scope():
    with restored_scope():
        init_default_scope('mmseg')
        yield


def build(root, **arguments):
    cfg = {
        'type': 'swin_dense.SegmentationDataset', 'data_root': str(root), 'metainfo': {'classes': CLASSES},
        'data_prefix': {'img_path': 'images', 'seg_map_path': 'masks'}, 'pipeline': LOADING, **arguments,
    }  # fmt: skip
    return DATASETS.build(cfg)


def one_mask(folder, mask, **arguments):
    return build(folder({'images/a.png': IMAGE, 'masks/a.png': mask}), **arguments)[0]['gt_seg_map']


def palette_image(labels):
    image = Image.fromarray(labels)
    image.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255] + [9, 9, 9] * 253)
    return image


def colored(labels, colors=COLORS):
    by_number = {CLASSES.index(name) if name in CLASSES else name: color for name, color in colors.items()}
    out = np.zeros((*labels.shape, 3), np.uint8)
    for row, column in itertools.product(*map(range, labels.shape)):
        out[row, column] = by_number[int(labels[row, column])]
    return out


def test_pairs_are_those_of_mmseg(folder):
    names = [f'{part}/{number}' for part in ('north', 'south/far') for number in range(3)]
    images = {f'images/{name}.jpg': IMAGE for name in names}
    root = folder({**images, **{f'masks/{name}.png': LABELS for name in names}})
    theirs = DATASETS.build(
        {
            'type': 'mmseg.BaseSegDataset', 'data_root': str(root), 'metainfo': {'classes': CLASSES},
            'data_prefix': {'img_path': 'images', 'seg_map_path': 'masks'}, 'pipeline': LOADING,
        }
    )  # fmt: skip
    ours = build(root)
    assert len(ours) == len(theirs) == 6
    for mine, other in zip(ours, theirs, strict=True):
        assert mine.keys() == other.keys()
        for key, value in mine.items():
            np.testing.assert_array_equal(value, other[key], err_msg=key)


def test_several_endings_in_upper_and_lower_case(folder):
    images = ('a.jpg', 'b.JPG', 'c.jpeg', 'd.PNG', 'e.png', 'sub/a.png')
    root = folder(
        {f'images/{name}': IMAGE for name in images}
        | {f'masks/{name.rsplit(".", 1)[0]}.png': LABELS for name in images}
    )
    (root / 'images' / 'notes.txt').touch()
    (root / 'masks' / 'a.png').rename(root / 'masks' / 'a.PNG')
    dataset = build(root)
    found = [(info['img_path'], info['seg_map_path']) for info in (dataset.get_data_info(i) for i in range(6))]
    expected = [(f'{root}/images/{name}', f'{root}/masks/{name.rsplit(".", 1)[0]}.png') for name in sorted(images)]
    expected[0] = (expected[0][0], f'{root}/masks/a.PNG')
    assert found == expected
    assert all((sample['gt_seg_map'] == LABELS).all() for sample in dataset)


def test_endings_of_several_letters_and_one_folder(folder):
    root = folder({'all/a.png': IMAGE, 'all/a_mask.png': LABELS, 'all/b.jpg': IMAGE, 'all/b_mask.png': LABELS})
    dataset = build(root, data_prefix={'img_path': 'all', 'seg_map_path': 'all'}, seg_map_suffix='_mask.png')
    assert [dataset.get_data_info(i)['img_path'] for i in range(len(dataset))] == [
        f'{root}/all/a.png', f'{root}/all/b.jpg',
    ]  # fmt: skip
    assert dataset.get_data_info(1)['seg_map_path'] == f'{root}/all/b_mask.png'


def test_the_longest_ending_is_taken_off(folder):
    root = folder({'images/a.jpg': IMAGE, 'masks/a_mask.png': LABELS})
    dataset = build(root, seg_map_suffix=('.png', '_mask.png'))
    assert dataset.get_data_info(0)['seg_map_path'] == f'{root}/masks/a_mask.png'


def test_a_list_of_names_with_or_without_ending(folder):
    names = ('a.b', 'c', 'd')
    root = folder({f'images/{name}.jpg': IMAGE for name in names} | {f'masks/{name}.png': LABELS for name in names})
    (root / 'train.txt').write_text('d\na.b.jpg\n\n')
    dataset = build(root, ann_file='train.txt')
    assert [dataset.get_data_info(i)['seg_map_path'] for i in range(len(dataset))] == [
        f'{root}/masks/a.b.png', f'{root}/masks/d.png',
    ]  # fmt: skip


def test_two_images_of_one_name(folder):
    root = folder({'images/a.jpg': IMAGE, 'images/a.png': IMAGE, 'masks/a.png': LABELS})
    with pytest.raises(ValueError, match=r'a\.jpg and a\.png have one name'):
        build(root)
    assert len(build(root, img_suffix='.png')) == 1


def test_images_without_masks(folder):
    dataset = build(folder({'images/a.jpg': IMAGE}), data_prefix={'img_path': 'images'}, pipeline=LOADING[:1])
    assert 'seg_map_path' not in dataset.get_data_info(0)


@pytest.mark.parametrize('form', [Image.fromarray, palette_image])
def test_numbers_and_indices_of_a_palette(folder, form):
    assert (one_mask(folder, form(LABELS)) == LABELS).all()


def test_values_are_mapped_and_others_stay(folder):
    drawn = np.where(LABELS == 1, 255, np.where(LABELS == 255, 77, LABELS)).astype(np.uint8)
    found = one_mask(folder, drawn, label_map={255: 1, '77': 255})  # JSON has no numbers as keys
    assert found.dtype == np.uint8
    assert (found == LABELS).all()


def test_zero_is_reduced_by_mmseg_s_loader(folder):
    drawn = (LABELS + np.uint8(1)).astype(np.uint8)  # 255 becomes 0
    assert (one_mask(folder, drawn, reduce_zero_label=True) == LABELS).all()


@pytest.mark.parametrize('alpha', [False, True])
def test_colors(folder, alpha):
    mask = colored(LABELS)
    if alpha:
        mask = np.dstack([mask, np.full(LABELS.shape, 255, np.uint8)])
    assert (one_mask(folder, mask, mask_colors=COLORS) == LABELS).all()


def test_colors_of_the_palette(folder):
    palette = [COLORS[name] for name in CLASSES]
    labels = LABELS % 3
    meta = {'classes': CLASSES, 'palette': palette}
    assert (one_mask(folder, colored(labels), mask_colors='palette', metainfo=meta) == labels).all()


def test_numbers_are_taken_where_colors_are_named(folder):
    assert (one_mask(folder, LABELS, mask_colors=COLORS) == LABELS).all()


def with_palette(labels, colors):
    image = Image.fromarray(labels)
    image.putpalette([part for color in colors for part in color] + [0] * (768 - 3 * len(colors)))
    return image


def test_a_palette_is_not_taken_for_numbers_of_other_classes(folder):
    """Index 1 has the colour of the roof, which is 2: the index alone would swap classes without a word."""
    colors = {'ground': (10, 20, 30), 'tree': (0, 200, 0), 'roof': (200, 0, 0)}
    labels = (LABELS % 3).astype(np.uint8)
    drawn = with_palette(labels, list(colors.values()))
    with pytest.raises(DataError, match=r"masks/a\.png: .*index 1 .*\(0, 200, 0\).* 2 .*convert\('RGB'\)"):
        one_mask(folder, drawn, mask_colors=colors)
    fixed = np.array([0, 2, 1], np.uint8)[labels]
    assert (one_mask(folder, drawn.convert('RGB'), mask_colors=colors) == fixed).all()


def test_a_palette_of_the_same_numbers_is_taken(folder):
    labels = (LABELS % 3).astype(np.uint8)
    colors = {name: COLORS[name] for name in CLASSES}
    assert (one_mask(folder, with_palette(labels, list(colors.values())), mask_colors=colors) == labels).all()


def test_a_palette_with_a_color_of_no_class(folder):
    drawn = with_palette((LABELS % 3).astype(np.uint8), [COLORS['ground'], COLORS['roof'], (7, 8, 9)])
    with pytest.raises(DataError, match=r'index 2 .*\(7, 8, 9\).* no class'):
        one_mask(folder, drawn, mask_colors=COLORS)


def test_grey_levels_that_are_colors(folder):
    """0 and 255 in one channel: as numbers 255 is what is ignored, and by its colour it is a class."""
    drawn = np.where(LABELS == 1, 255, 0).astype(np.uint8)
    colors = {'ground': (0, 0, 0), 'roof': (255, 255, 255)}
    with pytest.raises(DataError, match=r"value 255 .*\(255, 255, 255\), which is 1\..*convert\('RGB'\)"):
        one_mask(folder, drawn, mask_colors=colors)
    assert (one_mask(folder, np.dstack([drawn] * 3), mask_colors=colors) == (drawn == 255)).all()


def test_colors_in_several_views(folder):
    views = {
        'type': 'TestTimeAug',
        'transforms': [[{'type': 'RandomFlip', 'prob': 0.0}], [{'type': 'LoadAnnotations'}]],
    }
    root = folder({'images/a.png': IMAGE, 'masks/a.png': colored(LABELS)})
    dataset = build(root, mask_colors=COLORS, pipeline=[LOADING[0], views])
    assert (dataset[0]['gt_seg_map'][0] == LABELS).all()


def test_a_color_without_a_class(folder):
    mask = colored(LABELS)
    mask[:2, :3] = (1, 2, 3)
    with pytest.raises(DataError, match=r'masks/a\.png: .*mask_colors does not name: \(1, 2, 3\) on 6 pixels'):
        one_mask(folder, mask, mask_colors=COLORS)


def test_smoothed_colors(folder):
    noise = np.random.default_rng(0).integers(1, 250, (5, 7, 3)).astype(np.uint8)
    with pytest.raises(DataError, match=r'and \d+ more.*smoothed or saved as JPEG'):
        one_mask(folder, noise, mask_colors=COLORS)


def test_colors_without_a_map(folder):
    with pytest.raises(DataError, match=r'a\.png: the mask is RGB of shape \(5, 7, 3\).*\(200, 0, 0\).*mask_colors'):
        one_mask(folder, colored(LABELS))


def test_grey_saved_as_rgb(folder):
    with pytest.raises(DataError, match=r'values 0, 1, 2, 255: keep that one alone'):
        one_mask(folder, np.dstack([LABELS] * 3))


def test_transparent_pixels(folder):
    mask = np.dstack([colored(LABELS), np.full(LABELS.shape, 255, np.uint8)])
    mask[0, :4, 3] = 0
    with pytest.raises(DataError, match='4 pixels of the mask are transparent'):
        one_mask(folder, mask, mask_colors=COLORS)


@pytest.mark.parametrize(
    ('arguments', 'match'),
    [
        ({'metainfo': {'classes': 'roof'}}, "a tuple of names.*found 'roof'"),
        ({'metainfo': {'classes': CLASSES, 'palette': [(1, 2, 3)]}}, 'palette has 1 colours.*3 classes'),
        ({'label_map': {255: 3}}, r'label_map has 255: 3\..*0 to 2'),
        ({'label_map': {300: 1}}, 'label_map has 300: 1'),
        ({'label_map': {255: 1}, 'reduce_zero_label': True}, 'reduce_zero_label takes one off'),
        ({'label_map': {255: 1}, 'mask_colors': COLORS}, 'give one of them'),
        ({'mask_colors': {'rof': (1, 2, 3)}}, r"names 'rof'.*ground, roof, tree"),
        ({'mask_colors': {'roof': (1, 2, 300)}}, r'mask_colors\[.roof.\] is \(1, 2, 300\)'),
        ({'mask_colors': {'roof': (1, 2, 3), 'tree': (1, 2, 3)}}, r'\(1, 2, 3\) to the numbers 1 and 2'),
        ({'mask_colors': 'palette'}, 'there is none'),
        ({'mask_colors': 7}, 'found 7'),
        (
            {'pipeline': [LOADING[0], {'type': 'LoadAnnotations', 'reduce_zero_label': True}]},
            'reduce_zero_label is False for the data set and True for LoadAnnotations',
        ),
    ],
)
def test_arguments_that_cannot_be_meant(folder, arguments, match):
    with pytest.raises(ValueError, match=match):
        one_mask(folder, LABELS, **arguments)


def test_the_demo_data_and_their_makers_need_no_mmseg():
    import subprocess
    import sys

    code = 'import sys, swin_dense.datasets.demo; sys.exit("mmseg" in sys.modules)'
    assert subprocess.run([sys.executable, '-c', code], check=False).returncode == 0


def test_a_pipeline_of_its_own_objects_stays(folder):
    """The data set changes the pipeline that it built, and no list that a config holds."""
    root = folder({'images/a.png': IMAGE, 'masks/a.png': LABELS})
    mine = [dict(step) for step in LOADING]
    build(root, pipeline=mine)
    assert mine == LOADING
    assert len(Compose(mine).transforms) == 2
