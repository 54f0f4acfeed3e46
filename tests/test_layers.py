"""The layers of docs/architecture.md, held against every import in the source."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "mien"
# Heavy library → the modules (or packages) that own it. Everything else reaches it through them.
OWNERS = {
    "jax": ("head.mlp",),
    "onnxruntime": ("backbone.session", "face.glance", "model", "formats"),
    "cv2": ("face",),
    "tensorflow": ("formats",),
    "ray": ("studies",),
}


def layers() -> list[list[str]]:
    """Layers from the architecture page, highest first."""
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    block = re.search(r"<!-- layers:.*?```\n(.*?)```", text, re.DOTALL)
    assert block, "docs/architecture.md has no block of layers"
    return [line.split() for line in block[1].strip().splitlines()]


def modules() -> dict[str, Path]:
    found = {}
    for path in SOURCE.rglob("*.py"):
        parts = path.relative_to(SOURCE).with_suffix("").parts
        found[".".join(part for part in parts if part != "__init__")] = path
    return found


def imports_of(path: Path) -> list[tuple[str, int, bool]]:
    """Every imported module, its line, and whether it is imported when the file is."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    inside: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            inside.update(ast.walk(node))
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            inside.update(ast.walk(node))
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(alias.name, node.lineno, node not in inside) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno} imports relatively"
            assert node.module
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            found += [(name, node.lineno, node not in inside) for name in names]
    return found


def test_every_top_level_module_has_a_layer() -> None:
    named = {name for line in layers() for name in line}
    there = {path.stem for path in SOURCE.iterdir() if path.suffix == ".py" or path.is_dir()}
    assert there - {"__init__", "__main__", "__pycache__", "py"} <= named


def test_imports_go_down_the_layers_only() -> None:
    order = {name: depth for depth, line in enumerate(layers()) for name in line}
    wrong = []
    for module, path in modules().items():
        own = module.split(".")[0]
        if own in {"", "__main__"}:  # the package itself gives the public names
            continue
        for name, line, _ in imports_of(path):
            if not name.startswith("mien."):
                continue
            other = name.split(".")[1]
            if other == own or other not in order:
                continue
            base = order[own] == order["errors"]  # the base layer may use itself
            if order[other] < order[own] or (order[other] == order[own] and not base):
                wrong.append(f"{path.relative_to(ROOT)}:{line} imports {name}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("library", OWNERS)
def test_a_heavy_library_is_imported_late_and_by_its_owner_only(library: str) -> None:
    wrong = []
    for module, path in modules().items():
        for name, line, at_once in imports_of(path):
            if name.split(".")[0] != library:
                continue
            mine = any(
                module == owner or module.startswith(owner + ".") for owner in OWNERS[library]
            )
            if at_once or not mine:
                wrong.append(f"{path.relative_to(ROOT)}:{line} imports {name}")
    assert not wrong, "\n".join(wrong)
