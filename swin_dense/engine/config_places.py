"""Places of a config: what is built at each, from which registry, and the keys that are read there besides.

A key is dotted, items of lists have their number: `train_dataloader.dataset.pipeline.2.prob`.
"""

import inspect
import re
from dataclasses import dataclass
from typing import Any

import torch
from mmcv import ops
from mmengine.runner import Runner
from mmengine.utils.dl_utils import set_multi_processing
from torch.utils.data import DataLoader

from swin_dense.engine.config_types import find_type
from swin_dense.engine.default_hooks import DEFAULT_HOOKS
from swin_dense.engine.signatures import Arguments, arguments_of

# what Runner and this package read from a config besides the arguments of Runner
_READ_ELSEWHERE = {
    'activation_checkpointing',
    'compile',
    'custom_imports',
    'default_scope',
    'efficient_conv_bn_eval',
    'find_unused_parameters',
    'model_wrapper_cfg',
    'runner_type',
    'sync_bn',
}
RUNNER_KEYS = (set(inspect.signature(Runner.__init__).parameters) - {'self', 'cfg'}) | _READ_ELSEWHERE

# read of every dict with a type: by mmengine's Config and registries
_ALWAYS = frozenset({'type', '_delete_', '_scope_'})
_NMS = ('nms', 'nms_match', 'nms_rotated', 'soft_nms')
_LOOPS = {'val_cfg': 'ValLoop', 'test_cfg': 'TestLoop'}


@dataclass(frozen=True)
class Place:
    """What a dict of a config is.

    Attributes:
        registry: name of the root registry of its type; '': any.
        default: its type where the config names none.
        beside: keys that are read before it is built.
        supplied: arguments that it gets from where it is built.
        keys: of a dict that is not built, all that are read.
        is_whole: the config and `supplied` together give all of its arguments.
    """

    registry: str = ''
    default: str = ''
    beside: frozenset[str] = frozenset()
    supplied: frozenset[str] = frozenset()
    keys: frozenset[str] | None = None
    is_whole: bool = False


@dataclass(frozen=True)
class Node:
    """A dict of a config with what is known of it.

    Attributes:
        place: where it stands.
        kind: the value of `type`, or the default; None where it is not built.
        target: the class or function; None where it is not built, or not found.
        arguments: all keys that are read, `type` and the like too; None where that is not known.
    """

    place: Place
    kind: Any
    target: Any
    arguments: Arguments | None


def _named(*names: str) -> frozenset[str]:
    return frozenset(names)


def _parameters(function: Any, *but: str) -> frozenset[str]:
    return frozenset(inspect.signature(function).parameters) - {'self', *but}


