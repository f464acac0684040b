"""Promise: modules and functions stay small enough to be read in one go, and each module says what it is for."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterable, Iterator

from house.sources import Module, modules_of_tests, product_modules

THINK_AT = 350
MODULE_LINES = 500
FUNCTION_LINES = 60

#: Names of modules that say nothing about what is inside.
EMPTY_NAMES = re.compile(r"(^|_)(utils?|helpers?|common|misc|managers?|stuff|part_?\d+)$")


def long_modules(modules: Iterable[Module], limit: int) -> list[str]:
    """Say each module with more lines than the limit."""
    sizes = ((module, module.text.count("\n")) for module in modules)
    return [f"{module.name}: {lines} lines" for module, lines in sizes if lines > limit]


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Yield all functions and methods, nested ones too."""
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def code_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return the number of lines of a function from `def` to its end, without its docstring."""
    lines = (function.end_lineno or function.lineno) - function.lineno + 1
    if ast.get_docstring(function) is None:
        return lines
    docstring = function.body[0]
    return lines - ((docstring.end_lineno or docstring.lineno) - docstring.lineno + 1)


def long_functions(modules: Iterable[Module]) -> list[str]:
    """Say each function that is too long."""
    return [
        f"{module.name}:{function.lineno}: {function.name} has {code_lines(function)} lines"
        for module in modules
        for function in functions(module.tree)
        if code_lines(function) > FUNCTION_LINES
    ]


def silent_modules(modules: Iterable[Module]) -> list[str]:
    """Name each module without a docstring; migrations have the shape that Django gives them."""
    return [module.name for module in modules if not ast.get_docstring(module.tree) and ".migrations" not in module.name]


def empty_names(modules: Iterable[Module]) -> list[str]:
    """Name each module that is called after nothing in particular."""
    return [module.name for module in modules if EMPTY_NAMES.search(module.name.rpartition(".")[2])]


def test_modules_are_short() -> None:
    """No module of the product has more than 500 lines; those above 350 are listed as a warning."""
    for finding in long_modules(product_modules(), THINK_AT):
        warnings.warn(f"large module: {finding}; is there an aggregate or a page to split off?", UserWarning, stacklevel=1)
    assert long_modules(product_modules(), MODULE_LINES) == []


def test_modules_of_tests_are_short() -> None:
    """No module of the tests has more than 500 lines."""
    assert long_modules(modules_of_tests(), MODULE_LINES) == []


def test_functions_are_short() -> None:
    """No function of the product has more than 60 lines."""
    assert long_functions(product_modules()) == []


def test_each_module_opens_with_its_purpose() -> None:
    """Every module of the product has a docstring."""
    assert silent_modules(product_modules()) == []


def test_module_names_say_what_is_inside() -> None:
    """No module is called utils, helpers, manager or part 2."""
    assert empty_names(product_modules()) == []


def test_a_long_module_is_found() -> None:
    """The check for lines complains at the first line above the limit, not before."""
    assert long_modules([Module("tandem.x", "a\n" * 501)], MODULE_LINES) == ["tandem.x: 501 lines"]
    assert long_modules([Module("tandem.x", "a\n" * 500)], MODULE_LINES) == []


def test_a_long_function_is_found() -> None:
    """The check for functions counts methods, and leaves the docstring out."""
    method = 'class A:\n    def f(self):\n        """One.\n\n        Two.\n        """\n' + "        x = 1\n"

    assert long_functions([Module("tandem.x", method + "        x = 1\n" * 59)]) == ["tandem.x:2: f has 61 lines"]
    assert long_functions([Module("tandem.x", method + "        x = 1\n" * 58)]) == []


def test_a_silent_module_is_found() -> None:
    """The check for docstrings complains about a comment in place of one."""
    assert silent_modules([Module("tandem.x", "# What for\nx = 1\n"), Module("tandem.y", '"""Why."""\n')]) == ["tandem.x"]


def test_an_empty_name_is_found() -> None:
    """The check for names sees the empty word alone and at the end, and knows `commons` from `common`."""
    names = ["tandem.utils", "tandem.store.query_helpers", "tandem.engine.apply_part2", "tandem.commons"]

    assert empty_names(Module(name, "") for name in names) == names[:3]
