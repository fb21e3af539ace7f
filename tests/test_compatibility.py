"""The page of every public name's state, the list it is made of, and what ``where`` says of each."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from torchlike import compatibility
from torchlike.core.unsupported import REFUSALS, Refusal, explain, refusal
from torchlike.porting.locate import find

ROOT = Path(__file__).parents[1]


def test_the_page_is_up_to_date():
    assert compatibility.PAGE.read_text() == compatibility.page(), (
        "run python -m torchlike.compatibility"
    )


@pytest.mark.slow
def test_the_names_are_pytorchs(tmp_path):
    """In a fresh process: modules that tests imported would count."""
    code = (
        "import sys, warnings; warnings.simplefilter('ignore')\n"
        "from pathlib import Path\nfrom torchlike import compatibility as c\n"
        "c.NAMES = Path(sys.argv[1]); c.write_names()"
    )
    made = tmp_path / "names"
    done = subprocess.run(
        [sys.executable, "-c", code, str(made)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert made.read_text() == compatibility.NAMES.read_text()


@pytest.mark.slow
def test_where_answers_for_every_name():
    for space, own in compatibility.names().items():
        for leaf in own:
            name = f"{space}.{leaf}"
            text, found = find(name)
            state = compatibility.state(name)
            assert found == (state is True), name
            if isinstance(state, Refusal):
                assert text == f"refused: {state.reason}; {state.instead}", name
            elif found:
                assert ".py:" in text, f"{name}: {text}"
            else:
                assert text.startswith("gap: "), name


def test_refusals_say_why_and_what_instead():
    for entry in REFUSALS:
        assert entry.names.split(), entry
        for text in (entry.reason, entry.instead):
            assert text == text.strip(), text
            assert len(text) > 10, text
            assert not text.endswith("."), text


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("jit.script", "TorchScript"),
        ("jit.script.anything", "TorchScript"),
        ("qint8", "scale and a zero point"),
        ("quantized_lstm", "scale and a zero point"),
        ("nn.Parameter.q_scale", "scale and a zero point"),
        ("bits8", "shell"),
        ("TensorType", "TorchScript's compiler"),
        ("miopen_rnn", "one vendor's kernels"),
    ],
)
def test_what_is_refused(name, part):
    found = refusal(name)
    assert found is not None
    assert part in found.reason
    assert found.reason in explain(name)


def test_what_is_not_refused():
    assert refusal("nowhere") is None
    assert refusal("fxyz") is None, "a pattern's star is not to be forgotten"
    assert "gap" in explain("nowhere")


@pytest.mark.parametrize("arguments", [["--nonsense"], ["a", "b"]])
def test_usage(arguments, capsys):
    assert compatibility.main(arguments) == 2
    assert "usage" in capsys.readouterr().err


def test_looking_for_where_leaves_it_alone():
    import torchlike

    text, found = find("torch.where")
    assert found
    assert "where" in text
    assert callable(torchlike.where)
