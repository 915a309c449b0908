"""What the runner does besides saving and resuming: logs, learning rate, norms, compiling, launching."""

import json
import logging
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from swin_dense.engine import launch
from swin_dense.engine.console import ConsoleFilter
from swin_dense.engine.errors import explain, run_tool
from swin_dense.engine.metrics_hook import _lines_until
from swin_dense.engine.start_log import start_log
from tests.engine.toys import toy_config


@pytest.mark.parametrize(
    ('auto_scale_lr', 'rate', 'statement'),
    [
        (None, 0.02, '0.02, as in the config'),
        ({'enable': True, 'base_batch_size': 24}, 0.005, '0.005 = 0.02 x 6 / 24'),  # 2 samples x 3 accumulated
        ({'enable': True, 'base_batch_size': 6}, 0.02, 'at batch 6, the batch of the recipe'),
        ({'enable': False, 'base_batch_size': 24}, 0.02, 'NOT scaled'),
    ],
)
def test_learning_rate_follows_the_effective_batch(build, tmp_path, auto_scale_lr, rate, statement):
    cfg = toy_config(tmp_path, iterations=1)
    cfg.auto_scale_lr = auto_scale_lr
    runner = build(cfg)
    runner.train()
    assert statement in runner.lr_statement
    assert all(group['initial_lr'] == pytest.approx(rate) for group in runner.optim_wrapper.param_groups)


def test_start_log_is_one_screen_and_complete(build, tmp_path):
    cfg = toy_config(tmp_path, epochs=1)
    cfg.auto_scale_lr = {'enable': True, 'base_batch_size': 6}
    runner = build(cfg)
    runner.model.head.requires_grad_(False)
    runner.train()
    lines = list(start_log(runner))
    assert len(lines) < 30
    text = re.sub(' +', ' ', '\n'.join(lines))
    for piece in (
        f'torch {torch.__version__}', 'mmengine ', 'swin_dense 0.', 'device 1 x cpu', f'hash {runner.config_hash}',
        f'work dir {tmp_path}', 'train 11 samples, 2 classes (cat, dog), ToyDataset', 'val 11 samples',
        'batch 6 = 1 processes x 2 samples x 3 accumulated', 'iterations 1 epochs x 6 = 6',
        'lr 0.02 at batch 6, the batch of the recipe', 'decay 0.02 0.05 2 56', 'no decay 0.02 0 2 16', 'all 4 72',
        'frozen, in no group 9', 'weights initialised at random',
    ):  # fmt: skip
        assert piece in text, piece


def test_the_console_gets_no_noise(build, tmp_path, capsys):
    runner = build(toy_config(tmp_path, epochs=1))
    runner.train()
    console = capsys.readouterr().out
    assert 'Hooks will be executed' not in console
    assert 'Exp name' not in console
    assert len(console.partition('Epoch(train)')[0].splitlines()) < 30
    log = next((tmp_path / runner.timestamp).glob('*.log')).read_text()
    assert 'Hooks will be executed' in log


def test_the_console_filter_hides_interval_lines_behind_a_bar():
    class Bar:
        cleared = 0

        def clear(self):
            self.cleared += 1

    def passes(text):
        return console.filter(logging.LogRecord('x', logging.INFO, '', 0, text, None, None))

    console = ConsoleFilter()
    assert passes('Epoch(train) [1][2/6]  eta: 0:00:01  loss: 1')
    console.bar = Bar()
    assert not passes('Epoch(train) [1][2/6]  eta: 0:00:01  loss: 1')
    assert passes('Epoch(val) [1][6/6]  toy/mean: 0.3')
    assert console.bar.cleared == 1


def test_sync_bn_runs_as_bn_with_the_same_keys(build, tmp_path):
    from tests.engine.toys import ToyModel

    # 12 samples: a norm over the batch cannot train on the single one that 11 leave
    cfg = toy_config(tmp_path, epochs=1, model__sync_bn=True, train_dataloader__dataset__size=12)
    runner = build(cfg)
    assert not any(isinstance(module, torch.nn.SyncBatchNorm) for module in runner.model.modules())
    assert runner.model.state_dict().keys() == ToyModel(sync_bn=True).state_dict().keys()
    runner.train()
    assert runner.notes == ['SyncBN runs as BN: there is one process']


