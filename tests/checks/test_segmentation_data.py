"""Checks of segmentation data: planted faults, sound data, and numbers against mmseg and loops over pixels."""

import itertools
import shutil
import unicodedata
from collections import Counter

import numpy as np
import pytest
from mmengine.config import Config
from mmengine.registry import init_default_scope
from PIL import Image

from swin_dense.checks.mask_facts import mask_facts
from swin_dense.checks.mask_settings import decode_head_ignores
from swin_dense.checks.mask_sources import mask_source, segmentation_datasets
from swin_dense.checks.scan import evenly
from swin_dense.checks.segmentation import check_segmentation_data
from swin_dense.engine.settings import load_config, restored_scope
from swin_dense.registry import DATASETS
from tests.checks.faults_segmentation import FAULTS
from tests.checks.planted import Fault, matching, planted_config

pytestmark = pytest.mark.filterwarnings('ignore')
SPLITS = ('train', 'val', 'test')


def check(cfg, depth='quick', splits=SPLITS):
    return list(check_segmentation_data(cfg, splits, depth))


def sound(folder, config=''):
    clean = Fault(name='', task='segmentation', rule='', where='', says=(), config=config)
    return planted_config(clean, folder)


def wrong(found):
    return [each for each in found if each.level != 'ok']


@pytest.mark.parametrize('depth', ['quick', 'full'])
def test_sound_data_have_no_fault(own_data, depth):
    found = check(sound(own_data), depth)
    assert not wrong(found), '\n'.join(each.text() for each in found)
    assert [each.rule for each in found] == ['mask-values', 'mask-values']


@pytest.mark.parametrize('fault', FAULTS, ids=[fault.name for fault in FAULTS])
def test_a_planted_fault_is_found(fault, own_data):
    found = check(planted_config(fault, own_data), fault.depth)
    assert matching(fault, found), '\n'.join(each.text() for each in found)
    assert all(each.remedy for each in wrong(found))


def test_a_detector_has_nothing_to_check(own_data):
    assert check(planted_config(Fault(name='', task='detection', rule='', where='', says=()), own_data)) == []


def test_data_that_are_not_there_are_said_once_for_a_folder(tmp_path, monkeypatch):
    monkeypatch.setenv('ADE20K_ROOT', str(tmp_path / 'nowhere'))
    found = check(load_config('configs/swin/upernet_swin_tiny_ade20k_160k.py'))
    assert {each.rule for each in found} == {'folder-missing'}
    assert len(found) == 4  # images and masks of two sets
    assert all(str(tmp_path) in each.message for each in found)


# --- what a value becomes, against mmseg -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    'arguments',
    [
        {},
        {'reduce_zero_label': True},
        {'type': 'mmseg.ADE20KDataset', 'classes': ('wall', 'floor', 'tree')},
        {'type': 'mmseg.ADE20KDataset', 'classes': ('tree', 'wall')},
        {'type': 'swin_dense.SegmentationDataset', 'label_map': {255: 1, 9: 2, 0: 255}},
        {'type': 'swin_dense.SegmentationDataset', 'reduce_zero_label': True},
    ],
)
def test_labels_are_those_that_mmseg_loads(tmp_path, arguments):
    """A mask with every value of 8 bits, loaded by the data set's own pipeline."""
    for folder in ('images', 'masks'):
        (tmp_path / folder).mkdir()
    Image.new('RGB', (16, 16)).save(tmp_path / 'images' / 'a.jpg')
    Image.fromarray(np.arange(256, dtype=np.uint8).reshape(16, 16)).save(tmp_path / 'masks' / 'a.png')
    classes = arguments.pop('classes', ('a', 'b', 'c'))
    cfg = {
        'type': 'mmseg.BaseSegDataset', 'data_root': str(tmp_path), 'metainfo': {'classes': classes},
        'data_prefix': {'img_path': 'images', 'seg_map_path': 'masks'},
        'pipeline': [{'type': 'LoadAnnotations'}], **arguments,
    }  # fmt: skip
    with restored_scope():
        init_default_scope('mmseg')
        loaded = DATASETS.build(cfg)[0]['gt_seg_map'].reshape(-1)
    whole = Config({'train_dataloader': {'dataset': cfg}})
    source = mask_source(next(segmentation_datasets(whole, ('train',))), decode_head_ignores(whole))
    assert [source.label(value) for value in range(256)] == loaded.tolist()
    assert source.label(300) == loaded[300 % 256]


