"""Reading labelme's json, against drawings of Pillow, which labelme itself draws with."""

import json
import math

import numpy as np
import pytest
from PIL import Image, ImageDraw
from shapely.geometry import Polygon

from swin_dense.datasets.labelme import read_labelme
from tests.datasets.labelme_files import mask_shape, picture, shape, write

TRIANGLE = [[10.5, 5.0], [40.0, 12.25], [22.0, 50.0]]


def drawn(polygons, height=60, width=80):
    """(H, W) of what Pillow fills, at 8 times the size, so that its thick outline weighs little."""
    image = Image.new('1', (width * 8, height * 8))
    for polygon in polygons:
        ImageDraw.Draw(image).polygon([value * 8 for value in polygon], fill=1)
    return np.array(image).reshape(height, 8, width, 8).mean(axis=(1, 3)) > 0.5


def test_shapes(tmp_path):
    hole = np.ones((9, 12), bool)
    hole[3:6, 4:8] = False
    shapes = [
        shape('cat', TRIANGLE),
        shape(' dog ', [[70, 50], [60.5, 40]], 'rectangle'),  # corners in any order; a name with blanks around it
        shape('sun', [[30, 30], [30, 45]], 'circle'),
        shape('cat', [[1, 1], [9, 1], [9, 9], [1, 9]], 'oriented_rectangle'),
        mask_shape('mask', hole, left=20, top=5),
    ]
    image = read_labelme(write(tmp_path, 'a', shapes))
    assert [each.label for each in image.objects] == ['cat', 'dog', 'sun', 'cat', 'mask']
    polygons = [each.polygons for each in image.objects]
    assert polygons[0] == [[10.5, 5.0, 40.0, 12.25, 22.0, 50.0]]
    box = Polygon(np.reshape(polygons[1], (-1, 2)))
    assert box.bounds == (60.5, 40, 70, 50)
    assert box.area == 9.5 * 10
    circle = np.reshape(polygons[2], (-1, 2))
    radii = np.hypot(*(circle - (30, 30)).T)
    assert radii == pytest.approx(15)
    assert Polygon(circle).area == pytest.approx(math.pi * 15**2, rel=0.02)
    assert polygons[3] == [[1, 1, 9, 1, 9, 9, 1, 9]]
    expected = np.zeros((60, 80), bool)
    expected[5:14, 20:32] = hole
    np.testing.assert_array_equal(drawn(polygons[4]), expected)
    assert (image.height, image.width, image.suffix) == (60, 80, '.jpg')
    assert not image.left_out


@pytest.mark.parametrize('radius', [0.05, 1, 10, 300])
def test_circles_are_round(tmp_path, radius):
    path = write(tmp_path, 'a', [shape('sun', [[5, 5], [5 + radius, 5]], 'circle')])
    corners = np.reshape(read_labelme(path).objects[0].polygons, (-1, 2))
    middles = (corners + np.roll(corners, 1, axis=0)) / 2
    assert np.hypot(*(middles - 5).T).min() > radius - 0.101
    assert len(corners) < 200


def test_what_is_no_region_is_counted(tmp_path):
    shapes = [
        shape('cat', TRIANGLE),
        shape('edge', [[1, 1], [5, 5]], 'line'),
        shape('edge', [[1, 1], [5, 5], [9, 1]], 'linestrip'),
        shape('dot', [[3, 3]], 'point'),
        shape('dot', [[3, 3]], 'point'),
        shape('dots', [[3, 3], [4, 4]], 'points'),
        shape('thin', [[3, 3], [4, 4]]),
        shape('none', []),
        mask_shape('mask', np.zeros((3, 3), bool), left=1, top=1),
    ]
    image = read_labelme(write(tmp_path, 'a', shapes))
    assert [each.label for each in image.objects] == ['cat']
    assert image.left_out == {
        'line': 1, 'linestrip': 1, 'point': 2, 'points': 1,
        'polygon of 2 points': 1, 'polygon of 0 points': 1, 'mask without pixels': 1,
    }  # fmt: skip


def test_groups(tmp_path):
    other = [[50, 5], [60, 5], [60, 15]]
    shapes = [
        shape('cat', TRIANGLE, group_id=1),
        shape('dog', TRIANGLE, group_id=1),
        shape('cat', other, group_id=1),
        shape('cat', other),
        shape('cat', other),
    ]
    objects = read_labelme(write(tmp_path, 'a', shapes)).objects
    assert [(each.label, len(each.polygons)) for each in objects] == [('cat', 2), ('dog', 1), ('cat', 1), ('cat', 1)]
    assert objects[0].polygons[1] == [50, 5, 60, 5, 60, 15]


