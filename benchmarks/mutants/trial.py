"""Running tests against mutants: forked processes, so that modules are imported and tests collected once."""

from __future__ import annotations

import functools
import gc
import json
import os
import resource
import time
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any, Literal

import coverage
import pytest

from benchmarks.mutants.operators import Mutant, functions_of

Outcome = Literal["killed", "timeout", "survived", "not run"]

SURVIVED, KILLED = 0, 1
_GIGABYTES = 4
_IMPORT_SECONDS = 20
_CACHE = type(functools.cache(int))
_ROOMS = {"golden", "evidence", "quality", "hallmark"}


class Tests:
    """What is known of a group's tests: each one's seconds, and which of them run which line of a module."""

    def __init__(self, seconds: dict[str, float], lines: dict[str, dict[int, list[str]]]) -> None:
        self.seconds = seconds
        self.lines = lines

    def near(self, mutant: Mutant) -> list[str]:
        """Return the tests that run the mutant's statement, fast ones first."""
        module = self.lines.get(str(mutant.path), {})
        return self._sorted({test for line in mutant.lines for test in module.get(line, ())})

    def of_module(self, mutant: Mutant) -> list[str]:
        """Return the tests that run any line of the mutant's module, fast ones first."""
        return self._sorted({t for tests in self.lines.get(str(mutant.path), {}).values() for t in tests})

    def everything(self) -> list[str]:
        """Return all tests, fast ones first."""
        return self._sorted(set(self.seconds))

    def limit(self, tests: Iterable[str]) -> float:
        """Return the seconds of processor time after which a mutant counts as hanging."""
        return 3 + 3 * sum(self.seconds[t] for t in tests)

    def _sorted(self, tests: set[str]) -> list[str]:
        return sorted(tests & self.seconds.keys(), key=lambda t: self.seconds[t])


class Trials:
    """A pytest plugin: in place of the usual run it calls `task` once the tests are collected."""

    def __init__(self, task: Callable[[Trials], None]) -> None:
        self.task = task
        self.items: dict[str, pytest.Item] = {}
        self.failed: list[str] = []

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self) -> None:
        """Random examples are the same ones in every run, and are not made smaller: a failure is enough."""
        from hypothesis import Phase, settings

        settings.register_profile(
            "mutants",
            parent=settings(),
            database=None,
            derandomize=True,
            phases=(Phase.explicit, Phase.generate),
        )
        settings.load_profile("mutants")

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Take the place of pytest's own loop."""
        if session.testsfailed:
            raise session.Interrupted("the tests cannot be collected")
        self.items = {item.nodeid: item for item in session.items}
        self.task(self)
        return True

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note each failed test."""
        if report.failed:
            self.failed.append(report.nodeid)

    def run(self, tests: Sequence[str], before: Callable[[str], None] | None = None) -> bool:
        """Run tests until one fails, all of them where `before` is given; return whether none failed.

        A mutated table may change what tests there are: those that are gone are passed over.
        """
        items = [self.items[t] for t in tests if t in self.items]
        for item, after in zip(items, [*items[1:], None], strict=True):
            if before is not None:
                before(item.nodeid)
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=after)
            if self.failed and before is None:
                return False
        return not self.failed


def collect(tests: Iterable[str], task: Callable[[Trials], None]) -> int:
    """Collect tests and call the task; return pytest's exit code. Call it in a forked process."""
    silent = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silent, 1)
    os.dup2(silent, 2)
    options = ("-q", "-s", "-W", "ignore:Module already imported", "-p", "no:cacheprovider", "-p", "no:cov")
    return int(pytest.main([*options, *tests], plugins=[Trials(task)]))


def measure(trials: Trials, modules: Iterable[Path], file: Path) -> None:
    """Run every test once under coverage and write what `Tests` holds; failing tests are left out."""
    paths = {str(path.resolve()): str(path) for path in modules}
    cover = coverage.Coverage(data_file=None, include=list(paths), config_file=False)
    begun: dict[str, float] = {}

    def before(test: str) -> None:
        begun[test] = time.perf_counter()
        cover.switch_context(test)

    cover.start()
    trials.run([*trials.items], before)
    cover.stop()
    ends = [*list(begun.values())[1:], time.perf_counter()]
    seconds = {test: end - start for (test, start), end in zip(begun.items(), ends, strict=True)}
    data = cover.get_data()
    lines = {
        paths[path]: {
            line: [c for c in contexts if c] for line, contexts in data.contexts_by_lineno(path).items()
        }
        for path in data.measured_files()
    }
    for test in trials.failed:
        seconds.pop(test, None)
    file.write_text(json.dumps({"seconds": seconds, "lines": lines, "failed": trials.failed}))


