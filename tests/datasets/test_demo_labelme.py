"""The demo scenes as a folder of labelme."""

import json

import numpy as np
import pytest
from PIL import Image, ImageOps
from pycocotools import mask as coco_masks

from swin_dense.datasets.demo import DemoRecipe, make_demo_data
from swin_dense.datasets.demo_labelme import write_labelme

# of pycocotools beside numpy 2
pytestmark = pytest.mark.filterwarnings('ignore:__array__ implementation:DeprecationWarning')


@pytest.fixture(scope='module')
def folders(tmp_path_factory):
    folder = tmp_path_factory.mktemp('labelme')
    make_demo_data(folder / 'data', DemoRecipe(num_train=14, num_val=0))
    assert write_labelme(folder / 'data', folder / 'labelled') == 15
    return folder / 'data', folder / 'labelled'


def labelled(folder, stem):
    return json.loads((folder / f'{stem}.json').read_text())


def test_polygons_are_the_objects(folders):
    """The oracle is the demo's COCO file, through pycocotools."""
    data, folder = folders
    coco = json.loads((data / 'detection/annotations/instances_train.json').read_text())
    names = {category['id']: category['name'] for category in coco['categories']}
    for image in coco['images']:
        if image['id'] in (3, 9):
            continue
        size = image['height'], image['width']
        content = labelled(folder, f'{image["id"]:06d}')
        assert (content['imageHeight'], content['imageWidth']) == size
        for name in names.values():
            mine = [np.ravel(shape['points']) for shape in content['shapes'] if shape['label'] == name]
            theirs = [
                part
                for each in coco['annotations']
                if each['image_id'] == image['id'] and names[each['category_id']] == name and not each['iscrowd']
                for part in each['segmentation']
            ]
            assert np.array_equal(union(mine, size), union(theirs, size))


def union(polygons, size):
    if not polygons:
        return np.zeros(size, np.uint8)
    return coco_masks.decode(coco_masks.merge(coco_masks.frPyObjects([list(map(float, p)) for p in polygons], *size)))


def test_mistakes(folders):
    _, folder = folders
    assert labelled(folder, '000003')['shapes'][0]['label'].istitle()
    with Image.open(folder / '000006.jpg') as image:
        upright = ImageOps.exif_transpose(image)
    content = labelled(folder, '000006')
    assert upright.size == (content['imageHeight'], content['imageWidth']) != upright.size[::-1]
    assert not (folder / '000007.jpg').exists()
    assert len(labelled(folder, '000009')['shapes'][0]['points']) == 2
    assert (folder / '000011.jpg').read_bytes() == (folder / '000011_copy.jpg').read_bytes()
    assert labelled(folder, '000011_copy')['imagePath'] == '000011_copy.jpg'


def test_a_folder_with_other_files_is_refused(folders):
    data, folder = folders
    with pytest.raises(ValueError, match='Choose another name'):
        write_labelme(data, folder)
