"""Mask and image files one by one: can they be read, do their sizes fit, is the form one that can be trained from."""

from collections.abc import Iterator, Sequence

from swin_dense.checks.cases import counted, listed, one_finding
from swin_dense.checks.findings import Case, Finding
from swin_dense.checks.image_facts import is_turned, seen_size, turns_by_exif
from swin_dense.checks.mask_facts import COLORED
from swin_dense.checks.mask_sources import MaskSource
from swin_dense.checks.scan import Facts
from swin_dense.datasets.mask_colors import contradictions

_FIRST = 5
_IGNORED = 65535  # in 16 bits, the greatest number
_OF_ARRAYS = 'save arrays as pictures: `Image.fromarray(np.load(path).astype(np.uint8)).save(name_of_png)` for each.'

# (image path, mask path, facts of the image, facts of the mask)
LookedAt = Sequence[tuple[str, str, Facts, Facts]]


def check_mask_files(source: MaskSource, files: LookedAt) -> Iterator[Finding]:
    yield from _unreadable(source, [(path, facts) for path, _, facts, _ in files], 'image')
    masks = [(path, facts) for _, path, _, facts in files]
    yield from _unreadable(source, masks, 'mask')
    yield from _sizes(source, files)
    yield from _lossy(source, masks)
    yield from _floats(source, masks)
    yield from _wide(source, masks)
    if source.colors is None:
        yield from _channels(source, masks)
    else:
        yield from _channels(source, [(path, facts) for path, facts in masks if facts.get('form') not in COLORED])
        yield from _strange_colors(source, masks)
        yield from _other_numbers(source, masks)


def is_usable(source: MaskSource, facts: Facts) -> bool:
    """Whether its values or colours say which class a pixel is."""
    if facts.get('lossy'):
        return False
    if facts.get('form') in COLORED:
        return source.colors is not None and facts['num_colors'] == len(facts['colors'])
    return 'values' in facts and not _contradictions(source, facts)


def _folder_key(source: MaskSource, what: str = 'mask') -> str:
    return f'{source.key}.data_prefix.{"seg_map_path" if what == "mask" else "img_path"}'


def _unreadable(source: MaskSource, files: Sequence[tuple[str, Facts]], what: str) -> Iterator[Finding]:
    cases = [
        Case(path, '', reason, 'write or copy it again')
        for path, facts in files
        if (reason := facts.get('broken') or facts.get('unreadable'))
    ]
    yield from one_finding(
        cases, level='error', rule=f'{what}-unreadable', file=cases[0].file if cases else '',
        key=_folder_key(source, what),
        message=f'{counted(len(cases), what)} of {len(files):,} that were looked into cannot be read: '
        f'{listed([f"{case.file}: {case.value}" for case in cases], 3)}.',
        remedy=_OF_ARRAYS
        if any('NumPy' in case.value for case in cases)
        else 'write or copy them again, or remove them with their partners.',
    )  # fmt: skip


def _sizes(source: MaskSource, files: LookedAt) -> Iterator[Finding]:
    turned: list[Case] = []
    unsure: list[Case] = []
    other: list[Case] = []
    turns = turns_by_exif(source.dataset.argument('pipeline'))
    for image, mask, image_facts, mask_facts in files:
        if 'height' not in image_facts or 'height' not in mask_facts:
            continue
        size = (mask_facts['height'], mask_facts['width'])
        seen = seen_size(image_facts, turns)
        by_exif = turns and is_turned(image_facts)
        case = Case(mask, '', _text(size), f'the image {image} is loaded as {_text(seen)}')
        if size == seen:
            if by_exif and size[0] == size[1]:
                unsure.append(case)
        elif by_exif and size == (image_facts['height'], image_facts['width']):
            turned.append(case)
        else:
            other.append(case)
    yield from _turned_or_not(source, unsure, len(files))
    yield from one_finding(
        other, level='error', rule='mask-size', file=other[0].file if other else '', key=_folder_key(source),
        message=f'{counted(len(other), "mask")} of {len(files):,} that were looked into are of another size than their '
        f'images: {"; ".join(f"{case.file} is {case.value}, {case.fix}" for case in other[:3])}.',
        remedy='a mask has a number for each pixel of its image: export it in that size, or resize it with '
        'Image.NEAREST.',
    )  # fmt: skip
    yield from one_finding(
        turned, level='error', rule='mask-not-turned', file=turned[0].file if turned else '', key=_folder_key(source),
        message=f'{counted(len(turned), "image")} of {len(files):,} that were looked into are turned by their EXIF '
        'orientation when they are loaded, and their masks are as the image is stored: '
        f'{"; ".join(f"{case.file} is {case.value}, {case.fix}" for case in turned[:3])}.',
        remedy="load images as they are stored, dict(type='LoadImageFromFile', "
        "color_type='color_ignore_orientation') in all pipelines; or store images upright, without EXIF.",
    )  # fmt: skip