def test_only_the_backbone_is_compiled_and_keys_stay(build, tmp_path, monkeypatch):
    compiled = []
    monkeypatch.setattr(torch.nn.Module, 'compile', lambda self, **options: compiled.append((self, options)))
    cfg = toy_config(tmp_path, iterations=2)
    cfg.compile = True
    runner = build(cfg)
    runner.train()
    assert compiled == [(runner.model.backbone, {})]
    saved = torch.load(tmp_path / 'iter_2.pth', weights_only=True)['state_dict']
    assert saved.keys() == runner.model.state_dict().keys()


def test_a_finished_run_resumes_to_nothing(build, tmp_path):
    build(toy_config(tmp_path, epochs=1)).train()
    # with averaged weights, the file's `ema_state_dict` holds those that training goes on with
    before = torch.load(tmp_path / 'epoch_1.pth', weights_only=True)['ema_state_dict']
    cfg = toy_config(tmp_path, epochs=1)
    cfg.resume = True
    runner = build(cfg)
    runner.train()
    assert runner.iter == 6
    for name, weight in runner.model.state_dict().items():
        assert torch.equal(weight, before[f'module.{name}'])
    lines = [json.loads(line) for line in (tmp_path / 'metrics.jsonl').read_text().splitlines()]
    assert [line['step'] for line in lines if line['mode'] == 'val'] == [6]


def test_loops_of_mmengine_are_exchanged(build, tmp_path):
    for number, train_cfg in enumerate(
        ({'by_epoch': True, 'max_epochs': 1}, {'type': 'EpochBasedTrainLoop', 'max_epochs': 1})
    ):
        cfg = toy_config(tmp_path / str(number), epochs=1)
        cfg.train_cfg = train_cfg
        assert type(build(cfg).train_loop).__name__ == 'EpochTrainLoop'


def test_metrics_lines_beyond_the_resumed_step_go(tmp_path):
    path = tmp_path / 'metrics.jsonl'
    lines = [
        {'mode': 'train', 'step': 2}, {'mode': 'train', 'step': 4}, {'mode': 'val', 'step': 4},
        {'mode': 'train', 'step': 6},
    ]  # fmt: skip
    path.write_text(''.join(json.dumps(line) + '\n' for line in lines) + '{"mode": "tra')
    kept = [json.loads(line) for line in _lines_until(path, 4)]
    assert kept == lines[:2]  # the validation of step 4 is done again
    assert [json.loads(line) for line in _lines_until(path, 5)] == lines[:3]
    assert _lines_until(path, 0) == []


def test_numbers_json_lacks_become_null(build, tmp_path, monkeypatch):
    from tests.engine.toys import ToyMetric

    monkeypatch.setattr(ToyMetric, 'compute_metrics', lambda self, results: {'mean': float('nan')})
    build(toy_config(tmp_path, epochs=1)).train()
    assert json.loads((tmp_path / 'metrics.jsonl').read_text().splitlines()[-1])['toy/mean'] is None


def test_tensorboard_by_config(build, tmp_path):
    cfg = toy_config(tmp_path, epochs=1)
    cfg.visualizer.vis_backends = [{'type': 'TensorboardVisBackend'}]
    build(cfg).train()
    assert list(tmp_path.rglob('events.out.tfevents*'))


# --- launching -------------------------------------------------------------------------------------------------------


def test_torchrun_is_recognised(monkeypatch):
    for name in launch._TORCHRUN_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    assert launch.find_launcher(None) == 'none'
    for name in launch._TORCHRUN_VARIABLES:
        monkeypatch.setenv(name, '0')
    assert launch.find_launcher(None) == 'pytorch'
    assert launch.find_launcher('slurm') == 'slurm'


def test_slurm_variables(monkeypatch):
    given = {'SLURM_PROCID': '3', 'SLURM_NTASKS': '8', 'SLURM_LOCALID': '1', 'SLURM_NODELIST': 'n[1-2]'}
    for name in ('RANK', 'WORLD_SIZE', 'LOCAL_RANK', 'MASTER_ADDR', 'MASTER_PORT'):
        monkeypatch.setenv(name, '')
        monkeypatch.delenv(name)
    with pytest.raises(ValueError, match='SLURM_PROCID'):
        launch._set_variables_of_slurm()
    for name, value in {**given, 'SLURM_JOB_ID': '20007', 'MASTER_ADDR': 'n1'}.items():
        monkeypatch.setenv(name, value)
    launch._set_variables_of_slurm()
    import os

    assert [os.environ[name] for name in ('RANK', 'WORLD_SIZE', 'LOCAL_RANK', 'MASTER_PORT')] == [
        '3',
        '8',
        '1',
        '20007',
    ]