def saved(folder, pixels, **options):
    path = folder / 'mask.png'
    Image.fromarray(pixels).save(path, **options)
    return mask_facts(path.read_bytes())


@pytest.mark.parametrize('dtype', [np.uint8, np.uint16, bool])
def test_values_are_counted_as_by_a_loop(tmp_path, dtype):
    drawn = np.random.default_rng(0).integers(0, 2 if dtype is bool else 300 if dtype is np.uint16 else 256, (9, 11))
    pixels = drawn.astype(dtype)
    expected = Counter(int(pixels[place]) for place in itertools.product(range(9), range(11)))
    facts = saved(tmp_path, pixels)
    assert facts['values'] == {str(value): count for value, count in expected.items()}
    assert (facts['height'], facts['width']) == (9, 11)
    assert facts['form'] == {np.uint8: 'index', np.uint16: '16 bits', bool: '1 bit'}[dtype]


@pytest.mark.parametrize('channels', [2, 3, 4])
def test_colors_are_counted_as_by_a_loop(tmp_path, channels):
    pixels = np.random.default_rng(0).choice([0, 128, 255], (9, 11, channels)).astype(np.uint8)
    places = list(itertools.product(range(9), range(11)))
    three = [pixels[place][:3] if channels > 2 else [pixels[place][0]] * 3 for place in places]
    expected = Counter(','.join(str(int(part)) for part in color) for color in three)
    facts = saved(tmp_path, pixels)
    assert facts['colors'] == dict(expected)
    assert facts['num_colors'] == len(expected)
    assert facts['is_grey'] == (channels == 2)
    assert facts['transparent'] == (0 if channels == 3 else sum(int(pixels[place][-1]) < 255 for place in places))


def test_a_palette_s_indices_count(tmp_path):
    image = Image.fromarray(np.full((4, 5), 3, np.uint8))
    image.putpalette([200, 0, 0] * 256)
    image.save(tmp_path / 'mask.png')
    facts = mask_facts((tmp_path / 'mask.png').read_bytes())
    assert (facts['form'], facts['values']) == ('palette', {'3': 20})


# --- where the border of a fault is -----------------------------------------------------------------------------------


def test_the_table_counts_all_pixels(own_data):
    (train, _) = check(sound(own_data), 'full')
    counts: Counter = Counter()
    for path in (own_data / 'data/segmentation/annotations/training').iterdir():
        counts.update(np.array(Image.open(path)).ravel().tolist())
    for value, name in enumerate(('ignored', 'sky', 'grass', 'water', 'sand', 'bricks', 'toy')):
        row = next(line for line in train.message.split('\n') if f' {name} ' in line)
        assert row.split()[1] == str(value)
        assert f'{100 * counts[value] / counts.total():.2f} %' in row


def test_a_rare_class_is_no_error_in_a_sample(own_data, monkeypatch):
    """Of many masks some are looked into, and the last class may be in others: then more are looked into."""
    masks = sorted((own_data / 'data/segmentation/annotations/training').iterdir())
    looked_at = evenly(masks, 20)
    alone = next(path for path in masks if path not in looked_at)
    validation = sorted((own_data / 'data/segmentation/annotations/validation').iterdir())
    for path in [*validation, *(path for path in masks if path != alone)]:
        mask = np.array(Image.open(path))
        Image.fromarray(np.where(mask == 6, 0, mask).astype(np.uint8)).save(path)
    monkeypatch.setattr('swin_dense.checks.segmentation._LOOKED_AT_QUICKLY', 20)
    assert not [each for each in check(sound(own_data)) if each.level == 'error']
    Image.fromarray(np.zeros_like(np.array(Image.open(alone)))).save(alone)
    assert [each.rule for each in check(sound(own_data)) if each.level == 'error'] == ['reduce-zero-label-wrong']


