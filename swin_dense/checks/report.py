"""What checks found, for people and for programs."""

import json
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from swin_dense.checks.findings import Depth, Finding, by_severity, plain_value
from swin_dense.engine.atomic import write_text


def report_text(findings: Sequence[Finding]) -> str:
    """All findings, errors first, and a last line that counts them."""
    paragraphs = [finding.text() for finding in by_severity(findings)]
    return '\n\n'.join([*paragraphs, summary(findings)])


def summary(findings: Sequence[Finding]) -> str:
    """`2 errors, 1 warning, 12 facts`."""
    counts: Counter[str] = Counter(finding.level for finding in findings)
    return ', '.join(
        f'{counts[level]} {word}{"" if counts[level] == 1 else "s"}'
        for level, word in (('error', 'error'), ('warning', 'warning'), ('ok', 'fact'))
    )


def write_report(path: str | Path, findings: Sequence[Finding], *, config: str, depth: Depth) -> None:
    """Write `report.json`: the same as the text, as values."""
    counts = Counter(finding.level for finding in findings)
    content = {
        'config': config,
        'level': depth,
        'date': time.strftime('%Y-%m-%d %H:%M:%S'),
        'errors': counts['error'],
        'warnings': counts['warning'],
        'findings': [finding.as_dict() for finding in by_severity(findings)],
    }
    write_text(path, json.dumps(content, indent=1, allow_nan=False) + '\n')


def write_fixes(path: str | Path, findings: Sequence[Finding]) -> int:
    """Write every single place of every error and warning, a line of JSON each: level, rule, file, key, value, fix.

    Returns: how many there are.
    """
    lines = []
    for finding in by_severity(finding for finding in findings if finding.level != 'ok'):
        if finding.cases:
            places = [(case.file or finding.file, case.key, case.value, case.fix) for case in finding.cases]
        else:
            places = [(finding.file, finding.key, finding.value, finding.remedy)]
        for file, key, value, fix in places:
            line = {'level': finding.level, 'rule': finding.rule, 'file': file, 'key': key, 'value': value, 'fix': fix}
            lines.append(json.dumps(plain_value(line), allow_nan=False))
    write_text(path, ''.join(f'{line}\n' for line in lines))
    return len(lines)
