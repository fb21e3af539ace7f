"""The command ``torchlike``: ``run``, ``demo``, ``doctor``, ``where``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

COMMANDS = ("run", "demo", "doctor", "where")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit status is the script's own where a script is run."""
    words = list(sys.argv[1:] if argv is None else argv)
    if words and words[0] not in COMMANDS and words[0] not in ("-h", "--help", "--version"):
        words.insert(0, "run")  # python -m torchlike SCRIPT
    parser = _parser()
    options, more = parser.parse_known_args(words)
    if options.command is None:
        parser.print_help()
        return 2
    if options.command == "demo":
        options.args = more
    elif more:
        parser.error(f"unrecognized arguments: {' '.join(more)}")
    return options.action(options)


def _parser() -> argparse.ArgumentParser:
    from .version import __version__, torchlike

    parser = argparse.ArgumentParser(
        prog="torchlike", description="Run PyTorch programs on JAX, unchanged."
    )
    parser.add_argument(
        "--version",
        action="version",
        version=f"torchlike {torchlike} (PyTorch {__version__}'s API)",
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    run = commands.add_parser(
        "run",
        help="run a PyTorch script",
        usage="torchlike run [--simulate-devices N] (SCRIPT | -m MODULE) [args ...]",
    )
    run.add_argument("-m", dest="module", action="store_true", help="SCRIPT is a module's name")
    run.add_argument("script", metavar="SCRIPT", help="a Python file; '-' reads standard input")
    run.add_argument("args", nargs=argparse.REMAINDER, help="handed to the script as sys.argv[1:]")
    run.set_defaults(action=_run)
    demo = commands.add_parser(
        "demo", help="train on handwritten digits with an unmodified program; --epochs N"
    )
    demo.set_defaults(action=_demo)
    doctor = commands.add_parser("doctor", help="show versions, devices, the cache and what works")
    doctor.set_defaults(action=_doctor)
    for command in (run, demo, doctor):
        command.add_argument(
            "--simulate-devices",
            type=_device_count,
            metavar="N",
            help="let the CPU play N accelerators (cuda:0, cuda:1, ...)",
        )
    where = commands.add_parser("where", help="show the file and line of a PyTorch name")
    where.add_argument("names", nargs="+", metavar="NAME", help="torch.cumsum, torch.nn.Linear ...")
    where.set_defaults(action=_where)
    return parser


def _device_count(text: str) -> int:
    if not text.isdecimal() or int(text) < 2:
        raise argparse.ArgumentTypeError(f"must be a whole number from 2 up, not {text!r}")
    return int(text)


def _simulate(options: argparse.Namespace) -> None:
    if options.simulate_devices:
        import jax

        jax.config.update("jax_num_cpu_devices", options.simulate_devices)


def _run(options: argparse.Namespace) -> int:
    from .porting import script

    _simulate(options)
    if options.module:
        return script.run_module(options.script, options.args)
    return script.run_file(options.script, options.args)


def _demo(options: argparse.Namespace) -> int:
    from .demo import run

    _simulate(options)
    return run(options.args)


def _doctor(options: argparse.Namespace) -> int:
    from .doctor import report

    _simulate(options)
    lines, healthy = report()
    print("\n".join(lines))
    return 0 if healthy else 1


def _where(options: argparse.Namespace) -> int:
    from .porting.locate import find

    missing = 0
    for name in options.names:
        place, found = find(name)
        print(f"{name}: {place}" if len(options.names) > 1 or not found else place)
        missing += not found
    return 1 if missing else 0
