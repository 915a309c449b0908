"""Disagreements of runs: planted ones are found, ground truth is that of the files, pictures and words say the same."""

import json
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import torch
from mmengine.registry import MODELS, DefaultScope
from PIL import Image
from pycocotools.coco import COCO

from swin_dense.comparison import disagreements as module
from swin_dense.comparison.disagreements import disagreements
from swin_dense.comparison.ground_truth import UNLABELLED, TestImages
from swin_dense.comparison.results import Comparison, Group, RunRecord
from swin_dense.evaluation.confusion import confusion_data, image_confusion, save_confusion_data
from swin_dense.evaluation.match_data import MatchData, save_match_data
from swin_dense.inference import Detections, Predictor, Segmentation
from swin_dense.inference.masks import full

pytestmark = pytest.mark.filterwarnings('ignore')
TASKS = {'detection': ('mask_rcnn_swin', 'mask_rcnn_resnet'), 'segmentation': ('upernet_swin', 'upernet_resnet')}


def comparison(folder, task, names, *, seeds=(1, 2), groups=None):
    runs = [
        RunRecord(
            name=name,
            config=f'{name}.py',
            seed=seed,
            folder=folder / name / f'seed_{seed}',
            state='finished',
            task=task,
            recipe='r',
            data='d',
        )
        for name in names
        for seed in seeds[::-1]
    ]
    group = Group(recipe='r', data='d', task=task, models=names, scores=(), pareto={})
    parts = {'title': 't', 'command': 'c', 'date': 'd', 'costs': {}, 'allowed': (), 'versions': {}}
    return Comparison(runs=runs, groups=[group] if groups is None else groups, **parts)


def planted_matches(path, image_ids, objects, found):
    """Every object of an image is found, with a score of 0.9, where `found` says so; nothing else is said."""
    images = [place for place, image in enumerate(image_ids) if found(image) for _ in range(objects[image])]
    flags = np.ones((len(images), 1, 1), bool)
    present = [place for place, image in enumerate(image_ids) if objects[image]]
    data = MatchData(
        kind='bbox',
        image_ids=np.array(image_ids),
        class_ids=np.array([1]),
        iou_thresholds=np.array([0.5]),
        area_names=('all',),
        images=np.array(images, np.int32),
        classes=np.zeros(len(images), np.int32),
        scores=np.full(len(images), 0.9),
        matched=flags,
        ignored=~flags,
        truth_images=np.array(present, np.int32),
        truth_classes=np.zeros(len(present), np.int32),
        truth_counts=np.array([[objects[image_ids[place]]] for place in present], np.int32).reshape(-1, 1),
    )
    save_match_data(data, path)


def configs_of(demo_config, folder, names):
    paths = {}
    for name in names:
        paths[name] = folder / f'{name}.py'
        demo_config(name).dump(paths[name])
    return paths


def coco_of(cfg):
    dataset = cfg.test_dataloader.dataset
    return COCO(f'{dataset.data_root}{dataset.ann_file}')


class PlantedPredictor:
    """Says of every image what its work dir's name makes it say."""

    said: ClassVar[dict] = {}
    asked: ClassVar[list] = []

    def __init__(self, config, checkpoint, *, device):
        assert device == 'cpu'
        self.name = checkpoint.parent.name
        self.asked.append((str(config), str(checkpoint)))

    def __call__(self, pixels):
        return self.said[self.name](pixels)


def boxes(*rows):
    """Rows: label, score, left, top, right, bottom."""

    def predict(pixels):
        values = np.array(rows, np.float32).reshape(-1, 6)
        return Detections(pixels.shape[:2], values[:, 2:], values[:, 1], values[:, 0].astype(np.int64), None)

    return predict


