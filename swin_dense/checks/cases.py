"""Many places of one fault as one finding, and how many of them make an error of a warning."""

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from swin_dense.checks.findings import Case, Finding, Level

# COCO's own files have a few boxes without area among 860,000: so few are noise, and training does without them
_NOISE = 0.001


def one_finding(
    cases: Sequence[Case], *, level: Level, rule: str, message: str, remedy: str, file: str, key: str
) -> Iterator[Finding]:
    """One finding of all cases, at the only one's place or else at `key`; nothing without cases."""
    if cases:
        only = cases[0] if len(cases) == 1 else Case('', key, None, '')
        yield Finding(
            level=level, rule=rule, file=file, key=only.key or key, value=only.value, message=message, remedy=remedy,
            cases=cases,
        )  # fmt: skip


def by_share(count: int, total: int) -> Level:
    """Error where so many are lost that it is no accident, else warning."""
    return 'error' if count > _NOISE * total else 'warning'


def listed(values: Collection[Any], shown: int = 20) -> str:
    """Values in words: the first of them, and how many more there are."""
    texts = [repr(value) for value in list(values)[:shown]]
    return ', '.join(texts) + (f' and {len(values) - shown:,} more' if len(values) > shown else '')


def counted(number: int, what: str, many: str = '') -> str:
    """`1 image`, `2,000 images`."""
    return f'{number:,} {what if number == 1 else many or what + "s"}'