_DATASET = r'\w+_dataloader\.dataset(\.dataset|\.datasets\.#)*'
# the first that fits the whole key counts; # is a number
_PLACES: tuple[tuple[str, Place], ...] = (
    (r'\w+_dataloader', Place(keys=_parameters(DataLoader) | {'num_batch_per_epoch', 'disable_subprocess_warning'})),
    (_DATASET, Place('DATASETS', is_whole=True)),
    (_DATASET + r'\.pipeline\.#(\.transforms(\.#)+)*', Place('TRANSFORMS', is_whole=True)),
    (r'\w+_dataloader\.sampler', Place('DATA_SAMPLERS', supplied=_named('dataset'), is_whole=True)),
    (
        r'\w+_dataloader\.batch_sampler',
        Place('DATA_SAMPLERS', supplied=_named('sampler', 'batch_size'), is_whole=True),
    ),
    (r'\w+_dataloader\.(collate_fn|worker_init_fn)', Place('FUNCTIONS')),
    (
        r'optim_wrapper',
        Place('OPTIM_WRAPPERS', 'OptimWrapper', _named('constructor', 'paramwise_cfg')),
    ),
    (r'optim_wrapper\.clip_grad', Place(keys=_parameters(torch.nn.utils.clip_grad_norm_) | {'type', 'clip_value'})),
    (r'optim_wrapper\.optimizer', Place('OPTIMIZERS', supplied=_named('params'), is_whole=True)),
    (
        r'param_scheduler(\.#)?',
        Place('PARAM_SCHEDULERS', '', _named('convert_to_iter_based'), _named('optimizer'), is_whole=True),
    ),
    (
        r'(train|val|test)_cfg',
        Place('LOOPS', '', _named('by_epoch'), _named('runner', 'dataloader', 'evaluator'), is_whole=True),
    ),
    (r'default_hooks\.\w+|custom_hooks\.#', Place('HOOKS', beside=_named('priority'), is_whole=True)),
    (r'(val|test)_evaluator(\.metrics)?(\.#)?', Place('METRICS|EVALUATOR', is_whole=True)),
    (r'visualizer', Place('VISUALIZERS')),
    (r'.*\.vis_backends\.#', Place('VISBACKENDS')),
    (r'log_processor', Place('LOG_PROCESSORS', 'LogProcessor')),
    (r'model_wrapper_cfg', Place('MODEL_WRAPPERS', supplied=_named('module'))),
    (r'randomness', Place(keys=_parameters(Runner.set_randomness))),
    (r'env_cfg', Place(keys=_named('cudnn_benchmark', 'mp_cfg', 'dist_cfg', 'resource_limit'))),
    (r'env_cfg\.mp_cfg', Place(keys=_parameters(set_multi_processing, 'distributed'))),
    (r'auto_scale_lr', Place(keys=_named('enable', 'base_batch_size'))),
    (r'custom_imports', Place(keys=_named('imports', 'allow_failed_imports'))),
    (r'compile', Place(keys=_parameters(torch.compile, 'model'))),
    (r'model(\.module)?(\.backbone|\.neck|\.data_preprocessor)?(\.#)?', Place('MODELS', is_whole=True)),
    (r'.*\.init_cfg(\.#)?(\.override(\.#)?)?', Place('WEIGHT_INITIALIZERS', beside=_named('name'))),
    # the builders of mmcv's layers take these out
    (r'.*\.norm_cfg(\.#)?', Place('MODELS', beside=_named('requires_grad'))),
    (r'.*\.upsample_cfg', Place('MODELS', beside=_named('scale_factor', 'upsample_kernel'))),
    (r'.*\.loss_cls', Place('MODELS', beside=_named('bg_cls_weight'))),  # of DETR
    (r'.*\.dcn(\.#)?', Place('MODELS', beside=_named('fallback_on_stride'))),
    (
        r'.*\.(nms(_cfg|_post)?|dqs_cfg)',
        Place(beside=_named('class_agnostic', 'split_thr', 'max_num', 'iou_thr'), supplied=_named('boxes', 'scores')),
    ),
)
_COMPILED = tuple((re.compile(pattern.replace('#', r'\d+')), place) for pattern, place in _PLACES)


def place_of(key: str) -> Place:
    """What stands at `key`; an empty place where nothing is known of it."""
    return next((place for pattern, place in _COMPILED if pattern.fullmatch(key)), Place())


def look_at(key: str, node: dict[str, Any], scope: str | None) -> Node:
    """Find out what will be built of a dict of a config, and which keys are read of it."""
    place = place_of(key)
    if place.keys is not None:
        return Node(place, None, None, Arguments(place.keys | _ALWAYS))
    kind = node.get('type') or _default_type(key, node, place)
    if kind is None:
        return Node(place, None, None, None)
    scope = node.get('_scope_', scope)
    target = _operator(key, kind) or find_type(kind, scope, place.registry)
    if target is None or not callable(target):
        return Node(place, kind, None, None)
    found = _passed_on(arguments_of(target), node, scope)
    return Node(
        place,
        kind,
        target,
        Arguments(found.names | place.beside | _ALWAYS, found.required - place.supplied, found.is_open),
    )


def _default_type(key: str, node: dict[str, Any], place: Place) -> Any:
    if place.registry == 'LOOPS':
        by_epoch = node.get('by_epoch', 'max_iters' not in node)
        return _LOOPS.get(key, 'EpochBasedTrainLoop' if by_epoch else 'IterBasedTrainLoop')
    if key.startswith('default_hooks.'):
        return DEFAULT_HOOKS.get(key.split('.')[-1])
    return place.default or None


def _operator(key: str, kind: Any) -> Any:
    """Functions and layers of mmcv.ops that heads take by name from there, not from a registry."""
    last = key.rsplit('.', 1)[-1]
    is_operator = last == 'roi_layer' or kind in _NMS
    return getattr(ops, kind, None) if is_operator and isinstance(kind, str) else None


def _passed_on(arguments: Arguments, node: dict[str, Any], scope: str | None) -> Arguments:
    """Where a class builds another, named by `..._type`, from the rest of its arguments: the arguments of both."""
    kinds = [name for name in arguments.names if name.endswith('_type') and name in arguments.defaults]
    if not arguments.is_open or len(kinds) != 1:
        return arguments
    target = find_type(node.get(kinds[0], arguments.defaults[kinds[0]]), scope)
    if not inspect.isclass(target):
        return arguments
    inner = arguments_of(target)  # type: ignore[arg-type]
    return Arguments(arguments.names | inner.names, arguments.required, inner.is_open, arguments.defaults)