def test_a_planted_detection(demo_config, tmp_path, monkeypatch):
    names = TASKS['detection']
    cfg = demo_config(names[0])
    coco = coco_of(cfg)
    objects = {image: len(coco.getAnnIds(image, iscrowd=False)) for image in coco.getImgIds()}
    ids = sorted(objects)
    planted = max(ids, key=lambda image: objects[image])
    for seed in (1, 2):
        planted_matches(tmp_path / names[0] / f'seed_{seed}/per_image/bbox.npz', ids, objects, lambda image: True)
        planted_matches(
            tmp_path / names[1] / f'seed_{seed}/per_image/bbox.npz', ids, objects, lambda image: image != planted
        )
    said = {
        names[0]: boxes((0, 0.95, 10, 10, 60, 50), (2, 0.8, 20, 20, 40, 90), (1, 0.1, 0, 0, 99, 99)),
        names[1]: boxes(),
    }
    monkeypatch.setattr(PlantedPredictor, 'said', said)
    monkeypatch.setattr(PlantedPredictor, 'asked', [])
    monkeypatch.setattr(module, 'Predictor', PlantedPredictor)
    paths = configs_of(demo_config, tmp_path, names)
    (row,) = disagreements(comparison(tmp_path, 'detection', names), paths, tmp_path / 'pictures')

    assert PlantedPredictor.asked == [(str(paths[name]), str(tmp_path / name / 'seed_1')) for name in names]
    file = coco.loadImgs(planted)[0]['file_name']
    assert row.kind == 'disagreement'
    assert row.title == f'{file}: {names[0]} against {names[1]}'
    labels = ['image', 'ground truth', *(f'{name} seed 1' for name in names)]
    assert list(row.pictures) == list(row.descriptions) == labels
    assert f'{labels[2]} 100.0 % (mean of 2 seeds: 100.0 %), {labels[3]} 0.0 % (mean of 2 seeds: 0.0 %)' in row.caption
    assert f'0.45 ({labels[2]}) and 0.45 ({labels[3]})' in row.caption  # half of the only score there is
    count = objects[planted]
    assert row.descriptions[labels[2]] == (
        f'{labels[2]}: 2 boxes: 1 ring, 1 triangle; {count} of {count} objects found, 0 false'
    )
    assert row.descriptions[labels[3]] == f'{labels[3]}: 0 boxes; 0 of {count} objects found, 0 false'
    assert row.descriptions['ground truth'].startswith(f'ground truth: {count} box')
    assert {path.name for path in (tmp_path / 'pictures').iterdir()} == {path.name for path in row.pictures.values()}
    shown = {label: np.asarray(Image.open(path).convert('RGB'), np.int64) for label, path in row.pictures.items()}
    assert len({picture.shape for picture in shown.values()}) == 1
    assert (shown[labels[3]] == shown['image']).all()  # nothing was drawn
    for label in ('ground truth', labels[2]):
        assert np.abs(shown[label] - shown['image']).max() > 60
    again = disagreements(comparison(tmp_path, 'detection', names), paths, tmp_path / 'pictures')
    assert again == [row]


def test_no_second_model_no_disagreement(demo_config, tmp_path):
    name = TASKS['detection'][0]
    for seed in (1, 2):
        planted_matches(tmp_path / name / f'seed_{seed}/per_image/bbox.npz', [1, 2], {1: 1, 2: 1}, lambda image: True)
    assert disagreements(comparison(tmp_path, 'detection', (name,)), {}, tmp_path / 'pictures') == []
    assert disagreements(comparison(tmp_path, 'detection', (name,), groups=[]), {}, tmp_path / 'pictures') == []
    assert not (tmp_path / 'pictures').exists()


def test_real_models_of_both_tasks(demo_config, tmp_path):
    """Predictions are those of the run's newest checkpoint, as `Predictor` gives them; without a config, by its own."""
    for task, names in TASKS.items():
        for name in names:
            cfg = demo_config(name)
            run = tmp_path / name / 'seed_1'
            run.mkdir(parents=True)
            cfg.dump(run / 'config.py')
            for iteration in (1, 2):
                torch.manual_seed(iteration)
                with DefaultScope.overwrite_default_scope(cfg.default_scope):
                    model = MODELS.build(cfg.model)
                content = {'state_dict': model.state_dict(), 'meta': {'iter': iteration}}
                torch.save(content, run / f'iter_{iteration}.pth')
            if task == 'detection':
                ids = sorted(coco_of(cfg).getImgIds())
                planted_matches(
                    run / 'per_image/bbox.npz',
                    ids,
                    dict.fromkeys(ids, 1),
                    lambda image, is_best=name == names[0]: is_best,
                )
            else:
                planted_confusion(run / 'per_image/confusion.npz', cfg, is_right=name == names[0])
        rows = disagreements(comparison(tmp_path, task, names, seeds=(1,)), {}, tmp_path / 'pictures', most=2)
        assert len(rows) == 2
        assert {row.title.partition(': ')[2] for row in rows} == {f'{names[0]} against {names[1]}'}
        for row in rows:
            assert all(Image.open(path).format == 'PNG' for path in row.pictures.values())
            assert 'mean of' not in row.caption  # there is one seed
        if task == 'segmentation':
            check_shares(rows[0], names, tmp_path, demo_config)


