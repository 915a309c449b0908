"""tools/publish.py: what is given away, what is not, and what the model card says of it; and own checkpoints."""

import hashlib
import itertools
import json
import logging
import re
from contextlib import nullcontext
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.runner import Runner as PlainRunner
from mmengine.structures import BaseDataElement
from safetensors import safe_open

import swin_dense
from swin_dense.checkpoints import files, load_pretrained
from swin_dense.checkpoints.files import read_checkpoint
from swin_dense.checkpoints.publishing import publish
from swin_dense.engine.runner import Runner
from swin_dense.engine.settings import restored_scope
from swin_dense.engine.testing import evaluate
from tests.checkpoints.models import copied, small_swin
from tests.engine.forked import Forked
from tests.engine.toys import toy_config

ROOT = Path(__file__).parents[2]
_number = itertools.count()


def built(cfg, runner=Runner):
    # mmengine keys loggers by name and second: two runs in one second would share them
    cfg.experiment_name = f'published{next(_number)}'
    return runner.from_cfg(cfg)


def measured(config, checkpoint, out):
    """What tools/test.py writes."""
    options = {'experiment_name': f'measured{next(_number)}'}
    assert evaluate(str(config), str(checkpoint), out=str(out), cfg_options=options) == 0
    return json.loads(out.read_text())


@pytest.fixture(autouse=True)
def quiet():
    logging.disable(logging.WARNING)
    with restored_scope():
        threads = torch.get_num_threads()
        yield
        torch.set_num_threads(threads)
    logging.disable(logging.NOTSET)


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    """A run with averaged weights, its config, and what tools/test.py makes of it."""
    folder = tmp_path_factory.mktemp('trained')
    with restored_scope():
        cfg = toy_config(folder / 'run', iterations=4, custom_imports__imports=['tests.engine.toys'])
        cfg.dump(folder / 'toy.py')
        built(cfg).train()
        checkpoint = str(folder / 'run' / 'iter_4.pth')
        measured(folder / 'toy.py', checkpoint, folder / 'results.json')
    return folder, checkpoint


def published(folder):
    return {path.suffix: path for path in folder.iterdir()}


def test_only_weights_and_what_is_known_of_them(trained, tmp_path, capsys):
    folder, checkpoint = trained
    assert publish(checkpoint, out=str(tmp_path), results=str(folder / 'results.json'), any_model=True) == 0
    (weights, card, config) = (published(tmp_path)[suffix] for suffix in ('.safetensors', '.md', '.py'))
    assert len(list(tmp_path.iterdir())) == 3
    assert len({weights.stem, card.stem, config.stem}) == 1
    stem, digits = weights.stem.rsplit('-', 1)
    assert re.fullmatch(r'published\d+', stem)  # the run's name without its time
    assert hashlib.sha256(weights.read_bytes()).hexdigest().startswith(digits)
    assert len(digits) == 8

    full, given = torch.load(checkpoint, weights_only=True), read_checkpoint(weights)
    assert given.keys() == {'meta', 'state_dict'}
    assert list(given['state_dict']) == list(full['state_dict'])
    assert all(torch.equal(given['state_dict'][name], value) for name, value in full['state_dict'].items())
    meta = given['meta']
    assert meta['dataset_meta'] == {'classes': ['cat', 'dog'], 'palette': [[1, 2, 3], [4, 5, 6]]}
    assert meta['weights'] == 'averaged (EMA)'
    assert (meta['iter'], meta['seed'], meta['config_hash']) == (4, 3, full['meta']['config_hash'])
    assert meta['cfg'] == config.read_text()
    assert "type='ToyModel'" in meta['cfg']
    for text in (card.read_text(), config.read_text()):
        assert str(folder) not in text  # paths are nobody's business
    assert str(weights) in capsys.readouterr().out
    # nothing but text and tensors, by the reader of the format
    with safe_open(weights, 'pt') as file:
        assert list(file.metadata()) == ['swin_dense']


