"""Scores worked out row by row, against torch and mmseg on whole maps."""

import pytest
import torch
import torch.nn.functional as F
from mmseg.models.segmentors import SegTTAModel
from mmseg.structures import SegDataSample

from swin_dense.inference import rows
from swin_dense.inference.rows import Cropped, Flipped, MeanProbability, Resized, Stored, Windows, label_map

SIZES = [
    ((7, 9), (33, 50)),
    ((33, 50), (7, 9)),
    ((16, 24), (64, 96)),
    ((5, 1), (40, 3)),
    ((1, 5), (3, 1)),
    ((8, 8), (8, 21)),
]


def _random(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


def _whole(source: rows.Rows) -> torch.Tensor:
    return source.rows(0, source.size[0])


@pytest.mark.parametrize('align_corners', [False, True])
@pytest.mark.parametrize(('before', 'after'), SIZES)
def test_resizing_is_that_of_torch(before: tuple, after: tuple, align_corners: bool) -> None:
    scores = _random(3, *before)
    expected = F.interpolate(scores[None], after, mode='bilinear', align_corners=align_corners)[0]
    resized = Resized(Stored(scores), after, align_corners=align_corners)
    torch.testing.assert_close(_whole(resized), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(('before', 'after'), SIZES)
def test_rows_do_not_depend_on_what_they_are_asked_with(before: tuple, after: tuple) -> None:
    middle = (11, 13)
    chain = Flipped(
        Resized(Resized(Stored(_random(5, *before)), middle, align_corners=False), after, align_corners=False),
        'diagonal',
    )
    whole = _whole(chain)
    for height in (1, 2, 3, 7):
        strips = [chain.rows(top, min(top + height, after[0])) for top in range(0, after[0], height)]
        assert torch.equal(torch.cat(strips, 1), whole)


def test_flips_and_crops() -> None:
    scores = _random(2, 6, 8)
    for direction, axes in (('horizontal', [2]), ('vertical', [1]), ('diagonal', [1, 2])):
        flipped = Flipped(Stored(scores), direction)
        assert torch.equal(_whole(flipped), scores.flip(axes))
        assert torch.equal(flipped.rows(1, 3), scores.flip(axes)[:, 1:3])
    cropped = Cropped(Stored(scores), top=1, left=2, size=(4, 5))
    assert torch.equal(_whole(cropped), scores[:, 1:5, 2:7])
    assert torch.equal(cropped.rows(1, 2), scores[:, 2:3, 2:7])


@pytest.mark.filterwarnings('ignore')  # of mmengine: of a map that gets one more axis
@pytest.mark.parametrize('channels', [1, 4])
def test_the_mean_of_views_is_mmsegs(channels: int) -> None:
    views = [_random(channels, 9, 7) * factor for factor in (1, 2, -3)]
    samples = []
    for view in views:
        sample = SegDataSample(metainfo={'img_path': 'a'})
        sample.set_data({'seg_logits': rows_data(view)})
        samples.append(sample)
    head = torch.nn.Module()
    head.threshold = 0.4
    module = torch.nn.Module()
    module.decode_head, module.out_channels = head, channels
    tta = SegTTAModel.__new__(SegTTAModel)
    torch.nn.Module.__init__(tta)
    tta.module = module
    expected = tta.merge_preds([samples])[0].pred_sem_seg.data.reshape(9, 7)
    found = label_map(MeanProbability([Stored(view) for view in views]), threshold=0.4, budget_bytes=1)
    assert (found == expected.numpy()).all()


def rows_data(view: torch.Tensor) -> object:
    from mmengine.structures import PixelData

    return PixelData(data=view)


def test_windows_are_averaged_where_they_overlap() -> None:
    size, window = (20, 17), (8, 9)
    total, count = torch.zeros(3, *size), torch.zeros(size)
    windows = Windows(size, 3, torch.device('cpu'))
    for top in (0, 5, 10, 12):
        for left in (0, 4, 8):
            scores = _random(3, *window) + top - left
            windows.add(top, left, Stored(scores))
            total[:, top : top + 8, left : left + 9] += scores
            count[top : top + 8, left : left + 9] += 1
    expected = total / count
    torch.testing.assert_close(_whole(windows), expected)
    assert torch.equal(windows.rows(3, 9), _whole(windows)[:, 3:9])
    windows.drop_above(8)  # the window of rows 0 to 7 is not needed any more
    torch.testing.assert_close(windows.rows(8, 20), expected[:, 8:])


@pytest.mark.parametrize('channels', [2, 150, 300])
def test_labels_in_strips_equal_labels_of_the_whole(channels: int) -> None:
    scores = Resized(Stored(_random(channels, 13, 11)), (101, 77), align_corners=False)
    whole = label_map(scores, budget_bytes=1 << 40)
    expected = F.interpolate(scores.source.scores_CHW[None], (101, 77), mode='bilinear')[0].argmax(0)
    assert (whole == expected.numpy()).all()
    assert whole.dtype == ('uint8' if channels <= 256 else 'uint16')
    for budget in (1, 300_000, 3_000_000):
        assert (label_map(scores, budget_bytes=budget) == whole).all()
    assert (label_map(scores, budget_bytes=1, start=7, stop=30) == whole[7:30]).all()


def test_strips_stay_within_their_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    scores = Resized(Stored(_random(150, 64, 64)), (1024, 1024), align_corners=False)
    inner = Resized.rows

    def watched(self: Resized, start: int, stop: int) -> torch.Tensor:
        asked.append(stop - start)
        return inner(self, start, stop)

    monkeypatch.setattr(Resized, 'rows', watched)
    label_map(scores, budget_bytes=32 << 20)
    assert sum(asked) == 1024
    assert max(asked) * 1024 * 150 * 4 * 3 <= 32 << 20
    assert min(asked[:-1]) > 10  # and are not needlessly thin


def test_one_channel_is_compared_with_the_threshold() -> None:
    scores = torch.tensor([[[0.2, 0.8], [0.5, 0.51]]])
    assert label_map(Stored(scores), threshold=0.5).tolist() == [[0, 1], [0, 1]]