@pytest.mark.parametrize('depth', ['quick', 'full'])
def test_the_last_class_may_be_in_validation_alone(own_data, depth):
    """Then 0 is no class, as the config says, though training has the values 0 to 5 for six classes."""
    for path in (own_data / 'data/segmentation/annotations/training').iterdir():
        mask = np.array(Image.open(path))
        Image.fromarray(np.where(mask == 6, 0, mask).astype(np.uint8)).save(path)
    found = wrong(check(sound(own_data), depth))
    assert [(each.level, each.rule) for each in found] == [('warning', 'class-never-occurs')]
    # without a look at validation nothing tells
    found = wrong(check(sound(own_data), depth, ('train',)))
    assert [(each.level, each.rule) for each in found] == [('error', 'reduce-zero-label-wrong')]


def test_a_class_that_a_sample_lacks_is_not_said_to_be_absent(own_data, monkeypatch):
    masks = sorted((own_data / 'data/segmentation/annotations/training').iterdir())
    for path in masks[:-2]:
        mask = np.array(Image.open(path))
        Image.fromarray(np.where(mask == 5, 0, mask).astype(np.uint8)).save(path)
    mask = np.array(Image.open(masks[-2]))
    mask[:9] = 5
    Image.fromarray(mask).save(masks[-2])
    Image.fromarray(np.ones_like(np.array(Image.open(masks[-1])))).save(masks[-1])
    monkeypatch.setattr('swin_dense.checks.segmentation._LOOKED_AT_QUICKLY', 6)
    assert masks[-2] not in evenly(masks, 6)
    found = check(sound(own_data), splits=('train',))
    assert not wrong(found)
    assert 'value     - ->   4 bricks' in found[0].message
    assert not wrong(check(sound(own_data), 'full', ('train',)))


def test_validation_may_lack_the_last_class(own_data):
    for path in (own_data / 'data/segmentation/annotations/validation').iterdir():
        mask = np.array(Image.open(path))
        Image.fromarray(np.where(mask == 6, 0, mask).astype(np.uint8)).save(path)
    assert not wrong(check(sound(own_data), 'full'))


def test_spread_values_get_a_map(own_data):
    data = own_data / 'data/segmentation/annotations'
    for path in data.glob('*/*'):
        mask = np.array(Image.open(path))
        Image.fromarray(np.where(mask == 0, 255, (mask - 1) * 40).astype(np.uint8)).save(path)
    config = 'train_dataloader = dict(dataset=dict(reduce_zero_label=False{0}))\n' + (
        'val_dataloader = dict(dataset=dict(reduce_zero_label=False{0}))'
    )
    found = wrong(check(sound(own_data, config.format('')), 'full', ('train',)))
    assert [each.rule for each in found] == ['mask-values']
    assert 'label_map={40: 1, 80: 2, 120: 3, 160: 4, 200: 5}' in found[0].remedy
    advised = ', label_map={40: 1, 80: 2, 120: 3, 160: 4, 200: 5}'
    assert not wrong(check(sound(own_data, config.format(advised)), 'full', ('train', 'val')))


def test_the_advice_for_0_and_255_is_enough(own_data):
    for path in (own_data / 'data/segmentation/annotations').glob('*/*'):
        mask = np.array(Image.open(path))
        Image.fromarray(np.where(mask == 6, 255, 0).astype(np.uint8)).save(path)
    names = "reduce_zero_label=False, metainfo=dict(_delete_=True, classes=('other', 'toy'))"
    advised = f'train_dataloader = dict(dataset=dict({names}, label_map={{255: 1}}))'
    assert not wrong(check(sound(own_data, advised), 'full', ('train',)))


