"""COCO AP against mmdet's own metric, which runs pycocotools, on random detections with all the edge cases."""

import json

import numpy as np
import pytest
import torch
from mmengine.logging import MMLogger

CLASSES = ('cat', 'dog', 'cow')
SIZES = {7: (60, 90), 3: (260, 301), 12: (33, 41), 5: (120, 120)}  # image id -> height, width; not in order


def rectangle(height, width, box):
    mask = np.zeros((height, width), dtype=bool)
    x, y, w, h = (int(value) for value in box)
    mask[y : y + h, x : x + w] = True
    return mask


def random_box(generator, height, width):
    w, h = generator.integers(3, width // 2), generator.integers(3, height // 2)
    return [float(generator.integers(0, width - w)), float(generator.integers(0, height - h)), float(w), float(h)]


@pytest.fixture(scope='module')
def annotations(tmp_path_factory):
    """Three classes under ids out of order, a crowd region, an image without objects, small to large areas."""
    generator = np.random.default_rng(0)
    objects = []
    for image_id, (height, width) in SIZES.items():
        if image_id == 12:
            continue
        boxes = [random_box(generator, height, width) for _ in range(6)]
        if image_id == 3:
            boxes.append([50.0, 40.0, 140.0, 110.0])  # large: more than 96 x 96
        for x, y, w, h in boxes:
            outline = [x, y, x + w, y, x + w, y + h, x, y + h]
            objects.append(
                {
                    'id': len(objects) + 1, 'image_id': image_id, 'category_id': int(generator.choice([4, 9, 2])),
                    'bbox': [x, y, w, h], 'area': w * h, 'iscrowd': 0, 'segmentation': [outline],
                }
            )  # fmt: skip
    from pycocotools import mask as masks

    height, width = SIZES[5]
    crowd = masks.encode(np.asfortranarray(rectangle(height, width, [40, 40, 70, 60]), dtype=np.uint8))
    crowd['counts'] = crowd['counts'].decode()
    objects.append(
        {
            'id': len(objects) + 1, 'image_id': 5, 'category_id': 9, 'bbox': [40.0, 40.0, 70.0, 60.0], 'area': 4200.0,
            'iscrowd': 1, 'segmentation': crowd,
        }
    )  # fmt: skip
    content = {
        'images': [{'id': key, 'file_name': f'{key}.jpg', 'height': h, 'width': w} for key, (h, w) in SIZES.items()],
        'annotations': objects,
        'categories': [{'id': 4, 'name': 'cat'}, {'id': 9, 'name': 'dog'}, {'id': 2, 'name': 'cow'}],
    }
    path = tmp_path_factory.mktemp('coco') / 'annotations.json'
    path.write_text(json.dumps(content))
    return path


@pytest.fixture(scope='module')
def dataset(annotations):
    from mmdet.datasets import CocoDataset

    return CocoDataset(
        ann_file=str(annotations), metainfo={'classes': CLASSES}, data_prefix={'img': ''}, test_mode=True, pipeline=[]
    )


def samples_of(dataset, *, detections, seed=1):
    """Detections: the ground truth shaken, wrong labels, false alarms; masks and mask scores as well."""
    generator = np.random.default_rng(seed)
    samples = []
    for index in range(len(dataset)):
        info = dataset.get_data_info(index)
        height, width = info['height'], info['width']
        boxes, labels = [], []
        for instance in info['instances']:
            x1, y1, x2, y2 = instance['bbox']
            shaken = np.array([x1, y1, x2 - x1, y2 - y1]) + generator.normal(0, 2, 4)
            boxes.append(np.clip(shaken, [0, 0, 2, 2], [width - 3, height - 3, width, height]))
            labels.append(instance['bbox_label'] if generator.random() < 0.8 else generator.integers(3))
        for _ in range(5):
            boxes.append(np.array(random_box(generator, height, width)))
            labels.append(generator.integers(3))
        keep = detections(index, len(boxes))
        boxes, labels = np.array(boxes)[keep].reshape(-1, 4), np.array(labels, dtype=int)[keep]
        masks = np.array([rectangle(height, width, box) for box in boxes]).reshape(-1, height, width)
        corners = np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1)
        samples.append(
            {
                'img_id': info['img_id'], 'ori_shape': (height, width),
                'pred_instances': {
                    'bboxes': torch.tensor(corners, dtype=torch.float32),
                    'scores': torch.tensor(generator.random(len(boxes)), dtype=torch.float32),
                    'labels': torch.tensor(labels), 'masks': torch.tensor(masks),
                },
            }
        )  # fmt: skip
    return samples