def planted_confusion(path, cfg, *, is_right):
    rows = []
    for image, truth in masks_of(cfg):
        prediction = truth if is_right else np.full_like(truth, 5)
        rows.append((image, image_confusion(prediction, truth, num_classes=6, ignore_index=255)))
    save_confusion_data(confusion_data(rows, 6), path)


def masks_of(cfg):
    """(name, labels) of the test set, read with PIL: 0 in the file is no class."""
    dataset = cfg.test_dataloader.dataset
    folder = Path(dataset.data_root) / dataset.data_prefix.seg_map_path
    files = sorted(folder.iterdir())
    assert len(files) == 6
    suffix = next((Path(dataset.data_root) / dataset.data_prefix.img_path).iterdir()).suffix
    return [(f'{file.stem}{suffix}', (np.asarray(Image.open(file)).astype(np.int64) - 1) % 256) for file in files]


def check_shares(row, names, folder, demo_config):
    """The words are of what the model of the newest checkpoint says of this image."""
    file = row.title.partition(':')[0]
    dataset = demo_config(names[0]).test_dataloader.dataset
    for name in names:
        predictor = Predictor(folder / name / 'seed_1/config.py', folder / name / 'seed_1/iter_2.pth', device='cpu')
        labels = predictor(f'{dataset.data_root}{dataset.data_prefix.img_path}/{file}').labels
        counts = np.bincount(labels.ravel(), minlength=6)
        largest = int(counts.argmax())
        text = f'{name} seed 1: {100 * counts[largest] / labels.size:.1f} % {predictor.classes[largest]}'
        assert row.descriptions[f'{name} seed 1'].startswith(text)


def test_ground_truth_of_detection(demo_config):
    cfg = demo_config('mask_rcnn_swin')
    coco = coco_of(cfg)
    images = TestImages(cfg, 'detection')
    assert images.classes == ('ring', 'square', 'triangle', 'star', 'cross')
    assert images.palette.tolist() == [list(colour) for colour in cfg.test_dataloader.dataset.metainfo.palette]
    total = 0
    for number in coco.getImgIds():
        loaded = images.load(np.int64(number))
        entry = coco.loadImgs(number)[0]
        assert loaded.path.endswith(entry['file_name'])
        assert loaded.pixels.shape == (entry['height'], entry['width'], 3)
        annotations = [each for each in coco.loadAnns(coco.getAnnIds(number)) if not each.get('iscrowd')]
        names = [coco.cats[each['category_id']]['name'] for each in annotations]
        assert [images.classes[label] for label in loaded.truth.labels] == names
        for place, annotation in enumerate(annotations):
            left, top, width, height = annotation['bbox']
            box = loaded.truth.boxes_xyxy[place].tolist()
            assert box == pytest.approx([left, top, left + width, top + height])
            mask = full(loaded.truth.masks[place], loaded.truth.size)
            assert (mask == coco.annToMask(annotation).astype(bool)).all()
            total += 1
    assert total >= 6


def test_ground_truth_of_segmentation(demo_config):
    cfg = demo_config('upernet_swin')
    images = TestImages(cfg, 'segmentation')
    assert images.classes == ('sky', 'grass', 'water', 'sand', 'bricks', 'toy', UNLABELLED)
    for name, labels in masks_of(cfg):
        truth = images.load(np.str_(name)).truth
        assert isinstance(truth, Segmentation)
        assert (truth.labels == np.where(labels == 255, 6, labels)).all()


def test_crowds_are_not_drawn_and_other_test_sets_are_refused(demo_config, tmp_path):
    cfg = demo_config('mask_rcnn_swin')
    dataset = cfg.test_dataloader.dataset
    with open(f'{dataset.data_root}{dataset.ann_file}') as file:
        content = json.load(file)
    crowd = content['annotations'][0]
    crowd['iscrowd'] = 1
    (tmp_path / 'crowd.json').write_text(json.dumps(content))
    dataset.ann_file = str(tmp_path / 'crowd.json')
    images = TestImages(cfg, 'detection')
    before = TestImages(demo_config('mask_rcnn_swin'), 'detection')
    counts = [len(each.load(crowd['image_id']).truth.labels) for each in (images, before)]
    assert counts[0] == counts[1] - 1
    with pytest.raises(ValueError, match='the test set has no image 987654'):
        images.load(987654)