def test_colors_with_a_map_are_sound(own_data):
    colors = np.array([(0, 0, 0), *[(n, n, 9) for n in range(1, 7)]], np.uint8)
    for path in (own_data / 'data/segmentation/annotations').glob('*/*'):
        Image.fromarray(colors[np.array(Image.open(path))]).save(path)
    names = ('sky', 'grass', 'water', 'sand', 'bricks', 'toy')
    arguments = 'reduce_zero_label=False, mask_colors={255: (0, 0, 0), ' + ', '.join(
        f'{name!r}: ({place}, {place}, 9)' for place, name in enumerate(names, 1)
    )
    config = f'train_dataloader = dict(dataset=dict({arguments}}}))\nval_dataloader = dict(dataset=dict({arguments}}}))'
    found = check(sound(own_data, config), 'full', ('train', 'val'))
    assert not wrong(found), '\n'.join(each.text() for each in found)
    assert 'sky' in found[0].message


def test_the_same_folder_for_training_and_validation_is_a_warning(own_data):
    folders = "data_prefix=dict(img_path='images/training', seg_map_path='annotations/training')"
    found = wrong(check(sound(own_data, f'val_dataloader = dict(dataset=dict({folders}))')))
    assert [(each.level, each.rule) for each in found] == [('warning', 'same-images')]


def test_a_part_of_training_in_validation_is_found_by_path(own_data):
    data = own_data / 'data/segmentation'
    names = sorted(path.stem for path in (data / 'images/training').iterdir())[:4]
    (data / 'val.txt').write_text('\n'.join(names))
    folders = "data_prefix=dict(img_path='images/training', seg_map_path='annotations/training'), ann_file='val.txt'"
    found = wrong(check(sound(own_data, f'val_dataloader = dict(dataset=dict({folders}))')))
    assert [(each.level, each.rule, len(each.cases)) for each in found] == [('error', 'image-in-train', 4)]


def test_indices_take_a_part(own_data):
    (found,) = check(sound(own_data, 'train_dataloader = dict(dataset=dict(indices=5))'), splits=('train',))
    assert found.message.startswith('5 masks of the train set')


def test_wrapped_data_sets_are_looked_into(own_data):
    config = (
        "train_dataloader = dict(dataset=dict(_delete_=True, type='RepeatDataset', times=2, dataset=dict("
        "type='ConcatDataset', datasets=[_base_.train_dataloader.dataset, "
        "dict(_base_.train_dataloader.dataset, data_prefix=dict(img_path='nowhere', seg_map_path='nowhere'))])))"
    )
    found = check(sound(own_data, config), splits=('train',))
    assert [each.key.split('.data_prefix')[0] for each in found] == [
        'train_dataloader.dataset.dataset.datasets.0',
        'train_dataloader.dataset.dataset.datasets.1',
        'train_dataloader.dataset.dataset.datasets.1',
    ]


def test_facts_are_kept(own_data, monkeypatch):
    first = check(sound(own_data), 'full')

    def fail(content):
        raise AssertionError('a file was looked into again')

    for name in ('mask_facts', 'pixel_facts'):
        monkeypatch.setattr(f'swin_dense.checks.segmentation.{name}', fail)
    assert check(sound(own_data), 'full') == first


def test_masks_beside_their_images(own_data):
    data = own_data / 'data/segmentation'
    (data / 'all').mkdir()
    for path in (data / 'images/training').iterdir():
        shutil.copy(path, data / 'all')
        shutil.copy(data / 'annotations/training' / f'{path.stem}.png', data / 'all' / f'{path.stem}_mask.png')
    folders = "data_prefix=dict(img_path='all', seg_map_path='all'), seg_map_suffix='_mask.png'"
    found = check(sound(own_data, f'train_dataloader = dict(dataset=dict({folders}))'), splits=('train',))
    assert not wrong(found), '\n'.join(each.text() for each in found)
    assert found[0].message.startswith('24 masks')


# --- which files belong together --------------------------------------------------------------------------------------


