"""Faults of masks, and of what a config says about them."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from tests.checks.planted import Fault

TRAIN = 'train_dataloader = dict(dataset=dict({}))'
BOTH = 'train_dataloader = dict(dataset=dict({0}))\nval_dataloader = dict(dataset=dict({0}))'
PLAIN = "type='mmseg.BaseSegDataset'"
_WITHOUT_REDUCTION = 'reduce_zero_label=False'


def _masks(folder: Path, split: str = 'training') -> list[Path]:
    return sorted((folder / 'annotations' / split).glob('*.png'))


def _images(folder: Path, split: str = 'training') -> list[Path]:
    return sorted((folder / 'images' / split).glob('*.jpg'))


def each_mask(change: Callable[[np.ndarray], np.ndarray], *splits: str) -> Callable[[Path], None]:
    """Write all masks anew as a function of their values."""

    def edit(folder: Path) -> None:
        for path in [path for split in splits or ('training', 'validation') for path in _masks(folder, split)]:
            Image.fromarray(change(np.array(Image.open(path)))).save(path)

    return edit


def one_mask(change: Callable[[np.ndarray], np.ndarray], *, place: int = 0, **options: object) -> Callable:
    def edit(folder: Path) -> None:
        path = _masks(folder)[place]
        Image.fromarray(change(np.array(Image.open(path)))).save(path, **options)

    return edit


def _with_value(value: int, dtype: type = np.uint8) -> Callable[[np.ndarray], np.ndarray]:
    def change(mask: np.ndarray) -> np.ndarray:
        changed = mask.astype(dtype)
        changed[:60, :80] = value
        return changed

    return change


def _colored(mask: np.ndarray) -> np.ndarray:
    colors = np.random.default_rng(0).integers(1, 255, (256, 3)).astype(np.uint8)
    return colors[mask]


def _in_six_colors(mask: np.ndarray) -> np.ndarray:
    return np.array([(0, 0, 0), *[(number, number, 9) for number in range(1, 7)]], np.uint8)[mask]


def _as_palette(folder: Path) -> None:
    """Indices from 1 with the colours of the classes, which count from 0."""
    for path in [*_masks(folder), *_masks(folder, 'validation')]:
        image = Image.open(path)
        image.putpalette([0, 0, 0, *(part for number in range(1, 256) for part in (number, number, 9))])
        image.save(path)


def _renamed(suffix: str, folder_of: str, split: str = 'training') -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        for path in sorted((folder / folder_of / split).iterdir()):
            path.rename(path.with_name(path.stem + suffix))

    return edit


def _renamed_to_png(folder: Path) -> None:
    for path in _images(folder):
        Image.open(path).save(path.with_suffix('.png'))
        path.unlink()


def _turned(folder: Path) -> None:
    path = _images(folder)[0]
    image = Image.open(path)
    exif = image.getexif()
    exif[274] = 6
    Image.open(path).save(path, exif=exif)


def _lossy(folder: Path) -> None:
    for path in _masks(folder):
        Image.open(path).save(path, format='JPEG', quality=80)


def _cut(folder: Path) -> None:
    path = _masks(folder)[0]
    path.write_bytes(path.read_bytes()[:60])


def _cut_image(folder: Path) -> None:
    path = _images(folder)[3]
    path.write_bytes(path.read_bytes()[:400])


def _copied(folder: Path) -> None:
    """Half of the validation set are copies of what is in training."""
    for files in (_images, _masks):
        for mine, other in list(zip(files(folder, 'validation'), files(folder), strict=False))[:4]:
            shutil.copy(other, mine)


def _list_of_names(folder: Path) -> None:
    (folder / 'train.txt').write_text(''.join(f'{path.name}\n' for path in _images(folder)))


def _smaller(folder: Path) -> None:
    path = _masks(folder)[0]
    mask = Image.open(path)
    mask.resize((mask.width // 2, mask.height // 2), Image.Resampling.NEAREST).save(path)


def _remove(which: Callable[[Path], list[Path]], place: int) -> Callable[[Path], None]:
    return lambda folder: which(folder)[place].unlink()


FAULTS = [
    Fault(
        name='a mask has a number that no class has',
        task='segmentation',
        data=one_mask(_with_value(9)),
        rule='mask-values',
        where='annotations/training/',
        says=('9 on 4,800 pixels', '6 classes', '1 to 6', 'label_map={9: 255}'),
    ),
    Fault(
        name='masks of 0 and 255 for two classes',
        task='segmentation',
        data=each_mask(lambda mask: np.where(mask == 6, 255, 0).astype(np.uint8)),
        config=BOTH.format("reduce_zero_label=False, metainfo=dict(_delete_=True, classes=('other', 'toy'))")
        + '\nmodel = dict(decode_head=dict(num_classes=2))',
        rule='masks-0-255',
        where='train_dataloader.dataset.label_map',
        says=('0, 255', "only 'other' (0) is learnt", 'label_map={255: 1}', 'swin_dense.SegmentationDataset'),
        silent='255 is ignored: only the background is learnt, mIoU is 50 or 100',
    ),
    Fault(
        name='reduce_zero_label of a copied ADE20K config, with classes from 0',
        task='segmentation',
        data=each_mask(lambda mask: np.where(mask == 0, 255, mask - 1).astype(np.uint8)),
        rule='reduce-zero-label-wrong',
        where='train_dataloader.dataset.reduce_zero_label',
        says=('0 to 5', 'sky', 'the name before it', 'reduce_zero_label=False'),
        silent='each class is learnt under the name before it, the first is ignored, the last gets no IoU',
    ),
    Fault(
        name='reduce_zero_label is missing for masks that count from 1',
        task='segmentation',
        config=BOTH.format(_WITHOUT_REDUCTION),
        rule='reduce-zero-label-missing',
        where='train_dataloader.dataset.reduce_zero_label',
        says=('0 to 6', '6 classes', 'reduce_zero_label=True', '7 classes'),
    ),
    Fault(
        name='reduce_zero_label differs between data set and pipeline',
        task='segmentation',
        config="train_pipeline = [dict(type='LoadImageFromFile'), dict(type='LoadAnnotations', "
        'reduce_zero_label=False), '
        "dict(type='RandomCrop', crop_size=(128, 128)), dict(type='PackSegInputs')]\n"
        + TRAIN.format('pipeline=train_pipeline'),
        rule='reduce-zero-label-differs',
        where='train_dataloader.dataset.pipeline.1.reduce_zero_label',
        says=('True for the data set', 'False for LoadAnnotations', 'leave it out of the pipeline'),
    ),
    Fault(
        name='masks of colours without a map',
        task='segmentation',
        data=each_mask(_colored, 'training'),
        rule='mask-colors-without-map',
        where='annotations/training/',
        says=('24 masks', 'RGB', 'colours', 'mask_colors='),
    ),
    Fault(
        name='a colour that mask_colors does not name',
        task='segmentation',
        data=each_mask(_in_six_colors),
        config=BOTH.format(
            'reduce_zero_label=False, mask_colors=dict(sky=(1, 1, 9), grass=(2, 2, 9), water=(3, 3, 9), sand=(4, 4, 9),'
            ' bricks=(5, 5, 9), toy=(6, 6, 9))'
        ),
        rule='mask-colors',
        where='train_dataloader.dataset.mask_colors',
        says=('(0,0,0) on', 'annotations/training/', 'mask_colors', '{255: (r, g, b)}'),
    ),
    Fault(
        name='masks of a palette in another order than mask_colors',
        task='segmentation',
        data=_as_palette,
        config=BOTH.format(
            'reduce_zero_label=False, mask_colors={255: (0, 0, 0), "sky": (1, 1, 9), "grass": (2, 2, 9), "water":'
            ' (3, 3, 9), "sand": (4, 4, 9), "bricks": (5, 5, 9), "toy": (6, 6, 9)}'
        ),
        rule='mask-numbers-not-colors',
        where='train_dataloader.dataset.mask_colors',
        says=('24 masks', 'index 1 has the colour (1, 1, 9), which is 0', "convert('RGB')", 'leave mask_colors out'),
    ),
    Fault(
        name='class numbers in three equal channels',
        task='segmentation',
        data=each_mask(lambda mask: np.dstack([mask] * 3), 'training'),
        rule='mask-channels',
        where='train_dataloader.dataset.data_prefix.seg_map_path',
        says=('24 masks', 'several channels', 'getchannel(0)'),
    ),
    Fault(
        name='masks saved as JPEG',
        task='segmentation',
        data=_lossy,
        rule='mask-lossy',
        where='train_dataloader.dataset.data_prefix.seg_map_path',
        says=('24 masks', 'JPEG', 'export', 'PNG'),
    ),
    Fault(
        name='a mask of 16 bits with numbers over 255',
        task='segmentation',
        data=one_mask(_with_value(258, np.uint16)),
        rule='mask-16-bit',
        where='annotations/training/',
        says=('258', '8 bits', 'save class numbers'),
        silent='258 is trained as 2',
    ),
    Fault(
        name='a mask of half the size',
        task='segmentation',
        data=_smaller,
        rule='mask-size',
        where='annotations/training/',
        says=('high', 'is loaded as', 'Image.NEAREST'),
        silent='pixels are learnt with the labels of others',
    ),
    Fault(
        name='an image turned by EXIF, its mask not',
        task='segmentation',
        data=_turned,
        rule='mask-not-turned',
        where='annotations/training/',
        says=('EXIF', 'color_ignore_orientation'),
    ),
    Fault(
        name='a mask file is cut off',
        task='segmentation',
        data=_cut,
        rule='mask-unreadable',
        where='annotations/training/',
        says=('1 mask', 'cannot be read', 'copy'),
    ),
    Fault(
        name='an image file of a segmentor is cut off',
        task='segmentation',
        data=_cut_image,
        rule='image-unreadable',
        where='images/training/',
        says=('1 image', 'cannot be read', 'copy'),
    ),
    Fault(
        name='an image has no mask',
        task='segmentation',
        data=_remove(_masks, 2),
        rule='image-without-mask',
        where='train_dataloader.dataset.data_prefix.seg_map_path',
        says=('1 of 24 images', 'images/training', 'put the masks there'),
    ),
    Fault(
        name='a mask has lost its image',
        task='segmentation',
        data=_remove(_images, 2),
        rule='mask-without-image',
        where='train_dataloader.dataset.data_prefix.img_path',
        says=('1 of 24 masks', 'annotations/training', 'put the images back'),
        silent='the mask is left out',
    ),
    Fault(
        name='masks end in .PNG',
        task='segmentation',
        data=_renamed('.PNG', 'annotations'),
        config=TRAIN.format(PLAIN),
        rule='image-without-mask',
        where='train_dataloader.dataset.data_prefix.seg_map_path',
        says=('24 of 24 images', 'There is', '.PNG', "seg_map_suffix='.PNG'"),
    ),
    Fault(
        name='masks are called NAME_mask.png',
        task='segmentation',
        data=_renamed('_mask.png', 'annotations'),
        rule='image-without-mask',
        where='train_dataloader.dataset.data_prefix.seg_map_path',
        says=('24 of 24 images', 'There is', "seg_map_suffix='_mask.png'"),
    ),
    Fault(
        name='images and masks changed places',
        task='segmentation',
        data=_renamed_to_png,
        config=TRAIN.format("data_prefix=dict(img_path='annotations/training', seg_map_path='images/training')"),
        rule='folders-swapped',
        where='train_dataloader.dataset.data_prefix',
        says=('changed places', 'exchange the two'),
    ),
    Fault(
        name='images end in .png, and img_suffix is .jpg',
        task='segmentation',
        data=_renamed('.png', 'images'),
        config=TRAIN.format(PLAIN),
        rule='no-images',
        where='images/training: train_dataloader.dataset.img_suffix',
        says=('is empty', '24 .png', "img_suffix='.png'"),
    ),
    Fault(
        name='several endings for mmseg, which takes one',
        task='segmentation',
        config=TRAIN.format(f"{PLAIN}, img_suffix=('.jpg', '.png')"),
        rule='several-suffixes',
        where='train_dataloader.dataset.img_suffix',
        says=('takes one ending', 'swin_dense.SegmentationDataset'),
    ),
    Fault(
        name='the folder of masks is misspelt',
        task='segmentation',
        config=TRAIN.format("data_prefix=dict(img_path='images/training', seg_map_path='annotation/training')"),
        rule='folder-missing',
        where='annotation/training: train_dataloader.dataset.data_prefix.seg_map_path',
        says=('annotations', 'images', 'seg_map_path'),
    ),
    Fault(
        name='a list of names with endings',
        task='segmentation',
        data=_list_of_names,
        config=TRAIN.format(f"{PLAIN}, ann_file='train.txt'"),
        rule='listed-image-missing',
        where='train.txt: train_dataloader.dataset.ann_file',
        says=('24 of 24 names', 'without ending', 'swin_dense.SegmentationDataset'),
    ),
    Fault(
        name='a list of names that is not there',
        task='segmentation',
        config=TRAIN.format("ann_file='splits/train.txt'"),
        rule='list-missing',
        where='splits/train.txt: train_dataloader.dataset.ann_file',
        says=('is not there', 'ann_file'),
    ),
    Fault(
        name='half of the validation images are also in training',
        task='segmentation',
        data=_copied,
        rule='image-content-in-train',
        where='val_dataloader.dataset.data_prefix.img_path',
        says=('4 of 8 images', 'val set', 'remove'),
        depth='full',
        silent='mIoU counts what was learnt by heart',
    ),
    Fault(
        name='classes of a segmentor as text',
        task='segmentation',
        config=BOTH.format("metainfo=dict(_delete_=True, classes='toy')"),
        rule='classes-not-a-list',
        where='train_dataloader.dataset.metainfo.classes',
        says=("'toy'", 'letters', "classes=('toy',)"),
        silent='t, o and y are the classes',
    ),
    Fault(
        name='a palette for other classes',
        task='segmentation',
        config=BOTH.format('metainfo=dict(palette=[(0, 0, 0), (255, 255, 255)])'),
        rule='palette-length',
        where='train_dataloader.dataset.metainfo.palette',
        says=('2 colours', '6 classes', 'leave the palette out'),
    ),
    Fault(
        name='ignore_index of the data set alone',
        task='segmentation',
        config=BOTH.format('ignore_index=0'),
        rule='ignore-index-differs',
        where='train_dataloader.dataset.ignore_index',
        says=('0 is ignored', 'ignores 255', 'model.decode_head.ignore_index=0'),
        silent='the first class is trained all the same',
    ),
    Fault(
        name='masks are padded with a class',
        task='segmentation',
        config='model = dict(data_preprocessor=dict(seg_pad_val=0))',
        rule='padding-not-ignored',
        where='model.data_preprocessor.seg_pad_val',
        says=('padded with 0', 'ignore 255', 'seg_pad_val=255'),
        silent='padding is trained as the first class',
    ),
    Fault(
        name='one class and a softmax',
        task='segmentation',
        data=each_mask(lambda mask: (mask == 6).astype(np.uint8)),
        config=BOTH.format("metainfo=dict(_delete_=True, classes=('toy',))")
        + '\nmodel = dict(decode_head=dict(num_classes=1))',
        rule='one-class-softmax',
        where='model.decode_head.num_classes',
        says=('softmax over one class', 'background'),
        silent='the loss is 0, every pixel is the class',
    ),
    Fault(
        name='a class that no training mask has',
        task='segmentation',
        data=each_mask(lambda mask: np.where(mask == 5, 0, mask).astype(np.uint8), 'training'),
        rule='class-never-occurs',
        where='train_dataloader.dataset.metainfo.classes',
        says=('1 class of 6', 'bricks', 'add images'),
        level='warning',
        silent='the class is never found',
    ),
    Fault(
        name='training masks where nothing is labelled',
        task='segmentation',
        data=each_mask(np.zeros_like, 'training'),
        rule='no-class-occurs',
        where='train_dataloader.dataset.metainfo.classes',
        says=('no class occurs', '24', 'reduce_zero_label'),
        silent='the loss is 0',
    ),
    Fault(
        name='a label_map to a class that is not there',
        task='segmentation',
        config=BOTH.format('reduce_zero_label=False, label_map={0: 255, 6: 6}'),
        rule='mask-arguments',
        where='train_dataloader.dataset.label_map',
        says=('6: 6', '0 to 5', 'label_map'),
    ),
    Fault(
        name='a validation set without masks',
        task='segmentation',
        config="val_dataloader = dict(dataset=dict(data_prefix=dict(_delete_=True, img_path='images/validation')))",
        rule='no-masks',
        where='val_dataloader.dataset.data_prefix.seg_map_path',
        says=('val set', 'mIoU', 'seg_map_path='),
    ),
]