def test_the_published_file_measures_the_same(trained, tmp_path):
    folder, checkpoint = trained
    publish(checkpoint, out=str(tmp_path), any_model=True)
    weights, config = published(tmp_path)['.safetensors'], published(tmp_path)['.py']
    for config_file in (folder / 'toy.py', config):
        again = measured(config_file, weights, tmp_path / 'test' / 'results.json')
        first = json.loads((folder / 'results.json').read_text())
        assert again['metrics']['toy/mean'] == first['metrics']['toy/mean']


def test_the_name_is_of_the_content(trained, tmp_path):
    _, checkpoint = trained
    for name in ('a', 'b'):
        publish(checkpoint, out=str(tmp_path / name), any_model=True)
    first, again = (published(tmp_path / name)['.safetensors'] for name in ('a', 'b'))
    assert first.name == again.name
    assert first.read_bytes() == again.read_bytes()


def test_trained_weights_in_place_of_averaged_ones(trained, tmp_path):
    """They are what training goes on with: mmengine exchanges the two before it saves."""
    _, checkpoint = trained
    full = read_checkpoint(checkpoint)
    publish(checkpoint, out=str(tmp_path / 'trained'), ema=False, any_model=True)
    publish(checkpoint, out=str(tmp_path / 'averaged'), ema=True, any_model=True)
    given = read_checkpoint(published(tmp_path / 'trained')['.safetensors'])
    assert given['meta']['weights'] == 'as trained'
    assert 'weights as trained' in published(tmp_path / 'trained')['.md'].read_text()
    for name, value in given['state_dict'].items():
        assert torch.equal(value, full['ema_state_dict'][f'module.{name}'])
    assert any(not torch.equal(value, full['state_dict'][name]) for name, value in given['state_dict'].items())
    averaged = read_checkpoint(published(tmp_path / 'averaged')['.safetensors'])
    assert all(torch.equal(value, full['state_dict'][name]) for name, value in averaged['state_dict'].items())
    assert averaged['meta']['weights'] == 'averaged (EMA)'


@pytest.mark.parametrize('entry', ['model_ema', 'state_dict_ema'])
def test_averages_of_official_classifiers(entry, tmp_path):
    """DeiT's and timm's code keeps them beside the weights."""
    state = small_swin().state_dict()
    averages = {f'module.{name}': value + 1 for name, value in state.items()}
    torch.save({'model': state, entry: averages, 'optimizer': {}}, tmp_path / 'best.pth')
    for ema, shift, kind in ((None, 0, 'as trained'), (False, 0, 'as trained'), (True, 1, 'averaged (EMA)')):
        publish(str(tmp_path / 'best.pth'), out=str(tmp_path / str(ema)), ema=ema)
        given = read_checkpoint(published(tmp_path / str(ema))['.safetensors'])
        assert all(torch.equal(given['state_dict'][name], value + shift) for name, value in state.items())
        assert given['meta']['weights'] == kind
        assert published(tmp_path / str(ema)).keys() == {'.safetensors', '.md'}  # of no known config
    assert published(tmp_path / 'None')['.safetensors'].name.startswith('best-')


