"""Configs of checkpoints are read, and nothing in them is run."""

from pathlib import Path

import pytest
import torch

from swin_dense.inference import Predictor
from swin_dense.inference.carried_config import carried_config, literal_config
from tests.inference.models import demo_config, write_checkpoint

pytestmark = pytest.mark.filterwarnings('ignore')  # of mmdet, mmseg and torch among themselves


@pytest.mark.parametrize('task', ['detection', 'segmentation'])
def test_the_text_of_a_config_gives_its_values(task: str) -> None:
    cfg = demo_config(task)
    assert literal_config(cfg.pretty_text, 'a.pth') == cfg.to_dict()
    assert carried_config({'cfg': cfg.pretty_text}, 'a.pth').to_dict() == cfg.to_dict()
    recipe = {'model': {'type': 'A'}}
    assert carried_config({'cfg': 'model = dict()', 'recipe': recipe}, 'a.pth').to_dict() == recipe


@pytest.mark.parametrize(
    'model',
    [
        {'type': 'elsewhere.Model'},
        {'type': 'A', 'backbone': [{'type': 'A', '_scope_': 'elsewhere'}]},
    ],
)
def test_types_of_other_packages_are_refused(model) -> None:
    with pytest.raises(ValueError, match='package would be imported'):
        carried_config({'recipe': {'model': model}}, 'a.pth')
    with pytest.raises(ValueError, match='package would be imported'):
        carried_config({'recipe': {'model': {'type': 'A'}, 'default_scope': 'elsewhere'}}, 'a.pth')


def test_values_of_all_kinds() -> None:
    text = "a = dict(b=-1.5, c=float('inf'), d=(1, 'x', None), e={'k v': [True, dict()], 3: set([])})\nf = {1, 2}"
    with pytest.raises(ValueError, match='set'):
        literal_config(text, 'a.pth')
    values = literal_config(text.replace('set([])', '{}'), 'a.pth')
    assert values == {
        'a': {'b': -1.5, 'c': float('inf'), 'd': (1, 'x', None), 'e': {'k v': [True, {}], 3: {}}},
        'f': {1, 2},
    }


@pytest.mark.parametrize(
    'text',
    [
        "import os\nmodel = dict(type='A')",
        "model = __import__('pathlib').Path({place!r}).touch()",
        "model = dict(type=open({place!r}, 'w'))",
        "model = [x for x in [open({place!r}, 'w')]]",
        "model = dict(**{{'a': open({place!r}, 'w')}})",
        "model['a'] = 1",
        'model = dict(',
    ],
)
def test_code_is_refused_and_not_run(text: str, tmp_path: Path) -> None:
    place = tmp_path / 'was_run'
    with pytest.raises(ValueError, match=r'(?s)a\.pth carries is more than values.*Give the config file'):
        literal_config(text.format(place=str(place)), 'a.pth')
    assert not place.exists()


@pytest.mark.parametrize('meta', [{}, {'cfg': ''}, {'cfg': "optimizer = dict(type='SGD')"}])
def test_no_model_no_config(meta: dict) -> None:
    with pytest.raises(ValueError, match='carries no config of a model: give the config file'):
        carried_config(meta, 'a.pth')


def test_only_registered_classes_are_built(tmp_path: Path) -> None:
    """mmengine calls any dotted name that a type gives."""
    cfg = demo_config('segmentation')
    checkpoint = write_checkpoint(tmp_path / 'a.pth', cfg)
    content = torch.load(checkpoint, weights_only=True)
    place = tmp_path / 'was_run'
    call = {'type': 'pathlib.Path.touch', 'self': str(place)}
    command = {'type': 'subprocess.call', 'args': ['touch', str(place)]}
    for values in (
        {**content['meta']['recipe'], 'model': command},
        {**content['meta']['recipe'], 'model': {**content['meta']['recipe']['model'], 'decode_head': command}},
        _with_step(content['meta']['recipe'], command),
        _with_step(content['meta']['recipe'], call),
    ):
        content['meta'] |= {'recipe': values}
        torch.save(content, checkpoint)
        with pytest.raises((KeyError, ValueError)):
            Predictor(None, checkpoint, device='cpu')
        assert not place.exists()


def _with_step(recipe: dict, step: dict) -> dict:
    dataset = recipe['test_dataloader']['dataset']
    pipeline = [dataset['pipeline'][0], step, dataset['pipeline'][-1]]
    return {**recipe, 'test_dataloader': {**recipe['test_dataloader'], 'dataset': {**dataset, 'pipeline': pipeline}}}


def test_imports_are_refused() -> None:
    meta = {'recipe': {'model': {'type': 'A'}, 'custom_imports': {'imports': ['antigravity']}}}
    with pytest.raises(ValueError, match='imports modules of its own'):
        carried_config(meta, 'a.pth')
