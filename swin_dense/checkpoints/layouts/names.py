"""Tables of names, read in both directions.

A row pairs a name of this package with that of another place. One that ends in '.', '_' or '/' stands for all names
that start so. Letters in braces are numbers, {s} of a stage, {b} of a block: 'features.{2s+1}.{b}.' is 'features.5.0.'
for s = 2, b = 0.
"""

import re
from functools import cache

Rows = tuple[tuple[str, str], ...]

_NUMBER = re.compile(r'\{(\d*)([a-z])(?:\+(\d+))?\}')


def own_name(name: str, rows: Rows) -> str:
    """This package's name for `name` of another place; the same name where no row has it."""
    return next((own for ours, theirs in rows if (own := _moved(name, theirs, ours))), name)


def their_name(name: str, rows: Rows) -> str:
    """The other place's name for `name` of this package; '' where it has none."""
    return next((other for ours, theirs in rows if (other := _moved(name, ours, theirs))), '')


def _moved(name: str, source: str, target: str) -> str:
    """`name` that begins like `source`, beginning like `target` with the same numbers; '' for any other."""
    pattern, numbers = _compiled(source)
    found = pattern.match(name)
    if found is None:
        return ''
    values = {}
    for (factor, letter, offset), digits in zip(numbers, found.groups(), strict=True):
        values[letter], rest = divmod(int(digits) - offset, factor)
        if rest or values[letter] < 0:
            return ''
    for factor, letter, offset in _numbers(target):
        target = _NUMBER.sub(str(factor * values[letter] + offset), target, count=1)
    return target + name[found.end() :]


@cache
def _compiled(template: str) -> tuple[re.Pattern[str], tuple[tuple[int, str, int], ...]]:
    pattern = r'(\d+)'.join(re.escape(part) for part in _NUMBER.sub('\n', template).split('\n'))
    return re.compile(pattern + ('' if template.endswith(('.', '_', '/')) else '$')), _numbers(template)


@cache
def _numbers(template: str) -> tuple[tuple[int, str, int], ...]:
    """Factor, letter and offset of each number."""
    return tuple((int(factor or 1), letter, int(offset or 0)) for factor, letter, offset in _NUMBER.findall(template))
