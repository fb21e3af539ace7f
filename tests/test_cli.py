"""The command: scripts run as Python runs them, and everything that serves ``import torch``."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def run(*command: str, cwd=None, stdin: str | None = None, code: str | None = None):
    words = [sys.executable, *(["-c", code] if code is not None else ["-m", "torchlike"]), *command]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "default"}
    return subprocess.run(
        words, cwd=cwd, capture_output=True, text=True, timeout=300, check=False, input=stdin,
        env=environment,
    )  # fmt: skip


@pytest.fixture
def script(tmp_path):
    def write(text: str, name: str = "script.py") -> str:
        path = tmp_path / name
        path.write_text(text)
        return str(path)

    return write


STATE = """
import sys, os
print(__name__, __file__ == sys.argv[0], sys.argv[1:], sys.modules["__main__"].__dict__ is globals())
print(os.path.realpath(sys.path[0]) == os.path.dirname(os.path.realpath(__file__)), __spec__, __cached__)
import neighbour
print(neighbour.value, "torch" in sys.modules)
import torch
print(torch.__version__, torch.ones(2).sum().item())
"""


@pytest.mark.parametrize("how", ["run", "bare"])
def test_a_script_sees_what_it_sees_under_python(script, tmp_path, how):
    path = script(STATE)
    (tmp_path / "neighbour.py").write_text("value = 3")
    words = (["run"] if how == "run" else []) + [path, "--epochs", "3", "-x"]
    done = run(*words, cwd="/")
    assert done.stdout.splitlines() == [
        "__main__ True ['--epochs', '3', '-x'] True",
        "True None None",
        "3 False",
        "2.13.0 2.0",
    ], done.stderr
    assert done.returncode == 0


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("import sys; sys.exit(7)", 7),
        ("raise SystemExit('stop')", 1),
        ("raise SystemExit", 0),
        ("1 / 0", 1),
        ("import os; os._exit(4)", 4),
        ("raise KeyboardInterrupt", -signal.SIGINT),
        ("import os; os.abort()", -signal.SIGABRT),
    ],
)
def test_exit_codes_are_the_scripts(script, text, code):
    path = script(text)
    plain = subprocess.run([sys.executable, path], capture_output=True, check=False).returncode
    assert run("run", path).returncode == code == plain


@pytest.mark.parametrize(
    "text",
    [
        "def f():\n    return 1 / 0\n\nf()\n",
        "try:\n    1 / 0\nexcept ZeroDivisionError as e:\n    raise ValueError('x') from e\n",
        "x = (1 +\n",
        (
            "import sys\nsys.excepthook = lambda *a: print('mine', a[0], a[2].tb_lineno,"
            " file=sys.stderr)\n1/0\n"
        ),
        "import nowhere\n",
        "class E(BaseException): pass\nraise E\n",
    ],
)
def test_tracebacks_are_the_scripts(script, text):
    path = script(text)
    plain = subprocess.run([sys.executable, path], capture_output=True, text=True, check=False)
    ours = run("run", path)
    assert (ours.stderr, ours.returncode) == (plain.stderr, plain.returncode)


def test_standard_input_modules_and_folders(script, tmp_path):
    done = run("run", "-", "a", stdin="import sys, torch; print(sys.argv, torch.tensor(3))")
    assert done.stdout == "['-', 'a'] tensor(3)\n"
    (tmp_path / "package").mkdir()
    script("import sys, torch; print(__name__, __package__, sys.argv[1:])", "package/__main__.py")
    assert run("run", "-m", "package", "a", cwd=tmp_path).stdout == "__main__ package ['a']\n"
    assert run("run", str(tmp_path / "package"), "b").stdout.startswith("__main__ ")
    done = run("run", "nowhere.py", cwd=tmp_path)
    assert done.returncode == 2
    assert "can't open file" in done.stderr
    assert "nowhere.py': [Errno 2] No such file or directory" in done.stderr


NAMES = """
import importlib.metadata, importlib.util, sys
import torch, torchlike, torch.nn as nn, torch.nn.functional as F, torchvision
from torch.utils.data import DataLoader
from torchvision import datasets, transforms
from torch.nn.functional import relu
import torch._dynamo as dynamo
assert torch is torchlike and F is torchlike.nn.functional and transforms is torchlike.vision.transforms
assert sys.modules["torch.nn"] is nn is torch.nn and nn.__spec__.name == "torchlike.nn"
print(importlib.metadata.version("torch"), importlib.metadata.version("torchvision"))
print(torchvision.__version__, torch.version.cuda, torch.cuda.is_available(), torch.backends.mps.is_available())
print(importlib.util.find_spec("torch.nowhere"), importlib.util.find_spec("torch.nn") is not None)
print(hasattr(torch, "nowhere"), hasattr(F, "nowhere"))
for line in (
    "import torch.nowhere", "from torch.nowhere import x", "from torch import nowhere",
    "from torch.nn import nowhere", "from torch.nn.functional import nowhere", "torch.nowhere",
    "nn.nowhere", "F.nowhere", "from torchvision import nowhere", "import torch.nn.functional.nowhere",
    "from torch.nn import Linear, nowhere", "torch.ones(1).nowhere",
):
    try:
        exec(line)
        print("no error:", line)
    except Exception as error:
        text = str(error).replace(torchlike.__file__[:-len("/__init__.py")], "...")
        first, _, hint = text.partition("\\n")
        print(f"{line}: {type(error).__name__}: {first} [{hint.startswith('hint:') and 'gap' in hint}]")
