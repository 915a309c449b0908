"""Pictures of batches made by hand: colours, places, what does not count, what has no class, what is in them."""

import cv2
import numpy as np
import pytest
import torch
from mmdet.structures import DetDataSample
from mmdet.structures.bbox import HorizontalBoxes
from mmdet.structures.mask import BitmapMasks
from mmengine.structures import InstanceData, PixelData
from mmseg.structures import SegDataSample

from swin_dense.checks.batch_findings import annotation_findings, drawn_findings
from swin_dense.checks.drawn_batch import Meaning, draw_batch, meaning_of, tensor_bytes

pytestmark = pytest.mark.filterwarnings('ignore')
PALETTE = np.array([(0, 255, 0), (0, 0, 255)], np.uint8)
MEANING = Meaning(['leaf', 'sky'], PALETTE)
HEIGHT, WIDTH = 360, 720  # drawn at 1:1


def red_image(*, rgb=False):
    """(3, H, W) uint8, red."""
    image = torch.zeros(3, HEIGHT, WIDTH, dtype=torch.uint8)
    image[0 if rgb else 2] = 200
    return image


def detected(boxes, labels, *, masks=None, ignored=(), **meta):
    sample = DetDataSample(metainfo={'img_path': 'a/b.png', 'img_shape': (HEIGHT, WIDTH), **meta})
    sample.gt_instances = InstanceData(
        bboxes=HorizontalBoxes(torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4)), labels=torch.tensor(labels)
    )
    if masks is not None:
        sample.gt_instances.masks = BitmapMasks(masks, *masks.shape[1:])
    if ignored:
        sample.ignored_instances = InstanceData(bboxes=HorizontalBoxes(torch.tensor(ignored, dtype=torch.float32)))
    return sample


def segmented(labels):
    sample = SegDataSample(metainfo={'img_path': 'a/b.png'})
    sample.gt_sem_seg = PixelData(data=torch.as_tensor(labels)[None])
    return sample


def drawn(sample, folder, meaning=MEANING, image=None):
    image = red_image() if image is None else image
    batch = {'inputs': [image], 'data_samples': [sample]}
    result = draw_batch(batch, meaning, folder, 'train')
    return result, cv2.cvtColor(cv2.imread(str(folder / 'train_0.jpg')), cv2.COLOR_BGR2RGB).astype(int)


def near(pixel, colour, *, line=False):
    return np.abs(np.asarray(pixel) - colour).max() < (90 if line else 25)  # JPEG blurs colours of lines


def test_objects_are_drawn_where_they_are_in_their_colours(tmp_path):
    masks = np.zeros((2, HEIGHT, WIDTH), np.uint8)
    masks[0, 100:200, 100:300] = 1
    sample = detected([[100, 100, 300, 200], [400, 50, 600, 340]], [0, 1], masks=masks, ignored=[[10, 300, 60, 350]])
    found, picture = drawn(sample, tmp_path)
    assert picture.shape == (HEIGHT, WIDTH, 3)
    assert near(picture[150, 101], (0, 255, 0), line=True)
    assert near(picture[150, 200], (0.55 * 200, 0.45 * 255, 0))  # the mask over the image
    assert near(picture[200, 401], (0, 0, 255), line=True)
    assert near(picture[200, 500], (200, 0, 0))  # no mask there
    assert near(picture[325, 11], (200, 200, 200), line=True)
    assert near(picture[20, 20], (200, 0, 0))  # red, not blue
    assert found.counts == {'leaf': 1, 'sky': 1}
    assert (found.images, found.kind, found.unnamed) == (1, 'objects', {})


def test_images_that_have_red_first(tmp_path):
    meaning = Meaning(['leaf', 'sky'], PALETTE, rgb=True)
    _, picture = drawn(detected([], []), tmp_path, meaning, red_image(rgb=True))
    assert near(picture[20, 20], (200, 0, 0))
    assert meaning_of(None, {'data_preprocessor': {'rgb_to_bgr': True}}, ()).rgb
    assert not meaning_of(None, {'data_preprocessor': {'bgr_to_rgb': True}}, ()).rgb


