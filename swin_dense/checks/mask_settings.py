"""Settings of segmentation data sets that contradict each other, found in the config alone."""

from collections.abc import Iterator, Mapping
from typing import Any

from mmengine.config import Config

from swin_dense.checks.dataset_configs import DatasetConfig
from swin_dense.checks.findings import Finding
from swin_dense.checks.mask_sources import MMSEG_IGNORES, argument, class_names, is_own
from swin_dense.engine.errors import closest


def check_settings(cfg: Config, dataset: DatasetConfig) -> Iterator[Finding]:
    """Look at the arguments of one data set, and at its pipeline."""
    yield from _classes(dataset)
    yield from _palette(dataset)
    yield from _reduction(dataset)
    if is_own(dataset):
        yield from _own_arguments(dataset)
    ignored = decode_head_ignores(cfg)
    own = dataset.cfg.get('ignore_index')
    if own is not None and own != ignored:
        yield Finding(
            level='error', rule='ignore-index-differs', key=f'{dataset.key}.ignore_index', value=own,
            message=f'the data set says that {own} is ignored, and the decode head ignores {ignored}: mmseg goes by '
            f'the head, so {own} is trained.',
            remedy=f'model.decode_head.ignore_index={own} (and of auxiliary heads, IoUMetric and seg_pad_val), or '
            f'leave ignore_index out and write {ignored} in the masks.',
        )  # fmt: skip


def check_heads(cfg: Config) -> Iterator[Finding]:
    """Look at what heads, losses, padding and metric ignore, and at one class alone."""
    ignored = decode_head_ignores(cfg)
    heads = dict(_heads(model_of(cfg)))
    for key, head in heads.items():
        others = {f'{key}.ignore_index': head.get('ignore_index', MMSEG_IGNORES)}
        for place, loss in enumerate(_listed(head.get('loss_decode'))):
            if 'ignore_index' in loss:
                others[f'{key}.loss_decode.{place}.ignore_index'] = loss['ignore_index']
        for other_key, other in others.items():
            if other != ignored:
                yield _ignored_differently(other_key, other, ignored)
        yield from _single_class(key, head)
    yield from _padding(cfg, ignored, heads)
    metric = cfg.get('val_evaluator') or {}
    for each in _listed(metric):
        if str(each.get('type')).endswith('IoUMetric') and each.get('ignore_index', MMSEG_IGNORES) != ignored:
            yield Finding(
                level='warning', rule='ignore-index-differs', key='val_evaluator.ignore_index',
                value=each.get('ignore_index', MMSEG_IGNORES),
                message=f'mIoU leaves out {each.get("ignore_index", MMSEG_IGNORES)}, and training ignores {ignored}: '
                'pixels are counted that the model never learnt.',
                remedy=f'val_evaluator=dict(ignore_index={ignored}).',
            )  # fmt: skip


def decode_head_ignores(cfg: Config) -> int | None:
    """The label that training ignores."""
    for head in dict(_heads(model_of(cfg))).values():
        return head.get('ignore_index', MMSEG_IGNORES)
    return MMSEG_IGNORES


def model_of(cfg: Config) -> Mapping[str, Any]:
    """The model of a config, within one that tests several views."""
    model = cfg.get('model') or {}
    while isinstance(model.get('module'), dict):
        model = model['module']
    return model


