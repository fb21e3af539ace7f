"""``torch.hub`` with folders and file URLs, against PyTorch's."""

from __future__ import annotations

import io
import os
import shutil
from contextlib import redirect_stderr
from pathlib import Path

import pytest
import torch
import torch.hub

import torchlike

from .expressions import lines, printed

LINES = lines("""
torch.hub.load(d, 'model', True, source='local', x=1)
torch.hub.load(d, 'nope', source='local')
torch.hub.load(d, '_private', source='local')
torch.hub.load(d2, 'm', source='local')
torch.hub.load(d, 'model', source='foo')
torch.hub.load(d, 'model', source='local', trust_repo=False)
torch.hub.list(d)
torch.hub.help(d, 'model')
torch.hub.load('a/b/c', 'model')
torch.hub.load('nonsense', 'model')
torch.hub.load_state_dict_from_url('file://'+d+'/w-12345678.pth', model_dir=d+'/m')
torch.hub.load_state_dict_from_url('file://'+d+'/w-12345678.pth', model_dir=d+'/m2', check_hash=True)
os.listdir(d+'/m2')
torch.hub.download_url_to_file('file://'+d+'/hubconf.py', d+'/copy.py', progress=False)
torch.hub.download_url_to_file('file://'+d+'/hubconf.py', d+'/copy2.py', hash_prefix='abcd', progress=False)
torch.hub.set_dir(d)
torch.hub.get_dir()
torch.hub.load(3, 'model', source='local')
torch.hub.load(d+'/none', 'model', source='local')
""")
MODEL = '''
dependencies = ["numpy"]


def _private():
    pass


def model(pretrained=False, **kw):
    """A model."""
    return ("model", pretrained, kw)
'''


@pytest.fixture
def folders(tmp_path):
    """Two repositories, one of which depends on a package that nobody has; and weights."""
    d, d2 = tmp_path / "one", tmp_path / "two"
    for folder, text in ((d, MODEL), (d2, "dependencies = ['nonexistent_pkg']\ndef m(): return 1\n")):
        folder.mkdir()
        (folder / "hubconf.py").write_text(text)
    torch.save({"a": torch.ones(2)}, d / "w-12345678.pth")
    return {"d": str(d), "d2": str(d2)}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("line", LINES)
def test_lines(line, folders):
    found = []
    for t in (torch, torchlike):
        before = t.hub.get_dir()
        with redirect_stderr(io.StringIO()):
            found.append(printed(line, {"torch": t, "os": os, **folders}))
        t.hub.set_dir(before)
        for made in ("m", "m2", "copy.py", "copy2.py"):
            path = Path(folders["d"], made)
            shutil.rmtree(path, ignore_errors=True)
            path.unlink(missing_ok=True)
    assert str(found[1]) == str(found[0])