# --- errors ----------------------------------------------------------------------------------------------------------


def test_bugs_keep_their_traceback():
    def work():
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run_tool(work)


def test_user_errors_are_explained(capsys, monkeypatch):
    def work():
        raise ValueError('window_size is 0; use 7')

    assert run_tool(work) == 2
    assert capsys.readouterr().err.strip().startswith('error: window_size is 0; use 7')
    monkeypatch.setenv('SWIN_DENSE_DEBUG', '1')
    with pytest.raises(ValueError, match='window_size'):
        run_tool(work)


def test_unknown_types_of_other_scopes_get_a_suggestion():
    from mmengine.registry import MODELS

    import swin_dense.backbones  # noqa: F401

    with pytest.raises(KeyError) as caught:
        MODELS.build({'type': 'swin_dense.SwinTransfomer'})
    assert "'swin_dense.SwinTransformer'" in explain(caught.value)


def test_wrong_arguments_get_a_suggestion(build, tmp_path):
    cfg = toy_config(tmp_path, epochs=1)
    cfg.model.sync_bm = True
    with pytest.raises(TypeError) as caught:
        build(cfg)
    explained = ' '.join(explain(caught.value).split())
    assert "type='ToyModel' of the config" in explained
    assert "unexpected keyword argument 'sync_bm'. Did you mean 'sync_bn'? It takes: sync_bn, seconds." in explained


def test_type_errors_of_code_are_bugs():
    def work():
        return len(3)

    with pytest.raises(TypeError):
        run_tool(work)


def test_configs_say_what_differs_from_the_default_hooks(build, tmp_path):
    cfg = toy_config(tmp_path, iterations=2)
    cfg.default_hooks = {
        'logger': {'interval': 7}, 'checkpoint': {'max_keep_ckpts': 3}, 'progress': None, 'timer': None,
        'metrics': {'type': 'IterTimerHook'},
    }  # fmt: skip
    hooks = {type(hook).__name__: hook for hook in build(cfg).hooks}
    assert (hooks['LoggerHook'].interval, hooks['LoggerHook'].log_metric_by_epoch) == (7, False)
    assert (hooks['CheckpointHook'].max_keep_ckpts, hooks['CheckpointHook'].by_epoch) == (3, False)
    assert hooks['CheckpointHook'].__module__.startswith('swin_dense')
    assert 'ProgressHook' not in hooks
    assert 'MetricsHook' not in hooks
    assert {'StartLogHook', 'InterruptHook', 'NonFiniteHook', 'IterTimerHook'} <= hooks.keys()


@pytest.mark.skipif(not Path('/proc/self/task').exists(), reason='lists threads as Linux does')
def test_no_thread_of_the_process_group_outlives_it(tmp_path):
    """One that does can abort the process at its end, with all work done and exit code -6."""
    script = tmp_path / 'joins.py'
    script.write_text(
        'from pathlib import Path\n'
        'import torch\n'
        'from torch.nn.parallel import DistributedDataParallel\n'
        'from swin_dense.engine.launch import process_group\n'
        'def work():\n'
        '    model = DistributedDataParallel(torch.nn.Linear(2, 2))\n'
        '    model.in_a_cycle = [model]\n'
        '    model(torch.ones(1, 2)).sum().backward()\n'
        'with process_group("pytorch"):\n'
        '    work()\n'
        'names = [(task / "comm").read_text().strip() for task in Path("/proc/self/task").iterdir()]\n'
        'print([name for name in names if "gloo" in name])\n'
    )
    place = {'RANK': '0', 'LOCAL_RANK': '0', 'WORLD_SIZE': '1', 'MASTER_ADDR': '127.0.0.1', 'MASTER_PORT': '29619'}
    command = [sys.executable, str(script)]
    result = subprocess.run(command, env={**os.environ, **place}, capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == '[]'
