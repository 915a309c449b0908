"""Pixels against mmcv's loader, which training uses, and Pillow; reasons for files that have none."""

import io
import struct
import sys
import zlib
from concurrent.futures import ThreadPoolExecutor

import mmcv
import numpy as np
import pytest
from mmcv.transforms import LoadImageFromFile
from PIL import Image, ImageOps

from swin_dense.inference import decoding
from swin_dense.inference.decoding import OPENCV_LOG, UnreadableImage, decode_image, image_size, read_image
from tests.checkpoints.web_site import Site
from tests.inference.hostile_files import (
    bomb,
    encoded,
    opencv_encoded,
    picture,
    png_chunk,
    with_orientation,
    write_hostile_folder,
)  # fmt: skip

RGB = Image.fromarray(picture())


@pytest.fixture
def opencv_log_level():
    before = OPENCV_LOG.getLogLevel()
    yield
    OPENCV_LOG.setLogLevel(before)


def by_pillow(content):
    return np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(content))).convert('RGB'))


def difference(content, expected):
    image = decode_image(content)
    assert image.dtype == np.uint8
    assert image.flags.c_contiguous
    assert image.shape == expected.shape
    return np.abs(image.astype(int) - expected).max()


def reason(content, **options):
    with pytest.raises(UnreadableImage) as caught:
        decode_image(content, **options)
    return str(caught.value)


def without_adobe(content):
    start = content.index(b'\xff\xee')
    return content[:start] + content[start + 2 + int.from_bytes(content[start + 2 : start + 4], 'big') :]


@pytest.mark.parametrize('suffix', ['.jpg', '.png'])
@pytest.mark.parametrize('orientation', [1, 6])
def test_pixels_are_those_of_training(tmp_path, suffix, orientation):
    path = tmp_path / f'x{suffix}'
    path.write_bytes(with_orientation(RGB, orientation, 'JPEG' if suffix == '.jpg' else 'PNG'))
    trained = LoadImageFromFile(imdecode_backend='cv2', color_type='color').transform({'img_path': str(path)})['img']
    image = read_image(str(path))
    assert np.array_equal(image, trained[..., ::-1])
    corner = image[0, -1 if orientation == 6 else 0].astype(int)
    assert np.abs(corner - (255, 0, 0)).max() < 40, 'red is not red'


@pytest.mark.parametrize('orientation', range(1, 9))
@pytest.mark.parametrize(
    ('kind', 'options'),
    [('JPEG', {}), ('PNG', {}), ('TIFF', {}), ('WEBP', {'lossless': True}), ('AVIF', {}), ('WEBP', {'quality': 60})],
)
def test_orientation(tmp_path, orientation, kind, options):
    content = with_orientation(RGB, orientation, kind, **options)
    expected = by_pillow(content)
    assert difference(content, expected) <= (0 if kind != 'AVIF' else 1)
    (tmp_path / 'x').write_bytes(content)
    assert image_size(str(tmp_path / 'x')) == expected.shape[:2]


@pytest.mark.parametrize('kind', ['JPEG', 'PNG', 'GIF', 'WEBP', 'BMP', 'TIFF', 'JPEG2000', 'AVIF', 'PPM'])
def test_formats(tmp_path, kind):
    content = encoded(RGB, kind)
    assert difference(content, by_pillow(content)) <= 1
    (tmp_path / 'x').write_bytes(content)
    assert image_size(str(tmp_path / 'x')) == (33, 50)


@pytest.mark.parametrize('mode', ['1', 'L', 'LA', 'P', 'RGBA'])
def test_modes(mode):
    content = encoded(RGB.convert(mode), 'PNG')
    assert difference(content, by_pillow(content)) == 0


def test_colours_under_alpha_are_kept():
    image = picture(channels=4)
    image[..., 3] = np.arange(50)
    for kind, options in (('PNG', {}), ('WEBP', {'lossless': True, 'exact': True})):
        assert difference(encoded(image, kind, **options), image[..., :3]) == 0
    tiff = encoded(image, 'TIFF')
    trained = mmcv.imfrombytes(tiff, channel_order='rgb', backend='cv2')
    assert not np.array_equal(trained, image[..., :3])  # libtiff multiplies by alpha: in training, and here
    assert difference(tiff, trained) == 0
    palette = RGB.convert('P')
    assert difference(encoded(palette, 'PNG', transparency=3), np.asarray(palette.convert('RGB'))) == 0


@pytest.mark.parametrize('suffix', ['.png', '.tiff', '.pgm', '.jp2'])
def test_16_bits_become_8(suffix):
    deep = np.random.default_rng(0).integers(0, 65536, (33, 50, 3)).astype(np.uint16)
    tolerance = 0 if suffix in ('.png', '.pgm') else 1  # libtiff rounds
    assert difference(opencv_encoded(deep[..., 0], suffix), np.repeat(deep[..., :1] >> 8, 3, axis=2)) <= tolerance
    if suffix != '.pgm':
        assert difference(opencv_encoded(deep[..., ::-1], suffix), deep >> 8) <= tolerance


