"""The Swin of the installed mmdet or mmseg, with the weights of ours."""

import torch

RENAMED = [
    ('layers.', 'stages.'),
    ('attn.', 'attn.w_msa.'),
    ('mlp.fc1.', 'ffn.layers.0.0.'),
    ('mlp.fc2.', 'ffn.layers.1.'),
    ('patch_embed.proj.', 'patch_embed.projection.'),
]


def their_name(name):
    for ours, theirs in RENAMED:
        name = name.replace(ours, theirs)
    return name


def their_value(name, value):
    """They merge patches by `unfold`: channels first, then neighbours in the order (0,0), (0,1), (1,0), (1,1)."""
    if 'downsample.' not in name:
        return value
    blocks = value.unflatten(-1, (4, -1))[..., [0, 2, 1, 3], :]
    return blocks.transpose(-1, -2).flatten(-2)


def theirs_of(ours):
    """State dict `ours` of our Swin in the names and order of mmdet's and mmseg's (their index buffers left out)."""
    return {their_name(name): their_value(name, value) for name, value in ours.items()}


def load(module, ours):
    """Gives `module`, their Swin, the weights `ours`; nothing but its index buffers may be left over."""
    missing, unexpected = module.load_state_dict(theirs_of(ours), strict=False)
    assert unexpected == []
    assert all(name.endswith('relative_position_index') for name in missing)


def arguments(arch):
    """The reference's constructor arguments for one of our arch dicts."""
    return {**arch, 'mlp_ratio': 4, 'drop_path_rate': 0.0}


def random_weights(module):
    """Far from initial values, so that a swapped or skipped parameter shows."""
    with torch.no_grad():
        for parameter in module.parameters():
            spread = 0.2 if parameter.ndim < 2 else parameter[0].numel() ** -0.5
            parameter.add_(torch.randn_like(parameter) * spread)
