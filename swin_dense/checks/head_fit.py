"""Heads against the maps they get: channels, number of levels, strides of anchors and of regions."""

from collections.abc import Iterator, Sequence
from typing import Any

from swin_dense.checks.feature_maps import Maps
from swin_dense.checks.findings import Finding
from swin_dense.engine.config_places import look_at


def decode_heads_fit(model: dict[str, Any], key: str, giver: str, given: Maps, scope: str | None) -> Iterator[Finding]:
    """Heads of mmseg, which take the levels of `in_index`."""
    for name in ('decode_head', 'auxiliary_head'):
        heads = model.get(name)
        for number, head in enumerate(heads) if isinstance(heads, (list, tuple)) else [(None, heads)]:
            place = f'{key}.{name}' if number is None else f'{key}.{name}.{number}'
            if isinstance(head, dict) and _has_base(place, head, scope, 'BaseDecodeHead'):
                yield from _decode_head_fits(head, place, giver, given)


def _decode_head_fits(head: dict[str, Any], place: str, giver: str, given: Maps) -> Iterator[Finding]:
    levels, wanted = head.get('in_index', -1), head.get('in_channels')
    levels = list(levels) if isinstance(levels, (list, tuple)) else [levels]
    count = len(given.channels)
    if any(not isinstance(level, int) or not -count <= level < count for level in levels):
        yield _finding(
            'head-levels', f'{place}.in_index', head.get('in_index'),
            f'{place} takes the levels {levels}, {giver} gives {given}: 0 to {count - 1}.',
            f'Write {place}.in_index with numbers from 0 to {count - 1}, or give the backbone more out_indices.',
        )  # fmt: skip
        return
    channels = [given.channels[level] for level in levels]
    taken = list(wanted) if isinstance(wanted, (list, tuple)) else [wanted]
    if wanted is not None and taken != channels:
        line = channels[0] if isinstance(wanted, int) and len(channels) == 1 else channels
        yield _finding(
            'head-channels', f'{place}.in_channels', wanted,
            f'{place} takes {wanted} channels from the levels {levels}; {giver} gives {channels} there ({given}).',
            f'Write {place}.in_channels={line}.',
        )  # fmt: skip


def detection_heads_fit(
    model: dict[str, Any], key: str, giver: str, given: Maps, scope: str | None
) -> Iterator[Finding]:
    """Dense heads of mmdet, which take all levels, and heads of regions, which take those of `featmap_strides`."""
    for name in ('rpn_head', 'bbox_head'):
        head = model.get(name)
        place = f'{key}.{name}'
        if isinstance(head, dict) and _has_base(place, head, scope, 'AnchorHead', 'AnchorFreeHead'):
            yield from _dense_head_fits(head, place, giver, given)
    roi_head = model.get('roi_head')
    if isinstance(roi_head, dict):
        yield from _roi_head_fits(roi_head, f'{key}.roi_head', giver, given)


def _dense_head_fits(head: dict[str, Any], place: str, giver: str, given: Maps) -> Iterator[Finding]:
    wanted = head.get('in_channels')
    if isinstance(wanted, int) and set(given.channels) != {wanted}:
        same = len(set(given.channels)) == 1
        yield _finding(
            'head-channels', f'{place}.in_channels', wanted,
            f'{place} takes {wanted} channels from every level; {giver} gives {given}.',
            f'Write {place}.in_channels={given.channels[0]}.' if same else 'Add a neck that makes them equal, as FPN.',
        )  # fmt: skip
    for name in ('strides', 'point_strides', 'anchor_generator.strides'):
        outer, _, inner = name.rpartition('.')
        strides = (head.get(outer) or {}).get(inner) if outer else head.get(name)
        if isinstance(strides, (list, tuple)) and _numbers(strides) != list(given.strides):
            if len(strides) == len(given.strides) and any(each != round(each) for each in _scalars(strides)):
                continue  # worked out for maps of one image size, as YOLACT's 550 / 69
            rounded = [round(stride) for stride in given.strides]
            if _numbers(strides) == rounded or len(set(given.strides)) != len(given.strides):
                continue
            yield _finding(
                'head-strides', f'{place}.{name}', strides,
                f'{place} has strides for {len(strides)} levels, {list(strides)}; {giver} gives {given}.',
                f'Write {place}.{name}={rounded}' + (
                    f', or {giver}.num_outs={len(strides)}.' if len(strides) != len(rounded) else '.'
                ),
            )  # fmt: skip


