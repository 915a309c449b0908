"""Intervals and verdicts against scipy's tests in the cases that they have in common."""

import numpy as np
import pytest
from scipy import stats

from swin_dense.comparison.intervals import ModelScores, difference_interval, model_interval
from swin_dense.comparison.resampling import image_weights
from swin_dense.comparison.verdicts import holm, verdicts


def scores(values, resampled=None, name='a', num_images=1000):
    """With no variance over images, unless resampled scores are given."""
    values = np.asarray(values, dtype=float)
    resampled = np.tile(values[:, None], 50) if resampled is None else resampled
    return ModelScores(name=name, values=values, resampled=resampled, num_images=num_images)


def drawn(seed, seeds=3, resamples=4000, common=1.0, alone=0.5):
    """Runs that share the images' effect and react to them on their own."""
    random = np.random.default_rng(seed)
    shared = random.normal(0, common, resamples)
    return shared, np.stack([shared + random.normal(0, alone, resamples) for _ in range(seeds)])


@pytest.mark.parametrize('values', [[0.41, 0.43], [0.41, 0.43, 0.38], [0.2, 0.5, 0.1, 0.4, 0.3]])
def test_seeds_alone_are_a_t_test(values):
    interval = model_interval(scores(values))
    expected = stats.ttest_1samp(values, 0)
    assert interval.p_value == pytest.approx(expected.pvalue)
    assert (interval.low, interval.high) == pytest.approx(tuple(expected.confidence_interval()))
    assert interval.image_error == pytest.approx(0, abs=1e-12)
    assert interval.covers_seeds


@pytest.mark.parametrize('level', [0.9, 0.95])
def test_seeds_alone_of_two_models_are_welchs_test(level):
    first, second = [0.41, 0.43, 0.38], [0.35, 0.36]
    difference = difference_interval(scores(first), scores(second, name='b'), level=level)
    expected = stats.ttest_ind(first, second, equal_var=False)
    assert difference.estimate == pytest.approx(np.mean(first) - np.mean(second))
    assert difference.p_value == pytest.approx(expected.pvalue)
    assert difference.degrees_of_freedom == pytest.approx(expected.df)
    assert (difference.low, difference.high) == pytest.approx(tuple(expected.confidence_interval(level)))


def test_images_alone_are_a_paired_bootstrap():
    shared, first = drawn(0, seeds=1)
    second = shared + np.random.default_rng(1).normal(0, 0.2, shared.shape)[None]
    difference = difference_interval(scores([3.0], first, num_images=11), scores([2.0], second, 'b', num_images=11))
    error = (first - second).std(ddof=1) * np.sqrt(11 / 10)
    assert difference.image_error == pytest.approx(error)
    half = stats.t(10).ppf(0.975) * error
    assert (difference.low, difference.high) == pytest.approx((1 - half, 1 + half))
    assert not difference.covers_seeds


def test_images_count_once():
    """Of the seeds' own reactions to the images, which are in the variance between seeds, nothing is counted again."""
    _, runs = drawn(2, seeds=3, common=1.0, alone=2.0)
    interval = model_interval(scores([1.0, 2.0, 3.0], runs))
    assert interval.image_error == pytest.approx(1.0, rel=0.1)
    assert interval.seed_error == pytest.approx(1 / np.sqrt(3))


def test_what_the_images_do_to_both_models_cancels():
    shared, first = drawn(3, common=5.0)
    second = shared + np.random.default_rng(4).normal(0, 0.5, (3, 4000))
    difference = difference_interval(scores([1.0, 2.0, 3.0], first), scores([1.0, 2.0, 3.0], second, 'b'))
    assert difference.image_error < 0.15


def test_resamples_without_the_class_are_left_out():
    _, runs = drawn(5)
    holes = runs.copy()
    holes[:, ::4] = np.nan
    kept = np.delete(runs, np.arange(0, 4000, 4), axis=1)
    assert model_interval(scores([1.0, 2.0, 3.0], holes)) == model_interval(scores([1.0, 2.0, 3.0], kept))


def test_a_score_that_is_undefined_gives_no_number():
    nothing = scores([np.nan, np.nan], np.full((2, 50), np.nan))
    assert np.isnan(model_interval(nothing).low)
    [verdict] = verdicts([nothing, nothing])
    assert verdict.word == 'not distinguishable'
    assert 'too few images' in verdict.reason


def test_a_single_image_gives_no_interval_and_no_verdict():
    models = [scores([0.5, 0.6], num_images=1), scores([0.1, 0.2], name='b', num_images=1)]
    interval = model_interval(models[0])
    assert interval.estimate == pytest.approx(0.55)
    assert np.isnan([interval.low, interval.high, interval.p_value]).all()
    (verdict,) = verdicts(models)
    assert verdict.word == 'not distinguishable'
    assert 'too few images' in verdict.reason


def test_a_single_run_gets_no_verdict():
    one = scores([0.9], np.random.default_rng(0).normal(0.9, 0.001, (1, 50)), 'one')
    verdict, other = verdicts([one, scores([0.1, 0.11], name='b'), scores([0.5, 0.51], name='c')])[1:]
    assert verdict.word == 'not distinguishable'
    assert verdict.reason.startswith('one: a single run')
    assert np.isnan(verdict.corrected_p)
    assert other.word == 'worse'
    assert other.corrected_p == pytest.approx(other.difference.p_value)  # the only pair that was tested


def test_words_and_their_correction():
    models = [scores([0.50, 0.51, 0.52]), scores([0.55, 0.56, 0.57], name='b'), scores([0.51, 0.52, 0.53], name='c')]
    found = {(v.first, v.second): v for v in verdicts(models)}
    assert {pair: verdict.word for pair, verdict in found.items()} == {
        ('a', 'b'): 'worse',
        ('a', 'c'): 'not distinguishable',
        ('b', 'c'): 'better',
    }
    raw = stats.ttest_ind(models[0].values, models[1].values, equal_var=False).pvalue
    assert found['a', 'b'].corrected_p == pytest.approx(3 * raw)


def test_correction_keeps_a_pair_that_alone_would_pass():
    first, second = scores([0.50, 0.52, 0.54]), scores([0.56, 0.58, 0.60], name='b')
    others = [scores([0.30, 0.60, 0.90], name=f'noisy {i}') for i in range(3)]
    assert verdicts([first, second])[0].word == 'worse'
    among_many = verdicts([first, second, *others])[0]
    assert among_many.word == 'not distinguishable'
    assert among_many.difference.high < 0


def test_holm():
    np.testing.assert_allclose(holm(np.array([0.01, 0.04, 0.03, 0.005])), [0.03, 0.06, 0.06, 0.02])
    np.testing.assert_allclose(holm(np.array([0.6, 0.7])), [1, 1])
    assert holm(np.array([])).shape == (0,)


def test_scores_of_other_images_are_refused():
    with pytest.raises(ValueError, match='a and b were measured on other images'):
        difference_interval(scores([1, 2]), scores([1, 2], name='b', num_images=999))
    with pytest.raises(ValueError, match='a: scores of'):
        scores([1, 2], np.zeros((3, 50)))


def test_weights_are_multisets():
    weights = image_weights(50, 400, seed=3)
    assert weights.shape == (400, 50)
    assert (weights.sum(axis=1) == 50).all()
    assert weights.var() == pytest.approx(49 / 50, rel=0.05)
    np.testing.assert_array_equal(weights, image_weights(50, 400, seed=3))
    assert (weights != image_weights(50, 400, seed=4)).any()
    with pytest.raises(ValueError, match='at least 2'):
        image_weights(1)