def ours(dataset, samples, **options):
    return ours_with_metric(dataset, samples, **options)[1]


def ours_with_metric(dataset, samples, **options):
    from swin_dense.evaluation.coco_metric import CocoMetric

    metric = CocoMetric(**{'metric': ['bbox', 'segm'], **options})
    metric.dataset_meta = dataset.metainfo
    metric.bind_dataset(dataset)
    metric.process({}, samples)
    return metric, metric.evaluate(len(samples))


def all_of_them(index, count):
    return slice(None)


def none_of_them(index, count):
    return slice(0, 0)


def every_second(index, count):
    return slice(None) if index % 2 else slice(0, 0)


@pytest.mark.parametrize('detections', [all_of_them, every_second])
def test_equals_mmdet_and_pycocotools(dataset, annotations, detections):
    from mmdet.evaluation import CocoMetric as Theirs

    theirs = Theirs(ann_file=str(annotations), metric=['bbox', 'segm'])
    theirs.dataset_meta = dataset.metainfo
    theirs.process({}, samples_of(dataset, detections=detections))
    expected = theirs.evaluate(len(dataset))
    found = ours(dataset, samples_of(dataset, detections=detections))
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        if value == -1:
            assert np.isnan(found[name]), name
        else:
            assert found[name] == pytest.approx(value, abs=5.1e-4), name  # mmdet rounds to three places
    assert found['coco/bbox_mAP'] > 0.1


def test_unrounded_equals_pycocotools(dataset, annotations):
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    samples = samples_of(dataset, detections=all_of_them)
    truth = COCO(str(annotations))
    detections = [
        {
            'image_id': sample['img_id'], 'category_id': dataset.cat_ids[int(label)], 'score': float(score),
            'bbox': [float(box[0]), float(box[1]), float(box[2] - box[0]), float(box[3] - box[1])],
        }
        for sample in samples
        for box, score, label in zip(*map(sample['pred_instances'].get, ('bboxes', 'scores', 'labels')), strict=True)
    ]  # fmt: skip
    evaluation = COCOeval(truth, truth.loadRes(detections), 'bbox')
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    found = ours(dataset, samples, metric='bbox')
    for place, name in enumerate(('mAP', 'mAP_50', 'mAP_75', 'mAP_s', 'mAP_m', 'mAP_l')):
        assert found[f'coco/bbox_{name}'] == pytest.approx(evaluation.stats[place], abs=1e-6), name


def test_perfect_detections_are_1(dataset):
    samples = []
    for index in range(len(dataset)):
        info = dataset.get_data_info(index)
        instances = [each for each in info['instances'] if not each['ignore_flag']]
        boxes = torch.tensor([each['bbox'] for each in instances]).reshape(-1, 4)
        labels = torch.tensor([each['bbox_label'] for each in instances], dtype=torch.int64)
        predicted = {'bboxes': boxes, 'scores': torch.ones(len(boxes)), 'labels': labels}
        shape = (info['height'], info['width'])
        samples.append({'img_id': info['img_id'], 'ori_shape': shape, 'pred_instances': predicted})
    assert ours(dataset, samples, metric='bbox')['coco/bbox_mAP'] == pytest.approx(1.0)


def test_a_part_of_the_images_is_measured_alone(annotations):
    from mmdet.datasets import CocoDataset

    part = CocoDataset(
        ann_file=str(annotations),
        metainfo={'classes': CLASSES},
        data_prefix={'img': ''},
        test_mode=True,
        pipeline=[],
        indices=[1],
    )
    image = part.get_data_info(0)
    instances = [each for each in image['instances'] if not each['ignore_flag']]
    predicted = {
        'bboxes': torch.tensor([each['bbox'] for each in instances]),
        'scores': torch.ones(len(instances)),
        'labels': torch.tensor([each['bbox_label'] for each in instances]),
    }
    sample = {'img_id': image['img_id'], 'ori_shape': (image['height'], image['width']), 'pred_instances': predicted}
    assert ours(part, [sample], metric='bbox')['coco/bbox_mAP'] == pytest.approx(1.0)