def masks_in_one_folder(own_data):
    """Images of training and validation in folders of their own, their masks together."""
    data = own_data / 'data/segmentation'
    (data / 'masks').mkdir()
    for path in [*data.glob('annotations/training/*'), *data.glob('annotations/validation/*')]:
        shutil.copy(path, data / 'masks' / f'{path.parent.name}_{path.name}')
    for split in ('training', 'validation'):
        for path in sorted((data / 'images' / split).iterdir()):
            path.rename(path.with_name(f'{split}_{path.name}'))
    loaders = (
        f"{{}}_dataloader = dict(dataset=dict(data_prefix=dict(img_path='images/{split}', seg_map_path='masks')))"
        for split in ('training', 'validation')
    )
    texts = [text.format(name) for text, name in zip(loaders, ('train', 'val'), strict=True)]
    return data, '\n'.join([*texts, 'test_dataloader = val_dataloader'])


def test_one_folder_of_masks_for_all_sets_is_sound(own_data):
    _, config = masks_in_one_folder(own_data)
    for splits in (SPLITS, ('train',), ('val',)):
        found = check(sound(own_data, config), splits=splits)
        assert not wrong(found), '\n'.join(each.text() for each in found)


def test_a_mask_of_no_set_is_said_once(own_data):
    """Where several sets share a folder, more may: masks of a test set, as a warning."""
    data, config = masks_in_one_folder(own_data)
    shutil.copy(next((data / 'masks').iterdir()), data / 'masks' / 'other.png')
    (found,) = wrong(check(sound(own_data, config)))
    assert (found.level, found.rule) == ('warning', 'mask-without-image')
    assert [case.file.rpartition('/')[2] for case in found.cases] == ['other.png']
    assert '1 of 33 masks' in found.message


@pytest.mark.parametrize('kind', ['mmseg.BaseSegDataset', 'swin_dense.SegmentationDataset'])
@pytest.mark.parametrize(
    ('image_ending', 'mask_ending', 'advised'),
    [
        ('.jpg', '_mask.png', "seg_map_suffix='_mask.png'"),
        ('_leftImg8bit.jpg', '_gtFine_labelTrainIds.png',
         "img_suffix='_leftImg8bit.jpg', seg_map_suffix='_gtFine_labelTrainIds.png'"),
        ('_img.jpg', '.png', "img_suffix='_img.jpg'"),
    ],
)  # fmt: skip
def test_other_endings_are_one_error_whose_advice_is_enough(own_data, kind, image_ending, mask_ending, advised):
    data = own_data / 'data/segmentation'
    for split in ('training', 'validation'):
        for folder, ending in (('images', image_ending), ('annotations', mask_ending)):
            for path in sorted((data / folder / split).iterdir()):
                path.rename(path.with_name(f'{path.stem}{ending}'))
    config = "train_dataloader = dict(dataset=dict(type='{}'{}))".format
    (found,) = [each for each in check(sound(own_data, config(kind, '')), splits=('train',)) if each.level == 'error']
    if image_ending == '.jpg' or kind.startswith('swin'):
        assert found.rule == 'image-without-mask'
    assert advised in found.remedy, found.text()
    found = check(sound(own_data, config(kind, f', {advised}')), splits=('train',))
    assert not wrong(found), '\n'.join(each.text() for each in found)


def test_images_and_masks_that_changed_places(own_data):
    data = own_data / 'data/segmentation'
    for path in (data / 'images/training').iterdir():
        Image.open(path).save(path.with_suffix('.png'))
        path.unlink()
    for masks in ('annotations/training', 'annotations/validation'):
        folders = f"data_prefix=dict(img_path='{masks}', seg_map_path='images/training')"
        config = f'train_dataloader = dict(dataset=dict({folders}))'
        (found,) = wrong(check(sound(own_data, config), splits=('train',)))
        assert found.rule == 'folders-swapped'
        assert 'exchange the two' in found.remedy


