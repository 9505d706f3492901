"""The house rules a machine can check. Source: docs/style.md, docs/architecture.md.

Where a rule has exceptions they are listed beside it, each with its reason, and an exception nobody needs
any more fails too.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Set
from pathlib import Path

import pytest

from tests.sources import (
    ROOT,
    called,
    functions_around,
    imported,
    matching,
    name_of,
    nodes,
    places,
    python_files,
    text_of,
    texts,
    tops,
    tree_of,
)

MAY_IMPORT = {
    "crypto": {"crypto"},
    "protocol": {"protocol", "crypto"},
    "node": {"node", "protocol", "crypto"},
}
OUTSIDE = {"tests", "scripts"}  # they may import anything; nothing imports them

# What a pure room may take from outside itself. Everything else could reach the disk, the network, the
# clock or chance.
PURE_IMPORTS = {
    *(
        "__future__",
        "abc",
        "base64",
        "binascii",
        "bisect",
        "collections",
        "contextlib",
        "copy",
        "dataclasses",
    ),
    *(
        "difflib",
        "enum",
        "fractions",
        "functools",
        "hashlib",
        "heapq",
        "hmac",
        "itertools",
        "math",
        "operator",
    ),
    *("re", "string", "struct", "types", "typing", "unicodedata"),
}
LIBRARY_HOMES = {  # the one file that gives an untyped or powerful library its types
    "msgpack": {"crypto/canonical.py"},
    "mnemonic": {"crypto/words.py"},
    "cryptography": {"crypto/*.py", "protocol/descriptor.py"},
    "fido2": {"node/services/passkey_check.py"},
}
PURE_CALLS_FORBIDDEN = {
    "open",
    "print",
    "input",
    "urandom",
    "token_bytes",
    "generate_key",
    "now",
    "utcnow",
    "today",
}
# Time and chance have one home in node/, so that the simulator can replace both.
CLOCK_AND_CHANCE = {"time", "random", "secrets", "uuid"}
CLOCK_AND_CHANCE_ALLOWED = {
    "node/clock.py": "their home",
    "node/simulation/network.py": "the weather of simulated networks, drawn from a seed it is given",
    "node/simulation/records.py": "random towns, drawn by the generator they are given",
    "node/simulation/replay.py": "how long a replay really took, for its report; nothing is decided by it",
}

TOO_BROAD_ALLOWED: dict[str, str] = {
    "node/federation/links.py::Links._serve": "our failure on foreign input, outside of any frame (rule 0.5)",
    "node/federation/session.py::Session._handle": "our failure on foreign input: quarantined (rule 0.5)",
    "node/hosting/life.py::Life.run": "what ends one scheme must not end the others of its process: logged, shown, begun again",
    "node/services/lines.py::LineService._store_batch": "our failure on a peer's ops suspends that line (rule 0.5)",
    "node/web/app.py::errors_in_words": "the door: whoever asked gets a page in words, and the log the error",
    "node/pictures/child.py::main": "a file made its reader fail: whatever it is, it is no picture (decision 62)",
    "node/supervisor.py::Supervisor._guard": "the task supervisor itself",
    "node/store/group.py::Job.attempt": "handed to the caller whose unit of work raised it",
    "tests/year/year.py::run_step": "raised again, with the step, the page and a picture of it",
    "scripts/bench/processes.py::serve_orders": "told to the parent, which ends the benchmark with it",
    "node/store/group.py::GroupCommit._commit": "handed to the callers; a failing disk has many faces",
}
ORPHAN_TASKS_ALLOWED: dict[str, str] = {
    "node/simulation/network.py::SimulatedNetwork.connect": "the far end of a simulated dial, which no group owns",
}
GLOBALS_ALLOWED: dict[str, str] = {
    "node/crash.py::arm_from_environment": "a process dies as a whole, so the point at which it does is its own",
}
LONG_FILES_ALLOWED: dict[str, str] = {
    "node/app.py": "every service with what it needs, in one place",
    "node/federation/session.py": "one session from greeting to end; its parts mean nothing alone",
    "node/store/migrations/versions/0001_first.py": "every table, written out by scripts/make_migration",
    "protocol/limits.py": "every number, in the order of the rules",
    "protocol/ledger.py": "what may be posted, and the values it is asked of",
    "protocol/entry.py": "every kind of ledger entry, one after the other",
    "protocol/evidence.py": "one kind of proof after the other, each beside its judge",
    "protocol/session.py": "the messages of a session in the order in which they are said",
    "tests/vector_builders.py": "one builder for each signed object, in the order of the spec",
}
LINES_MAX = 400
LINES_OF_A_TEST_MAX = 600  # tables of cases are long and read fast

NO_MODULE_IS_CALLED = {"utils", "util", "helpers", "helper", "manager", "managers", "common", "misc", "base"}
TESTED_ELSEWHERE = {
    "protocol/errors.py": "names and codes only; docs/errors.md and the tests of what raises them",
    "protocol/limits.py": "numbers only; docs/limits.md and the tests of what they bound",
    "protocol/names.py": "types of ids; its two functions are tested with identity",
}


def check_exceptions(found: set[str], allowed: dict[str, str], nearly: Set[str] = frozenset()) -> None:
    """Fail on what is not allowed, and on an exception neither needed nor nearly so."""
    assert all(reason.strip() for reason in allowed.values()), "every exception gives its reason"
    assert found - allowed.keys() == set(), "not allowed; mend it, or list it here with a reason"
    assert allowed.keys() - found - nearly == set(), "no longer needed; take it off the list"


# --- Three rooms, one direction ---


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_rooms_import_only_downwards(room: str) -> None:
    rooms = MAY_IMPORT.keys() | OUTSIDE
    wrong = {
        name_of(path): extra
        for path in python_files(room)
        if (extra := tops(path) & rooms - MAY_IMPORT[room])
    }
    assert wrong == {}


def test_imports_are_absolute() -> None:
    assert [name_of(p) for p in python_files() if any(name.startswith(".") for name in imported(p))] == []


def test_protocol_and_crypto_import_no_io_clock_or_chance() -> None:
    allowed = PURE_IMPORTS | LIBRARY_HOMES.keys() | {"crypto", "protocol"}
    wrong = {
        name_of(path): extra for path in python_files("crypto", "protocol") if (extra := tops(path) - allowed)
    }
    assert wrong == {}


@pytest.mark.parametrize("library", LIBRARY_HOMES)
def test_a_library_is_imported_in_its_home_only(library: str) -> None:
    importers = [path for path in python_files(*MAY_IMPORT) if library in tops(path)]
    homes = LIBRARY_HOMES[library]
    strays = [name_of(p) for p in importers if not any(p.relative_to(ROOT).match(home) for home in homes)]
    if library == "cryptography":  # node/ may use TLS and certificates; protocol/ goes through crypto/
        strays = [name for name in strays if not name.startswith("node/")]
    assert strays == []


def test_protocol_and_crypto_call_no_clock_chance_or_disk() -> None:
    def wrong(path: Path) -> Iterator[ast.AST]:
        for node in nodes(path, ast.Call):
            if isinstance(node.func, ast.Name | ast.Attribute):
                last = called(node).rsplit(".", 1)[-1]
                if last in PURE_CALLS_FORBIDDEN and called(node) != f"self.{last}":
                    yield node

    assert places(python_files("crypto", "protocol"), wrong) == []


def test_protocol_and_crypto_hold_no_async_code() -> None:
    kinds = (ast.AsyncFunctionDef, ast.Await, ast.AsyncFor, ast.AsyncWith)
    assert places(python_files("crypto", "protocol"), lambda path: nodes(path, *kinds)) == []


def test_time_and_chance_have_one_home_in_the_node() -> None:
    found = {name_of(path) for path in python_files("node") if tops(path) & CLOCK_AND_CHANCE}
    check_exceptions(found, {k: v for k, v in CLOCK_AND_CHANCE_ALLOWED.items() if (ROOT / k).exists()})


def test_nobody_asks_the_wall_clock_past_the_clock() -> None:
    def wrong(path: Path) -> Iterator[ast.AST]:
        for node in nodes(path, ast.Call):
            if re.search(r"\b(datetime|date)\.(now|utcnow|today)$", called(node)):
                yield node

    assert places(python_files("node"), wrong) == []


# --- Values, money, errors ---


def test_no_floats_where_money_is() -> None:
    def wrong(path: Path) -> Iterator[ast.AST]:
        for node in ast.walk(tree_of(path)):
            literal = isinstance(node, ast.Constant) and isinstance(node.value, float | complex)
            name = isinstance(node, ast.Name) and node.id in {"float", "Decimal"}
            if literal or name or isinstance(node, ast.Div):
                yield node

    assert places(python_files("protocol"), wrong) == []


def test_values_of_the_pure_rooms_are_frozen() -> None:
    """A message, a state and an event are values; a frozen class holding a list is caught by its type."""

    def wrong(path: Path) -> Iterator[ast.AST]:
        for node in nodes(path, ast.ClassDef):
            for decorator in node.decorator_list:
                spelled = ast.unparse(decorator)
                if spelled.startswith("dataclass") and "frozen=True" not in spelled:
                    yield node

    assert places(python_files("crypto", "protocol"), wrong) == []


def test_nothing_is_kept_at_module_level() -> None:
    """A process can hold several nodes: the simulator runs a town in one."""
    found = {
        f"{name_of(path)}::{around}"
        for path in python_files(*MAY_IMPORT)
        for around, node in functions_around(path)
        if isinstance(node, ast.Global)
    }
    check_exceptions(found, GLOBALS_ALLOWED)


def test_broad_excepts_are_listed() -> None:
    """Only doors and the task supervisor may catch everything; cleaning up and raising again is no catch."""
    found = set()
    for path in python_files():
        for around, node in functions_around(path):
            if not isinstance(node, ast.ExceptHandler):
                continue
            caught = ast.unparse(node.type) if node.type else "everything"
            raised_again = isinstance(node.body[-1], ast.Raise) and node.body[-1].exc is None
            if re.search(r"\b(everything|Exception|BaseException)\b", caught) and not raised_again:
                found.add(f"{name_of(path)}::{around}")
    check_exceptions(found, TOO_BROAD_ALLOWED)


def test_no_task_is_orphaned() -> None:
    """Tasks live in a TaskGroup, which waits for them and hears their errors."""
    found = {
        f"{name_of(path)}::{around}"
        for path in python_files("node")
        for around, node in functions_around(path)
        if isinstance(node, ast.Call)
        and re.search(r"(^|\.)(asyncio|loop)\.create_task$|(^|\.)ensure_future$", called(node))
    }
    check_exceptions(found, ORPHAN_TASKS_ALLOWED)


# --- Names and comments ---


def test_no_module_is_named_after_the_standard_library_or_after_nothing() -> None:
    forbidden = (sys.stdlib_module_names | NO_MODULE_IS_CALLED) - {"__main__"}
    assert [name_of(p) for p in python_files(*MAY_IMPORT) if p.stem in forbidden] == []


def test_every_module_says_what_it_does() -> None:
    assert [name_of(p) for p in python_files() if not ast.get_docstring(tree_of(p))] == []


def test_every_ignore_says_why() -> None:
    """The reason follows on the same line: after a second `#`, or for the linter's ignores after a dash.

    In a run of lines with the same matter, the first reason speaks for those below it.
    """
    ignore, noqa = "type: " + "ignore", "no" + "qa"
    any_kind = re.compile(rf"# ({ignore}|{noqa})\b")
    reasoned = re.compile(
        rf"# {ignore}\[[\w, -]+\]\s+# \S|# {noqa}: [A-Z]+[0-9]+(, ?[A-Z]+[0-9]+)*\s+[#-] ?\S"
    )
    wrong = []
    for path in python_files(*MAY_IMPORT, "scripts"):
        covered_until = 0
        for number, line in enumerate(text_of(path).splitlines(), 1):
            if any_kind.search(line):
                if reasoned.search(line) or number <= covered_until:
                    covered_until = number + 3
                else:
                    wrong.append(f"{name_of(path)}:{number}")
    assert wrong == []


def test_a_todo_carries_an_issue_number() -> None:
    marks = "|".join(("TO" + "DO", "FIX" + "ME", "X" + "XX"))
    documents = {".md", ".lock", ".po", ".pot"}
    sources = [
        (path, text) for path, text in texts() if path.suffix not in documents and path.name != "LICENSE"
    ]
    assert matching(rf"\b({marks})\b(?!\(#\d+\)| #\d+)", sources) == []


def test_nothing_is_left_unfinished() -> None:
    names = [path for path in python_files(*MAY_IMPORT) if "NotImplemented" + "Error" in text_of(path)]
    assert [name_of(path) for path in names] == []


def test_a_long_file_has_its_reason() -> None:
    def length(path: Path) -> float:
        """Return the lines of a file as a part of what it may have."""
        most = LINES_OF_A_TEST_MAX if name_of(path).startswith("tests/") else LINES_MAX
        return len(text_of(path).splitlines()) / most

    long = {name_of(path) for path in python_files() if length(path) > 1}
    check_exceptions(
        long, LONG_FILES_ALLOWED, {name_of(path) for path in python_files() if length(path) > 0.8}
    )


# --- What must not be in the repository ---


def test_lock_files_hold_no_address() -> None:
    assert matching("://", [(p, text) for p, text in texts() if p.suffix == ".lock"]) == []


def test_lock_files_hold_a_hash_for_every_package() -> None:
    locks = sorted(ROOT.glob("requirements*.lock"))
    assert locks
    for lock in locks:
        blocks = re.split(r"\n(?=\S)", text_of(lock))
        assert [
            block for block in blocks if re.match(r"[a-z0-9]", block) and "--hash=sha256:" not in block
        ] == []


def test_no_path_of_a_machine_and_no_registry_is_named() -> None:
    machine = r"(?<![\w.~-])/(work|root|farm|opt/pypi)" + "/"
    registry = "|".join(
        ("py" + r"pi\.org", "python" + "hosted", "npm" + r"js\.(com|org)", "://reg" + "istry")
    )
    assert matching(f"{machine}|{registry}", [(p, text) for p, text in texts() if p.name != "LICENSE"]) == []


def test_text_files_end_their_lines_alike() -> None:
    wrong = [
        name_of(path)
        for path, text in texts()
        if (path.parts[-2] != "vectors" and b"\r\n" in path.read_bytes())
        or (text and not text.endswith("\n"))
    ]
    assert wrong == []


def test_no_conflict_of_a_merge_is_left() -> None:
    # Whole: docs underline headings with the marker in between.
    assert matching(r"(?:^|\n)(<{7}|>{7}) \S", texts()) == []


def test_scripts_can_be_started_and_read() -> None:
    starters = [
        p for p, text in texts() if p.parent in {ROOT / "scripts", ROOT / ".ci"} and text.startswith("#!")
    ]
    assert [name_of(path) for path in starters if not path.stat().st_mode & 0o100] == []
    shell = [path for path in starters if "bash" in text_of(path).split("\n", 1)[0]]
    assert shell
    for path in shell:
        subprocess.run(["bash", "-n", path], check=True)


def test_scripts_without_a_suffix_are_linted() -> None:
    settings = tomllib.loads(text_of(ROOT / "pyproject.toml"))
    scripts = {name_of(p) for p in python_files("scripts") if p.suffix == ""}
    assert scripts - set(settings["tool"]["ruff"]["extend-include"]) == set()


# --- Tests ---


def test_every_pure_module_has_its_tests() -> None:
    modules = [p for p in python_files("crypto", "protocol") if p.name != "__init__.py"]
    lacking = {
        name_of(path)
        for path in modules
        if not (ROOT / "tests" / path.relative_to(ROOT).parent / f"test_{path.name}").exists()
    }
    check_exceptions(lacking, {k: v for k, v in TESTED_ELSEWHERE.items() if k in lacking})


def test_tests_use_fakes_and_never_sleep() -> None:
    assert [name_of(p) for p in python_files("tests") if "unittest.mock" in imported(p)] == []

    def wrong(path: Path) -> Iterator[ast.AST]:
        return (node for node in nodes(path, ast.Call) if called(node) == "time.sleep")

    assert places(python_files("tests"), wrong) == []
