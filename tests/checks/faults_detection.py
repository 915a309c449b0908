"""Faults of detection data: what goes wrong with COCO annotations and the images they name."""

import functools
import json
import shutil
from pathlib import Path

from PIL import Image

from tests.checks.planted import Fault, edited_json

TRAIN, VAL = 'annotations/instances_train.json', 'annotations/instances_val.json'
DATASET = 'train_dataloader = dict(dataset=dict({}))'
CLASSES = ('ring', 'square', 'triangle', 'star', 'cross')

_fault = functools.partial(Fault, task='detection')


def _edit(change, name=TRAIN):
    return lambda folder: edited_json(folder / name, change)


def _set(part, place, **values):
    """Change one entry of the train file; a value None takes the key away."""

    def change(content):
        for key, value in values.items():
            if value is None:
                del content[part][place][key]
            else:
                content[part][place][key] = value

    return _edit(change)


def _each(part, change, name=TRAIN):
    def all_of_them(content):
        for entry in content[part]:
            change(entry, content)

    return _edit(all_of_them, name)


def _cut_off(folder: Path) -> None:
    text = (folder / TRAIN).read_text()
    (folder / TRAIN).write_text(text[: len(text) // 2])


def _byte_order_mark(folder: Path) -> None:
    (folder / TRAIN).write_bytes(b'\xef\xbb\xbf' + (folder / TRAIN).read_bytes())


def _labelme(folder: Path) -> None:
    image = {'version': '5.0', 'shapes': [{'label': 'ring', 'points': [[1, 2], [30, 40]]}], 'imagePath': '1.jpg'}
    (folder / TRAIN).write_text(json.dumps(image))


def _voc(folder: Path) -> None:
    (folder / TRAIN).write_text('<annotation><object><name>ring</name></object></annotation>')


def _as_normalised(entry, content):
    image = next(each for each in content['images'] if each['id'] == entry['image_id'])
    height, width = image['height'], image['width']
    x, y, w, h = entry['bbox']
    entry['bbox'] = [x / width, y / height, w / width, h / height]


def _as_yolo(entry, content):
    _as_normalised(entry, content)
    x, y, w, h = entry['bbox']
    entry['bbox'] = [x + w / 2, y + h / 2, w, h]


def _as_centres(entry, content):
    x, y, w, h = entry['bbox']
    entry['bbox'] = [x + w / 2, y + h / 2, w, h]


def _copied(folder: Path) -> None:
    shutil.copy(folder / TRAIN, folder / VAL)


def _as_corners(entry, content):
    x, y, w, h = entry['bbox']
    entry['bbox'] = [x, y, x + w, y + h]


def _image(folder: Path, place: int = 0, split: str = 'train') -> Path:
    content = json.loads((folder / f'annotations/instances_{split}.json').read_text())
    return folder / split / content['images'][place]['file_name']


def _truncated(folder: Path) -> None:
    path = _image(folder, 3)
    path.write_bytes(path.read_bytes()[:-200])


def _damaged(folder: Path) -> None:
    """Codes of no sense in a file that is whole: only a decoder finds it."""
    content = bytearray(_image(folder, 2).read_bytes())
    table = content.index(b'\xff\xc4')
    content[table + 5 : table + 21] = b'\xfe' * 16
    _image(folder, 2).write_bytes(content)


def _rotated(folder: Path) -> None:
    path = _image(folder, 1)
    with Image.open(path) as image:
        exif = image.getexif()
        exif[274] = 6
        image.save(path, exif=exif)


def _halved(folder: Path) -> None:
    path = _image(folder, 4)
    with Image.open(path) as image:
        image.resize((image.width // 2, image.height // 2)).save(path)


def _renamed(folder: Path) -> None:
    _image(folder).rename(_image(folder).with_suffix('.JPG'))


def _moved(folder: Path) -> None:
    (folder / 'images').mkdir()
    (folder / 'train').rename(folder / 'images' / 'train')


def _without(names):
    def change(content):
        ids = {each['id'] for each in content['categories'] if each['name'] in names}
        content['annotations'] = [each for each in content['annotations'] if each['category_id'] not in ids]

    return change


def _same_content(folder: Path) -> None:
    for place in range(3):
        train, val = _image(folder, place), _image(folder, place, 'val')
        shutil.copy(train, val)
        with Image.open(train) as image:
            size = {'height': image.height, 'width': image.width}
        edited_json(folder / VAL, lambda content, place=place, size=size: content['images'][place].update(size))


def _train_images_in_val(folder: Path) -> None:
    names = [each['file_name'] for each in json.loads((folder / TRAIN).read_text())['images']]

    def change(content):
        for image, name in zip(content['images'][:3], names, strict=False):
            image['file_name'] = f'../train/{name}'

    edited_json(folder / VAL, change)


def _remove(content, part):
    del content[part]


def _string_ids(content):
    for entry in content['annotations']:
        entry['category_id'] = str(entry['category_id'])


def _counted_from_0(entry, content):
    entry['category_id'] -= 1


MMDET = "type='CocoDataset', "

FAULTS = [
    # the annotation file
    _fault(
        name='annotation file cut off', rule='annotations-not-json', where=TRAIN, data=_cut_off,
        says=('cut off', 'line', 'bytes', 'again'),
    ),
    _fault(
        name='annotation file with a byte order mark', rule='annotations-not-json', where=TRAIN, data=_byte_order_mark,
        says=('byte order mark', 'UTF-8 without BOM'),
    ),
    _fault(
        name='annotation file misspelt', rule='annotations-missing', where='train_dataloader.dataset.ann_file',
        config=DATASET.format("ann_file='annotations/instances_trian.json'"),
        says=("ann_file='annotations/instances_train.json'",),
    ),
    _fault(
        name='folder of the data misspelt', rule='annotations-missing', where='train_dataloader.dataset.data_root',
        config=DATASET.format("data_root='data/cocoo/'"), says=("no folder 'data/cocoo/'", 'looked from'),
    ),
    _fault(
        name='folder in place of the annotation file', rule='annotations-not-coco', where='dataset.ann_file',
        config=DATASET.format("ann_file='annotations/'"), says=('a folder', 'instances_train.json'),
    ),
    _fault(
        name='file of labelme', rule='annotations-not-coco', where=TRAIN, data=_labelme,
        says=('labelme', 'python tools/convert_labelme.py FOLDER --out DIR'),
    ),
    _fault(name='file of Pascal VOC', rule='annotations-not-coco', where=TRAIN, data=_voc, says=('XML', 'Pascal VOC')),
    _fault(
        name='no categories in the file', rule='annotations-not-coco', where=TRAIN,
        data=_edit(lambda content: _remove(content, 'categories')), says=("no 'categories'", "'images'"),
    ),
    _fault(
        name='category ids are texts', rule='key-of-wrong-type', where='annotations[].category_id',
        data=_edit(_string_ids), silent='no id is found among the categories, every object is background',
        says=('whole number', 'quotation marks', 'category_id: 1'),
    ),
    _fault(
        name='images without file_name', rule='key-missing', where='images[2].file_name',
        data=_set('images', 2, file_name=None), says=("'file_name'",),
    ),
    # classes
    _fault(
        name='class names of other case', rule='class-not-in-file', where='train_dataloader.dataset.metainfo.classes',
        config=DATASET.format("metainfo=dict(classes=('Ring', 'square', 'triangle', 'star', 'cross'))"),
        silent="objects of 'ring' are background, and all labels move by one",
        says=("no 'Ring'", "Did you mean 'ring' for 'Ring'", "'ring', 'square', 'triangle', 'star', 'cross'"),
    ),
    _fault(
        name='one class as a word', rule='classes-not-a-list', where='train_dataloader.dataset.metainfo.classes',
        config=DATASET.format("metainfo=dict(classes='ring')"),
        silent="four classes 'r', 'i', 'n', 'g'; all but 'ring' is background",
        says=("classes=('ring',)", '4 letters'),
    ),
    _fault(
        name='classes in another order than the file', rule='class-order', where='dataset.metainfo.classes',
        config=DATASET.format(f'{MMDET}metainfo=dict(classes={CLASSES[::-1]})'),
        silent='every name in pictures and tables is wrong',
        says=("'ring' is called 'cross'", "type='swin_dense.CocoDataset'", f'classes={CLASSES}'),
    ),
    _fault(
        name='no classes given', rule='default-classes', where='train_dataloader.dataset.metainfo',
        config=DATASET.format(f'{MMDET}metainfo=dict(_delete_=True)'),
        silent="COCO's 80 classes are in force, every object is background",
        says=("'person', 'bicycle'", "'ring', 'square'", "type='swin_dense.CocoDataset'"),
    ),
    _fault(
        name='CLASSES in place of classes', rule='metainfo-key', where='train_dataloader.dataset.metainfo.CLASSES',
        config=DATASET.format(f'{MMDET}metainfo=dict(_delete_=True, CLASSES={CLASSES})'),
        silent="COCO's 80 classes are in force, every object is background",
        says=("COCO's 80 classes", "'classes'"),
    ),
    _fault(
        name='one class left out', rule='classes-left-out', where='dataset.metainfo.classes', level='warning',
        config=DATASET.format(f'metainfo=dict(classes={CLASSES[:4]})'), silent='its objects are background',
        says=("of 'cross'", 'Name these classes'),
    ),
    _fault(
        name='a class without objects', rule='class-without-objects', where='train_dataloader.dataset.metainfo.classes',
        data=_edit(_without(('star',))), silent='one class is never learnt',
        says=("'star'",), level='warning',
    ),
    _fault(
        name='a class of val that train does not show', rule='class-not-trained', where='val_dataloader.dataset',
        data=_edit(_without(('star',))), silent='its AP is 0',
        says=("'star'", 'AP will be 0'), level='warning',
    ),
    # ids
    _fault(
        name='two categories of one name', rule='category-name-twice', where='categories[1].name',
        data=_set('categories', 1, name='ring'), silent='five ids for four names: the labels of the others move',
        says=("'ring'", 'two labels'),
    ),
    _fault(
        name='two categories of one id', rule='category-id-twice', where='categories[1].id',
        data=_set('categories', 1, id=1), silent='objects of two classes become one, or none',
        says=('id: 9', 'hides the earlier'),
    ),
    _fault(
        name='two images of one id', rule='image-id-twice', where='images[5].id',
        data=_edit(lambda content: content['images'][5].update(id=content['images'][4]['id'])),
        silent='one image is lost, and its boxes go to the other',
        says=('hides the earlier', 'id: '),
    ),
    _fault(
        name='two annotations of one id', rule='annotation-id-twice', where='annotations[7].id',
        data=_edit(lambda content: content['annotations'][7].update(id=content['annotations'][6]['id'])),
        says=('Number the annotations anew',),
    ),
    _fault(
        name='one file in two images', rule='image-file-twice', where='images[5].file_name',
        data=_edit(lambda content: content['images'][5].update(file_name=content['images'][4]['file_name'])),
        says=('background in the other', 'image_id'),
    ),
    _fault(
        name='category ids count from 0', rule='unknown-category', where='annotations[].category_id',
        data=_each('annotations', _counted_from_0), silent='objects are left out, or are of the wrong class',
        says=('ids 0', "(1, 'ring')", 'moved by 1'),
    ),
    _fault(
        name='annotations of another file', rule='unknown-image', where='annotations[].image_id',
        data=_each('annotations', lambda entry, content: entry.update(image_id=entry['image_id'] + 100_000)),
        silent='every image is without objects',
        says=('different exports',),
    ),
    # boxes
    _fault(
        name='annotation without a box', rule='box-missing', where='annotations[4].bbox',
        data=_set('annotations', 4, bbox=None), says=('[x, y, width, height]', 'bbox: ['),
    ),
    _fault(
        name='box of three numbers', rule='box-of-wrong-length', where='annotations[4].bbox',
        data=_set('annotations', 4, bbox=[1, 2, 3]), says=('[1, 2, 3]', 'four'),
    ),
    _fault(
        name='box of texts', rule='box-not-numbers', where='annotations[4].bbox',
        data=_set('annotations', 4, bbox=['1', '2', '30', '40']), says=('numbers',),
    ),
    _fault(
        name='box with NaN', rule='box-not-finite', where='annotations[4].bbox',
        data=_set('annotations', 4, bbox=[1, 2, float('nan'), 4]), silent='the object is background',
        says=('NaN',),
    ),
    _fault(
        name='box with a negative width', rule='box-inverted', where='annotations[4].bbox',
        level='warning', data=_set('annotations', 4, bbox=[40, 20, -30, 10]),
        silent='the object is background',
        says=('[40, 20, -30, 10]', 'bbox: [10.0, 20.0, 30.0, 10.0]'),
    ),
    _fault(
        name='box without a width', rule='box-without-area', where='annotations[4].bbox',
        level='warning', data=_set('annotations', 4, bbox=[40, 20, 0, 10]), silent='the object is background',
        says=('[40, 20, 0, 10]', 'leaves them out'),
    ),
    _fault(
        name='box outside its image', rule='box-outside', where='annotations[4].bbox',
        level='warning', data=_set('annotations', 4, bbox=[4000, 20, 10, 10]), silent='the object is background',
        says=('4000', 'image_id'),
    ),
    _fault(
        name='box partly outside its image', rule='box-partly-outside', where='annotations[4].bbox', level='warning',
        data=_set('annotations', 4, bbox=[10, 20, 4000, 10]), silent='a box of the wrong size is learnt',
        says=('[10, 20, 4000, 10]', 'Clip'),
    ),
    _fault(
        name='boxes from 0 to 1', rule='box-normalised', where='annotations[].bbox',
        data=_each('annotations', _as_normalised), silent='every object is background',
        says=('between 0 and 1', 'Multiply'),
    ),
    _fault(
        name='boxes of YOLO files', rule='box-normalised', where='annotations[].bbox',
        data=_each('annotations', _as_yolo), silent='every object is background',
        says=('between 0 and 1', 'centre', 'x - width / 2'),
    ),
    _fault(
        name='boxes by their centre', rule='box-of-centre', where='annotations[].bbox',
        data=_each('annotations', _as_centres), silent='boxes half their size away from the objects are learnt',
        says=('[x - width / 2, y - height / 2, width, height]',),
    ),
    _fault(
        name='boxes of corners', rule='box-of-corners', where='annotations[].bbox',
        data=_each('annotations', _as_corners), silent='boxes too large by their distance from the border are learnt',
        says=('[x1, y1, x2 - x1, y2 - y1]',),
    ),
    _fault(
        name='areas are 0', rule='area-missing', where='annotations[].area', config=DATASET.format(MMDET),
        data=_each('annotations', lambda entry, content: entry.update(area=0)),
        silent='every object is background',
        says=("type='swin_dense.CocoDataset'", 'area: '),
    ),
    # masks
    _fault(
        name='no outline where masks are loaded', rule='segmentation-missing', where='annotations[3].segmentation',
        data=_set('annotations', 3, segmentation=None), says=('with_mask=False', 'train_dataloader.dataset.pipeline'),
    ),
    _fault(
        name='outline of two points', rule='polygon-of-wrong-length', where='annotations[3].segmentation',
        level='warning', data=_set('annotations', 3, segmentation=[[1, 2, 3, 4]]), silent='the object is ignored',
        says=('three points', '[[1, 2, 3, 4]]'),
    ),
    _fault(
        name='outline of pairs', rule='segmentation-of-wrong-form', where='annotations[3].segmentation',
        data=_set('annotations', 3, segmentation=[[[1, 2], [30, 4], [30, 40]]]), silent='the object is ignored',
        says=('in place of pairs',),
    ),
    _fault(
        name='run lengths of another size', rule='runs-of-other-size', where='annotations[3].segmentation',
        data=_set('annotations', 3, segmentation={'size': [10, 20], 'counts': [50, 100, 50]}), says=('high', 'wide'),
    ),
    # images
    _fault(
        name='image deleted', rule='image-missing', where='images[0].file_name',
        data=lambda folder: _image(folder).unlink(), says=('.jpg', 'data_prefix'),
    ),
    _fault(
        name='image of another ending', rule='image-missing', where='images[0].file_name', data=_renamed,
        says=('Upper and lower case differ', '.JPG'),
    ),
    _fault(
        name='images in another folder', rule='image-missing', where='images[].file_name', data=_moved,
        says=("data_prefix=dict(img='images/train/')",),
    ),
    _fault(
        name='folder in the names and in the prefix', rule='image-missing', where='images[].file_name',
        data=_each('images', lambda entry, content: entry.update(file_name=f'train/{entry["file_name"]}')),
        says=("data_prefix=dict(img='')",),
    ),
    _fault(
        name='addresses in the place of names', rule='image-address', where='images[].file_name',
        data=_each('images', lambda entry, content: entry.update(file_name=f'https://a.b/{entry["file_name"]}')),
        says=('Download', "file_name: '"),
    ),
    _fault(
        name='prefix under another key', rule='data-prefix', where='train_dataloader.dataset.data_prefix',
        config=DATASET.format("data_prefix=dict(_delete_=True, img_path='train/')"),
        says=("data_prefix=dict(img='train/')",),
    ),
    _fault(
        name='image cut off', rule='image-unreadable', where='images[3]', data=_truncated,
        says=('truncated JPEG', 'again'),
    ),
    _fault(
        name='image damaged inside', rule='image-unreadable', where='images[2]', data=_damaged, says=('damaged JPEG',),
        depth='full',
    ),
    _fault(
        name='image turned by EXIF', rule='image-rotated', where='images[1]', data=_rotated,
        silent='boxes lie elsewhere than the objects',
        says=('EXIF orientation 6', "color_type='color_ignore_orientation'"),
    ),
    _fault(
        name='image scaled without its boxes', rule='image-size', where='images[4]', data=_halved,
        silent='boxes lie elsewhere than the objects',
        says=('high', 'wide', 'scale the boxes'),
    ),
    _fault(
        name='images without height and width', rule='image-size-missing', where='images[].height',
        data=_each('images', lambda entry, content: [entry.pop('height'), entry.pop('width')]),
        says=('height: ', 'width: '),
    ),
    # what is used
    _fault(
        name='no annotation of a class', rule='nothing-usable', where='train_dataloader.dataset',
        data=_edit(lambda content: content.update(annotations=[])), silent='trains on background alone',
        says=('nothing to train on', 'the file has no annotations'),
    ),
    _fault(
        name='all images smaller than min_size', rule='nothing-usable', where='train_dataloader.dataset',
        config=DATASET.format('filter_cfg=dict(min_size=5000)'), says=('under 5000 pixels',),
    ),
    _fault(
        name='filter key misspelt', rule='filter-key', where='train_dataloader.dataset.filter_cfg.filter_empty',
        config=DATASET.format('filter_cfg=dict(filter_empty=True)'), silent='nothing is filtered',
        says=("'filter_empty_gt'",),
    ),
    _fault(
        name='val set without test_mode', rule='test-mode', where='val_dataloader.dataset.test_mode',
        config='val_dataloader = dict(dataset=dict(test_mode=False, filter_cfg=dict(min_size=110)))\n'
        'test_dataloader = val_dataloader',
        silent='AP of a part of the images',
        says=('test_mode=True', 'min_size'),
    ),
    # train against val
    _fault(
        name='val is train', rule='same-annotations', where='val_dataloader.dataset.ann_file', level='warning',
        config="val_dataloader = dict(dataset=dict(ann_file='annotations/instances_train.json', "
        "data_prefix=dict(img='train/')))\ntest_dataloader = val_dataloader",
        silent='AP of what was learnt by heart',
        says=('Hold some images back',),
    ),
    _fault(
        name='the val file is a copy of the train file', rule='annotations-copied',
        where='val_dataloader.dataset.ann_file', data=_copied, says=('a copy', 'instances_train.json'),
    ),
    _fault(
        name='images of train in val', rule='image-in-train', where='images[].file_name', data=_train_images_in_val,
        silent='AP of what was learnt by heart',
        says=('3 of 8 images', 'Remove them'),
    ),
    _fault(
        name='copies of train images in val', rule='image-content-in-train', where='images[].file_name',
        data=_same_content, silent='AP of what was learnt by heart',
        says=('3 of 8 images', 'content'),
    ),
]  # fmt: skip
