"""The documents say what the code does. Source: docs/style.md 9 and 10."""

from __future__ import annotations

import ast
import importlib.machinery
import importlib.util
import re
import subprocess
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

from tests.sources import ROOT, name_of, python_files, text_of, texts, tracked, tree_of

DOCS = ROOT / "docs"


def made() -> ModuleType:
    """Return scripts/make_docs as a module; it has no suffix, because it is started by name."""
    loader = importlib.machinery.SourceFileLoader("make_docs", str(ROOT / "scripts" / "make_docs"))
    spec = importlib.util.spec_from_loader("make_docs", loader)
    assert spec
    module = importlib.util.module_from_spec(spec)
    # A dataclass looks its module up by name while it is being made.
    import sys

    sys.modules["make_docs"] = module
    loader.exec_module(module)
    return module


def test_made_pages_are_fresh() -> None:
    """`scripts/make_docs` writes them."""
    stale = [
        name_of(path) for path, text in made().pages().items() if not path.exists() or text_of(path) != text
    ]
    assert stale == []


def test_every_limit_has_a_reason() -> None:
    if not (ROOT / "protocol" / "limits.py").exists():
        pytest.skip("protocol/limits.py is not written yet")
    assert [limit.name for limit in made().constants("protocol.limits") if not limit.reason] == []


def test_every_public_number_of_the_limits_is_on_their_page() -> None:
    """By another way than the page is made, so that a number without `Final` is found too."""
    limits = ROOT / "protocol" / "limits.py"
    if not limits.exists():
        pytest.skip("protocol/limits.py is not written yet")
    assigned = {
        target.id
        for node in tree_of(limits).body
        if isinstance(node, ast.Assign | ast.AnnAssign)
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(target, ast.Name) and not target.id.startswith("_")
    }
    page = text_of(DOCS / "limits.md")
    assert {name for name in assigned if f"`{name}`" not in page} == set()


def test_every_error_has_a_code_of_its_own_and_is_on_the_page() -> None:
    codes = made().error_codes()
    spelled = [code.code for code in codes]
    assert spelled
    assert [code for code in spelled if not re.fullmatch(r"[a-z][a-z0-9_]*", code)] == []
    assert len(set(spelled)) == len(spelled)
    page = text_of(DOCS / "errors.md")
    assert [code for code in spelled if f"`{code}`" not in page] == []
    assert [code.class_name for code in codes if not code.meaning] == []


def settings_names() -> dict[str, str]:
    """Return the settings of node/config.py: each field of a pydantic model there, and its class."""
    config = ROOT / "node" / "config.py"
    if not config.exists():
        pytest.skip("node/config.py is not written yet")
    models: dict[str, ast.ClassDef] = {}
    for node in tree_of(config).body:
        if isinstance(node, ast.ClassDef):
            bases = {ast.unparse(base).rsplit(".", 1)[-1] for base in node.bases}
            if bases & ({"BaseModel"} | models.keys()):
                models[node.name] = node
    return {
        part.target.id: model
        for model, node in models.items()
        for part in node.body
        if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name)
        if not part.target.id.startswith(("_", "model_"))
    }


def test_every_setting_is_in_the_operating_guide() -> None:
    guide = text_of(DOCS / "operating.md")
    lacking = {name for name in settings_names() if not re.search(rf"\b{re.escape(name)}\b", guide)}
    assert lacking == set()


def rules() -> set[str]:
    """Return the numbers of the rules in the spec."""
    return set(re.findall(r"^(\d+\.\d+)\b", text_of(DOCS / "protocol.md"), re.MULTILINE))


def test_rules_that_are_cited_exist() -> None:
    """In code as `Rule 6.7`, `Rules 7.1 and 7.2`, `Source: 3.4` or `docs/protocol.md 6.3`."""
    known = rules()
    assert len(known) > 40
    citation = re.compile(r"(?:\b[Rr]ules?|Source:|protocol\.md)\s+((?:\d+\.\d+[–,; and]*)+)")
    wrong = {
        f"{name_of(path)}: {number}"
        for path in python_files()
        for cited in citation.findall(text_of(path))
        for number in re.findall(r"\d+\.\d+", cited)
        if number not in known
    }
    assert wrong == set()


