"""Who imports whom, from the code's own import statements."""

import ast
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("simulator", "theory", "figures", "scripts")


def modules():
    """Name to path of every module of the four packages."""
    found = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def _type_checking(node):
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def _imports(node):
    """Import statements of a tree, inside functions too, without those that only types need."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.Import, ast.ImportFrom)):
            yield child
        elif not _type_checking(child):
            yield from _imports(child)


def file_arrows():
    """Module to the modules that it imports, at load or inside functions; `__init__` files apart.

    A package's ``__init__`` only hands on names, so its imports are nobody's needs.
    """
    names = modules()
    arrows = {}
    for name, path in names.items():
        if path.name == "__init__.py":
            continue
        found = set()
        for node in _imports(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                wanted = [alias.name for alias in node.names]
            else:
                below = [f"{node.module}.{alias.name}" for alias in node.names]
                wanted = [full if full in names else node.module for full in below]
            found |= {w for w in wanted if w in names and names[w].name != "__init__.py"}
        arrows[name] = found - {name}
    return arrows


def folder_of(module):
    """The room of a module: its folder, the module itself where it stands alone in its package."""
    parts = module.split(".")
    return ".".join(parts[:2]) if parts[0] == "simulator" else parts[0]


def room_arrows(room=folder_of):
    """Pairs of rooms of which the first imports the second, with the files that do."""
    pairs = defaultdict(set)
    for name, targets in file_arrows().items():
        for target in targets:
            if room(name) != room(target):
                pairs[room(name), room(target)].add((name, target))
    return dict(pairs)


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
    names, pairs = modules(), room_arrows()
    rooms = defaultdict(set)
    for source, target in pairs:
        rooms[source].add(target)
    return {
        "files": len(names),
        "lines": sum(len(path.read_text().splitlines()) for path in names.values()),
        "arrows between rooms": len(pairs),
        "circles of files": len(circles(file_arrows())),
        "circles of rooms": len(circles(rooms)),
    }


if __name__ == "__main__":
    print(count())  # noqa: T201
