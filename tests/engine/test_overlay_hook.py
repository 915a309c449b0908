"""Overlays of both tasks, drawn by the visualizers of mmdet and mmseg."""

import cv2
import mmdet.visualization  # noqa: F401 - registers
import mmseg.visualization  # noqa: F401 - registers
import numpy as np
import pytest
import torch
from mmdet.structures import DetDataSample
from mmengine.registry import DefaultScope
from mmengine.structures import InstanceData, PixelData
from mmseg.structures import SegDataSample

from swin_dense.engine import OverlayHook

HEIGHT, WIDTH = 33, 50
COLOUR = (250, 20, 20)


class RunnerWithSamples:
    """As much of a runner as the hook looks at."""

    def __init__(self, work_dir, count):
        self.work_dir = str(work_dir)
        metainfo = {'classes': ('thing', 'ground'), 'palette': [COLOUR, (20, 20, 250)]}
        dataset = type('Samples', (), {'metainfo': metainfo, '__len__': lambda self: count})()
        self.test_dataloader = type('Loader', (), {'dataset': dataset})()


def sample(kind, path):
    mask = torch.zeros(HEIGHT, WIDTH, dtype=torch.bool)
    mask[5:25, 10:40] = True
    if kind == 'mmdet':
        result = DetDataSample(metainfo={'img_path': str(path)})
        boxes = torch.tensor([[10.0, 5, 40, 25]])
        result.pred_instances = InstanceData(
            bboxes=boxes, labels=torch.tensor([0]), scores=torch.tensor([0.9]), masks=mask[None].numpy()
        )
        return result
    result = SegDataSample(metainfo={'img_path': str(path)})
    result.pred_sem_seg = PixelData(data=torch.where(mask, 0, 1)[None])
    return result


@pytest.mark.filterwarnings('ignore:__array_wrap__:DeprecationWarning')  # matplotlib's, of numpy 2
@pytest.mark.parametrize(('kind', 'visualizer'), [('mmdet', 'DetLocalVisualizer'), ('mmseg', 'SegLocalVisualizer')])
def test_eight_of_twenty_samples_are_drawn_in_place(kind, visualizer, tmp_path):
    paths = [tmp_path / f'{number:02}.png' for number in range(20)]
    for path in paths:
        cv2.imwrite(str(path), np.full((HEIGHT, WIDTH, 3), 128, np.uint8))
    runner = RunnerWithSamples(tmp_path / 'run', len(paths))
    hook = OverlayHook(visualizer={'type': visualizer}, count=8)
    with DefaultScope.overwrite_default_scope(kind):
        hook.before_test(runner)
        for number, path in enumerate(paths):
            hook.after_test_iter(runner, number, outputs=[sample(kind, path)])
    drawn = sorted((tmp_path / 'run' / 'overlays').glob('*.png'))
    assert [path.stem for path in drawn] == ['00', '02', '05', '07', '10', '12', '15', '17']
    picture = cv2.imread(str(drawn[0]))[..., ::-1].astype(int)
    factor = picture.shape[0] // HEIGHT
    assert picture.shape[:2] == (HEIGHT * factor, WIDTH * factor)
    assert factor >= 720 // WIDTH
    inside, outside = picture[20 * factor, 35 * factor], picture[29 * factor, 45 * factor]
    assert inside[0] > inside[2] + 50, 'the mask is red where it is'
    assert outside[0] <= outside[2], 'and nowhere else'
