"""What the values of all masks together mean: the table of classes, and numbers that cannot be meant."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from swin_dense.checks.cases import counted, listed, one_finding
from swin_dense.checks.findings import Case, Finding
from swin_dense.checks.mask_facts import COLORED
from swin_dense.checks.mask_files import is_usable
from swin_dense.checks.mask_sources import MaskSource
from swin_dense.checks.scan import Facts

_ROWS = 40  # of a table
_STRANGE_ROWS = 5  # of values without a class
_OF_EDGES = 32  # so many values without a class come from smoothing
# without value N in so many masks of N classes, 0 is a class
ENOUGH_MASKS = 1000


@dataclass
class Tally:
    """Pixels and masks of each value in the files, and of each label that they become.

    Attributes:
        values: of masks of numbers: value -> pixels.
        pixels, masks: label -> pixels, masks with it.
        total: of all masks of the data set, of which `looked_at` were looked into.
    """

    total: int
    looked_at: int
    values: Counter[int] = field(default_factory=Counter)
    pixels: Counter[int] = field(default_factory=Counter)
    masks: Counter[int] = field(default_factory=Counter)
    ignored_alone: list[str] = field(default_factory=list)

    @property
    def is_whole(self) -> bool:
        return self.looked_at == self.total

    @property
    def sample(self) -> str:
        return f'{self.total:,}' if self.is_whole else f'{self.looked_at:,} of {self.total:,}'


def tally(source: MaskSource, masks: Sequence[tuple[str, Facts]], total: int) -> Tally:
    """Count labels over the masks whose form is one that can be read."""
    counts = Tally(total=total, looked_at=len(masks))
    for path, facts in masks:
        if not is_usable(source, facts):
            continue
        labels = _labels(source, facts)
        if facts['form'] not in COLORED:
            counts.values.update({int(value): number for value, number in facts['values'].items()})
        counts.pixels.update(labels)
        counts.masks.update(labels.keys())
        if labels and set(labels) == {source.ignored}:
            counts.ignored_alone.append(path)
    return counts


def _labels(source: MaskSource, facts: Facts) -> Counter[int]:
    labels: Counter[int] = Counter()
    if facts['form'] in COLORED:
        for color, number in facts['colors'].items():
            red, green, blue = map(int, color.split(','))
            label = (source.colors or {}).get((red, green, blue))
            if label is not None:  # else it is said to be strange
                labels[label] += number
    else:
        for value, number in facts['values'].items():
            labels[source.label(int(value))] += number
    return labels


def check_values(
    source: MaskSource, masks: Sequence[tuple[str, Facts]], counts: Tally, *, elsewhere: Collection[int] = ()
) -> Iterator[Finding]:
    """Look at the values of one data set; `elsewhere` are those of others whose numbers mean the same."""
    if not source.classes or not counts.pixels:
        return
    told = list(_misread(source, counts, elsewhere))
    yield from told
    if not told:
        yield from list(_outside(source, masks, counts)) or _never(source, counts)
    cases = [Case(path, '', None, 'label it, or take it out with its image') for path in counts.ignored_alone]
    if len(cases) < counts.looked_at:  # else none occurs, which was said
        yield from one_finding(
            cases, level='warning', rule='mask-all-ignored', file=cases[0].file if cases else '',
            key=f'{source.key}.data_prefix.seg_map_path',
            message=f'{counted(len(cases), "mask")} of {counts.sample} have nothing but what is ignored: '
            f'{listed([case.file for case in cases], 3)}. Nothing is learnt from them.',
            remedy='label them, or take them out with their images.',
        )  # fmt: skip
    yield _table(source, counts)


def _misread(source: MaskSource, counts: Tally, elsewhere: Collection[int]) -> Iterator[Finding]:
    """Values that show which setting is wrong; one at most is said."""
    values = set(counts.values) - {255}
    number = len(source.classes)
    if 255 in counts.values and values <= {0} and not source.label_map and number <= 2:
        yield _zero_and_255(source, counts)
    elif source.label_map or source.colors is not None:
        return
    elif not source.reduce_zero_label and values and max(values) == number and len(values) > 2:
        yield _reduction_missing(source, counts, values)
    elif source.reduce_zero_label and source.split == 'train' and values == set(range(number)):
        if number in elsewhere:  # the last class, which training lacks
            return
        yield _reduction_wrong(source, counts)


def _zero_and_255(source: MaskSource, counts: Tally) -> Finding:
    names = source.classes if len(source.classes) == 2 else ('background', *source.classes)
    reduce = ', without reduce_zero_label' if source.reduce_zero_label else ''
    classes = '' if len(source.classes) == 2 else f', metainfo=dict(classes={tuple(names)!r})'
    learnt = 'nothing is' if source.reduce_zero_label else f'only {source.classes[0]!r} (0) is'
    return Finding(
        level='error', rule='masks-0-255', key=f'{source.key}.label_map', file=source.mask_folder or '',
        value=sorted(counts.values),
        message=f'the masks of the {source.split} set have the values {listed(sorted(counts.values))} alone ('
        f'{counts.sample} looked into), and 255 is what is ignored: {learnt} learnt.',
        remedy=f"map 255 to the second class: type='swin_dense.SegmentationDataset', label_map={{255: 1}}{classes} in "
        f'{source.key}{reduce}.',
    )  # fmt: skip


def _reduction_missing(source: MaskSource, counts: Tally, values: set[int]) -> Finding:
    number = len(source.classes)
    return Finding(
        level='error', rule='reduce-zero-label-missing', key=f'{source.key}.reduce_zero_label', value=False,
        file=source.mask_folder or '',
        message=f'the masks of the {source.split} set have the values {_ranges(values)} ({counts.sample} looked into), '
        f'and the {number} classes ({_named(source)}) are 0 to {number - 1}.',
        remedy=f'where 0 means "no label" and the first class is 1: reduce_zero_label=True in {source.key}. Where 0 '
        f'is a class, name it: there are {number + 1} classes then.',
    )  # fmt: skip


def _reduction_wrong(source: MaskSource, counts: Tally) -> Finding:
    number = len(source.classes)
    given = 'reduce_zero_label' in source.dataset.cfg
    kind = source.dataset.cfg.get('type')
    return Finding(
        level='error' if counts.is_whole or counts.looked_at >= ENOUGH_MASKS else 'warning',
        file=source.mask_folder or '', rule='reduce-zero-label-wrong', key=f'{source.key}.reduce_zero_label',
        value=True,
        message=f'the masks of the {source.split} set have the values 0 to {number - 1} ({counts.sample} looked into), '
        f'as many as there are classes ({_named(source)}), and reduce_zero_label ignores 0 and takes 1 for '
        f'{source.classes[0]!r}: each class is learnt under the name before it, and {source.classes[-1]!r} never.',
        remedy=f'reduce_zero_label=False in {source.key}'
        + ('' if given else f' (True is what {kind} has by itself)')
        + ', and none in LoadAnnotations of its pipeline.',
    )  # fmt: skip


def _outside(source: MaskSource, masks: Sequence[tuple[str, Facts]], counts: Tally) -> Iterator[Finding]:
    strange = {value for value in counts.values if not source.is_valid(source.label(value))}
    if not strange:
        return
    cases = []
    for path, facts in masks:
        if facts.get('form') in COLORED or not is_usable(source, facts):
            continue
        found = {int(value): number for value, number in facts['values'].items() if int(value) in strange}
        if found:
            shown = ', '.join(f'{value} on {number:,} pixels' for value, number in sorted(found.items())[:5])
            cases.append(Case(path, '', shown, f'change {", ".join(map(str, sorted(found)[:5]))} to a class or ignore'))
    number = len(source.classes)
    first = 1 if source.reduce_zero_label else 0
    also = 'nothing is ignored' if source.ignored is None else f'{source.ignored} is ignored'
    yield from one_finding(
        cases, level='error', rule='mask-values', file=cases[0].file, key=f'{source.key}.metainfo.classes',
        message=f'{counted(len(cases), "mask")} of {counts.sample} have values that no class has, '
        f'{_ranges(strange)}: {"; ".join(f"{case.file}: {case.value}" for case in cases[:3])}. The {number} classes '
        f'({_named(source)}) are {first} to {number - 1 + first} in the files, and {also}.',
        remedy=_remedy(source, counts, strange),
    )  # fmt: skip


def _remedy(source: MaskSource, counts: Tally, strange: set[int]) -> str:
    if len(strange) > _OF_EDGES:
        return (
            f'{len(strange)} values are no classes: such masks were smoothed at edges (antialiasing, resizing, JPEG), '
            'or are photos. Export them again without antialiasing as PNG, resize with Image.NEAREST alone; dividing '
            'these values does not mend the edges.'
        )
    values = sorted(set(counts.values) - {255}) if 255 not in strange else sorted(counts.values)
    if len(values) == len(source.classes) and not source.reduce_zero_label:
        wanted = {value: label for label, value in enumerate(values) if value != label}
        return (
            f'there are as many values as classes. If they mean {_pairs(source, values)}: '
            f"type='swin_dense.SegmentationDataset', label_map={wanted} in {source.key}."
        )
    return (
        'name every class, in the order of the values; or map values to classes, or to what is ignored: '
        f"type='swin_dense.SegmentationDataset', label_map={{{min(strange)}: {source.ignored}}} in {source.key}."
    )


def _never(source: MaskSource, counts: Tally) -> Iterator[Finding]:
    if source.split != 'train':
        return
    absent = [name for label, name in enumerate(source.classes) if not counts.pixels[label] and label != source.ignored]
    key = f'{source.key}.metainfo.classes'
    if len(absent) == len(source.classes):
        yield Finding(
            level='error', rule='no-class-occurs', key=key, file=source.mask_folder or '',
            value=sorted(counts.values),
            message=f'no class occurs in the masks of the train set ({counts.sample} looked into): they have the '
            f'values {_ranges(counts.values)} alone, which are ignored or no class.',
            remedy='correct classes, reduce_zero_label or label_map: see the table of values.',
        )  # fmt: skip
    elif absent and counts.is_whole:
        yield Finding(
            level='warning', rule='class-never-occurs', key=key, file=source.mask_folder or '', value=absent,
            message=f'{counted(len(absent), "class", "classes")} of {len(source.classes)} never occur in the '
            f'{counts.total:,} masks of the train set: {listed(absent)}. Nothing is learnt of them.',
            remedy='take them out of the end of metainfo.classes, or add images of them; where they should be there, '
            'the numbers are wrong: see the table of values.',
        )  # fmt: skip


def _table(source: MaskSource, counts: Tally) -> Finding:
    total = sum(counts.pixels.values())
    shares = {label: f'{100 * number / total:.2f} %' for label, number in counts.pixels.items()}
    by_label: dict[int, list[int]] = {}
    for value in sorted(counts.values):
        by_label.setdefault(source.label(value), []).append(value)
    strange = sorted(label for label in counts.pixels if not source.is_valid(label))
    many = strange if len(strange) > _STRANGE_ROWS else []
    shown: list[int] = sorted({*range(len(source.classes)), *counts.pixels} - set(many))
    rows = []
    for label in shown[:_ROWS]:
        name = (
            source.classes[label] if source.is_class(label) else ('ignored' if source.is_valid(label) else 'NO CLASS')
        )
        values = ', '.join(map(str, by_label.get(label, ()))) or 'colour'
        values = values if counts.pixels[label] else '-'
        where = f'{shares.get(label, "0 %"):>8} of pixels, {counts.masks[label]:,} masks'
        rows.append(f'  value {values:>5} -> {label:>3} {name:<20} {where}')
    rows += [f'  and {len(shown) - _ROWS} more'] if len(shown) > _ROWS else []
    if many:
        values = _ranges([value for label in many for value in by_label.get(label, ())])
        pixels = sum(counts.pixels[label] for label in many)
        rows.append(f'  NO CLASS: {len(many)} values ({values}), {100 * pixels / total:.2f} % of pixels')
    head = f'{counts.sample} masks of the {source.split} set looked into: value in the file -> class'
    return Finding(
        level='ok', rule='mask-values', file=source.mask_folder or '', key=source.key, message='\n'.join([head, *rows])
    )


def _pairs(source: MaskSource, values: Sequence[int]) -> str:
    return ', '.join(f'{value} {name}' for value, name in list(zip(values, source.classes, strict=True))[:5])


def _named(source: MaskSource) -> str:
    return ', '.join(source.classes[:5]) + (', ...' if len(source.classes) > 5 else '')


def _ranges(values: Iterable[int] | Mapping[int, int]) -> str:
    """Numbers in words: `0 to 6, 255`."""
    ordered, parts = sorted(values), []
    start = 0
    for place, value in enumerate(ordered):
        if place + 1 == len(ordered) or ordered[place + 1] != value + 1:
            first = ordered[start]
            parts.append(
                f'{first} to {value}' if value > first + 1 else ', '.join(map(str, ordered[start : place + 1]))
            )
            start = place + 1
    return ', '.join(parts[:8]) + (f' and {len(parts) - 8} more' if len(parts) > 8 else '')
