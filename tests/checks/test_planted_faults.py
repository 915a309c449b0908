"""Every planted fault is found by the checks as tools/check.py runs them, where it is and with what to do about it."""

import pytest

from tests.checks.planted import all_faults, find, matching

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