def _turned_or_not(source: MaskSource, unsure: Sequence[Case], total: int) -> Iterator[Finding]:
    yield from one_finding(
        unsure, level='warning', rule='mask-turned-or-not', file=unsure[0].file if unsure else '',
        key=_folder_key(source),
        message=f'{counted(len(unsure), "square image")} of {total:,} that were looked into are turned by their '
        'EXIF orientation when they are loaded. Of square ones the size does not tell whether their masks were drawn '
        f'on the turned image: {listed([case.file for case in unsure], 3)}.',
        remedy='look at one of them: tools/check.py --level full draws what is trained. Where masks do not fit, take '
        "color_type='color_ignore_orientation' in LoadImageFromFile of all pipelines.",
    )  # fmt: skip


def _lossy(source: MaskSource, masks: Sequence[tuple[str, Facts]]) -> Iterator[Finding]:
    cases = [
        Case(path, '', f'{len(facts.get("values", ())) or facts.get("num_colors", 0)} values', 'export it as PNG')
        for path, facts in masks
        if facts.get('lossy')
    ]
    yield from one_finding(
        cases, level='error', rule='mask-lossy', file=cases[0].file if cases else '', key=_folder_key(source),
        message=f'{counted(len(cases), "mask")} of {len(masks):,} that were looked into are JPEG, which changes '
        f'numbers near edges: {listed([f"{case.file}, {case.value}" for case in cases], 3)}.',
        remedy='export the masks anew as PNG; saving these as PNG keeps the wrong numbers.',
    )  # fmt: skip


def _floats(source: MaskSource, masks: Sequence[tuple[str, Facts]]) -> Iterator[Finding]:
    cases = [
        Case(path, '', 'floats', 'save whole numbers of 0 to 255 in 8 bits')
        for path, facts in masks
        if facts.get('form') == 'floats'
    ]
    yield from one_finding(
        cases, level='error', rule='mask-of-floats', file=cases[0].file if cases else '', key=_folder_key(source),
        message=f'{counted(len(cases), "mask")} of {len(masks):,} that were looked into have numbers with fractions '
        f'(32-bit floats): a class is a whole number, and NaN is none. {listed([case.file for case in cases], 3)}.',
        remedy='save class numbers of 0 to 255, and 255 for what has none: '
        '`Image.fromarray(np.nan_to_num(values, nan=255).astype(np.uint8)).save(path)`.',
    )  # fmt: skip


def _wide(source: MaskSource, masks: Sequence[tuple[str, Facts]]) -> Iterator[Finding]:
    cases: list[Case] = []
    for path, facts in masks:
        if facts.get('form') == '16 bits' and (wide := [int(v) for v in facts['values'] if int(v) > 255]):
            cases.append(Case(path, '', wide[:_FIRST], 'save class numbers of 0 to 255 in 8 bits'))
    yield from one_finding(
        cases, level='error', rule='mask-16-bit', file=cases[0].file if cases else '', key=_folder_key(source),
        message=f'{counted(len(cases), "mask")} of {len(masks):,} that were looked into have 16 bits and values over '
        f'255, of which mmseg reads the lower 8 bits (258 as 2): '
        f'{"; ".join(f"{case.file}: {case.value}" for case in cases[:3])}.',
        remedy='save class numbers of 0 to 255 in 8 bits'
        + (
            f': mask[mask == {_IGNORED}] = 255, then Image.fromarray(mask.astype(np.uint8)); 255 is what is ignored.'
            if any(_IGNORED in case.value for case in cases)
            else '.'
        ),
    )  # fmt: skip