def test_version_3(tmp_path):
    """Without shape_type, group_id, flags and sizes; with colours."""
    old = {'label': 'cat', 'line_color': None, 'fill_color': None, 'points': TRIANGLE}
    path = write(tmp_path, 'a', [old], version='3.16.7', lineColor=[0, 255, 0, 128])
    values = json.loads(path.read_text())
    for key in ('imageHeight', 'imageWidth', 'flags'):
        del values[key]
    path.write_text(json.dumps(values))
    image = read_labelme(path)
    assert image.objects[0].polygons == [[10.5, 5.0, 40.0, 12.25, 22.0, 50.0]]
    assert (image.height, image.width) == (60, 80)


def test_where_the_image_is(tmp_path):
    beside = write(tmp_path / 'json', 'a', [shape('cat', TRIANGLE)])
    content = beside.with_suffix('.jpg').read_bytes()
    inside = write(tmp_path / 'json', 'b', [shape('cat', TRIANGLE)], inside=True, imagePath='elsewhere\\b.bmp')
    image = read_labelme(inside)
    assert image.source is None
    assert image.suffix == '.jpg'  # what it is, not what it was
    (tmp_path / 'images').mkdir()
    beside.with_suffix('.jpg').rename(tmp_path / 'images' / 'a.JPG')
    for name in ('../images/a.JPG', '..\\images\\a.JPG'):
        path = write(tmp_path / 'json', 'c', [shape('cat', TRIANGLE)], image=False, imagePath=name)
        image = read_labelme(path)
        assert image.content == content
        assert image.suffix == '.JPG'
    (tmp_path / 'json' / 'moved.jpg').write_bytes(content)  # together with its json
    path = write(tmp_path / 'json', 'd', [shape('cat', TRIANGLE)], image=False, imagePath='/home/else/moved.jpg')
    assert read_labelme(path).content == content


def test_turned_images_are_as_labelme_showed_them(tmp_path):
    path = write(tmp_path, 'a', [shape('cat', TRIANGLE)])
    path.with_suffix('.jpg').write_bytes(picture(80, 60, orientation=6))  # stored with the head to the left
    image = read_labelme(path)
    assert (image.height, image.width) == (60, 80)
    values = json.loads(path.read_text())
    path.write_text(json.dumps({**values, 'imageHeight': 80, 'imageWidth': 60}))
    with pytest.raises(ValueError, match=r'80 x 60, and .*a\.jpg has 60 x 80 pixels \(turned upright, as its EXIF'):
        read_labelme(path)


@pytest.mark.parametrize(('change', 'message'), [
    ({'shapes': None}, "no list 'shapes'"),
    ({'imagePath': None}, "no 'imagePath'"),
    ({'imagePath': 'gone.jpg'}, r'its image is not there: .*gone\.jpg'),
    ({'imagePath': 'gone.jpg', 'imageData': '!'}, 'imageData is not in base 64'),
    ({'imagePath': 'gone.jpg', 'imageData': 'aGVsbG8='}, 'not a picture'),
    ({'imageHeight': 61}, r'61 x 80, and .*a\.jpg has 60 x 80'),
    ({'shapes': ['cat']}, r'shapes\[0\]: is str, not a shape'),
    ({'shapes': [shape('cat', TRIANGLE), shape(' ', TRIANGLE)]}, r"shapes\[1\]: its label is ' '"),
    ({'shapes': [shape(None, TRIANGLE)]}, r'shapes\[0\]: its label is None'),
    ({'shapes': [shape('cat', TRIANGLE, group_id=[1])]}, r'group_id is \[1\]'),
    ({'shapes': [shape('cat', [[1, 2], [3]])]}, r'no list of \[x, y\]: \[\[1, 2\], \[3\]\]'),
    ({'shapes': [shape('cat', [[1, 2], [3, float('nan')], [4, 5]])]}, r'no list of \[x, y\]'),
    ({'shapes': [shape('cat', None)]}, r'no list of \[x, y\]: None'),
    ({'shapes': [shape('cat', [[1, 2], [3, 4]], 'mask', mask='aGVsbG8=')]}, 'its mask is no PNG'),
    ({'shapes': [shape('cat', [[1, 2], [3, 4]], 'mask')]}, 'its mask is no PNG'),
    ({'shapes': [shape('cat', [[1, 2]], 'mask')]}, 'between two points'),
])  # fmt: skip
def test_faults(tmp_path, change, message):
    path = write(tmp_path, 'a', [shape('cat', TRIANGLE)])
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(ValueError, match=message):
        read_labelme(path)


def test_broken_files(tmp_path):
    path = write(tmp_path, 'a', [shape('cat', TRIANGLE)])
    text = path.read_text()
    for broken in (text[:-10], '', '[1]', '\x00'):
        path.write_text(broken)
        with pytest.raises(ValueError, match=r'not valid JSON|not of labelme'):
            read_labelme(path)
    path.write_text(text)
    image = path.with_suffix('.jpg')
    image.write_bytes(image.read_bytes()[:-200])
    with pytest.raises(ValueError, match='truncated JPEG'):
        read_labelme(path)