def test_boxes_of_the_file_on_a_resized_image(tmp_path):
    pipeline = [{'type': 'LoadImageFromFile'}, {'type': 'Resize'}, {'type': 'LoadAnnotations'}]
    assert meaning_of(None, {}, pipeline).of_the_file
    assert not meaning_of(None, {}, pipeline[::-1]).of_the_file
    meaning = Meaning(['leaf', 'sky'], PALETTE, of_the_file=True)
    half = torch.zeros(3, 200, 400, dtype=torch.uint8)  # 180 x 360 and padded
    half[2, :180, :360] = 200
    sample = detected([[400, 100, 600, 300]], [1], ori_shape=(HEIGHT, WIDTH), scale_factor=(0.5, 0.5))
    _, picture = drawn(sample, tmp_path, meaning, half)
    assert picture.shape == (HEIGHT, WIDTH, 3)
    assert near(picture[200, 401], (0, 0, 255), line=True)
    assert near(picture[-20, -20], (200, 0, 0))


def test_pixels_have_colours_and_those_that_do_not_count_are_hatched(tmp_path):
    labels = np.zeros((HEIGHT, WIDTH), np.int64)
    labels[:, 300:500], labels[:, 500:] = 1, 255
    found, picture = drawn(segmented(labels), tmp_path)
    assert picture.shape[0] > HEIGHT  # the legend is below
    assert near(picture[100, 100], (100, 127, 0))
    assert near(picture[100, 400], (100, 0, 127))
    hatched = picture[50:150, 550:650]
    pixels = hatched.reshape(-1, 3)[:, 0]
    assert pixels.max() > 180
    assert pixels.min() < 120
    assert found.counts == {'leaf': 300 * HEIGHT, 'sky': 200 * HEIGHT, 'ignored (255)': 220 * HEIGHT}
    (fact,) = drawn_findings(found, 'train', 'config.py')
    assert fact.level == 'ok'
    assert 'leaf 41.7 %, ignored (255) 30.6 %, sky 27.8 %' in fact.message


@pytest.mark.parametrize('kind', ['pixels', 'objects'])
def test_labels_without_class(kind, tmp_path):
    labels = np.zeros((HEIGHT, WIDTH), np.int64)
    labels[:10] = 7
    sample = segmented(labels) if kind == 'pixels' else detected([[9, 9, 99, 99]], [7])
    found, _ = drawn(sample, tmp_path)
    assert found.unnamed == {'a/b.png': [7]}
    error, _ = drawn_findings(found, 'train', 'config.py')
    assert (error.level, error.rule, error.value) == ('error', 'labels-without-class', [7])
    assert error.cases[0].file == 'a/b.png'


def test_pictures_of_a_larger_batch_before_go_away(tmp_path):
    (tmp_path / 'train_5.jpg').write_text('of before')
    (tmp_path / 'train_note.jpg').write_text("somebody's")
    drawn(detected([], []), tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ['train_0.jpg', 'train_note.jpg']


def test_what_has_no_annotations_and_is_no_picture(tmp_path):
    inputs = torch.randn(2, 5, 40, 30)
    found = draw_batch({'inputs': inputs}, MEANING, tmp_path, 'val')
    assert (found.images, found.kind) == (2, 'nothing')
    assert cv2.imread(str(tmp_path / 'val_1.jpg')).shape == (40, 30, 3)


class Infos:
    """A data set of which each third image has objects."""

    def __len__(self):
        return 30

    def get_data_info(self, index):
        return {'instances': [1] if index % 3 == 0 else []}


def test_a_batch_without_objects_is_a_fault_where_it_cannot_be_chance():
    def found(count, sample):
        return [f.rule for f in annotation_findings([{'data_samples': [sample] * count}], Infos(), MEANING, '')]

    empty = detected([], [])
    assert found(17, empty) == []  # (2/3) ** 17 is 0.00101
    assert found(18, empty) == ['pipeline-drops-annotations']
    assert found(18, detected([[1, 1, 9, 9]], [0])) == []


def test_bytes_that_workers_hand_over():
    sample = segmented(np.zeros((10, 20), np.int64))
    boxes = detected([[1, 1, 9, 9]], [0])
    batch = {'inputs': [torch.zeros(3, 10, 20, dtype=torch.uint8)], 'data_samples': [sample, boxes]}
    assert tensor_bytes(batch) == 600 + 10 * 20 * 8 + 4 * 4 + 8