def _channels(source: MaskSource, masks: Sequence[tuple[str, Facts]]) -> Iterator[Finding]:
    grey, colored = [], []
    for path, facts in masks:
        if 'colors' not in facts:
            continue
        shown = list(facts.get('colors', ()))[:_FIRST]
        if facts.get('is_grey'):
            numbers = [color.split(',')[0] for color in shown]
            fix = f'Image.open({path!r}).getchannel(0).save({path!r})'
            grey.append(Case(path, '', f'{facts["form"]}, values {", ".join(numbers)}', fix))
        else:
            value = f'{facts["form"]}, {facts.get("num_colors", 0):,} colours: ({"), (".join(shown)})'
            colored.append(Case(path, '', value, 'say which colour is which class in mask_colors'))
    yield from one_finding(
        grey, level='error', rule='mask-channels', file=grey[0].file if grey else '', key=_folder_key(source),
        message=f'{counted(len(grey), "mask")} of {len(masks):,} that were looked into have the class numbers in '
        f'several channels, and mmseg takes one: {"; ".join(f"{case.file}: {case.value}" for case in grey[:3])}.',
        remedy='keep the first channel alone: `Image.open(path).getchannel(0).save(path)` for each.',
    )  # fmt: skip
    colors = {color for _, facts in masks for color in facts.get('colors', ())}
    names = source.classes or ('NAME',)
    example = next(iter(sorted(colors)), '0,0,0').replace(',', ', ')
    yield from one_finding(
        colored, level='error', rule='mask-colors-without-map', file=colored[0].file if colored else '',
        key=_folder_key(source),
        message=f'{counted(len(colored), "mask")} of {len(masks):,} that were looked into have colours in the place of '
        f'class numbers: {"; ".join(f"{case.file}: {case.value}" for case in colored[:3])}.',
        remedy=f"say which colour is which class: type='swin_dense.SegmentationDataset', mask_colors={{{names[0]!r}: "
        f"({example}), ...}} in {source.key}, or mask_colors='palette' where they are the colours of metainfo.",
    )  # fmt: skip


def _strange_colors(source: MaskSource, masks: Sequence[tuple[str, Facts]]) -> Iterator[Finding]:
    known = {','.join(map(str, color)) for color in source.colors or ()}
    cases = []
    for path, facts in masks:
        if facts.get('form') not in COLORED:
            continue
        strange = [f'({color}) on {count:,} pixels' for color, count in facts['colors'].items() if color not in known]
        if facts['num_colors'] > len(facts['colors']):
            strange = [f'{facts["num_colors"]:,} colours', *strange]
        if facts['transparent']:
            strange = [f'{facts["transparent"]:,} transparent pixels', *strange]
        if strange:
            cases.append(Case(path, '', ', '.join(strange[:_FIRST]), 'name the colours in mask_colors'))
    yield from one_finding(
        cases, level='error', rule='mask-colors', file=cases[0].file if cases else '', key=f'{source.key}.mask_colors',
        message=f'{counted(len(cases), "mask")} of {len(masks):,} that were looked into have colours that mask_colors '
        f'does not name: {"; ".join(f"{case.file}: {case.value}" for case in cases[:3])}.',
        remedy=f'name them in mask_colors of {source.key}, as {{255: (r, g, b)}} where they do not count. Hundreds of '
        'colours mean smoothed masks: export them again without antialiasing, as PNG.',
    )  # fmt: skip


def _contradictions(source: MaskSource, facts: Facts) -> list[str]:
    """Values that are other classes by their colours, where the config says what colours mean."""
    if source.colors is None or 'values' not in facts:
        return []
    palette = {int(value): (color[0], color[1], color[2]) for value, color in facts.get('palette', {}).items()}
    return contradictions([int(value) for value in facts['values']], source.colors, palette=palette or None)


def _other_numbers(source: MaskSource, masks: Sequence[tuple[str, Facts]]) -> Iterator[Finding]:
    cases = [
        Case(path, '', '; '.join(found[:_FIRST]), f"Image.open({path!r}).convert('RGB').save({path!r})")
        for path, facts in masks
        if (found := _contradictions(source, facts))
    ]
    yield from one_finding(
        cases, level='error', rule='mask-numbers-not-colors', file=cases[0].file if cases else '',
        key=f'{source.key}.mask_colors',
        message=f'{counted(len(cases), "mask")} of {len(masks):,} that were looked into have one channel, whose '
        'colours are other classes than its numbers by mask_colors: '
        f'{"; ".join(f"{case.file}: {case.value}" for case in cases[:3])}.',
        remedy="where the colours count, make three channels of them: `Image.open(path).convert('RGB').save(path)` for "
        f'each; where the numbers are the classes, leave mask_colors out of {source.key}.',
    )  # fmt: skip


def _text(size: tuple[int, int]) -> str:
    return f'{size[0]} high, {size[1]} wide'