def test_cmyk_is_not_inverted():
    adobe = encoded(RGB.convert('CMYK'), 'JPEG')
    ycck = bytearray(adobe)
    ycck[adobe.index(b'Adobe') + 11] = 2
    for content in (adobe, without_adobe(adobe), bytes(ycck), encoded(RGB.convert('CMYK'), 'TIFF')):
        assert difference(content, by_pillow(content)) <= 2
    assert np.abs(decode_image(adobe).astype(int) - picture()).mean() < 10


def test_the_first_of_many():
    second = Image.fromarray(picture()[::-1])
    for kind in ('GIF', 'WEBP', 'TIFF', 'PNG'):
        content = encoded(RGB, kind, save_all=True, append_images=[second])
        assert difference(content, np.asarray(Image.open(io.BytesIO(content)).convert('RGB'))) == 0


@pytest.mark.parametrize(
    'kind', ['JPEG', 'progressive', 'PNG', 'GIF', 'WEBP', 'BMP', 'TIFF', 'JPEG2000', 'AVIF', 'PPM']
)
def test_what_ends_early_is_refused(kind, capfd):
    options = {'progressive': True} if kind == 'progressive' else {}
    content = encoded(picture(200, 300), 'JPEG' if options else kind, **options)
    decode_image(content)
    for part in (0.02, 0.1, 0.5, 0.8, 0.95, 0.99):
        assert 'truncated' in reason(content[: int(len(content) * part)])
    assert capfd.readouterr().err == ''


def test_a_thumbnail_does_not_end_a_picture():
    exif = Image.Exif()
    exif[0x10E] = encoded(picture(8, 8), 'JPEG').decode('latin-1')
    content = encoded(RGB, 'JPEG', exif=exif)
    decode_image(content + b'\xff\xd8 more')
    assert reason(content[:-20]) == 'truncated JPEG'


def test_a_jpeg_with_restarts_and_filling_is_whole():
    content = encoded(RGB, 'JPEG', restart_marker_blocks=1)
    assert b'\xff\xd0' in content
    assert difference(content, by_pillow(content)) == 0
    assert difference(content[:2] + b'\xff\xff' + content[2:], by_pillow(content)) == 0


def test_png_damage():
    head = png_chunk(b'IHDR', struct.pack('>IIBBBBB', 50, 33, 8, 2, 0, 0, 0))
    start, end = b'\x89PNG\r\n\x1a\n', png_chunk(b'IEND', b'')
    assert 'damaged PNG, or' in reason(start + head + png_chunk(b'IDAT', zlib.compress(bytes(1000))) + end)
    assert 'damaged PNG, or' in reason(start + head + end)
    good = bytearray(encoded(RGB, 'PNG'))
    good[good.index(b'IDAT') + 20] ^= 1
    assert reason(bytes(good)) == 'damaged PNG: wrong checksum of IDAT'


@pytest.mark.parametrize('dtype', [np.float32, np.float64, np.int16, np.int32])
@pytest.mark.parametrize('channels', [1, 3])
def test_pixels_without_a_range_are_refused(dtype, channels):
    assert 'float' in reason(opencv_encoded(np.ones((9, 9, channels), dtype), '.tiff'))


def test_bombs_are_refused_before_they_are_decoded():
    assert reason(bomb()) == '30000 x 40000 = 1,200,000,000 pixels, the limit is 500,000,000'
    before = Image.MAX_IMAGE_PIXELS
    for kind in ('JPEG', 'PNG', 'GIF', 'WEBP', 'BMP', 'TIFF', 'JPEG2000', 'AVIF'):
        content = encoded(picture(), kind)
        assert '1,650 pixels, the limit is 1,649' in reason(content, max_pixels=1649)
        decode_image(content, max_pixels=1650)
    gif = bytearray(encoded(picture(), 'GIF'))
    gif[6:10] = struct.pack('<HH', 65535, 65535)
    assert 'the limit is' in reason(bytes(gif))
    assert before == Image.MAX_IMAGE_PIXELS


def test_pillows_limit_does_not_count(monkeypatch):
    monkeypatch.setattr(Image, 'MAX_IMAGE_PIXELS', 100)
    decode_image(encoded(Image.fromarray(picture()).convert('P'), 'GIF'))
    assert Image.MAX_IMAGE_PIXELS == 100


@pytest.mark.parametrize(
    ('content', 'expected'),
    [(b'', 'empty file'), (b'<html>', "not a picture (starts with b'<html>')"), (bytes(40), 'not a picture'),
     (b'\0\0\0\x18ftypheic' + bytes(40), 'HEIC'), (b'Pf 1 1 -1\n1234', 'floats'), (b'BMW is a maker of cars', 'BMP'),
     (b'\xff\xd8\xff', 'JPEG'), (b'II*\0\xff\xff\xff\xff', 'TIFF'), (b'\x89PNG\r\n\x1a\n', 'PNG'), (b'GIF89a', 'GIF')],
)  # fmt: skip
def test_what_is_no_picture_says_what_it_is(content, expected):
    assert expected in reason(content)


