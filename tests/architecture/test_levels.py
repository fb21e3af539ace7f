"""A module imports only from levels below its own, and no two modules import each other."""

from __future__ import annotations

from .source import modules, relative_imports

# The longest matching prefix decides; a number is a level, see the README's layout.
LEVELS = {
    "core": 3,
    "core.config": 0,
    "core.errors": 0,
    "core.dtypes": 0,
    "core.device": 0,
    "core.shapes": 0,
    "core.promote": 0,
    "core.platform": 0,
    "core.rounding": 0,
    "core.unsupported": 0,
    "core.constants": 0,
    "core.autocast_lists": 0,
    "core.setup": 0,
    "core.scalars": 0,
    "core.registry": 1,
    "ops": 2,
    "core.dispatch": 4,
    "core.autocast": 4,
    "core.moving": 4,
    "core.typed": 4,
    "core.operand": 4,
    "core.viewing": 4,
    "core.crossing": 4,
    "core.forward": 4,
    "core.lifted": 4,
    "core.mapped_host": 4,
    "core.index": 4,
    "core.host": 4,
    "core.write": 4,
    "core.strided": 4,
    "core.bind": 4,
    "core.backward": 4,
    "core.tensor_facts": 4,
    "core.surroundings": 4,
    "core.removed": 4,
    "core.recompute": 4,
    "core.overrides": 4,
    "core.dlpack": 4,
    "core.route": 4,
    "core.anomaly": 4,
    "core.members": 4,
    "core.toplevel": 4,
    "api": 5,
    "autograd": 6,
    "func": 7,
    "sparse": 6,
    "nn": 7,
    "optim": 7,
    "utils": 7,
    "io": 7,
    "cuda": 7,
    "overrides": 7,
    "distributed": 7,
    "amp": 7,
    "cpu": 7,
    "distributions": 7,
    "backends": 7,
    "compile": 8,
    "compiler": 8,
    "_dynamo": 8,
    "vision": 9,
    "porting": 9,
    "version": 0,
    "": 10,
}


def level(name: str) -> int:
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        found = LEVELS.get(".".join(parts[:end]))
        if found is not None:
            return found
    return 7 if name and (name.count(".") or name in _FACADES) else LEVELS[""]


_FACADES = ("mps", "xpu", "accelerator", "multiprocessing")


def test_imports_go_down():
    wrong = []
    for module in modules().values():
        for target, node in relative_imports(module):
            if level(target) > level(module.name):
                wrong.append(
                    f"{module.where}:{node.lineno}: level {level(module.name)} imports "
                    f"{target or 'the package root'} of level {level(target)}"
                )
    assert not wrong, "\n".join(wrong)


def test_no_cycles_at_import():
    graph = {
        name: {
            target
            for target, _ in relative_imports(module, inside_functions=False)
            # a package and its own submodules: the package imports them, they never it
            if target != name and not (target == "" or name.startswith(f"{target}."))
        }
        for name, module in modules().items()
    }
    seen: dict[str, int] = {}
    cycles: list[str] = []

    def visit(name: str, path: list[str]) -> None:
        if seen.get(name) == 2:
            return
        if name in path:
            cycles.append(" -> ".join([*path[path.index(name) :], name]))
            return
        for target in sorted(graph.get(name, ())):
            visit(target, [*path, name])
        seen[name] = 2

    for name in graph:
        visit(name, [])
    assert not cycles, "\n".join(cycles)
