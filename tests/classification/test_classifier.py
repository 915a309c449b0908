"""The classifier against closed forms, loops, and its own files."""

import pytest
import torch
import torch.nn.functional as F

from swin_dense.checkpoints import load_classifier, load_pretrained
from swin_dense.registry import MODELS
from tests.classification.classifiers import BACKBONE, CLASSES, classifier, labelled, pictures

MEAN = torch.tensor([123.675, 116.28, 103.53]).view(3, 1, 1)
STD = torch.tensor([58.395, 57.12, 57.375]).view(3, 1, 1)


@torch.no_grad()
def test_predicts_one_by_one() -> None:
    model = classifier().eval()
    images = pictures(3)
    found = model.test_step({'inputs': images, 'data_samples': labelled(0, 1, 2)})
    for sample, image in zip(found, images, strict=True):
        (level,) = model.backbone(((image.float() - MEAN) / STD)[None])
        logits = level[0].mean((1, 2)) @ model.cls_head.fc_cls.weight.T + model.cls_head.fc_cls.bias
        torch.testing.assert_close(sample.pred_scores, logits.softmax(0))


@torch.no_grad()
def test_images_that_could_not_be_read_have_no_scores() -> None:
    model = classifier().eval()
    samples, images = labelled(0, 1, 2), pictures(2)
    samples[1].set_metainfo({'broken': 'cut off'})
    batch = {'inputs': [images[0], torch.zeros(3, 0, 0, dtype=torch.uint8), images[1]], 'data_samples': samples}
    found = model.test_step(batch)
    alone = model.test_step({'inputs': images, 'data_samples': labelled(0, 2)})
    assert 'pred_scores' not in found[1]
    for sample, expected in zip((found[0], found[2]), alone, strict=True):
        torch.testing.assert_close(sample.pred_scores, expected.pred_scores)
    broken = labelled(0)
    broken[0].set_metainfo({'broken': 'cut off'})
    (only,) = model.test_step({'inputs': [torch.zeros(3, 0, 0, dtype=torch.uint8)], 'data_samples': broken})
    assert 'pred_scores' not in only


def test_loss_of_labels_and_of_soft_targets() -> None:
    smoothing, labels = 0.1, (3, 0)
    model = classifier(head={'label_smoothing': smoothing}).train()
    data = model.data_preprocessor({'inputs': pictures(2), 'data_samples': labelled(*labels)}, training=True)
    losses = model(**data, mode='loss')
    logs = model(data['inputs']).log_softmax(1)
    targets = torch.full((2, CLASSES), smoothing / CLASSES)
    for row, label in enumerate(labels):
        targets[row, label] += 1 - smoothing
    expected = -(targets * logs).sum(1).mean()
    torch.testing.assert_close(losses['loss_cls'], expected)
    for sample, target in zip(data['data_samples'], targets, strict=True):
        sample.gt_scores = target
    torch.testing.assert_close(model(**data, mode='loss')['loss_cls'], expected)
    expected.backward()
    assert not [name for name, each in model.named_parameters() if each.requires_grad and each.grad is None]


def test_says_what_is_wrong() -> None:
    model = classifier()
    with pytest.raises(ValueError, match=r'different sizes .* \(3, 24, 24\), \(3, 24, 40\)'):
        model.data_preprocessor({'inputs': [*pictures(1), *pictures(1, width=24)], 'data_samples': labelled(0, 1)})
    with pytest.raises(ValueError, match='init_cfg of ImageClassifier'):
        classifier(init_cfg={'type': 'Normal'})
    with pytest.raises(ValueError, match="mode is 'loss'"):
        model(torch.zeros(1, 3, 24, 24), mode='losses')


def test_own_files_load_into_classifiers(tmp_path) -> None:
    trained = classifier()
    with torch.no_grad():
        for parameter in trained.parameters():
            parameter.add_(torch.randn_like(parameter))
    file = tmp_path / 'trained.pth'
    torch.save({'state_dict': trained.state_dict()}, file)
    fresh = classifier(init_cfg={'type': 'Pretrained', 'checkpoint': str(file)})
    fresh.init_weights()
    for name, value in trained.state_dict().items():
        assert torch.equal(fresh.state_dict()[name], value), name
    other = classifier(num_classes=3, init_cfg={'type': 'Pretrained', 'checkpoint': str(file)})
    other.init_weights()
    assert torch.equal(other.backbone.state_dict()['norm1.weight'], trained.state_dict()['backbone.norm1.weight'])
    assert dict(other.load_report.why_missing).keys() == {'cls_head.fc_cls.weight', 'cls_head.fc_cls.bias'}
    with pytest.raises(ValueError, match=r'head of 7 classes, the model of 3.*Nothing was loaded'):
        load_classifier(other, str(file))
    with pytest.raises(ValueError, match='the file has no head'):
        load_classifier(fresh, trained.backbone.state_dict())


def test_own_files_load_into_backbones_of_dense_models(tmp_path) -> None:
    trained = classifier()
    with torch.no_grad():
        trained.backbone.norm1.weight.fill_(3)
        trained.backbone.patch_embed.proj.weight.fill_(2)
    file = tmp_path / 'trained.pth'
    torch.save({'state_dict': trained.state_dict()}, file)
    dense = MODELS.build({**BACKBONE, 'out_indices': (0, 1)})
    report = load_pretrained(dense, str(file))
    assert torch.equal(dense.patch_embed.proj.weight, trained.backbone.patch_embed.proj.weight)
    # the norm before a classifier's head is no output norm: dense models start with all of theirs from scratch
    assert torch.equal(dense.norm1.weight, torch.ones(16))
    assert {name for name, _ in report.why_missing} == {
        f'norm{level}.{part}' for level in (0, 1) for part in ('weight', 'bias')
    }


def test_label_smoothing_of_torch_is_the_official_one() -> None:
    logits, labels = torch.randn(5, CLASSES), torch.tensor([0, 3, 6, 2, 2])
    logs = F.log_softmax(logits, 1)
    official = 0.9 * -logs.gather(1, labels[:, None])[:, 0] + 0.1 * -logs.mean(1)
    torch.testing.assert_close(F.cross_entropy(logits, labels, label_smoothing=0.1), official.mean())
