"""Registries of this package: children of mmengine's, in scope `swin_dense`.

A config names a part of this package as `type='swin_dense.SwinTransformer'`, whatever its default scope is. The
`locations` are imported when a name is first looked up, so importing this file costs mmengine alone.
"""

import inspect
from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType
from typing import Any

from mmengine import registry as parents

SCOPE = 'swin_dense'


class Registry(parents.Registry):
    """mmengine's, where a file may be run again, as notebooks do: what it registers takes the place of the earlier.

    Args:
        late: modules that are imported when this name of theirs is looked up, since they import a large library.
        options: of mmengine's.
    """

    def __init__(self, name: str, *, late: Mapping[str, str] = MappingProxyType({}), **options: Any) -> None:
        super().__init__(name, **options)
        self._late = late

    def get(self, key: str) -> Any:
        scope, name = self.split_scope_key(key)
        if name in self._late and scope in (None, self.scope):
            import_module(self._late[name])
        return super().get(key)

    def _register_module(self, module: Any, module_name: Any = None, force: bool = False) -> None:
        names = [module_name or module.__name__] if not isinstance(module_name, list) else module_name
        for name in names:
            there = self._module_dict.get(name)
            if there is None or force:
                continue
            files = _file(there), _file(module)
            if files[0] != files[1]:
                raise KeyError(
                    f'{name} is already registered in {self.scope}::{self.name}, by {files[0]}, and {files[1]} does it '
                    'again. Give one of them another name.'
                )
        super()._register_module(module, module_name, force=True)


def _file(module: Any) -> str:
    try:
        return inspect.getfile(module)
    except (TypeError, OSError):  # defined in an interpreter
        return module.__module__


def _child(
    name: str, parent: parents.Registry, *locations: str, late: Mapping[str, str] = MappingProxyType({})
) -> Registry:
    return Registry(
        name,
        parent=parent,
        scope=SCOPE,
        locations=[f'{SCOPE}.{place}' for place in locations],
        late={each: f'{SCOPE}.{place}' for each, place in late.items()},
    )


MODELS = _child(
    'model',
    parents.MODELS,
    'backbones',
    'necks',
    'video.clip_preprocessor',
    'classification.batch_augmentations',
    'classification.classifier',
    'classification.pooled_head',
    'classification.preprocessor',
    'video.recogniser',
    late=dict.fromkeys(('ClipSegmentor', 'ClipSegDataPreProcessor'), 'video.clip_segmentor'),
)
TASK_UTILS = _child('task util', parents.TASK_UTILS, 'assigners.atss', 'assigners.max_iou')
TRANSFORMS = _child(
    'transform',
    parents.TRANSFORMS,
    'classification.image_transforms',
    'classification.rand_augment',
    'video.clip_transforms',
    'video.clip_augmentations',
    late={'ForEachFrame': 'video.clip_segmentation'},
)
# its other files serve without mmdet and mmseg
DATASETS = _child(
    'dataset',
    parents.DATASETS,
    'datasets.coco',
    'datasets.semantic',
    'classification.image_datasets',
    'video.clip_datasets',
    'video.clip_segmentation',
)
METRICS = _child(
    'metric',
    parents.METRICS,
    'evaluation.coco_metric',
    'evaluation.iou_metric',
    'classification.accuracy',
    'video.clip_metrics',
)
HOOKS = _child('hook', parents.HOOKS, 'engine')
LOOPS = _child('loop', parents.LOOPS, 'engine')
RUNNERS = _child('runner', parents.RUNNERS, 'engine')
PARAM_SCHEDULERS = _child('parameter scheduler', parents.PARAM_SCHEDULERS, 'engine.warmup_cosine')
DATA_SAMPLERS = _child('data sampler', parents.DATA_SAMPLERS, 'classification.repeated_sampler')
OPTIM_WRAPPERS = _child('optimizer wrapper', parents.OPTIM_WRAPPERS, 'engine')
OPTIM_WRAPPER_CONSTRUCTORS = _child('optimizer wrapper constructor', parents.OPTIM_WRAPPER_CONSTRUCTORS, 'engine')