def test_names_that_differ_in_how_accents_are_written(own_data):
    data = own_data / 'data/segmentation'
    for folder, form in (('images', 'NFC'), ('annotations', 'NFD')):
        for path in sorted((data / folder / 'training').iterdir())[:3]:
            path.rename(path.with_name(unicodedata.normalize(form, f'caf\u00e9 {path.name}')))
    (found,) = wrong(check(sound(own_data), splits=('train',)))
    assert found.rule == 'image-without-mask'
    assert len(found.cases) == 3
    assert 'NFC' in found.remedy
    assert "'cafe\\u0301" in found.message
    assert "'caf\\xe9" in found.message


def test_a_list_of_wrong_names_says_nothing_of_endings(own_data):
    data = own_data / 'data/segmentation'
    (data / 'train.txt').write_text('no\nsuch\nimage\n')
    config = "train_dataloader = dict(dataset=dict(ann_file='train.txt'))"
    found = wrong(check(sound(own_data, config), splits=('train',)))
    assert [each.rule for each in found] == ['listed-image-missing']


def test_listed_images_whose_masks_are_gone(own_data):
    """All others are paired by the endings that are named."""
    data = own_data / 'data/segmentation'
    names = sorted(path.stem for path in (data / 'images/training').iterdir())[:2]
    for name in names:
        (data / 'annotations/training' / f'{name}.png').unlink()
    (data / 'train.txt').write_text('\n'.join(names))
    config = "train_dataloader = dict(dataset=dict(ann_file='train.txt'))"
    (found,) = wrong(check(sound(own_data, config), splits=('train',)))
    assert found.rule == 'image-without-mask'
    assert len(found.cases) == 2
    assert found.remedy.startswith('put the masks there')


def test_listed_names_that_differ_in_how_accents_are_written(own_data):
    data = own_data / 'data/segmentation'
    for folder in ('images', 'annotations'):
        for path in sorted((data / folder / 'training').iterdir()):
            path.rename(path.with_name(unicodedata.normalize('NFD', f'caf\u00e9 {path.name}')))
    names = [unicodedata.normalize('NFC', path.stem) for path in sorted((data / 'images/training').iterdir())]
    (data / 'train.txt').write_text('\n'.join(names))
    config = "train_dataloader = dict(dataset=dict(ann_file='train.txt'))"
    (found,) = [each for each in wrong(check(sound(own_data, config), splits=('train',))) if each.level == 'error']
    assert found.rule == 'listed-image-missing'
    assert len(found.cases) == 24
    assert 'NFC' in found.remedy
    assert "'cafe\\u0301" in found.cases[0].fix


def test_masks_of_another_ending_that_are_jpeg_are_to_be_exported(own_data):
    for path in (own_data / 'data/segmentation/annotations/training').iterdir():
        Image.open(path).save(path.with_suffix('.jpg'))
        path.unlink()
    (found,) = wrong(check(sound(own_data), splits=('train',)))
    assert found.rule == 'image-without-mask'
    assert 'export them anew as PNG' in found.remedy


def test_masks_of_changed_numbers_have_no_table_of_them(own_data):
    """JPEG makes 200 values of 6: one error says so."""
    for path in (own_data / 'data/segmentation/annotations/training').iterdir():
        Image.open(path).point(lambda value: value * 40).save(path, format='JPEG', quality=50)
    found = check(sound(own_data), splits=('train',))
    assert [each.rule for each in found] == ['mask-lossy']


def test_many_strange_values_are_one_row(own_data):
    """Masks resized with smoothing."""
    for path in (own_data / 'data/segmentation/annotations/training').iterdir():
        mask = Image.open(path).point(lambda value: value * 40)
        mask.resize((40, 30)).resize(mask.size, Image.Resampling.BICUBIC).save(path)
    found = check(sound(own_data), splits=('train',))
    (table,) = [each for each in found if each.level == 'ok']
    assert len(table.message.split('\n')) <= 10
    assert 'NO CLASS' in table.message
    (values,) = wrong(found)
    assert 'Image.NEAREST' in values.remedy
    assert 'antialiasing' in values.remedy
    assert len(values.message) < 1200


# --- images turned by EXIF --------------------------------------------------------------------------------------------


