"""What a check says: a level, where, what is wrong there, and what to do about it."""

import json
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

Level = Literal['ok', 'warning', 'error']
Depth = Literal['quick', 'full']

_SHOWN_CASES = 3
_WIDTH = 118


@dataclass(frozen=True)
class Case:
    """One place of a fault that has many: an annotation, an image, a pixel value.

    Attributes:
        file: path of the file to change; '' for the config.
        key: place in it, as `annotations[12].bbox`.
        value: what stands there.
        fix: what to write, remove or do there.
    """

    file: str
    key: str
    value: Any
    fix: str


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One result of a check.

    Attributes:
        level: `error` ends training before it starts; `warning` is said; `ok` is a fact worth knowing.
        rule: short name of the check, stable, words joined by hyphens: `unknown-key`, `box-without-area`.
        file: path of the config or data file that it is about.
        key: place in it: a dotted config path (`train_dataloader.dataset.ann_file`) or `annotations[12].bbox`.
        value: what stands there; None where nothing does.
        message: what is wrong, a sentence, with the values compared (both lists, both numbers).
        remedy: what to do, a sentence; '' for `ok`.
        cases: all single places, where there are many; a report shows the first, the fix report has each.
    """

    level: Level
    rule: str
    message: str
    file: str = ''
    key: str = ''
    value: Any = None
    remedy: str = ''
    cases: Sequence[Case] = ()

    def text(self) -> str:
        """The finding as a paragraph."""
        place = ': '.join(part for part in (self.file, self.key) if part)
        shown = '' if self.value is None else f' = {_short(self.value)}'
        lines = [f'{self.level:<8} {self.rule}' + (f'  {place}{shown}' if place else '')]
        lines += _indented(self.message)
        lines += [f'         - {_case_line(case)}' for case in self.cases[:_SHOWN_CASES]]
        if len(self.cases) > _SHOWN_CASES:
            lines.append(f'         - and {len(self.cases) - _SHOWN_CASES:,} more')
        return '\n'.join(lines + (_indented(f'-> {self.remedy}') if self.remedy else []))

    def as_dict(self) -> dict[str, Any]:
        """The finding as plain values; without the cases beyond the first, whose number is in `count`."""
        values = {key: value for key, value in asdict(self).items() if key != 'cases'}
        values['value'] = plain_value(self.value)
        return {
            **values,
            'count': len(self.cases),
            'examples': [plain_value(asdict(case)) for case in self.cases[:_SHOWN_CASES]],
        }


def by_severity(findings: Iterable[Finding]) -> list[Finding]:
    """Errors first, then warnings, then facts; within a level in their order."""
    return sorted(findings, key=lambda finding: ('error', 'warning', 'ok').index(finding.level))


def _indented(text: str) -> list[str]:
    margin = ' ' * 9
    lines = []
    for line in text.split('\n'):
        lines += textwrap.wrap(
            line,
            _WIDTH,
            initial_indent=margin,
            subsequent_indent=margin,
            break_long_words=False,
            break_on_hyphens=False,
            replace_whitespace=False,
            drop_whitespace='  ' not in line,
        )
    return lines


def _case_line(case: Case) -> str:
    place = ': '.join(part for part in (case.file, case.key) if part)
    return f'{place} = {_short(case.value)}' if case.value is not None else place


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 200 else f'{text[:197]}...'


def plain_value(value: Any) -> Any:
    """A value as JSON has it; what JSON has not is words."""
    return json.loads(json.dumps(value, default=str), parse_constant=str)  # NaN and Infinity are not of JSON
