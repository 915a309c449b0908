"""What is around weights is taken off, as often as it takes; the test of loading has the everyday ones."""

import pytest
import torch

from swin_dense.checkpoints import load_pretrained
from swin_dense.checkpoints.wrappers import unwrap
from tests.checkpoints import published_files
from tests.checkpoints.models import assert_equal_states, small_swin
from tests.golden_files import reference

WEIGHTS = {'patch_embed.norm.weight': torch.ones(2), 'norm.bias': torch.zeros(3)}


def prefixed(prefix, state=WEIGHTS):
    return {prefix + name: value for name, value in state.items()}


@pytest.mark.parametrize(
    'content',
    [
        {'state_dict': {'model': prefixed('module.')}},
        {'module': prefixed('model.backbone.')},
        {'ema_state_dict': {'steps': torch.tensor(3), **prefixed('module.backbone.')}},
        {'model_ema': prefixed('module._orig_mod.')},
        {'state_dict_ema': {'n_averaged': torch.tensor(3), **prefixed('module.module.')}},
        {'ema': {'module': WEIGHTS}},
        {'model': prefixed('ema.')},
        {'model': {**prefixed('encoder.'), 'decoder.0.weight': torch.ones(1)}},
        {'model': {**prefixed('backbone.net.'), 'backbone.simfp_2.0.bias': torch.ones(1)}},
        {'model': {**prefixed('module.model.encoder.'), 'module.projector.bias': torch.ones(1)}},
    ],
)
def test_every_wrapper(content):
    unwrapped = unwrap(content, 'a file')
    assert set(unwrapped.tensors) == set(WEIGHTS)
    assert all(unwrapped.tensors[name] is value for name, value in WEIGHTS.items())
    assert all(full.endswith(name) for name, full in unwrapped.full_names.items())
    assert unwrapped.others == ()


def test_the_weights_that_a_file_calls_so_come_before_averages(caplog):
    state = reference('swin_dense_official')[1]
    zeros = {name: torch.zeros_like(value) for name, value in state.items()}
    for content in ({'model': state, 'model_ema': zeros}, {'ema_state_dict': zeros, 'state_dict': state}):
        backbone = small_swin()
        report = load_pretrained(backbone, content)
        assert_equal_states(backbone.state_dict(), {name: state[name] for name in backbone.state_dict()})
        entry = next(name for name in content if content[name] is zeros)
        assert 'another set of weights in the file' in dict(report.ignored)[entry]
        assert f': {entry}' in str(report)
    backbone = small_swin()
    load_pretrained(backbone, content['ema_state_dict'])
    assert not any(value.any() for value in backbone.state_dict().values())


def test_hugging_face_has_an_encoder_of_its_own():
    """`encoder.` is a part of its names, beside `embeddings.`."""
    state = {name.removeprefix('swin.'): value for name, value in reference('swin_hf')[1].items()}
    assert load_pretrained(small_swin(), state).layout == 'Swin, Hugging Face'
    averaged = {'steps': torch.tensor(3), **prefixed('module.', state)}
    report = load_pretrained(small_swin(), {'ema_state_dict': averaged})
    assert report.layout == 'Swin, Hugging Face'
    assert dict(report.ignored)['steps'] == 'beside the backbone'


def test_simmim_is_an_encoder_beside_a_decoder():
    """microsoft/SimMIM@d3e29bc: windows of 6, a token for what is masked, a decoder of one convolution."""
    classifier = published_files.swin_classifier(12, (2, 2, 2, 2), (1, 2, 4, 8), 6, 10)
    state = {f'encoder.{name}': value for name, value in published_files.tensors(classifier).items()}
    state = {name: value for name, value in state.items() if not name.startswith('encoder.head.')}
    state |= {'encoder.mask_token': torch.ones(1, 1, 12), 'decoder.0.weight': torch.ones(2)}
    report = load_pretrained(small_swin(), {'model': state})
    assert report.is_complete
    assert dict(report.ignored)['encoder.mask_token'] == 'token of masked pretraining'
    assert dict(report.ignored)['decoder.0.weight'] == 'beside the backbone'
    assert len(report.resized) == 8


def test_a_file_that_holds_itself_is_refused():
    content = {'epoch': 1}
    content['model'] = content
    with pytest.raises(ValueError, match="holds itself under 'model'"):
        unwrap(content, 'a.pth')
