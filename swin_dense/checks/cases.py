"""Many places of one fault as one finding, and how many of them make an error of a warning."""

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from swin_dense.checks.findings import Case, Finding, Level

# Training does without a few of thousands, and a slip in a small set is no fault of all of it. So many are no slip:
_LOST = 0.05
_A_FEW = 4


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
    return 'error' if count > max(_A_FEW, _LOST * total) else 'warning'


def listed(values: Collection[Any], shown: int = 20) -> str:
    """Values in words: the first of them, and how many more there are."""
    texts = [repr(value) for value in list(values)[:shown]]
    return ', '.join(texts) + (f' and {len(values) - shown:,} more' if len(values) > shown else '')


def counted(number: int, what: str, many: str = '') -> str:
    """`1 image`, `2,000 images`."""
    return f'{number:,} {what if number == 1 else many or what + "s"}'
