"""The mutants of a module: single small edits of its syntax tree.

Compared: each comparison by its boundary and by its opposite. Logic: `and` and `or` exchanged, conditions
negated. Numbers: constants one up and one down, arithmetic and set operators and `min`, `max`, `any`, `all`
exchanged, signs dropped. Flow: a `raise`, a bare call or an assignment into something left out, a field of
`replace` left as it was, `continue` made `break`, a returned value made None.

Left alone: text of every kind (with it messages and formatted strings), annotations, decorators, docstrings,
`assert`, `TYPE_CHECKING`, what a `raise` raises, and the flags `strict=` of zip, `frozen=` and the like.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import CodeType
from typing import Any

_COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
_ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Div,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
}
_CALLS = {"min": "max", "max": "min", "any": "all", "all": "any"}
_FLAGS = {"strict", "frozen", "slots", "order", "kw_only", "repr"}
_TEXT = (ast.JoinedStr, ast.List, ast.Tuple)
_TRUTHS = (ast.Compare, ast.BoolOp)


@dataclass(frozen=True, slots=True)
class Mutant:
    """One edit of a module: where it is, the lines of its statement, and what makes it.

    `function` is the outermost function whose body holds it; None where it takes effect on import.
    """

    path: Path
    line: int
    column: int
    scope: str
    function: str | None
    lines: range
    what: str
    tree: ast.Module
    edit: Callable[[], None]

    @property
    def name(self) -> str:
        """Tell this mutant from every other one of the same sources."""
        return f"{self.path}:{self.line}:{self.column}: {self.what}"

    def code(self) -> CodeType:
        """Return the mutated module's code; the tree stays edited, so call it in a process of its own."""
        self.edit()
        return compile(
            ast.fix_missing_locations(self.tree), str(self.path.resolve()), "exec", dont_inherit=True
        )


