"""Mixup, cutmix, smoothing and random erasing against closed forms."""

import pytest
import torch
import torch.nn.functional as F

from swin_dense.classification.batch_augmentations import MixupCutmix, RandomErasing, cut_box, smoothed
from tests.classification.classifiers import CLASSES, classifier, labelled, pictures

LABELS = torch.tensor([3, 0, 6, 2, 2])


def images(count=5):
    return torch.randn(count, 3, 24, 40, generator=torch.Generator().manual_seed(0))


def share_of(targets, smoothing):
    """How much of the first image's own label is left."""
    return float((targets[0, LABELS[0]] - smoothing / CLASSES) / (1 - smoothing))


@pytest.mark.parametrize('smoothing', [0.0, 0.1])
def test_loss_of_mixed_images_is_the_mixed_loss(smoothing):
    torch.manual_seed(0)
    mix = MixupCutmix(cutmix_alpha=0.0, label_smoothing=smoothing, num_classes=CLASSES)
    mixed, targets = mix(images(), LABELS)
    share = share_of(targets, smoothing)
    assert 0 < share < 1
    torch.testing.assert_close(mixed, share * images() + (1 - share) * images().flip(0))
    logits = torch.randn(5, CLASSES)
    own, other = (
        F.cross_entropy(logits, labels, label_smoothing=smoothing, reduction='none')
        for labels in (LABELS, LABELS.flip(0))
    )
    torch.testing.assert_close(F.cross_entropy(logits, targets), (share * own + (1 - share) * other).mean())


def test_cut_images_have_the_share_that_their_targets_say():
    torch.manual_seed(0)
    mix = MixupCutmix(mixup_alpha=0.0, label_smoothing=0.0, num_classes=CLASSES)
    shares = []
    for _ in range(50):
        mixed, targets = mix(images(), LABELS)
        is_other = (mixed == images().flip(0)).all(1)
        is_own = (mixed == images()).all(1)
        assert (is_other | is_own).all()
        shares.append(share_of(targets, 0.0))
        # the third is its own mirror
        assert is_own[0].float().mean() == pytest.approx(shares[-1], abs=1e-6)
    assert min(shares) < 0.25 < 0.8 < max(shares)


def test_boxes_are_of_the_images_shape_and_cut_at_its_edges():
    torch.manual_seed(0)
    boxes = [cut_box(0.75, 24, 40) for _ in range(300)]
    assert max(height for *_, height, _ in boxes) == 12
    assert max(width for *_, width in boxes) == 20
    for top, left, height, width in boxes:
        assert 0 <= top <= 24 - height
        assert 0 <= left <= 40 - width
    assert min(height for *_, height, _ in boxes) < 12  # around points near the edge


def test_shares_are_of_the_beta_distribution():
    torch.manual_seed(0)
    mix = MixupCutmix(mixup_alpha=0.8, cutmix_alpha=0.0, label_smoothing=0.0, num_classes=CLASSES)
    shares = torch.tensor([share_of(mix(images(2), LABELS[:2])[1], 0.0) for _ in range(2000)])
    # of Beta(a, a): mean 1/2, variance 1 / (4 (2 a + 1))
    assert shares.mean() == pytest.approx(0.5, abs=0.03)
    assert shares.var() == pytest.approx(1 / (4 * 2.6), abs=0.01)


def test_both_kinds_and_none_come_as_often_as_asked():
    torch.manual_seed(0)
    mix = MixupCutmix(prob=0.5, num_classes=CLASSES)
    kinds = []
    for _ in range(300):
        mixed, _ = mix(images(2), LABELS[:2])
        own = (mixed == images(2)).float().mean()
        kinds.append('none' if own == 1 else 'cut' if (mixed == images(2)).any() else 'mixed')
    assert 0.4 < kinds.count('none') / 300 < 0.62  # a box may be empty
    assert 0.17 < kinds.count('mixed') / 300 < 0.33


def test_smoothing():
    found = smoothed(torch.tensor([2]), 4, 0.1)
    torch.testing.assert_close(found, torch.tensor([[0.025, 0.025, 0.925, 0.025]]))


def test_erases_boxes_of_each_image():
    torch.manual_seed(0)
    plain = torch.full((400, 3, 32, 32), 7.0)
    found = RandomErasing(prob=0.25)(plain)
    assert (plain == 7).all()
    erased = (found != 7).all(1)
    is_erased = erased.flatten(1).any(1)
    assert 0.19 < is_erased.float().mean() < 0.31
    for box in erased[is_erased]:
        rows, columns = box.any(1), box.any(0)
        assert torch.equal(box, rows[:, None] & columns[None])  # a rectangle
        assert 0.01 < box.float().mean() < 0.36
        assert 0.27 < rows.sum() / columns.sum() < 3.7
    noise = found[found != 7]
    assert noise.mean() == pytest.approx(0, abs=0.02)
    assert noise.std() == pytest.approx(1, abs=0.02)


def test_classifiers_train_on_soft_targets():
    preprocessor = {
        'type': 'swin_dense.ClassDataPreprocessor',
        'random_erasing': {'type': 'swin_dense.RandomErasing', 'prob': 1.0},
        'mixing': {'type': 'swin_dense.MixupCutmix'},
    }
    model = classifier(data_preprocessor=preprocessor).train()
    assert model.data_preprocessor.mixing.num_classes == CLASSES
    batch = {'inputs': pictures(3), 'data_samples': labelled(0, 1, 2)}
    torch.manual_seed(4)
    data = model.data_preprocessor(batch, training=True)
    targets = torch.stack([sample.gt_scores for sample in data['data_samples']])
    torch.testing.assert_close(targets.sum(1), torch.ones(3))
    loss = model(**data, mode='loss')['loss_cls']
    torch.testing.assert_close(loss, -(targets * model(data['inputs']).log_softmax(1)).sum(1).mean())
    torch.manual_seed(4)  # as a resumed run has it
    torch.testing.assert_close(model.data_preprocessor(batch, training=True)['inputs'], data['inputs'])
    assert 'gt_scores' not in batch['data_samples'][0]
    assert 'gt_scores' not in model.data_preprocessor(batch)['data_samples'][0]


def test_says_what_is_wrong():
    with pytest.raises(ValueError, match='one of them above'):
        MixupCutmix(mixup_alpha=0, cutmix_alpha=0)
    with pytest.raises(ValueError, match='prob is from 0 to 1'):
        RandomErasing(prob=2)
