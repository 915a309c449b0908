"""Names and colours of classes, and whose they are; checkpoints that do not fit."""

from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.registry import DefaultScope

from swin_dense.inference import Predictor
from swin_dense.inference.loading import load_model
from tests.inference.models import CONFIGS, DEMO, demo_config, scene, write_checkpoint

pytestmark = pytest.mark.filterwarnings('ignore')  # of mmdet, mmseg and torch among themselves
NAMES, COLORS = ('a', 'b', 'c', 'd', 'e', 'f'), [(10 * i, 0, 255 - i) for i in range(6)]


def _nameless(**model: object) -> str:
    lines = ''.join(f'{key} = {value!r}\n' for key, value in model.items())
    return (
        f'_base_ = [{str(CONFIGS / DEMO["segmentation"])!r}]\n{lines}'
        "test_dataloader = dict(dataset=dict(_delete_=True, type='BaseSegDataset', pipeline=_base_.test_pipeline))\n"
    )


def test_the_names_of_the_checkpoint_win(tmp_path: Path) -> None:
    cfg = demo_config('segmentation')
    meta = {'classes': NAMES, 'palette': COLORS}
    checkpoint = write_checkpoint(tmp_path / 'a.pth', cfg, dataset_meta=meta)
    for config in (None, CONFIGS / DEMO['segmentation']):
        loaded = load_model(config, checkpoint, device='cpu')
        assert loaded.classes == NAMES
        assert np.array_equal(loaded.palette, COLORS)
        assert loaded.notes == ()


def test_names_without_colours_get_distinct_ones(tmp_path: Path) -> None:
    checkpoint = write_checkpoint(tmp_path / 'a.pth', demo_config('segmentation'), dataset_meta={'classes': NAMES})
    loaded = load_model(None, checkpoint, device='cpu')
    assert loaded.classes == NAMES
    assert len({tuple(color) for color in loaded.palette.tolist()}) == 6


def test_old_checkpoints_of_the_stack_name_classes_in_capitals(tmp_path: Path) -> None:
    checkpoint = write_checkpoint(tmp_path / 'a.pth', demo_config('segmentation'))
    content = torch.load(checkpoint, weights_only=True)
    content['meta'] = {'CLASSES': list(NAMES), 'PALETTE': COLORS}
    torch.save(content, checkpoint)
    assert load_model(CONFIGS / DEMO['segmentation'], checkpoint, device='cpu').classes == NAMES


def test_without_names_in_the_checkpoint_those_of_the_configs_data_set(tmp_path: Path) -> None:
    checkpoint = write_checkpoint(tmp_path / 'a.pth', demo_config('segmentation'))
    state = {'state_dict': torch.load(checkpoint, weights_only=True)['state_dict']}
    torch.save(state, checkpoint)
    loaded = load_model(CONFIGS / DEMO['segmentation'], checkpoint, device='cpu')
    assert loaded.classes == demo_config('segmentation').classes
    with pytest.raises(ValueError, match='carries no config of a model: give the config file'):
        load_model(None, checkpoint, device='cpu')


def test_without_any_names_numbers_and_never_foreign_ones(tmp_path: Path) -> None:
    checkpoint = write_checkpoint(tmp_path / 'a.pth', demo_config('segmentation'))
    torch.save({'state_dict': torch.load(checkpoint, weights_only=True)['state_dict']}, checkpoint)
    config = tmp_path / 'nameless.py'
    config.write_text(_nameless())
    loaded = load_model(config, checkpoint, device='cpu')
    assert loaded.classes == tuple(f'class_{number}' for number in range(6))
    assert 'class_0' in loaded.notes[0]


def test_the_data_set_of_a_config_names_classes_by_its_type(tmp_path: Path) -> None:
    checkpoint = write_checkpoint(tmp_path / 'a.pth', demo_config('segmentation'))
    state = torch.load(checkpoint, weights_only=True)['state_dict']
    config = tmp_path / 'ade.py'
    config.write_text(_nameless(model={'decode_head': {'num_classes': 150}}).replace('BaseSegDataset', 'ADE20KDataset'))
    for name in ('decode_head.conv_seg.weight', 'decode_head.conv_seg.bias'):
        state[name] = torch.zeros(150, *state[name].shape[1:])
    torch.save({'state_dict': state}, checkpoint)
    loaded = load_model(config, checkpoint, device='cpu')
    assert loaded.classes[:3] == ('wall', 'building', 'sky')
    assert loaded.palette[0].tolist() == [120, 120, 120]


def test_names_of_another_number_are_not_used(tmp_path: Path) -> None:
    """A config copied from another data set."""
    checkpoint = write_checkpoint(tmp_path / 'a.pth', demo_config('segmentation'), dataset_meta={'classes': ('x', 'y')})
    loaded = load_model(None, checkpoint, device='cpu')
    assert loaded.classes == demo_config('segmentation').classes
    assert 'the checkpoint names 2 classes and the model has 6' in loaded.notes[0]


def test_a_checkpoint_of_another_model_is_refused(tmp_path: Path) -> None:
    checkpoint = write_checkpoint(tmp_path / 'a.pth', demo_config('segmentation'))
    with pytest.raises(ValueError, match='is a checkpoint of another model'):
        load_model(CONFIGS / DEMO['detection'], checkpoint, device='cpu')


@pytest.mark.parametrize('scope', [None, 'mmdet', 'mmseg'])
def test_any_scope_gives_the_same_and_is_left_as_it_was(tmp_path: Path, scope: str | None) -> None:
    image = scene(40, 50)
    checkpoint = write_checkpoint(tmp_path / 'a.pth', demo_config('detection'))
    expected = Predictor(None, checkpoint, device='cpu')(image)
    before = DefaultScope.get_current_instance()
    with DefaultScope.overwrite_default_scope(scope):
        found = Predictor(None, checkpoint, device='cpu')(image)
        assert (DefaultScope.get_current_instance() or before) is not None or scope is None
    assert DefaultScope.get_current_instance() is before
    assert np.array_equal(found.boxes_xyxy, expected.boxes_xyxy)


def test_published_files_predict(tmp_path: Path) -> None:
    """Safetensors of tools/publish.py carry the text of the config, which is read and not run."""
    from swin_dense.checkpoints.publishing import publish

    checkpoint = write_checkpoint(tmp_path / 'a.pth', demo_config('segmentation'))
    publish(str(checkpoint), out=str(tmp_path))
    published = next(tmp_path.glob('*.safetensors'))
    image = scene(40, 50)
    expected, found = (Predictor(None, path, device='cpu') for path in (checkpoint, published))
    assert np.array_equal(found(image).labels, expected(image).labels)
    assert found.classes == expected.classes
    assert np.array_equal(found.palette, expected.palette)
