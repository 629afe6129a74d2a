"""The mutants are the edits that they claim to be, and what tests see and do not see is told apart."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.mutants.groups import GROUPS
from benchmarks.mutants.operators import mutants

ROOT = Path(__file__).resolve().parent.parent.parent


def texts(folder: Path, source: str) -> dict[str, str]:
    """Return what each mutant of a source does, and the source that it makes."""
    path = folder / "module.py"
    path.write_text(source)
    made: dict[str, str] = {}
    for place in range(len(mutants(path))):
        mutant = mutants(path)[place]
        mutant.code()
        made[mutant.what] = ast.unparse(mutant.tree)
    return made


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("a < b", {"Lt -> LtE": "a <= b", "Lt -> GtE": "a >= b"}),
        ("a >= b", {"GtE -> Gt": "a > b", "GtE -> Lt": "a < b"}),
        ("a == b", {"Eq -> NotEq": "a != b"}),
        ("a is not b", {"IsNot -> Is": "a is b"}),
        ("a in b", {"In -> NotIn": "a not in b"}),
        ("a < b == c", {"Lt -> LtE": "a <= b == c", "Lt -> GtE": "a >= b == c", "Eq -> NotEq": "a < b != c"}),
        ("a or not b", {"or -> and": "a and (not b)", "condition negated": "not a or not b",
                        "not dropped": "a or not not b"}),
        ("x = not a", {"not dropped": "x = not not a"}),
        ("x = 3", {"3 -> 4": "x = 4", "3 -> 2": "x = 2"}),
        ("x = True", {"True -> False": "x = False"}),
        ("x = -a", {"minus dropped": "x = +a"}),
        ("x = a - b", {"Sub -> Add": "x = a + b"}),
        ("x = a * b * c", {"Mult -> Div": "x = a * b / c", "Mult -> Div #2": "x = a / b * c"}),
        ("x += a", {"Add -> Sub": "x -= a"}),
        ("x = min(a)", {"min -> max": "x = max(a)"}),
        ("x = all(a)", {"all -> any": "x = any(a)"}),
        ("f(a)", {"call left out": "pass"}),
        ("x[a] = b", {"assignment left out": "pass"}),
        ("raise E(1 + 2)", {"raise left out": "pass"}),
        ("x = replace(s, a=b, **c)", {"a not replaced": "x = replace(s, **c)"}),
        ("x = a if b else c", {"condition negated": "x = a if not b else c"}),
        ("x = [a for a in b if c]", {"condition negated": "x = [a for a in b if not c]"}),
        ("while a:\n    x = b", {"condition negated": "while not a:\n    x = b"}),
        ("for a in b:\n    continue", {"continue -> break": "for a in b:\n    break"}),
        ("if a:\n    x = b", {"condition negated": "if not a:\n    x = b"}),
        ("def f(x: 'int'=a):\n    return x", {"returns None": "def f(x: 'int'=a):\n    return None"}),
    ],
)  # fmt: skip
def test_each_edit(source: str, expected: dict[str, str], tmp_path: Path) -> None:
    assert texts(tmp_path, source) == expected


@pytest.mark.parametrize(
    "source",
    [
        '"""Text 1."""', "x = 'a'", "x = f'{1 + 2}'", "x = 'a' + b", "assert a < 1", "x: Annotated[int, 1]",
        "@dataclass(frozen=True)\nclass A:\n    x: int", "def f(x: list[1]) -> A[2]:\n    pass",
        "x = zip(a, b, strict=True)", "x = ConfigDict(a=1)", "if TYPE_CHECKING:\n    x = 1", "X = A | B",
    ],
)  # fmt: skip
def test_what_is_left_alone(source: str, tmp_path: Path) -> None:
    assert texts(tmp_path, source) == {}


def test_a_mutant_knows_where_it_takes_effect(tmp_path: Path) -> None:
    path = tmp_path / "module.py"
    path.write_text(
        "class A:\n    x = 1\n    def f(self, a=2):\n        def g():\n"
        "            x = [3,\n                4]\n"
    )
    found = {m.what: (m.scope, m.function, m.lines) for m in mutants(path)}
    assert found["1 -> 2"] == ("A", None, range(2, 3))
    assert found["2 -> 3"] == ("A", None, range(3, 4))
    assert found["4 -> 5"] == ("A.f.g", "A.f", range(5, 7))


def test_every_group_names_modules_and_tests_that_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    for group in GROUPS.values():
        assert all(any(Path().glob(pattern)) for pattern in group.modules)
        assert all(Path(test.split("::")[0]).exists() for test in group.tests)


_RULE = """
LIMIT = 3
UNSEEN = 7
def accepts(found: int) -> bool:
    if found < 0:
        raise ValueError
    return found < LIMIT
def loops(n: int) -> int:
    while n > 0:
        n -= len('n')
    return n + 5
def never() -> int:
    return max(1, 2)
"""
_TESTS = """
import pytest
from rule import accepts, loops
def test_accepts():
    assert accepts(2)
    assert not accepts(4)
    assert loops(2) == 5
def test_refuses():
    with pytest.raises(ValueError):
        accepts(-1)
"""


@pytest.mark.slow
def test_killed_hanging_and_surviving_mutants_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "rule.py").write_text(_RULE)
    (tmp_path / "test_rule.py").write_text(_TESTS)
    run = (
        "import sys; from benchmarks.mutants import __main__ as command, groups;"
        "groups.GROUPS.clear(); groups.GROUPS['rule'] = groups.Group(('rule.py',), ('test_rule.py',));"
        "sys.exit(command.main(['--sample', '0']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", run],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": f"{tmp_path}:{ROOT}"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    record = json.loads((tmp_path / "build/mutants/rule.json").read_text())
    found = {m["name"].split(":", 1)[1]: m["outcome"] for m in record["mutants"]}
    assert len(found) == record["there_are"]
    assert {name: outcome for name, outcome in found.items() if outcome != "killed"} == {
        "2:8: 3 -> 4": "survived",
        "3:9: 7 -> 8": "survived",
        "3:9: 7 -> 6": "survived",
        "5:15: Lt -> LtE": "survived",
        "5:15: 0 -> 1": "survived",
        "7:19: Lt -> LtE": "survived",
        "10:8: Sub -> Add": "timeout",
        "13:4: returns None": "survived",
        "13:11: max -> min": "survived",
        "13:15: 1 -> 2": "survived",
        "13:15: 1 -> 0": "survived",
        "13:18: 2 -> 3": "survived",
        "13:18: 2 -> 1": "survived",
    }
    assert "| rule |" in done.stdout
