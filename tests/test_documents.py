"""Paths that documents and examples of tools name are there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = sorted(
    path
    for pattern in ('*.md', 'docs/*.md', 'configs/**/*.md', 'tools/*.py', 'benchmarks/*.py')
    for path in ROOT.glob(pattern)
)
NAMED = re.compile(r'(?<![\w/.-])((?:configs|tools|tests|benchmarks|docs|swin_dense)/[\w/.-]*\w/?)')


def test_documents_are_found():
    assert {'README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'train.py'} <= {path.name for path in DOCUMENTS}


@pytest.mark.parametrize('document', DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_paths_exist(document):
    named = set(NAMED.findall(re.sub(r'--(out|plot) \S+', '', document.read_text())))  # but not what is written
    # `<name>` and NAME stand for something
    missing = sorted(path for path in named if not (ROOT / path).exists() and not list(ROOT.glob(f'{path}*')))
    assert missing == []
