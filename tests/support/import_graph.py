"""Who imports whom, from the code's own import statements."""

import ast
from collections import defaultdict
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("simulator", "theory", "figures", "scripts")


def modules(root=ROOT):
    """Name to path of every module of the four packages below a folder."""
    found = {}
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            parts = path.relative_to(root).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def _type_checking(node):
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def _imports(node, for_types):
    """Import statements of a tree, inside functions too; those that only types need if asked."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.Import, ast.ImportFrom)):
            yield child
        elif for_types or not _type_checking(child):
            yield from _imports(child, for_types)


def _homes(package, path):
    """Name to module of what a package hands on, from the table `_HOME` of its `__init__`."""
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "_HOME":
            homes = ast.literal_eval(node.value)
            return {f"{package}.{name}": f"{package}.{home}" for name, home in homes.items()}
    return {}


@cache
def file_arrows(root=ROOT, *, for_types=False):
    """Module to the modules that it imports, at load or inside functions; `__init__` files apart.

    A package's ``__init__`` only hands on names, so its imports are nobody's needs; whoever
    imports such a name needs the module that it comes from. What stands under TYPE_CHECKING
    counts with `for_types` only.
    """
    names = modules(root)
    packages = {name for name, path in names.items() if path.name == "__init__.py"}
    homes = {}
    for name in packages:
        homes |= _homes(name, names[name])
    arrows = {}
    for name, path in names.items():
        if name in packages:
            continue
        found = set()
        for node in _imports(ast.parse(path.read_text()), for_types):
            if isinstance(node, ast.Import):
                wanted = [alias.name for alias in node.names]
            else:
                assert node.level == 0, f"{path}: relative import"
                below = [f"{node.module}.{alias.name}" for alias in node.names]
                wanted = [x if x in names else homes.get(x, node.module) for x in below]
            found |= {x for x in wanted if x in names and x not in packages}
        arrows[name] = found - {name}
    return arrows


def room_of(module):
    """The room of a module: its folder, the module itself where it stands alone in its package."""
    parts = module.split(".")
    return ".".join(parts[:2]) if parts[0] == "simulator" else parts[0]


def sampler_room(module):
    """The room of a module of simulator.samplers: the folder of its algorithm, or the module."""
    return ".".join(module.split(".")[:3])


def room_arrows(arrows, room=room_of):
    """Room to the rooms that its files import, with the pairs of files that do."""
    pairs = defaultdict(lambda: defaultdict(set))
    for name, targets in arrows.items():
        for target in targets:
            if room(name) != room(target):
                pairs[room(name)][room(target)].add((name, target))
    return pairs


def upward(arrows, order):
    """Lines "file imports file" of imports against an order of rooms, given from below."""
    height = {room: i for i, room in enumerate(order)}
    return sorted(
        f"{name} imports {target}"
        for name, targets in arrows.items()
        for target in targets
        if height[room_of(name)] < height[room_of(target)]
    )


def circles(arrows):
    """Strongly connected components of more than one node (Tarjan)."""
    index, low, stack, out = {}, {}, [], []

    def visit(node):
        index[node] = low[node] = len(index)
        stack.append(node)
        for other in sorted(arrows.get(node, ())):
            if other not in index:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], index[other])
        if low[node] == index[node]:
            component = set()
            while node not in component:
                component.add(stack.pop())
            if len(component) > 1:
                out.append(component)

    for node in sorted(arrows):
        if node not in index:
            visit(node)
    return out


def count():
    """Files, lines, arrows between rooms and circles of files and of rooms."""
    names, rooms = modules(), room_arrows(file_arrows())
    return {
        "files": len(names),
        "lines": sum(len(path.read_text().splitlines()) for path in names.values()),
        "arrows between rooms": sum(map(len, rooms.values())),
        "circles of files": len(circles(file_arrows())),
        "circles of rooms": len(circles(rooms)),
    }


if __name__ == "__main__":
    print(count())  # noqa: T201