def test_the_model_card(trained, tmp_path):
    folder, _ = trained
    state = {f'backbone.{name}': value for name, value in small_swin().state_dict().items()}
    url = 'https://github.com/SwinTransformer/storage/releases/download/v1.0.0/swin_tiny_patch4_window7_224.pth'
    meta = {
        'experiment_name': 'mask_rcnn_swin_20250131_235959',
        'cfg': f"load_from = '/home/somebody/a.pth'\nbackbone = dict(checkpoint='{url}')\nwork_dir = '/home/somebody'",
        'dataset_meta': {'classes': tuple(f'class{i}' for i in range(25)), 'palette': torch.zeros(2, 3).numpy()},
        'epoch': 36,
        'swin_dense_version': '0.1',
    }
    state['roi_head.bbox_head.fc_cls.weight'] = torch.ones(26, 4)
    path = tmp_path / 'epoch_36.pth'
    torch.save({'meta': meta, 'state_dict': state}, path)
    results = json.loads((folder / 'results.json').read_text())
    results |= {'checkpoint_sha256': hashlib.sha256(path.read_bytes()).hexdigest(), 'weights': 'as trained'}
    results['metrics'] = {'coco/bbox_mAP': 0.43712, 'time': 0.1}
    (tmp_path / 'results.json').write_text(json.dumps(results))
    publish(str(path), out=str(tmp_path / 'out'), results=str(tmp_path / 'results.json'))
    card = published(tmp_path / 'out')['.md'].read_text()
    name = published(tmp_path / 'out')['.safetensors'].stem
    assert card.startswith(f'# {name}\n')
    assert name.startswith('mask_rcnn_swin-')
    for line in (
        '| backbone | Swin with embed_dims=12, depths=(2, 2, 2, 2), num_heads=(1, 2, 4, 8), window_size=7, ',
        '| neck and heads | 1 tensors |',
        '| classes | 25: class0, class1,',
        '| training | 36 epochs, weights as trained, swin_dense 0.1 |',
        '| started from | swin_tiny_patch4_window7_224: ImageNet-1K; imagenet_top1 81.2',
        'licence MIT |',
        '| coco/bbox_mAP | 0.4371 |',
        'with weights as trained: samples 11',
        f'python tools/test.py {name}.py {name}.safetensors',
        f"load_pretrained(backbone, '{name}.safetensors')",
        "```python\nbackbone = dict(checkpoint='https://",
    ):
        assert line in card, line
    report = load_pretrained(small_swin(), published(tmp_path / 'out')['.safetensors'])
    assert report.is_complete
    assert 'class20' not in card
    assert 'somebody' not in card
    assert '| time |' not in card
    publish(str(path), out=str(tmp_path / 'unmeasured'))
    assert '## Results\n\nNot measured.\n' in published(tmp_path / 'unmeasured')['.md'].read_text()


def test_refused(trained, tmp_path):
    folder, checkpoint = trained
    state = small_swin().state_dict()
    plain, broken, hole = tmp_path / 'plain.pth', tmp_path / 'broken.pth', tmp_path / 'hole.pth'
    torch.save({'state_dict': state}, plain)
    bad = copied(state)
    bad['norm3.bias'][0] = float('nan')
    torch.save({'state_dict': bad}, broken)
    del bad['layers.0.downsample.reduction.weight'], bad['norm3.bias']
    torch.save({'state_dict': bad}, hole)
    (tmp_path / 'text.json').write_text('mAP 43')
    (tmp_path / 'empty').mkdir()
    results = folder / 'results.json'
    for words, message in [
        ((plain, '--ema'), 'holds no averaged weights'),
        ((broken,), 'norm3.bias holds NaN'),
        ((checkpoint,), r'it has no backbone of this package\. With --any-model it is'),
        ((hole,), r'its backbone has no layers\.0\.downsample\.reduction\.weight\. With --any-model'),
        ((plain, '--results', results), 'which is another file than'),
        (
            (checkpoint, '--no-ema', '--any-model', '--results', results),
            r'measured with weights averaged \(EMA\).*Try --ema',
        ),
        ((plain, '--results', tmp_path / 'text.json'), r'is not what tools/test\.py --out writes'),
        ((tmp_path / 'empty',), 'holds no whole checkpoint'),
        ((tmp_path / 'none.pth',), 'there is no checkpoint'),
    ]:
        result = Forked(ROOT / 'tools' / 'publish.py', *words, '--out', tmp_path / 'out', cwd=tmp_path).wait()
        assert result.returncode == 2
        assert re.search(message, ' '.join(result.stderr.split())), result.stderr
    assert not (tmp_path / 'out').exists()


def test_a_work_dir_stands_for_its_newest(trained, tmp_path):
    folder, _ = trained
    result = Forked(ROOT / 'tools' / 'publish.py', folder / 'run', '--any-model', cwd=tmp_path).wait()
    assert result.returncode == 0, result.stderr
    assert published(tmp_path).keys() == {'.safetensors', '.md', '.py'}