def test_missing_areas_are_computed(annotations, tmp_path):
    """Sizes are those of the file that has the areas, whose objects are rectangles."""
    from swin_dense.datasets.coco import CocoDataset

    def measured(path):
        options = {'metainfo': {'classes': CLASSES}, 'data_prefix': {'img': ''}, 'test_mode': True, 'pipeline': []}
        dataset = CocoDataset(ann_file=str(path), **options)
        return ours(dataset, samples_of(dataset, detections=all_of_them))

    expected = measured(annotations)
    assert all(expected[f'coco/bbox_mAP_{size}'] > 0 for size in 'sml')
    content = json.loads(annotations.read_text())
    for number, each in enumerate(content['annotations']):
        each['area'] = [0, None, float('nan')][number % 3]
        if not each['iscrowd']:
            del each['iscrowd']
    (tmp_path / 'a.json').write_text(json.dumps(content))
    assert measured(tmp_path / 'a.json') == expected


def test_sizes_as_floats_and_crowds_that_are_null(annotations, tmp_path):
    """Masks are measured as with whole sizes and iscrowd 0; pycocotools stops at both."""
    from swin_dense.datasets.coco import CocoDataset

    def measured(content):
        path = tmp_path / f'{len(list(tmp_path.iterdir()))}.json'
        path.write_text(json.dumps(content))
        options = {'metainfo': {'classes': CLASSES}, 'data_prefix': {'img': ''}, 'test_mode': True, 'pipeline': []}
        dataset = CocoDataset(ann_file=str(path), **options)
        return ours(dataset, samples_of(dataset, detections=all_of_them))

    content = json.loads(annotations.read_text())
    expected = measured(content)
    assert expected['coco/segm_mAP'] > 0.1
    for image in content['images']:
        image['height'], image['width'] = float(image['height']), float(image['width'])
    for each in content['annotations']:
        each['iscrowd'] = each['iscrowd'] or None
    assert measured(content) == expected


def test_the_file_is_read_through_the_backend_of_the_data_set(annotations, dataset):
    from mmdet.datasets import CocoDataset
    from mmengine.fileio import LocalBackend, register_backend

    @register_backend('elsewhere', force=True)
    class Elsewhere(LocalBackend):
        def get_text(self, path, encoding='utf-8'):
            return super().get_text(str(annotations), encoding)

        def get_local_path(self, path):
            return super().get_local_path(str(annotations))

    remote = CocoDataset(
        ann_file='elsewhere/annotations.json', metainfo={'classes': CLASSES}, data_prefix={'img': ''}, test_mode=True,
        pipeline=[], backend_args={'backend': 'elsewhere'},
    )  # fmt: skip
    samples = samples_of(dataset, detections=all_of_them)
    assert ours(remote, samples) == ours(dataset, samples_of(dataset, detections=all_of_them))


def test_an_object_of_id_0_is_found(annotations, tmp_path):
    """pycocotools marks what it did not match by 0."""
    from swin_dense.datasets.coco import CocoDataset

    content = json.loads(annotations.read_text())
    for number, each in enumerate(content['annotations']):
        each['id'] = number
    (tmp_path / 'a.json').write_text(json.dumps(content))
    options = {'metainfo': {'classes': CLASSES}, 'data_prefix': {'img': ''}, 'test_mode': True, 'pipeline': []}
    dataset = CocoDataset(ann_file=str(tmp_path / 'a.json'), **options)
    test_perfect_detections_are_1(dataset)


def test_no_detection_is_0_and_said(dataset, monkeypatch):
    said = []
    monkeypatch.setattr(MMLogger, 'warning', lambda self, text: said.append(text))
    found = ours(dataset, samples_of(dataset, detections=none_of_them))
    assert set(found.values()) == {0.0}
    assert len(found) == 12
    assert 'predicted nothing on any of the 4 images' in said[0]