def _heads(model: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Dense heads of mmseg, the last decode head first: of a cascade, it gives the result."""
    for name in ('decode_head', 'auxiliary_head'):
        head = model.get(name)
        if isinstance(head, dict):
            yield f'model.{name}', head
        elif isinstance(head, (list, tuple)):
            for place, each in list(enumerate(head))[::-1]:
                yield f'model.{name}.{place}', each


def _listed(value: Any) -> list[Any]:
    items = value if isinstance(value, (list, tuple)) else [value]
    return [item for item in items if isinstance(item, dict)]


def _classes(dataset: DatasetConfig) -> Iterator[Finding]:
    key = f'{dataset.key}.metainfo.classes'
    given = (dataset.cfg.get('metainfo') or {}).get('classes')
    if isinstance(given, str):
        yield Finding(
            level='error', rule='classes-not-a-list', key=key, value=given,
            message=f'classes is the text {given!r}, and its letters would be the classes.',
            remedy=f'classes=({given!r},), with the comma; all classes in the order of their numbers.',
        )  # fmt: skip
        return
    names = class_names(dataset)
    if not names:
        yield Finding(
            level='error', rule='classes-missing', key=key, value=given,
            message=f'the {dataset.split} set has no names of classes.',
            remedy='metainfo=dict(classes=(...)), names in the order of the numbers in the masks.',
        )  # fmt: skip
        return
    known = (getattr(dataset.cls, 'METAINFO', None) or {}).get('classes')
    if strange := [name for name in names if known and name not in known]:
        yield Finding(
            level='error', rule='classes-not-of-type', key=key, value=strange,
            message=f'{dataset.cfg["type"]} has {len(known or ())} classes of its own, of which a config can name '
            f'some. {", ".join(map(repr, strange[:5]))} {"is" if len(strange) == 1 else "are"} not among them.'
            + closest(strange[0], known or ()),
            remedy="correct the names, or take type='swin_dense.SegmentationDataset', which has no classes of its own.",
        )  # fmt: skip


def _palette(dataset: DatasetConfig) -> Iterator[Finding]:
    palette = (dataset.cfg.get('metainfo') or {}).get('palette')
    names = class_names(dataset)
    if palette and names and len(palette) != len(names):
        yield Finding(
            level='error', rule='palette-length', key=f'{dataset.key}.metainfo.palette', value=palette,
            message=f'the palette has {len(palette)} colours, and there are {len(names)} classes.',
            remedy='give each class a colour, in their order, or leave the palette out.',
        )  # fmt: skip


def _reduction(dataset: DatasetConfig) -> Iterator[Finding]:
    own = bool(argument(dataset, 'reduce_zero_label'))
    for key, step in _loaders(dataset.cfg.get('pipeline'), f'{dataset.key}.pipeline'):
        told = step.get('reduce_zero_label')
        if told is not None and bool(told) != own:
            by_itself = '' if 'reduce_zero_label' in dataset.cfg else f' (of {dataset.cfg["type"]} by itself)'
            yield Finding(
                level='error', rule='reduce-zero-label-differs', key=f'{key}.reduce_zero_label', value=told,
                message=f'reduce_zero_label is {own} for the data set{by_itself} and {told} for LoadAnnotations of its '
                'pipeline; mmseg stops at the first sample.',
                remedy=f'leave it out of the pipeline, which follows the data set, and set it in one place: '
                f'{dataset.key}.reduce_zero_label.',
            )  # fmt: skip


def _loaders(pipeline: Any, key: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Steps that load annotations, within steps that hold steps as well."""
    for place, step in enumerate(pipeline if isinstance(pipeline, (list, tuple)) else ()):
        if isinstance(step, (list, tuple)):
            yield from _loaders(step, f'{key}.{place}')
        elif isinstance(step, dict):
            if str(step.get('type')).rsplit('.', 1)[-1] == 'LoadAnnotations':
                yield f'{key}.{place}', step
            yield from _loaders(step.get('transforms'), f'{key}.{place}.transforms')


def _own_arguments(dataset: DatasetConfig) -> Iterator[Finding]:
    """What SegmentationDataset refuses when it is built."""
    from swin_dense.datasets.semantic import check_arguments

    names = class_names(dataset)
    palette = (dataset.cfg.get('metainfo') or {}).get('palette') or ()
    given = {
        name: argument(dataset, name) for name in ('label_map', 'mask_colors', 'reduce_zero_label', 'ignore_index')
    }
    if not names or (palette and len(palette) != len(names)):  # said already
        return
    try:
        check_arguments(classes=names, palette=palette, **given)
    except (ValueError, TypeError) as error:
        name = 'mask_colors' if 'mask_colors' in str(error).split(':')[0] else 'label_map'
        yield Finding(
            level='error', rule='mask-arguments', key=f'{dataset.key}.{name}', value=dataset.cfg.get(name),
            message=f'{error}', remedy=f'correct {dataset.key}.{name}.',
        )  # fmt: skip


def _ignored_differently(key: str, value: Any, ignored: int | None) -> Finding:
    return Finding(
        level='error', rule='ignore-index-differs', key=key, value=value,
        message=f'it ignores {value}, and model.decode_head ignores {ignored}: the same pixels are trained in one '
        'and not in the other.',
        remedy=f'{key}={ignored}, or the same number in all heads and losses.',
    )  # fmt: skip


def _single_class(key: str, head: Mapping[str, Any]) -> Iterator[Finding]:
    one = (head.get('out_channels') or head.get('num_classes')) == 1
    losses = [str(each.get('type')) for each in _listed(head.get('loss_decode')) if not each.get('use_sigmoid')]
    losses += ['CrossEntropyLoss'] if head.get('loss_decode') is None else []
    if one and 'CrossEntropyLoss' in losses:
        yield Finding(
            level='error', rule='one-class-softmax', key=f'{key}.num_classes', value=1,
            message='a softmax over one class is 1 everywhere: the loss is 0 from the start, and nothing is learnt.',
            remedy='name the background as well: two classes, classes=("background", "object"). Or out_channels=1 with '
            "loss_decode=dict(type='CrossEntropyLoss', use_sigmoid=True) and two classes.",
        )  # fmt: skip


def _padding(cfg: Config, ignored: int | None, heads: Mapping[str, Any]) -> Iterator[Finding]:
    preprocessor = model_of(cfg).get('data_preprocessor') or cfg.get('data_preprocessor') or {}
    value = preprocessor.get('seg_pad_val', MMSEG_IGNORES)
    pads = preprocessor.get('size') is not None or preprocessor.get('size_divisor') is not None
    if heads and pads and value != ignored:
        yield Finding(
            level='error', rule='padding-not-ignored', key='model.data_preprocessor.seg_pad_val', value=value,
            message=f'masks are padded with {value}, and the heads ignore {ignored}: padding is trained as a label.',
            remedy=f'model.data_preprocessor.seg_pad_val={ignored}.',
        )  # fmt: skip