def mutants(path: Path) -> list[Mutant]:
    """Return every mutant of a module, in the order of its text."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    sites = _Sites(path, tree)
    sites.visit(tree)
    return sites.found


class _Sites(ast.NodeVisitor):
    def __init__(self, path: Path, tree: ast.Module) -> None:
        self.path, self.tree = path, tree
        self.found: list[Mutant] = []
        self._scope: list[str] = []
        self._function: str | None = None
        self._lines = range(0)

    def _add(self, node: ast.expr | ast.stmt, what: str, edit: Callable[[], None]) -> None:
        same = sum(
            (m.line, m.column, m.what.split(" #")[0]) == (node.lineno, node.col_offset, what)
            for m in self.found
        )
        self.found.append(
            Mutant(
                path=self.path,
                line=node.lineno,
                column=node.col_offset,
                scope=".".join(self._scope) or "module",
                function=self._function,
                lines=self._lines,
                what=f"{what} #{same + 1}" if same else what,
                tree=self.tree,
                edit=edit,
            )
        )

    def _set(self, node: ast.expr | ast.stmt, what: str, owner: object, field: str, value: object) -> None:
        self._add(node, what, lambda: setattr(owner, field, value))

    # Statements

    def generic_visit(self, node: ast.AST) -> None:
        """Visit the children; of statements also what leaves one out."""
        for _, value in ast.iter_fields(node):
            if isinstance(value, list):
                self._block(value)
            elif isinstance(value, ast.AST):
                self.visit(value)

    def _block(self, nodes: list[Any]) -> None:
        for place, node in enumerate(nodes):
            if isinstance(node, ast.stmt):
                self._statement(nodes, place, node)
            elif isinstance(node, ast.AST):
                self.visit(node)

    def _statement(self, block: list[ast.stmt], place: int, node: ast.stmt) -> None:
        outer, self._lines = self._lines, _lines(node)
        replacement = _left_out(node)
        if replacement is not None:
            what, other = replacement
            self._add(node, what, lambda: block.__setitem__(place, ast.copy_location(other, node)))
        self.visit(node)
        self._lines = outer

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        for default in (*node.args.defaults, *node.args.kw_defaults):
            if default is not None:
                self.visit(default)
        outer = self._function
        self._scope.append(node.name)
        self._function = outer or ".".join(self._scope)
        self._block(node.body)
        self._function = outer
        self._scope.pop()

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._scope.append(node.name)
        self._block(node.body)
        self._scope.pop()

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.visit(node.value)

    def visit_Return(self, node: ast.Return) -> None:
        if node.value is not None and not isinstance(node.value, (*_TRUTHS, ast.Constant)):
            self._set(node, "returns None", node, "value", ast.Constant(None))
        self.generic_visit(node)

    def visit_Raise(self, node: ast.Raise) -> None:
        """What is raised is text: left alone."""

    def visit_Assert(self, node: ast.Assert) -> None:
        """Assertions state what the types cannot: left alone."""

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        """Formatted text is left alone."""

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        self._operator(node, node.value)
        self.visit(node.value)

    # Conditions

    def visit_If(self, node: ast.If) -> None:
        if not (isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"):
            self._condition(node, "test")
            self.generic_visit(node)

    def visit_While(self, node: ast.While) -> None:
        self._condition(node, "test")
        self.generic_visit(node)

    def visit_IfExp(self, node: ast.IfExp) -> None:
        self._condition(node, "test")
        self.generic_visit(node)

    def visit_match_case(self, node: ast.match_case) -> None:
        if node.guard is not None:
            self._condition(node, "guard")
        self.generic_visit(node)

    def visit_comprehension(self, node: ast.comprehension) -> None:
        self._conditions(node.ifs)
        self.generic_visit(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        isand = isinstance(node.op, ast.And)
        self._set(node, "and -> or" if isand else "or -> and", node, "op", ast.Or() if isand else ast.And())
        self._conditions(node.values)
        self.generic_visit(node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> None:
        if isinstance(node.op, ast.Not):
            doubled = ast.UnaryOp(ast.Not(), node.operand)
            self._set(node, "not dropped", node, "operand", doubled)
        elif isinstance(node.op, ast.USub):
            self._set(node, "minus dropped", node, "op", ast.UAdd())
        self.generic_visit(node)

    def _condition(self, node: ast.AST, field: str) -> None:
        test = getattr(node, field)
        if _negatable(test):
            self._set(test, "condition negated", node, field, ast.UnaryOp(ast.Not(), test))

    def _conditions(self, tests: list[ast.expr]) -> None:
        for place, test in enumerate(tests):
            if _negatable(test):
                self._add(test, "condition negated", _negation(tests, place, test))

    # Values

    def visit_Compare(self, node: ast.Compare) -> None:
        for place, op in enumerate(node.ops):
            for other in _COMPARISONS[type(op)]:
                self._add(
                    node.comparators[place],
                    f"{type(op).__name__} -> {other.__name__}",
                    _exchange(node.ops, place, other()),
                )
        self.generic_visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        self._operator(node, node.left, node.right)
        self.generic_visit(node)

    def _operator(self, node: ast.BinOp | ast.AugAssign, *operands: ast.expr) -> None:
        kind = type(node.op)
        union_of_types = kind is ast.BitOr and self._function is None
        if kind in _ARITHMETIC and not union_of_types and not any(map(_is_sequence, operands)):
            other = _ARITHMETIC[kind]
            self._set(node, f"{kind.__name__} -> {other.__name__}", node, "op", other())

    def visit_Call(self, node: ast.Call) -> None:
        function = node.func
        if isinstance(function, ast.Name):
            if function.id in {"ConfigDict", "dataclass", "cast", "TypeVar"}:
                return
            if function.id == "replace":
                self._kept_fields(node)
            if function.id in _CALLS:
                other = _CALLS[function.id]
                self._set(node, f"{function.id} -> {other}", function, "id", other)
        self.generic_visit(node)

    def _kept_fields(self, node: ast.Call) -> None:
        for given in node.keywords:
            if given.arg is not None:
                left = [other for other in node.keywords if other is not given]
                self._set(given.value, f"{given.arg} not replaced", node, "keywords", left)

    def visit_keyword(self, node: ast.keyword) -> None:
        if node.arg not in _FLAGS:
            self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        value = node.value
        if isinstance(value, bool):
            self._set(node, f"{value} -> {not value}", node, "value", not value)
        elif isinstance(value, int | float):
            for other in (value + 1, value - 1):
                self._set(node, f"{value} -> {other}", node, "value", other)


def _lines(node: ast.stmt) -> range:
    """Return the lines of a simple statement, or of a compound one's head."""
    body = getattr(node, "body", None) or getattr(node, "cases", None)
    if not body:
        return range(node.lineno, (node.end_lineno or node.lineno) + 1)
    first = body[0].pattern if isinstance(body[0], ast.match_case) else body[0]
    return range(node.lineno, max(first.lineno, node.lineno + 1))


def _left_out(node: ast.stmt) -> tuple[str, ast.stmt] | None:
    match node:
        case ast.Raise():
            return "raise left out", ast.Pass()
        case ast.Expr(value=ast.Call()):
            return "call left out", ast.Pass()
        case ast.Assign(targets=[ast.Subscript() | ast.Attribute()]):
            return "assignment left out", ast.Pass()
        case ast.Continue():
            return "continue -> break", ast.Break()
        case _:
            return None


def _negatable(test: ast.expr) -> bool:
    return not isinstance(test, (*_TRUTHS, ast.UnaryOp, ast.Constant))


def _negation(tests: list[ast.expr], place: int, test: ast.expr) -> Callable[[], None]:
    return lambda: tests.__setitem__(place, ast.UnaryOp(ast.Not(), test))


def _exchange(ops: list[ast.cmpop], place: int, other: ast.cmpop) -> Callable[[], None]:
    return lambda: ops.__setitem__(place, other)


def _is_sequence(operand: ast.expr) -> bool:
    text = isinstance(operand, ast.Constant) and isinstance(operand.value, str | bytes)
    return text or isinstance(operand, _TEXT)


def functions_of(code: CodeType) -> Iterator[CodeType]:
    """Yield the code of a module's functions, those of classes and functions included."""
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant
            yield from functions_of(constant)
