import pytest

from swin_dense.engine.lr_scaling import lr_scaling


@pytest.mark.parametrize(
    ('batch', 'rule', 'factor', 'says'),
    [
        (16, {'base_batch_size': 16, 'enable': True}, 1.0, 'the batch of the recipe'),
        (2, {'base_batch_size': 16, 'enable': True}, 0.125, '1.25e-05 = 0.0001 x 2 / 16'),
        (2, {'base_batch_size': 16}, 1.0, 'NOT scaled: the recipe is for batch 16'),
        (2, None, 1.0, 'as in the config'),
    ],
)
def test_rates_follow_the_batch(batch, rule, factor, says):
    assert lr_scaling(1e-4, batch, rule)[0] == factor
    assert says in lr_scaling(1e-4, batch, rule)[1]
