"""Reading, crops and sizes against numpy and formulas; RandAugment's operations against loops over pixels."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from swin_dense.classification.image_transforms import (
    CenterCropImage,
    FlipImage,
    PackImage,
    RandomResizedCropImage,
    ReadImage,
    ResizeImage,
    decoded,
)
from swin_dense.classification.rand_augment import OPERATIONS, RandAugment
from swin_dense.datasets.image_headers import UnreadableImage
from swin_dense.datasets.image_operations import Geometry
from tests.classification.image_files import encoded, picture

PLAIN = Geometry(fill=(1, 2, 3), resampling=Image.Resampling.NEAREST)


def array(image):
    return np.asarray(image).astype(int)


def test_reads_what_there_is(tmp_path):
    colour, grey = picture(1), picture(1, mode='L')
    assert np.array_equal(array(decoded(encoded(colour))), array(colour))
    assert np.array_equal(array(decoded(encoded(grey))), np.repeat(array(grey)[..., None], 3, 2))
    assert decoded(encoded(colour.convert('CMYK'), 'JPEG')).mode == 'RGB'
    assert np.array_equal(array(decoded(encoded(colour.convert('RGBA')))), array(colour))
    palette = colour.quantize(17)
    assert np.array_equal(array(decoded(encoded(palette))), array(palette.convert('RGB')))
    deep = Image.fromarray(np.array([[0, 256, 65535]], dtype=np.uint16))
    assert array(decoded(encoded(deep)))[0, :, 0].tolist() == [0, 1, 255]
    turned = Image.Exif()
    turned[274] = 6
    buffer = io.BytesIO()
    colour.save(buffer, 'PNG', exif=turned)
    assert decoded(buffer.getvalue()).size == colour.size  # as the official code: EXIF is ignored
    for content, message in (
        (b'', 'empty file'),
        (b'text', 'no picture of a kind that Pillow knows'),
        (encoded(colour)[:300], 'read to its end'),
        (encoded(colour, 'JPEG')[:300], 'read to its end'),
    ):
        with pytest.raises(UnreadableImage, match=message):
            decoded(content)
    with pytest.raises(UnreadableImage, match='No such file'):
        ReadImage().transform({'path': str(tmp_path / 'none.png')})


@pytest.mark.parametrize(('height', 'width', 'expected'), [(20, 30, (16, 24)), (33, 20, (26, 16)), (16, 21, (16, 21))])
def test_resizes_the_short_side(height, width, expected):
    found = ResizeImage(size=16).transform({'image': picture(0, height=height, width=width)})['image']
    assert (found.height, found.width) == expected  # int(33 * 16 / 20) = 26
    assert ResizeImage(size=9, keep_ratio=False).transform({'image': picture(0)})['image'].size == (9, 9)


@pytest.mark.parametrize('size', [(20, 30), (21, 17), (16, 16)])
def test_crops_the_middle(size):
    image = picture(0, height=size[0], width=size[1])
    found = CenterCropImage(size=16).transform({'image': image})['image']
    top, left = round((size[0] - 16) / 2), round((size[1] - 16) / 2)
    assert np.array_equal(array(found), array(image)[top : top + 16, left : left + 16])
    with pytest.raises(ValueError, match=r'20 x 30 .* no crop of 24 x 24'):
        CenterCropImage(size=24).transform({'image': picture(0)})


def test_random_parts_are_of_the_given_sizes_and_shapes():
    np.random.seed(0)
    rows, columns = np.arange(64)[:, None] * 4, np.arange(48)[None] * 5
    ramp = Image.fromarray(np.stack(np.broadcast_arrays(rows, columns, 0), axis=-1).astype(np.uint8))
    transform = RandomResizedCropImage(size=24, scale=(0.2, 0.6), aspect=(0.5, 2.0))
    parts = [transform._part(64, 48) for _ in range(400)]
    areas = np.array([height * width / (64 * 48) for *_, height, width in parts])
    shapes = np.array([width / height for *_, height, width in parts])
    assert 0.19 < areas.min() < 0.23 < 0.55 < areas.max() < 0.62
    assert 0.47 < shapes.min() < 0.6 < 1.6 < shapes.max() < 2.1
    for top, left, height, width in parts:
        assert 0 <= top <= 64 - height
        assert 0 <= left <= 48 - width
    found = array(transform.transform({'image': ramp})['image'])
    assert found.shape == (24, 24, 3)
    assert (np.diff(found[:, 0, 0]) >= 0).all()
    assert (np.diff(found[0, :, 1]) >= 0).all()
    # a shape that never fits: the middle, as wide as allowed
    assert RandomResizedCropImage(size=8, scale=(1.0, 1.0))._part(10, 100) == (0, 43, 10, 13)


def test_packs_and_flips():
    image = picture(3)
    packed = PackImage().transform({'image': image, 'path': 'a.png', 'label': 4})
    assert torch.equal(packed['inputs'], torch.from_numpy(np.array(image)).permute(2, 0, 1))
    assert (packed['data_samples'].path, int(packed['data_samples'].gt_label)) == ('a.png', 4)
    assert np.array_equal(array(FlipImage(prob=1.0).transform({'image': image})['image']), array(image)[:, ::-1])
    assert FlipImage(prob=0.0).transform({'image': image})['image'] is image


@pytest.mark.parametrize(('name', 'strength', 'sign', 'expected'), [
    ('invert', 0.9, 1, lambda x: 255 - x),
    ('posterize', 0.9, 1, lambda x: x // 128 * 128),  # 4 - int(3.6) = 1 bit
    ('posterize', 1.0, 1, lambda x: 0 * x),
    ('solarize', 0.9, 1, lambda x: np.where(x < 26, x, 255 - x)),  # 256 - int(230.4)
    ('solarize_add', 0.9, 1, lambda x: np.where(x < 128, np.minimum(255, x + 99), x)),
    ('brightness', 0.9, 1, lambda x: np.clip(np.trunc(x * 1.81), 0, 255)),
    ('brightness', 0.9, -1, lambda x: np.trunc(x * 0.19)),
    ('brightness', 1.0, -1, lambda x: np.trunc(x * 0.1)),
])  # fmt: skip
def test_operations_on_colours(name, strength, sign, expected):
    image = picture(5)
    found = array(OPERATIONS[name](image, strength, sign, PLAIN))
    assert np.abs(found - expected(array(image))).max() <= 1


def test_operations_on_places():
    image = picture(5, height=20, width=30)
    pixels = array(image)
    moved = array(OPERATIONS['translate_x'](image, 0.8, 1, PLAIN))  # 0.45 * 0.8 * 30 = 10.8
    assert np.array_equal(moved[:, :19], pixels[:, 11:])
    assert (moved[:, 20:] == (1, 2, 3)).all()
    moved = array(OPERATIONS['translate_y'](image, 0.5, -1, PLAIN))  # -4.5
    assert np.array_equal(moved[5:], pixels[:-5]) or np.array_equal(moved[4:], pixels[:-4])
    sheared = array(OPERATIONS['shear_x'](image, 1.0, 1, PLAIN))
    for row in (0, 7, 19):
        offset = int(np.floor(0.5 + 0.3 * (row + 0.5)))
        assert np.array_equal(sheared[row, : 30 - offset], pixels[row, offset:])
    turned = array(OPERATIONS['rotate'](image, 0.5, 1, PLAIN))
    assert np.array_equal(turned, array(image.rotate(15, fillcolor=(1, 2, 3))))


def test_draws_by_the_numbers():
    assert len(OPERATIONS) == 15
    np.random.seed(0)
    image, unchanged = picture(5), 0
    for _ in range(400):
        unchanged += np.array_equal(array(RandAugment().transform({'image': image})['image']), array(image))
    assert 0.2 < unchanged / 400 < 0.33  # both operations are left out one time in four
    np.random.seed(1)
    first = [array(RandAugment().transform({'image': image})['image']) for _ in range(5)]
    np.random.seed(1)
    second = [array(RandAugment().transform({'image': image})['image']) for _ in range(5)]
    assert all(map(np.array_equal, first, second))
    assert RandAugment(num_ops=0).transform({'image': image})['image'] is image
    with pytest.raises(ValueError, match='magnitude from 0 to 10'):
        RandAugment(magnitude=11)
    with pytest.raises(ValueError, match="bilinear, bicubic, random; got 'nearest'"):
        RandAugment(interpolation='nearest')
