"""Parts of a model that do not fit together: channels, levels and strides of backbone, neck and heads."""

import copy
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from mmengine.config import Config, ConfigDict
from torch import nn

from swin_dense.checks.feature_maps import Maps, described, maps_of_backbone, reason, run
from swin_dense.checks.findings import Depth, Finding
from swin_dense.checks.head_fit import decode_heads_fit, detection_heads_fit
from swin_dense.checks.offline import offline, without_weights
from swin_dense.checks.parameter_rules import unmatched_rules
from swin_dense.costs.models import build_part
from swin_dense.engine.config_places import look_at
from swin_dense.engine.errors import built_class
from swin_dense.engine.model_checks import STRIDES_REMEDY, STRIDES_RULE, strides_double

# said, with what they take, by the check of keys
_SAID_ELSEWHERE = (
    'unexpected keyword argument',
    'missing 1 required',
    'required positional',
    'is not in the',
    'the key "type"',
)

# not of the config: of building without numbers, in one process
_OF_THIS_BUILD = re.compile(
    r'\bmeta (device|tensors?|kernel)\b|\bdevice meta\b|\) meta\b|register_meta\b|process group has not been',
    re.IGNORECASE,
)

_NOT_BUILT = 'not-built'


def check_model(cfg: Config, splits: Sequence[str], depth: Depth) -> Iterator[Finding]:
    """Build the model without weights, and compare what each part gives with what the next takes."""
    values, key = cfg.to_dict().get('model'), 'model'
    if isinstance(values, dict) and 'module' in values:  # shown several views of an image
        values, key = values['module'], 'model.module'
    if not isinstance(values, dict) or not isinstance(values.get('backbone'), dict):
        return
    values, scope = without_weights(values, []), cfg.get('default_scope')
    faults = list(_faults(values, key, scope))
    if not any(each.level == 'error' or each.rule == _NOT_BUILT for each in faults):
        model, failed = _built(values, key, scope)
        faults += failed
        if model is not None and 'train' in splits:
            faults += unmatched_rules(cfg, [name for name, _ in model.named_parameters()])
    for finding in faults:
        yield replace(finding, file=str(cfg.filename or ''))


def _faults(model: dict[str, Any], key: str, scope: str | None) -> Iterator[Finding]:
    backbone, failed = _built(model['backbone'], f'{key}.backbone', scope)
    if backbone is None:
        yield from failed
        return
    in_channels = _in_channels(model['backbone'], f'{key}.backbone', scope)
    yield from _image_channels(model, key, in_channels)
    maps, _ = maps_of_backbone(backbone, in_channels)
    if maps is None:
        return
    given, giver = described(maps), f'{key}.backbone'
    neck_cfg = model.get('neck')
    if isinstance(neck_cfg, dict):
        neck, failed = _built(neck_cfg, f'{key}.neck', scope)
        if neck is None:
            yield from _neck_fits(neck_cfg, key, given, '') or failed
            return
        outputs, why = run(neck, tuple(maps))
        if outputs is None:
            yield from _neck_fits(neck_cfg, key, given, why)
            return
        yield from _strides_fit(neck, key, given)
        given, giver = described(outputs), f'{key}.neck'
    elif neck_cfg is not None:
        return
    yield from decode_heads_fit(model, key, giver, given, scope)
    yield from detection_heads_fit(model, key, giver, given, scope)


def _built(cfg: dict[str, Any], key: str, scope: str | None) -> tuple[nn.Module | None, list[Finding]]:
    try:
        # keys of a ConfigDict are attributes, too; heads write into it
        with offline():
            return build_part(ConfigDict(copy.deepcopy(cfg)), scope, 'meta'), []
    except Exception as error:  # whatever a class of any library raises
        return None, _cannot_build(error, cfg, key, scope)


