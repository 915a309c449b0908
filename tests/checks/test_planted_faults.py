"""Every planted fault is found by the checks as tools/check.py runs them, where it is and with what to do about it."""

import re

import pytest

from tests.checks.planted import ROOT, all_faults, find, matching

pytestmark = pytest.mark.filterwarnings('ignore')
FAULTS = all_faults()


@pytest.mark.parametrize('fault', FAULTS, ids=[fault.name for fault in FAULTS])
def test_it_is_found(fault, own_data):
    found = find(fault, own_data)
    assert not [finding for finding in found if finding.rule == 'check-failed']
    assert matching(fault, found), '\n'.join(finding.text() for finding in found)
    assert all(finding.remedy for finding in matching(fault, found))


def test_the_tables_are_whole():
    names = [fault.name for fault in FAULTS]
    assert len(set(names)) == len(names)


def test_the_document_says_of_each_what_others_do():
    rows = re.findall(
        r'^\| (.*?) \| (.*?) \| \*\*(.*?)\*\* (.*)$', (ROOT / 'docs' / 'faults.md').read_text(), re.MULTILINE
    )
    said = {name: (rule, theirs, ours) for name, theirs, rule, ours in rows}
    assert {name: rule for name, (rule, _, _) in said.items()} == {fault.name: fault.rule for fault in FAULTS}
    silent = {name for name, (_, theirs, _) in said.items() if theirs.startswith('no error')}
    assert silent <= {fault.name for fault in FAULTS if fault.silent}
    assert not [name for name, (_, _, ours) in said.items() if 'NOT FOUND' in ours or '→' not in ours]