def test_a_published_file_is_published_as_it_is(trained, tmp_path):
    """Under its name, with the averages called so; and measured as what it says it holds."""
    folder, checkpoint = trained
    publish(checkpoint, out=str(tmp_path / 'a'), any_model=True)
    weights = published(tmp_path / 'a')['.safetensors']
    for ema in (None, True):
        publish(str(weights), out=str(tmp_path / f'b{ema}'), ema=ema, any_model=True)
        again = published(tmp_path / f'b{ema}')['.safetensors']
        assert (again.name, again.read_bytes()) == (weights.name, weights.read_bytes())
    with pytest.raises(ValueError, match=r'--no-ema: .* was published, and holds averaged weights alone'):
        publish(str(weights), out=str(tmp_path / 'c'), ema=False, any_model=True)
    results = tmp_path / 'results.json'
    assert measured(folder / 'toy.py', weights, results)['weights'] == 'averaged (EMA)'
    publish(str(weights), out=str(tmp_path / 'd'), results=str(results), any_model=True)
    assert 'with weights averaged (EMA)' in published(tmp_path / 'd')['.md'].read_text()


# --- own checkpoints, and mmengine's ---------------------------------------------------------------------------------


@pytest.fixture
def strict_reading(monkeypatch):
    """As torch reads alone: weights only, and nothing allowed besides."""
    monkeypatch.setenv('TORCH_FORCE_WEIGHTS_ONLY_LOAD', '1')
    monkeypatch.setattr(files, '_allow_list', nullcontext)


@pytest.mark.usefixtures('strict_reading')
def test_own_checkpoints_are_resumed_and_tested_with_weights_only(trained, tmp_path):
    folder, checkpoint = trained
    cfg = toy_config(tmp_path / 'on', iterations=6, load_from=checkpoint, resume=True)
    runner = built(cfg)
    runner.train()
    assert runner.iter == 6
    assert runner.resumed_meta['iter'] == 4
    assert (
        measured(folder / 'toy.py', tmp_path / 'on' / 'iter_6.pth', tmp_path / 'results.json')['trained_iterations']
        == 6
    )


def test_checkpoints_of_mmengine_itself(tmp_path, monkeypatch):
    """Which has histories, numpy numbers and an object in it: refused by torch alone, read here, and trained from."""
    cfg = toy_config(tmp_path / 'theirs', epochs=1, custom_hooks=[])
    cfg.train_cfg = {'type': 'EpochBasedTrainLoop', 'max_epochs': 1}
    cfg.optim_wrapper = {'type': 'OptimWrapper', 'optimizer': {'type': 'AdamW', 'lr': 0.01}}
    cfg.default_hooks.checkpoint = {'type': 'CheckpointHook', 'interval': 1}
    cfg.param_scheduler = None
    theirs = built(cfg, PlainRunner)
    theirs.train()
    path = tmp_path / 'theirs' / 'epoch_1.pth'
    with pytest.raises(Exception, match='HistoryBuffer'):
        torch.load(path, weights_only=True)
    ours = built(toy_config(tmp_path / 'ours', epochs=1, load_from=str(path)))
    ours.train()
    assert '6 of 6 tensors' in ours.load_report

    torch.save({'state_dict': theirs.model.state_dict(), 'x': BaseDataElement()}, tmp_path / 'objects.pth')
    with pytest.raises(ValueError, match=r'needs mmengine\.structures\.\w+\.BaseDataElement, which can run code'):
        built(toy_config(tmp_path / 'more', epochs=1, load_from=str(tmp_path / 'objects.pth'))).train()


def test_the_config_in_a_checkpoint_is_text(trained):
    _, checkpoint = trained
    text = torch.load(checkpoint, weights_only=True)['meta']['cfg']
    assert Config.fromstring(text, '.py').model.type == 'ToyModel'
    assert torch.load(checkpoint, weights_only=True)['meta']['swin_dense_version'] == swin_dense.__version__