def _cannot_build(error: Exception, cfg: dict[str, Any], key: str, scope: str | None) -> list[Finding]:
    why = reason(error)
    if isinstance(error, (TypeError, KeyError)) and any(words in why for words in _SAID_ELSEWHERE):
        return []
    if _OF_THIS_BUILD.search(why) and not isinstance(error, AssertionError):
        return []
    name = getattr(built_class(error), '__name__', '')
    if _needs_files(error):
        return [
            Finding(
                level='ok', rule=_NOT_BUILT, key=key, value=cfg.get('type'),
                message=f'{name or cfg.get("type")} was not built, and its parts not compared: it loads what is not '
                f'there before training ({" ".join(why.split())}).',
            )
        ]  # fmt: skip
    place = next((place for place in _places(key, cfg) if _is_of(place, name)), (key, cfg))
    lacks_package = ' install' in why
    remedy = 'Correct the argument that this names; the signature and docstring of the class say what it takes.'
    return [
        Finding(
            level='error', rule='missing-package' if lacks_package else 'cannot-build', key=place[0],
            value=place[1].get('type'),
            message=f'{name or place[1].get("type")} cannot be built: {" ".join(why.split())}',
            remedy='Install what it names.' if lacks_package else remedy,
        )
    ]  # fmt: skip


def _needs_files(error: BaseException | None) -> bool:
    """Whether a file or a connection that was not there began it."""
    while error is not None:
        if isinstance(error, OSError):
            return True
        error = error.__cause__ or error.__context__
    return False


def _places(key: str, node: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(node, dict):
        yield key, node
    inner = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, (list, tuple)) else ()
    for name, value in inner:
        yield from _places(f'{key}.{name}', value)


def _is_of(place: tuple[str, dict[str, Any]], name: str) -> bool:
    return str(place[1].get('type', '')).rsplit('.', 1)[-1] == name


def _in_channels(backbone: dict[str, Any], key: str, scope: str | None) -> int:
    arguments = look_at(key, backbone, scope).arguments
    default = arguments.defaults.get('in_channels', 3) if arguments else 3
    found = backbone.get('in_channels', default)
    return found if isinstance(found, int) else 3


def _image_channels(model: dict[str, Any], key: str, in_channels: int) -> Iterator[Finding]:
    cfg = model.get('data_preprocessor')
    for name in ('mean', 'std') if isinstance(cfg, dict) else ():
        values = (cfg or {}).get(name)
        if isinstance(values, (list, tuple)) and len(values) not in (1, in_channels):
            yield Finding(
                level='error', rule='image-channels', key=f'{key}.data_preprocessor.{name}', value=values,
                message=f'{name} has {len(values)} values, and images of {key}.backbone have {in_channels} channels '
                '(in_channels).',
                remedy=f'Give {name} {in_channels} values, or {key}.backbone.in_channels={len(values)}.',
            )  # fmt: skip


def _neck_fits(neck: dict[str, Any], key: str, given: Maps, why: str) -> list[Finding]:
    wanted = neck.get('in_channels')
    if wanted is None or list(given.channels) == (list(wanted) if isinstance(wanted, (list, tuple)) else None):
        return []
    if isinstance(wanted, int) and set(given.channels) == {wanted}:
        return []
    levels = len(wanted) if isinstance(wanted, (list, tuple)) else 'all'
    line = f'Write {key}.neck.in_channels={list(given.channels)}.'
    if isinstance(wanted, (list, tuple)) and len(wanted) != len(given.channels):
        line += (
            f' Or give the backbone other out_indices: {len(wanted)} levels are expected, and it gives '
            f'{len(given.channels)}.'
        )
    if len(given.strides) > 1 and len(set(given.strides)) == 1 and _is_fpn(neck.get('type')):
        line = STRIDES_REMEDY
    return [
        Finding(
            level='error', rule='neck-channels', key=f'{key}.neck.in_channels', value=wanted,
            message=f'{key}.neck takes {levels} levels of {wanted} channels, '
            f'{key}.backbone gives {given}.' + (f' ({why})' if why else ''), remedy=line,
        )
    ]  # fmt: skip


def _is_fpn(kind: Any) -> bool:
    return (kind if isinstance(kind, str) else getattr(kind, '__name__', '')).rsplit('.', 1)[-1] == 'FPN'


def _strides_fit(neck: nn.Module, key: str, given: Maps) -> Iterator[Finding]:
    if type(neck).__name__ == 'FPN' and not strides_double(given.strides):
        yield Finding(
            level='error', rule='fpn-strides', key=f'{key}.neck.type', value='FPN',
            message=f'{STRIDES_RULE} those of {key}.backbone are {list(given.strides)}.', remedy=STRIDES_REMEDY,
        )  # fmt: skip
