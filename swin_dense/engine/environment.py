"""What a run depends on besides its config, for `environment.json` in the work dir."""

import json
import os
import platform
import sys
from importlib import metadata

import torch

_VARIABLES = ('CUDA', 'NCCL', 'OMP', 'MKL', 'SLURM', 'TORCH', 'WORLD_SIZE', 'RANK', 'LOCAL_RANK')


def describe() -> str:
    """Give JSON of the command, the machine, the devices, torch's build and all installed packages."""
    gpus = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    content = {
        'command': sys.argv,
        'python': sys.version,
        'platform': platform.platform(),
        'gpus': gpus,
        'threads': torch.get_num_threads(),
        'torch_build': torch.__config__.show(),
        'variables': {name: value for name, value in sorted(os.environ.items()) if name.startswith(_VARIABLES)},
        'packages': {d.metadata['Name']: d.version for d in metadata.distributions()},
    }
    return json.dumps(content, indent=1)