def turn(path, size=None, orientation=6):
    image = Image.open(path)
    image = image.resize(size) if size else image
    exif = Image.Exif()
    exif[274] = orientation
    image.save(path, exif=exif)


def loading(color_type):
    step = f"dict(type='LoadImageFromFile', color_type='{color_type}')"
    return f'train_dataloader = dict(dataset=dict(pipeline=[{step}, *_base_.train_pipeline[1:]]))'


def test_square_images_that_are_turned_are_no_error(own_data):
    data = own_data / 'data/segmentation'
    image = sorted((data / 'images/training').iterdir())[0]
    mask = data / 'annotations/training' / f'{image.stem}.png'
    turn(image, (96, 96))
    Image.open(mask).resize((96, 96), Image.Resampling.NEAREST).save(mask)
    (found,) = wrong(check(sound(own_data), splits=('train',)))
    assert (found.level, found.rule) == ('warning', 'mask-turned-or-not')
    assert not wrong(check(sound(own_data, loading('color_ignore_orientation')), splits=('train',)))


@pytest.mark.parametrize('color_type', ['color', 'color_ignore_orientation', 'unchanged', 'grayscale'])
@pytest.mark.parametrize('turned_mask', [False, True])
def test_sizes_are_those_that_the_pipeline_loads(own_data, color_type, turned_mask):
    """A finding exactly where the loaded image has another size than its mask."""
    from mmcv.transforms import LoadImageFromFile

    data = own_data / 'data/segmentation'
    image = sorted((data / 'images/training').iterdir())[0]
    mask = data / 'annotations/training' / f'{image.stem}.png'
    turn(image)
    if turned_mask:
        Image.open(mask).rotate(90, expand=True).save(mask)
    loaded = LoadImageFromFile(color_type=color_type)({'img_path': str(image)})['img'].shape[:2]
    found = [each.rule for each in wrong(check(sound(own_data, loading(color_type)), splits=('train',)))]
    assert bool(found) == (loaded != np.array(Image.open(mask)).shape), found
    assert set(found) <= {'mask-not-turned', 'mask-size'}


# --- forms of files ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize('value', [3.0, 2.5, float('nan'), float('inf')])
def test_masks_of_floats_are_an_error(own_data, value):
    """A TIFF of float32 under the ending of the masks."""
    path = sorted((own_data / 'data/segmentation/annotations/training').iterdir())[0]
    pixels = np.array(Image.open(path)).astype(np.float32)
    pixels[:9] = value
    Image.fromarray(pixels).save(path, format='TIFF')
    (found,) = wrong(check(sound(own_data), splits=('train',)))
    assert found.rule == 'mask-of-floats'
    assert 'uint8' in found.remedy


def test_an_array_in_the_place_of_a_mask(own_data):
    path = sorted((own_data / 'data/segmentation/annotations/training').iterdir())[0]
    with open(path, 'wb') as file:
        np.save(file, np.zeros((4, 5)))
    (found,) = wrong(check(sound(own_data), splits=('train',)))
    assert found.rule == 'mask-unreadable'
    assert 'NumPy' in found.message
    assert 'np.load' in found.remedy


@pytest.mark.parametrize('ending', ['.png', '.tif'])
def test_what_is_ignored_as_65535(own_data, ending):
    """mmseg takes the lower 8 bits, 255; here it is said what to write."""
    for path in sorted((own_data / 'data/segmentation/annotations/training').iterdir()):
        mask = np.array(Image.open(path)).astype(np.uint16)
        mask[mask == 0] = 65535
        path.unlink()
        Image.fromarray(mask).save(path.with_suffix(ending))
    config = f"train_dataloader = dict(dataset=dict(seg_map_suffix='{ending}', reduce_zero_label=True))"
    found = check(sound(own_data, config), splits=('train',))
    (wide,) = wrong(found)
    assert wide.rule == 'mask-16-bit'
    assert '65535' in wide.message
    assert 'mask[mask == 65535] = 255' in wide.remedy
