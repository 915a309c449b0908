"""What became of every name, in a checkpoint and in a backbone."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

Shape = tuple[int, ...]
_SHOWN = 2
# reason to ignore necks and heads
BESIDE = 'beside the backbone'


@dataclass(frozen=True)
class LoadReport:
    """Outcome of `load_pretrained`. str() is a compact table.

    Attributes:
        backbone: class that was loaded into.
        source: file, URL, or 'a state dict'.
        layout: title of the key layout.
        total: tensors that the backbone has.
        loaded: own names that got a value, resized ones included.
        renamed: (name in the file, own name) of loaded tensors, where they differ.
        resized: (own name, shape in the file, own shape, how) of tables and kernels brought to another size.
        ignored: (name in the file, reason) of what a backbone does without.
        missing: own names without a value in the file, which keep their initial ones.
        why_missing: (name, reason) of those in `missing` that are meant to be.
        unexpected: names in the file that nothing accounts for.
        mismatched: (own name, shape in the file, own shape) of tensors that do not fit.
    """

    backbone: str = ''
    source: str = ''
    layout: str = ''
    total: int = 0
    loaded: tuple[str, ...] = ()
    renamed: tuple[tuple[str, str], ...] = ()
    resized: tuple[tuple[str, Shape, Shape, str], ...] = ()
    ignored: tuple[tuple[str, str], ...] = ()
    missing: tuple[str, ...] = ()
    why_missing: tuple[tuple[str, str], ...] = ()
    unexpected: tuple[str, ...] = ()
    mismatched: tuple[tuple[str, Shape, Shape], ...] = ()

    @property
    def unexplained(self) -> tuple[str, ...]:
        """Own names without a value, with no reason for it."""
        explained = dict(self.why_missing)
        return tuple(name for name in self.missing if name not in explained)

    @property
    def is_complete(self) -> bool:
        """Whether all is accounted for."""
        return not (self.unexplained or self.unexpected or self.mismatched)

    @property
    def summary(self) -> str:
        """One line, for a log of one screen."""
        counts = {'resized': self.resized, 'initial values': self.missing, 'unexpected': self.unexpected}
        notes = ''.join(f', {len(names)} {label}' for label, names in counts.items() if names)
        return f'{self.backbone}: {len(self.loaded)} of {self.total} tensors from {self.source}{notes}'

    def __str__(self) -> str:
        return '\n'.join([f'{self.backbone} from {self.source} (layout: {self.layout})', *self._rows()])

    def _rows(self) -> Iterator[str]:
        yield f'  {"loaded":<11}{len(self.loaded):>5} of {self.total}'
        yield from _row('renamed', [f'{old} -> {new}' for old, new in self.renamed], shown=1)
        for how, sizes in _by_reason((_sizes(name, old, new), how) for name, old, new, how in self.resized):
            yield from _row('resized', sizes, how, shown=1)
        for reason, names in _by_reason(self.ignored):
            yield from _row('ignored', names, reason)
        for reason, names in _by_reason(self.why_missing):
            yield from _row('missing', names, reason)
        yield from _row('missing', self.unexplained, 'initial values kept')
        yield from _row('unexpected', self.unexpected)
        yield from _row('mismatched', [_sizes(*row) for row in self.mismatched], 'initial values kept')


def some(names: Iterable[str], shown: int) -> str:
    """The first few of `names`, and how many more there are."""
    names = list(names)
    more = f' and {len(names) - shown} more' if len(names) > shown else ''
    return ', '.join(names[:shown]) + more


def _row(label: str, items: Iterable[str], reason: str = '', *, shown: int = _SHOWN) -> Iterator[str]:
    items = list(items)
    if items:
        yield f'  {label:<11}{len(items):>5}  ' + (f'{reason}: ' if reason else '') + some(items, shown)


def _sizes(name: str, shape: Shape, own_shape: Shape) -> str:
    return f'{name} {shape} -> {own_shape}'


def _by_reason(rows: Iterable[tuple[str, str]]) -> Iterable[tuple[str, list[str]]]:
    groups: dict[str, list[str]] = {}
    for name, reason in rows:
        groups.setdefault(reason, []).append(name)
    return groups.items()
