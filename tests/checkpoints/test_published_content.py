"""What tools/publish.py wrote, and what became of it: edited, changed, with values of any kind beside the weights."""

import hashlib
import json

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from swin_dense.checkpoints import load_pretrained
from swin_dense.checkpoints.conversion_tool import convert_weights
from swin_dense.checkpoints.files import read_checkpoint
from swin_dense.checkpoints.publishing import publish
from swin_dense.checkpoints.tensor_files import safetensors_bytes
from tests.checkpoints.models import assert_equal_states, copied, small_swin


def written(folder):
    return {path.suffix: path for path in folder.iterdir()}


def small_checkpoint(path, **meta):
    torch.save({'meta': {'cfg': 'lr = 1', **meta}, 'state_dict': small_swin().state_dict()}, path)
    return str(path)


@pytest.mark.parametrize('suffix', ['.md', '.py'])
def test_what_was_edited_is_kept(suffix, tmp_path):
    checkpoint = small_checkpoint(tmp_path / 'swin.pth')
    for _ in range(2):  # what says the same may be written again
        publish(checkpoint, out=str(tmp_path / 'out'))
    texts = {path: path.read_bytes() for path in written(tmp_path / 'out').values()}
    edited = written(tmp_path / 'out')[suffix]
    edited.write_text(edited.read_text().replace('fill in', 'Apache-2.0') + '# by hand')
    texts[edited] = edited.read_bytes()
    with pytest.raises(ValueError, match=rf'swin-\w+\{suffix} is there and says something else.*Delete it, or'):
        publish(checkpoint, out=str(tmp_path / 'out'))
    assert {path: path.read_bytes() for path in written(tmp_path / 'out').values()} == texts


@pytest.mark.parametrize('suffix', ['.md', '.py'])
def test_what_is_refused_writes_no_weights(suffix, tmp_path):
    checkpoint = small_checkpoint(tmp_path / 'swin.pth')
    publish(checkpoint, out=str(tmp_path / 'out'))
    files = written(tmp_path / 'out')
    files.pop('.safetensors').unlink()
    files[suffix].write_text('by hand')
    with pytest.raises(ValueError, match='is there and says something else'):
        publish(checkpoint, out=str(tmp_path / 'out'))
    assert written(tmp_path / 'out') == files


def test_results_come_into_a_card_without_them(tmp_path):
    checkpoint = small_checkpoint(tmp_path / 'swin.pth')
    results = {
        'checkpoint_sha256': hashlib.sha256((tmp_path / 'swin.pth').read_bytes()).hexdigest(),
        'weights': 'as trained',
        'metrics': {'coco/bbox_mAP': 0.437},
        'protocol': {},
        'versions': {},
        'date': '2025-01-31',
    }
    (tmp_path / 'results.json').write_text(json.dumps(results))
    out, measured = str(tmp_path / 'out'), str(tmp_path / 'results.json')
    publish(checkpoint, out=out)
    card = written(tmp_path / 'out')['.md']
    unmeasured = card.read_text()
    publish(checkpoint, out=out, results=measured)
    assert '| coco/bbox_mAP | 0.437 |' in card.read_text()
    with pytest.raises(ValueError, match='is there and says something else'):  # results are not lost
        publish(checkpoint, out=out)
    card.write_text(unmeasured + 'by hand')
    with pytest.raises(ValueError, match='is there and says something else'):
        publish(checkpoint, out=out, results=measured)
    assert card.read_text() == unmeasured + 'by hand'


def test_a_changed_byte_is_noticed_wherever_it_is(tmp_path):
    publish(small_checkpoint(tmp_path / 'swin.pth'), out=str(tmp_path / 'out'))
    weights = written(tmp_path / 'out')['.safetensors']
    content = weights.read_bytes()
    named = weights.stem.rpartition('-')[2]
    header = content.index(b'swin_dense')
    for place in (header, header + 30, len(content) // 2, len(content) - 1):
        changed = content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]
        weights.write_bytes(changed)
        backbone = small_swin()
        before = copied(backbone.state_dict())
        with pytest.raises(ValueError, match=f'{hashlib.sha256(changed).hexdigest()}, and its name says {named}'):
            load_pretrained(backbone, weights)
        assert_equal_states(backbone.state_dict(), before)
    other = weights.with_name('renamed.safetensors')
    weights.rename(other)
    assert load_pretrained(small_swin(), other).is_complete  # the last byte is of a weight


def test_other_files_may_have_a_date_in_their_names(tmp_path):
    state = small_swin().state_dict()
    path = tmp_path / 'swin-20240101.safetensors'
    for header in (None, {'format': 'pt'}):
        save_file(state, path, header)
        assert load_pretrained(small_swin(), path).is_complete
    path.write_bytes(safetensors_bytes(state, {}))
    with pytest.raises(ValueError, match='has changed since it was published'):
        load_pretrained(small_swin(), path)


def test_arrays_beside_weights_become_plain_values(tmp_path):
    """Palettes of numpy, and of torch, which own checkpoints make of them; in files of either tool."""
    palette = np.array([[1, 2, 3], [4, 5, 6]], dtype=np.uint8)
    for number, colours in enumerate((palette, torch.from_numpy(palette), [tuple(row) for row in palette])):
        classes = {'classes': ('cat', 'dog'), 'palette': colours, 'size': {np.int64(3): np.float32(0.5)}}
        checkpoint = small_checkpoint(tmp_path / f'{number}.pth', dataset_meta=classes)
        publish(checkpoint, out=str(tmp_path / f'out{number}'))
        convert_weights(checkpoint, str(tmp_path / f'{number}.safetensors'), to='swin_dense')
        for path in (written(tmp_path / f'out{number}')['.safetensors'], tmp_path / f'{number}.safetensors'):
            meta = read_checkpoint(path)['meta']
            expected = {'classes': ['cat', 'dog'], 'palette': palette.tolist(), 'size': {'3': 0.5}}
            assert meta['dataset_meta'] == expected


def test_converted_files_have_no_names_of_published_ones(tmp_path):
    checkpoint = small_checkpoint(tmp_path / 'swin.pth')
    target = tmp_path / 'swin-0123abcd.safetensors'
    with pytest.raises(ValueError, match='ends like the name of a published file'):
        convert_weights(checkpoint, str(target), to='timm')
    assert not target.exists()