def test_no_ground_truth_is_an_error(annotations):
    from mmdet.datasets import CocoDataset

    empty = CocoDataset(
        ann_file=str(annotations),
        metainfo={'classes': CLASSES},
        data_prefix={'img': ''},
        test_mode=True,
        pipeline=[],
        indices=[2],
    )
    assert empty.get_data_info(0)['img_id'] == 12
    with pytest.raises(ValueError, match='no annotation of the classes cat, dog, cow'):
        ours(empty, [])


def test_a_table_by_class(dataset, monkeypatch):
    said = []
    monkeypatch.setattr(MMLogger, 'info', lambda self, text: said.append(text))
    ours(dataset, samples_of(dataset, detections=all_of_them), metric='bbox', classwise=True)
    assert all(name in said[-1] for name in CLASSES)


@pytest.mark.parametrize('ours_or_mmdet_s', ['swin_dense', 'mmdet'])
def test_the_table_names_the_class_that_was_found(annotations, monkeypatch, ours_or_mmdet_s):
    """Category ids go down in the order of the classes, and only one class is detected: COCOeval sorts ids."""
    if ours_or_mmdet_s == 'mmdet':
        from mmdet.datasets import CocoDataset
    else:
        from swin_dense.datasets.coco import CocoDataset
    content = json.loads(annotations.read_text())
    content['categories'] = [{'id': 9, 'name': 'dog'}, {'id': 4, 'name': 'cat'}, {'id': 2, 'name': 'cow'}]
    path = annotations.parent / 'descending.json'
    path.write_text(json.dumps(content))
    options = {'metainfo': {'classes': ('dog', 'cat', 'cow')}, 'data_prefix': {'img': ''}, 'pipeline': []}
    descending = CocoDataset(ann_file=str(path), test_mode=True, **options)
    samples = []
    for index in range(len(descending)):
        info = descending.get_data_info(index)
        found = [each for each in info['instances'] if each['bbox_label'] == 0 and not each['ignore_flag']]
        predicted = {
            'bboxes': torch.tensor([each['bbox'] for each in found]).reshape(-1, 4),
            'scores': torch.ones(len(found)), 'labels': torch.zeros(len(found), dtype=torch.int64),
        }  # fmt: skip
        shape = (info['height'], info['width'])
        samples.append({'img_id': info['img_id'], 'ori_shape': shape, 'pred_instances': predicted})
    said = []
    monkeypatch.setattr(MMLogger, 'info', lambda self, text: said.append(text))
    ours(descending, samples, metric='bbox', classwise=True)
    rows = {line.split()[0]: line.split()[2] for line in said[-1].splitlines()[1:]}
    assert rows == {'dog': '1.000', 'cat': '0.000', 'cow': '0.000'}


def test_wrong_use_is_said(dataset):
    from swin_dense.evaluation.coco_metric import CocoMetric

    with pytest.raises(ValueError, match='not proposal'):
        CocoMetric(metric=['bbox', 'proposal'])
    with pytest.raises(TypeError, match='ann_file'):
        CocoMetric(ann_file='a.json')
    with pytest.raises(ValueError, match='needs its dataset'):
        CocoMetric().process({}, [])
    samples = samples_of(dataset, detections=all_of_them)
    for sample in samples:
        del sample['pred_instances']['masks']
    with pytest.raises(ValueError, match='predicts no masks'):
        ours(dataset, samples)


@pytest.mark.parametrize('detections', [none_of_them, all_of_them, every_second])
def test_matches_give_the_same_scores(dataset, detections):
    from swin_dense.comparison.coco_scores import coco_scores

    samples = samples_of(dataset, detections=detections)
    metric, results = ours_with_metric(dataset, samples, keep_matches=True)
    assert set(metric.matches) == {'bbox', 'segm'}
    for kind, kept in metric.matches.items():
        scores = coco_scores(kept, np.ones((1, len(SIZES))))
        for name in ('mAP', 'mAP_50', 'mAP_75', 'mAP_s', 'mAP_m', 'mAP_l'):
            assert scores[name][0] == pytest.approx(results[f'coco/{kind}_{name}'], abs=1e-12, nan_ok=True)
