"""Simulated comparisons with known truth: how often intervals contain it, and what the verdicts say.

Larger simulations, of more cases: `python benchmarks/intervals.py`.
"""

import pytest

from tests.comparison.simulated_comparisons import simulated

SIMULATIONS = {'mAP': 400, 'mIoU': 1000}


@pytest.mark.slow
@pytest.mark.parametrize('metric', SIMULATIONS)
def test_intervals_and_verdicts(metric):
    results = simulated(metric, SIMULATIONS[metric], num_images=80, num_resamples=150, seeds=(2, 3))
    for num_seeds, rates in results.items():
        assert 0.92 <= rates['difference covers'] <= 0.98, num_seeds
        assert 0.92 <= rates['one model covers'] <= 0.98, num_seeds
        assert rates['same model not distinguishable'] >= 0.9, num_seeds
        assert rates['better called worse'] == 0, num_seeds
    assert results[3]['better found'] >= 0.9