def fork(task: Callable[[], int], seconds: float) -> int | None:
    """Run a task in a process of its own; return its exit status, None where it took too long or crashed.

    The seconds are of processor time, as others may use this machine; by the clock it gets much more.
    """
    child = os.fork()
    if child == 0:
        status = KILLED
        try:
            _limit(int(seconds) + 1)
            status = task()
        finally:
            os._exit(status)
    end = time.monotonic() + 60 + 6 * seconds
    pause = 0.002
    while True:
        done, code = os.waitpid(child, os.WNOHANG)
        if done:
            return os.WEXITSTATUS(code) if os.WIFEXITED(code) else None
        if time.monotonic() > end:
            os.kill(child, 9)
            os.waitpid(child, 0)
            return None
        time.sleep(pause)
        pause = min(0.05, pause * 1.2)


def _limit(seconds: int) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_AS, (_GIGABYTES << 30, _GIGABYTES << 30))


def _outcome(status: int | None) -> Outcome:
    if status is None:
        return "timeout"
    return "survived" if status == SURVIVED else "killed"


def try_in_functions(
    trials: Trials, mutants: Iterable[Mutant], tests: Tests, note: Callable[[Mutant, Outcome], None]
) -> None:
    """Try mutants inside functions, whose code is exchanged in the imported modules.

    Only the tests that run the statement are run, and what tests computed when they were collected is not
    computed anew: `try_on_import` has the last word on what survives here.
    """
    live: dict[tuple[str, str, int], list[FunctionType]] = defaultdict(list)
    caches: list[Any] = []
    for thing in gc.get_objects():
        if isinstance(thing, FunctionType):
            live[_key(thing.__code__)].append(thing)
        elif isinstance(thing, _CACHE) and str(thing.__module__).split(".")[0] in _ROOMS:
            caches.append(thing)
    gc.freeze()
    for mutant in mutants:
        near = tests.near(mutant)

        def task(mutant: Mutant = mutant, near: list[str] = near) -> int:
            for cache in caches:
                cache.cache_clear()
            try:
                _exchange(_compiled(mutant), live)
            except ValueError:  # the edit took a closure's last use of a variable
                return SURVIVED
            return SURVIVED if trials.run(near) else KILLED

        note(mutant, _outcome(fork(task, tests.limit(near))) if near else "survived")


def _key(code: CodeType) -> tuple[str, str, int]:
    return code.co_filename, code.co_qualname, code.co_firstlineno


def _compiled(mutant: Mutant) -> CodeType:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return mutant.code()


def _exchange(code: CodeType, live: dict[tuple[str, str, int], list[FunctionType]]) -> None:
    for function in functions_of(code):
        for thing in live.get(_key(function), ()):
            thing.__code__ = function


def try_on_import(mutant: Mutant, tests: Tests) -> Outcome:
    """Try a mutant with its module imported anew, against all tests that run any line of it.

    What takes effect on import, such as a bound of a field, is tried against every test: no line of it
    need run for it. Call this in a process that has not imported the product.
    """
    chosen = tests.of_module(mutant)
    if mutant.function is None:
        chosen = list(dict.fromkeys((*chosen, *tests.everything())))
    if not chosen:
        return "not run"

    def task() -> int:
        _import_mutated(str(mutant.path.resolve()), _compiled(mutant))
        survived: list[bool] = []
        files = dict.fromkeys(test.split("::")[0] for test in chosen)
        collect(files, lambda trials: survived.append(trials.run(chosen)))
        return SURVIVED if survived == [True] else KILLED

    return _outcome(fork(task, _IMPORT_SECONDS + tests.limit(chosen)))


def _import_mutated(path: str, code: CodeType) -> None:
    usual = SourceFileLoader.get_code

    def get_code(self: SourceFileLoader, fullname: str) -> CodeType | None:
        return code if self.path == path else usual(self, fullname)

    SourceFileLoader.get_code = get_code