"""


def test_served_names_and_missing_ones(script):
    done = run("run", script(NAMES))
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "2.13.0 0.28.0",
        "0.28.0 None False False",
        "None True",
        "False False",
        "import torch.nowhere: ModuleNotFoundError: No module named 'torch.nowhere' [True]",
        "from torch.nowhere import x: ModuleNotFoundError: No module named 'torch.nowhere' [True]",
        (
            "from torch import nowhere: ImportError: cannot import name 'nowhere' from 'torch' "
            "(.../__init__.py) [True]"
        ),
        (
            "from torch.nn import nowhere: ImportError: cannot import name 'nowhere' from"
            " 'torch.nn' (.../nn/__init__.py) [True]"
        ),
        (
            "from torch.nn.functional import nowhere: ImportError: cannot import name 'nowhere'"
            " from 'torch.nn.functional' (.../nn/functional.py) [True]"
        ),
        "torch.nowhere: AttributeError: module 'torch' has no attribute 'nowhere' [True]",
        "nn.nowhere: AttributeError: module 'torch.nn' has no attribute 'nowhere' [True]",
        "F.nowhere: AttributeError: module 'torch.nn.functional' has no attribute 'nowhere' [True]",
        (
            "from torchvision import nowhere: ImportError: cannot import name 'nowhere' from "
            "'torchvision' (.../vision/__init__.py) [True]"
        ),
        (
            "import torch.nn.functional.nowhere: ModuleNotFoundError: No module named "
            "'torch.nn.functional.nowhere' [True]"
        ),
        (
            "from torch.nn import Linear, nowhere: ImportError: cannot import name 'nowhere' from "
            "'torch.nn' (.../nn/__init__.py) [True]"
        ),
        "torch.ones(1).nowhere: AttributeError: 'Tensor' object has no attribute 'nowhere' [True]",
    ]


INSTALLED = """
import sys
{install}
import torch, torch.nn, torchvision.transforms
print(torch.tensor([1, 2]).sum().item(), torch.__name__)
import torchlike
torchlike.install()
torchlike.uninstall()
print(sorted(n for n in sys.modules if n.split(".")[0] in ("torch", "torchvision")))
print(any(type(f).__name__ == "Finder" for f in sys.meta_path), torch.ones(1).item())
print(hasattr(torch.nn.functional, "__path__"))
"""


@pytest.mark.parametrize(
    "install",
    [
        "import torchlike; torchlike.install()",
        "import torchlike.install",
        "import torchlike; torchlike.load_ipython_extension(None)",
    ],
)
def test_install_and_uninstall(install):
    done = run(code=INSTALLED.format(install=install))
    assert done.stdout.splitlines() == ["3 torchlike", "[]", "False 1.0", "False"], done.stderr


def test_install_after_the_real_one_is_refused():
    done = run(code="import torch, torchlike; torchlike.install()")
    assert done.returncode == 1
    assert "ImportError: torch is already imported from" in done.stderr
    assert "hint: call torchlike.install() before the first `import torch`" in done.stderr


def test_spawned_children_are_served_too(script):
    path = script(
        "import multiprocessing as mp, torch\n"
        "def f(x):\n    return torch.ones(x).sum().item(), torch.__file__ == FILE\n"
        "def show(i, x):\n    import sys\n    sys.stdout.write(f'{i} {x}\\n')\n"
        "FILE = torch.__file__\n"
        "if __name__ == '__main__':\n"
        "    with mp.get_context('spawn').Pool(1) as pool:\n        print(pool.map(f, [2, 3]))\n"
        "    import torch.multiprocessing as tmp\n"
        "    tmp.spawn(show, (5,), nprocs=2)\n"
    )
    done = run("run", path)
    assert done.stdout.splitlines()[0] == "[(2.0, True), (3.0, True)]", done.stderr
    assert sorted(done.stdout.splitlines()[1:]) == ["0 5", "1 5"]


def test_a_failing_spawned_process_is_reported(script):
    path = script(
        "import torch.multiprocessing as mp\ndef f(i):\n    raise ValueError(f'number {i}')\nif"
        " __name__ == '__main__':\n    try:\n        mp.spawn(f, nprocs=1)\n    except"
        " mp.ProcessRaisedException as e:\n        print(str(e).strip().splitlines()[0],"
        " str(e).strip().splitlines()[-1])\n"
    )
    assert (
        run("run", path).stdout
        == "-- Process 0 terminated with the following error: ValueError: number 0\n"
    )


def test_simulated_devices(script):
    path = script(
        "import torch\nprint(torch.cuda.device_count(), torch.ones(2, device='cuda:1').device)\n"
        "print(torch.cuda.get_device_name(0), torch.accelerator.current_accelerator())\n"
    )
    done = run("run", "--simulate-devices", "4", path)
    assert done.stdout.splitlines() == ["4 cuda:1", "cpu cuda"], done.stderr
    assert run("run", "--simulate-devices", "1", path).returncode == 2


def test_doctor():
    done = run("doctor")
    assert done.returncode == 0, done.stdout
    words = {line.split()[0] for line in done.stdout.splitlines()}
    assert words >= {"torchlike", "python", "jax", "device", "execution", "cache", "training"}
    assert "FAILS" not in done.stdout


def test_where():
    done = run("where", "torch.cumsum", cwd=ROOT)
    assert done.stdout.startswith("torchlike/ops/scan.py:")
    assert "(op cumsum)" in done.stdout
    many = run("where", "torch.Tensor.add_", "nn.Linear", "torchvision.datasets.MNIST", cwd=ROOT)
    lines = many.stdout.splitlines()
    assert lines[0].endswith("(op add)")
    assert "torchlike/nn/modules/linear.py:" in lines[1]
    assert "torchlike/vision/datasets/mnist.py:" in lines[2]
    done = run("where", "torch.nowhere")
    assert done.returncode == 1
    assert "has no attribute 'nowhere'" in done.stdout
    module = subprocess.run(
        [sys.executable, "-m", "torchlike.where", "torch.cumsum"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert module.stdout.startswith("torchlike/ops/scan.py:")


def test_help_and_version():
    assert run("--version").stdout.startswith("torchlike 0.1.0 (PyTorch 2.13.0")
    assert "where" in run("--help").stdout
    assert run().returncode == 2


def test_demo():
    done = run("demo", "--epochs", "1")
    assert done.returncode == 0, done.stderr
    assert "epoch 1: 100%" in done.stderr
    last = done.stdout.splitlines()[-1]
    assert last.startswith("epoch 1: accuracy ")
    assert float(last.split()[3]) > 80


def test_the_readmes_example_runs(script):
    readme = (ROOT / "README.md").read_text()
    example = readme.split("```python\n")[1].split("```")[0]
    assert example.startswith("import torch\n")
    done = run("run", script(example, "train.py"))
    assert done.returncode == 0, done.stderr
    assert float(done.stdout.split()[-1]) > 0.9