def test_changed_bytes_give_pixels_or_a_reason():
    reasons = []
    random = np.random.default_rng(0)
    for kind in ('JPEG', 'PNG', 'GIF', 'WEBP', 'BMP', 'TIFF', 'PPM', 'AVIF'):
        whole = np.frombuffer(
            with_orientation(RGB, 6, kind) if kind in ('JPEG', 'PNG', 'TIFF') else encoded(RGB, kind), 'u1'
        )
        for _ in range(60):
            content = whole.copy()
            content[random.integers(0, min(len(whole), 400), 2)] = random.integers(0, 256, 2)
            try:
                assert decode_image(content.tobytes(), max_pixels=10**6).ndim == 3
            except UnreadableImage as error:
                reasons.append(str(error))
    assert len(reasons) > 100
    assert max(map(len, reasons)) < 150


def test_the_hostile_folder(tmp_path):
    found = write_hostile_folder(tmp_path)
    assert len(found.good) + len(found.bad) > 35
    for name, size in found.good.items():
        assert read_image(str(tmp_path / name)).shape == (*size, 3), name
        assert image_size(str(tmp_path / name)) == size, name
    for name, word in found.bad.items():
        with pytest.raises(UnreadableImage) as caught:
            read_image(str(tmp_path / name))
        message = str(caught.value)
        assert word in message
        assert str(tmp_path) not in message
        assert len(message) < 100


def test_a_file_without_permission(tmp_path, monkeypatch):
    (tmp_path / 'x.jpg').write_bytes(encoded(RGB, 'JPEG'))

    def refused(*_, **__):
        raise PermissionError(13, 'Permission denied')

    monkeypatch.setattr('builtins.open', refused)
    with pytest.raises(UnreadableImage, match=r'^no permission to read it$'):
        read_image(str(tmp_path / 'x.jpg'))
    assert image_size(str(tmp_path / 'x.jpg')) is None


def test_what_is_no_regular_file(tmp_path):
    for path, expected in ((tmp_path, 'a folder'), ('/dev/zero', 'device'), (tmp_path / 'none', 'no such file')):
        with pytest.raises(UnreadableImage, match=expected):
            read_image(str(path))
        assert image_size(str(path)) is None


def test_addresses(tmp_path, monkeypatch):
    with Site(tmp_path / 'site') as site:
        content = encoded(RGB, 'PNG')
        (site.folder / 'x.png').write_bytes(content)
        url = site.url.rpartition('/')[0] + '/x.png'
        assert np.array_equal(read_image(url), picture())
        assert np.array_equal(read_image((site.folder / 'x.png').as_uri()), picture())
        for manner, address, expected in (
            ('', url + 'x', 'HTTP 404 Not Found'),
            ('cut', url, 'the connection ended after'),
        ):
            site.manner = manner
            with pytest.raises(UnreadableImage, match=expected):
                read_image(address)
        monkeypatch.setattr(decoding, 'SECONDS_OF_SILENCE', 0.3)
        site.manner = 'stuck'
        with pytest.raises(UnreadableImage, match='no answer in'):
            read_image(url)
        site.manner = ''
        monkeypatch.setattr(decoding, 'MAX_BYTES', len(content) - 1)
        with pytest.raises(UnreadableImage, match='gives more than'):
            read_image(url)
    with pytest.raises(UnreadableImage, match='cannot be reached'):
        read_image(url)


def test_threads(tmp_path, opencv_log_level):
    found = write_hostile_folder(tmp_path)
    names = [*found.good, *found.bad] * 5

    def outcome(name):
        try:
            return read_image(str(tmp_path / name)).tobytes()
        except UnreadableImage as error:
            return str(error)

    OPENCV_LOG.setLogLevel(level := 3)
    expected = {name: outcome(name) for name in set(names)}
    sys.setswitchinterval(1e-5)
    try:
        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(outcome, names)) == [expected[name] for name in names]
    finally:
        sys.setswitchinterval(0.005)
    assert OPENCV_LOG.getLogLevel() == level
    assert Image.MAX_IMAGE_PIXELS == 89478485


def test_opencv_is_silent_and_its_level_put_back(opencv_log_level, capfd):
    content = encoded(picture(200, 300), 'JPEG2000')
    for _ in range(2):
        OPENCV_LOG.setLogLevel(3)
        decode_image(content)
        assert OPENCV_LOG.getLogLevel() == 3
        assert 'truncated' in reason(content[: len(content) // 2])
        assert OPENCV_LOG.getLogLevel() == 3
    assert capfd.readouterr().err == ''
