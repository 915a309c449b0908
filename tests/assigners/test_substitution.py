import importlib.util
from pathlib import Path

import pytest
from mmdet.models.task_modules import assigners as mmdet_assigners
from mmdet.registry import MODELS, TASK_UTILS
from mmengine.config import Config, ConfigDict
from mmengine.registry import DefaultScope

from swin_dense.assigners.atss import ATSSAssigner
from swin_dense.assigners.max_iou import MaxIoUAssigner
from swin_dense.assigners.substitution import with_own_assigners
from swin_dense.datasets.demo import DemoRecipe, make_demo_data
from swin_dense.engine.runner import Runner
from swin_dense.engine.settings import load_config, restored_scope

pytestmark = pytest.mark.filterwarnings('ignore')
CONFIGS = Path(__file__).resolve().parents[2] / 'configs'
OFFICIAL = Path(importlib.util.find_spec('mmdet').origin).parent / '.mim' / 'configs'
OURS = {'swin_dense.ATSSAssigner': ATSSAssigner, 'swin_dense.MaxIoUAssigner': MaxIoUAssigner}


class Another(mmdet_assigners.MaxIoUAssigner):
    """A user's own, with a name that mmdet has, too."""


Another.__name__ = 'MaxIoUAssigner'


def assigner_types(values):
    if isinstance(values, dict):
        kind = values.get('type')
        found = [kind] if 'Assigner' in str(kind) else []
        return found + [each for value in values.values() for each in assigner_types(value)]
    return [each for item in values for each in assigner_types(item)] if isinstance(values, (list, tuple)) else []


@pytest.mark.parametrize(('path', 'expected'), [
    (CONFIGS / 'swin/mask_rcnn_swin_tiny_coco_1x.py', ['swin_dense.MaxIoUAssigner'] * 2),
    (CONFIGS / 'resnet/cascade_mask_rcnn_resnet_50_coco_3x.py', ['swin_dense.MaxIoUAssigner'] * 4),
    (CONFIGS / 'resnet/atss_resnet_50_coco_1x.py', ['swin_dense.ATSSAssigner']),
    (CONFIGS / 'resnet/reppoints_resnet_50_coco_1x.py', ['PointAssigner', 'swin_dense.MaxIoUAssigner']),
    (CONFIGS / 'resnet/sparse_rcnn_resnet_50_coco_3x.py', ['HungarianAssigner'] * 6),
    (CONFIGS / 'resnet/upernet_resnet_50_ade20k_160k.py', []),
    (OFFICIAL / 'atss/atss_r50_fpn_1x_coco.py', ['swin_dense.ATSSAssigner']),
    (OFFICIAL / 'retinanet/retinanet_r50_fpn_1x_coco.py', ['swin_dense.MaxIoUAssigner']),
    (OFFICIAL / 'tood/tood_r50_fpn_1x_coco.py', ['swin_dense.ATSSAssigner', 'TaskAlignedAssigner']),
])  # fmt: skip
def test_configs(path, expected):
    cfg = Config.fromfile(path)
    before = cfg.to_dict()
    with DefaultScope.overwrite_default_scope(cfg.get('default_scope', 'mmdet')):
        exchanged = with_own_assigners(cfg.model)
        for kind in assigner_types(exchanged):
            assert TASK_UTILS.get(kind) is OURS.get(kind, TASK_UTILS.get(kind))
    assert assigner_types(exchanged) == expected
    assert isinstance(exchanged, ConfigDict)
    assert cfg.to_dict() == before  # what was given is as it was
    back = Config({'model': exchanged}).to_dict()
    assert str(back['model']).replace('swin_dense.MaxIoU', 'MaxIoU').replace('swin_dense.ATSS', 'ATSS') == str(
        before['model']
    )


@pytest.mark.parametrize(('scope', 'kind', 'expected'), [
    ('mmdet', 'MaxIoUAssigner', 'swin_dense.MaxIoUAssigner'),
    ('mmseg', 'mmdet.MaxIoUAssigner', 'swin_dense.MaxIoUAssigner'),
    ('mmdet', 'mmdet.models.task_modules.assigners.MaxIoUAssigner', 'swin_dense.MaxIoUAssigner'),
    ('mmdet', mmdet_assigners.ATSSAssigner, 'swin_dense.ATSSAssigner'),
    ('mmdet', 'swin_dense.ATSSAssigner', 'swin_dense.ATSSAssigner'),
    ('mmdet', Another, Another),
    ('mmdet', 'ApproxMaxIoUAssigner', 'ApproxMaxIoUAssigner'),
])  # fmt: skip
def test_names(scope, kind, expected):
    with DefaultScope.overwrite_default_scope(scope):
        assert with_own_assigners([{'a': ({'type': kind, 'topk': 9},)}]) == [{'a': ({'type': expected, 'topk': 9},)}]


def test_models_are_built_with_them():
    cfg = Config.fromfile(OFFICIAL / 'retinanet/retinanet_r50_fpn_1x_coco.py')
    cfg.model.backbone.init_cfg = None
    with DefaultScope.overwrite_default_scope('mmdet'):
        model = MODELS.build(with_own_assigners(cfg.model))
    assert type(model.bbox_head.assigner) is MaxIoUAssigner
    assert model.bbox_head.assigner.neg_iou_thr == 0.4


def test_the_runner_puts_them_in(tmp_path, monkeypatch):
    make_demo_data(tmp_path / 'data', DemoRecipe(num_train=4, num_val=2))
    monkeypatch.setenv('SWIN_DENSE_DEMO', str(tmp_path))
    cfg = load_config(CONFIGS / 'demo' / 'mask_rcnn_swin_demo.py')
    cfg.work_dir = str(tmp_path / 'work')
    with restored_scope():
        runner = Runner.from_cfg(cfg)
    built = runner.model.rpn_head.assigner, runner.model.roi_head.bbox_assigner
    assert [type(each) for each in built] == [MaxIoUAssigner, MaxIoUAssigner]
    assert runner.cfg.model.train_cfg.rpn.assigner.type == 'MaxIoUAssigner'  # the config is what was written