def _roi_head_fits(roi_head: dict[str, Any], key: str, giver: str, given: Maps) -> Iterator[Finding]:
    for part in ('bbox', 'mask'):
        extractors = roi_head.get(f'{part}_roi_extractor')
        listed = list(extractors) if isinstance(extractors, (list, tuple)) else [extractors]
        for extractor in listed[:1]:
            if not isinstance(extractor, dict):
                continue
            yield from _extractor_fits(extractor, f'{key}.{part}_roi_extractor', giver, given)
            if roi_head.get('shared_head') is None:
                yield from _region_head_fits(roi_head, key, part, extractor)


def _extractor_fits(extractor: dict[str, Any], place: str, giver: str, given: Maps) -> Iterator[Finding]:
    strides, channels = extractor.get('featmap_strides'), extractor.get('out_channels')
    if not isinstance(strides, (list, tuple)):
        return
    actual = [round(stride) for stride in given.strides]
    if _numbers(strides) != actual[: len(strides)]:
        yield _finding(
            'region-strides', f'{place}.featmap_strides', strides,
            f'regions are cut from {len(strides)} levels as if at strides {list(strides)}; {giver} gives {given}.',
            f'Write {place}.featmap_strides={actual[: len(strides)]}.',
        )  # fmt: skip
    taken = given.channels[: len(strides)]
    if isinstance(channels, int) and set(taken) != {channels} and len(set(taken)) == 1:
        yield _finding(
            'head-channels', f'{place}.out_channels', channels,
            f'{place} hands on {channels} channels; {giver} gives {given}.', f'Write {place}.out_channels={taken[0]}.',
        )  # fmt: skip


def _region_head_fits(roi_head: dict[str, Any], key: str, part: str, extractor: dict[str, Any]) -> Iterator[Finding]:
    heads = roi_head.get(f'{part}_head')
    for number, head in enumerate(heads) if isinstance(heads, (list, tuple)) else [(None, heads)]:
        wanted = head.get('in_channels') if isinstance(head, dict) else None
        given = extractor.get('out_channels')
        if isinstance(wanted, int) and isinstance(given, int) and wanted != given:
            place = f'{key}.{part}_head' if number is None else f'{key}.{part}_head.{number}'
            yield _finding(
                'head-channels', f'{place}.in_channels', wanted,
                f'{place} takes {wanted} channels, {key}.{part}_roi_extractor gives {given} (out_channels).',
                f'Write {place}.in_channels={given}.',
            )  # fmt: skip


def _has_base(place: str, head: dict[str, Any], scope: str | None, *names: str) -> bool:
    target = look_at(place, head, scope).target
    return isinstance(target, type) and bool({base.__name__ for base in target.__mro__} & set(names))


def _numbers(strides: Sequence[Any]) -> list[Any]:
    """Strides, those of height and width as one where they are equal."""
    return [each[0] if isinstance(each, (list, tuple)) and len(set(each)) == 1 else each for each in strides]


def _scalars(strides: Sequence[Any]) -> Iterator[float]:
    for each in strides:
        yield from each if isinstance(each, (list, tuple)) else [each]


def _finding(rule: str, key: str, value: Any, message: str, remedy: str) -> Finding:
    return Finding(level='error', rule=rule, key=key, value=value, message=message, remedy=remedy)