def test_documents_that_are_named_exist() -> None:
    """A path such as docs/… in any text, and every relative link of a document."""
    wrong = []
    for path, text in texts():
        if path.suffix in {".lock", ".po"} or path.name == "LICENSE":
            continue
        named = set(re.findall(r"(?<![\w./-])docs/[\w./-]*\w", text))
        wrong += [
            f"{name_of(path)}: {name}"
            for name in named
            if not (ROOT / name).exists() and not (ROOT / f"{name}.md").exists()
        ]
        bare = set(re.findall(r"(?<![\w./-])[a-z_]+\.md\b", text))
        wrong += [
            f"{name_of(path)}: {name}"
            for name in bare
            if not any((folder / name).exists() for folder in (DOCS, ROOT, path.parent))
        ]
        if path.suffix == ".md":
            links = {link.split("#", 1)[0] for link in re.findall(r"\]\(([^)\s]+)\)", text)}
            local = {link for link in links if link and ":" not in link}
            wrong += [f"{name_of(path)}: {link}" for link in local if not (path.parent / link).exists()]
    assert wrong == []


def test_decisions_have_a_number_of_their_own_and_their_four_parts() -> None:
    """Context, options, decision, price; half a page. A number is given out before its record is written."""
    records = sorted((DOCS / "decisions").glob("*.md"))
    numbers = [record.name[:4] for record in records]
    assert numbers == sorted(set(numbers))
    assert all(number.isdigit() for number in numbers)
    for record in records:
        text = text_of(record)
        for part in ("## Context", "## Options", "## Decision", "## Price"):
            assert part in text, f"{record.name} lacks {part}"
        assert len(text.splitlines()) <= 60, f"{record.name} is more than half a page"


def runtime_dependencies() -> list[str]:
    project = tomllib.loads(text_of(ROOT / "pyproject.toml"))["project"]
    optional = [name for names in project["optional-dependencies"].values() for name in names]
    return [re.split(r"[\[<>=]", name)[0] for name in [*project["dependencies"], *optional]]


@pytest.mark.parametrize("name", runtime_dependencies())
def test_every_runtime_dependency_has_a_decision(name: str) -> None:
    decided = "\n".join(text_of(path).lower() for path in (DOCS / "decisions").glob("*.md"))
    assert re.search(rf"\b{re.escape(name)}\b", decided)


def test_every_runtime_dependency_is_used() -> None:
    """Checked once the node has its command; a driver or loop chosen by name counts as used."""
    if not (ROOT / "node" / "__main__.py").exists():
        pytest.skip("node/__main__.py is not written yet")
    everything = "\n".join(text_of(path) for path in python_files("node", "protocol", "crypto"))
    unused = [
        name for name in runtime_dependencies() if not re.search(rf"\b{name}\b", everything, re.IGNORECASE)
    ]
    assert unused == []


def test_the_changelog_begins_with_what_is_not_released() -> None:
    titles = re.findall(r"^## \[?([^\]\n]+)\]?", text_of(ROOT / "CHANGELOG.md"), re.MULTILINE)
    assert titles[0] == "Unreleased"


def test_every_script_is_explained() -> None:
    """Each says in its first lines what it is for, and the README or a document names it."""
    documents = "\n".join(text_of(path) for path in tracked() if path.suffix == ".md")
    for path in tracked():
        if path.parent == ROOT / "scripts" and text_of(path).startswith("#!"):
            assert f"scripts/{path.name}" in documents, f"no document names {name_of(path)}"
            opening = text_of(path).split("\n", 2)[1]
            assert opening.startswith(("# ", '"""', "'''", ":")), (
                f"{name_of(path)} does not say what it is for"
            )


def test_the_project_builds_from_what_is_locked(tmp_path: Path) -> None:
    """The build back-end is in the lock, so nothing is fetched; the wheel holds the three rooms."""
    if not (ROOT / "node" / "__main__.py").exists():
        pytest.skip("node/__main__.py is not written yet")
    hatch = ROOT / ".venv" / "bin" / "hatchling"
    subprocess.run([hatch, "build", "-t", "wheel", "-d", tmp_path], cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("interlets-*.whl")
    import zipfile

    held = {name.split("/", 1)[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {"node", "protocol", "crypto"} <= held
    assert not {"tests", "scripts"} & held
