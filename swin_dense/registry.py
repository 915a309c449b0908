"""Registries of this package: children of mmengine's, in scope `swin_dense`.

A config names a part of this package as `type='swin_dense.SwinTransformer'`, whatever its default scope is. The
`locations` are imported when a name is first looked up, so importing this file costs mmengine alone.
"""

from mmengine import registry as parents

SCOPE = 'swin_dense'


def _child(name: str, parent: parents.Registry, *locations: str) -> parents.Registry:
    return parents.Registry(name, parent=parent, scope=SCOPE, locations=[f'{SCOPE}.{place}' for place in locations])


MODELS = _child('model', parents.MODELS, 'backbones', 'necks')
TASK_UTILS = _child('task util', parents.TASK_UTILS, 'assigners.atss', 'assigners.max_iou')
# its other files serve without mmdet and mmseg
DATASETS = _child('dataset', parents.DATASETS, 'datasets.coco', 'datasets.semantic')
METRICS = _child('metric', parents.METRICS, 'engine.coco_metric')
HOOKS = _child('hook', parents.HOOKS, 'engine')
LOOPS = _child('loop', parents.LOOPS, 'engine')
RUNNERS = _child('runner', parents.RUNNERS, 'engine')
OPTIM_WRAPPERS = _child('optimizer wrapper', parents.OPTIM_WRAPPERS, 'engine')
OPTIM_WRAPPER_CONSTRUCTORS = _child('optimizer wrapper constructor', parents.OPTIM_WRAPPER_CONSTRUCTORS, 'engine')
