"""5000 objects and 250,000 anchors in 1 GiB: here with a hundredth of the pairs in a hundredth of the memory.

In a process of its own, for the peak of resident memory counts only what the process had not used before. All of it is
done by `python benchmarks/assigners.py`.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SHARE = 1 / 100  # of pairs, of the budget, and of the limit
PROGRAM = """
import json, sys, torch
sys.path.insert(0, ROOT)
torch.set_num_threads(1)
from benchmarks.assigners import CASES, compared
from swin_dense.assigners import budget

budget.BUDGET_BYTES = int(budget.BUDGET_BYTES * SHARE)
budget.CHUNK_BYTES = int(budget.CHUNK_BYTES * SHARE)
print(json.dumps(compared(CASES[NAME], num_objects=500, num_priors=25000, rounds=1)))
"""


@pytest.mark.parametrize('name', ['MaxIoUAssigner', 'ATSSAssigner'])
def test_peak(name):
    program = PROGRAM.replace('ROOT', repr(str(ROOT))).replace('SHARE', str(SHARE)).replace('NAME', repr(name))
    done = subprocess.run([sys.executable, '-W', 'ignore', '-c', program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    row = json.loads(done.stdout.splitlines()[-1])
    limit_mb = 2**30 * SHARE / 1e6
    assert row['ours_peak_mb'] < limit_mb < row['peer_peak_mb'] / 10
    assert row['assigned'] > 300
    assert row['same_assignment']
