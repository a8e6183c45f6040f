"""Hold a decision program against everything that the evaluator relies on without looking.

The evaluator indexes arrays without checking bounds and follows references without counting steps,
so a program must be right before it runs. It is checked on every load, mostly with built-in
functions over whole arrays: the time counts.
"""

from __future__ import annotations

import math
from array import array
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import accumulate, pairwise
from typing import Final, assert_never

from clausal.compiler.ir import Arithmetic, Constant, Param, Quantity, Slot
from clausal.compiler.program import (
    ALWAYS,
    DEPTH_LIMIT,
    MINUTES,
    NEVER,
    STACK_LIMIT,
    Code,
    NodeKind,
    Op,
    Program,
    ProgramError,
    SlotKind,
    floats,
    integers,
    mask_words,
)
from clausal.compiler.types import Enum, MapOf, Scalar, SetOf, Type

_TEXTUAL: Final = frozenset({SlotKind.SYMBOL, SlotKind.TEXT})
_ANY_KIND: Final = frozenset(SlotKind)

_OPERANDS: Final[dict[Op, tuple[frozenset[SlotKind], bool, bool]]] = {
    Op.FLAG: (frozenset({SlotKind.FLAG}), False, False),
    Op.LT: (frozenset({SlotKind.QUANTITY}), True, False),
    Op.LE: (frozenset({SlotKind.QUANTITY}), True, False),
    Op.EQ: (frozenset({SlotKind.QUANTITY}), True, False),
    Op.MEMBER: (_TEXTUAL, True, False),
    Op.SAME: (_TEXTUAL, True, False),
    Op.ANY: (frozenset({SlotKind.SET}), True, False),
    Op.ALL: (frozenset({SlotKind.SET}), True, False),
    Op.ABSENT: (_ANY_KIND, False, False),
    Op.CLOCK: (frozenset({SlotKind.QUANTITY}), True, True),
    Op.TERMS: (frozenset({SlotKind.TEXT}), True, False),
    Op.PATTERN: (frozenset({SlotKind.TEXT}), True, False),
    Op.IS: (_TEXTUAL, True, False),
    Op.HAS: (frozenset({SlotKind.SET}), True, False),
}
"""For each op whose first operand is a slot: the kinds of slot, and whether b and c are used."""

_Rows = list[tuple[int, int, int]]


def verify(
    program: Program, *, slots: Sequence[Slot], rules: int, versions: int, params: int
) -> None:
    """Check that the program is sound, and that it is about these slots and so many rules.

    ``steps_bound`` is not checked: it is what the compiler found, and nothing relies on it.

    Raises:
        ProgramError: naming what is wrong.
    """
    try:
        _Check(program).everything(slots=slots, rules=rules, versions=versions, params=params)
    except ValueError as error:
        if isinstance(error, ProgramError):
            raise
        # An array whose size is not a multiple of that of an element.
        raise ProgramError(f"an array is cut short: {error}") from None


class _Check:
    """The program, with its arrays as numbers."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._constants = len(floats(program.constants))
        self._masks = len(integers("Q", program.masks))
        self._code = integers("i", program.code)
        self._kinds: list[SlotKind] = []
        self._strings: list[bool] = []
        self._predicates = 0
        self._nodes = 0

    def everything(self, *, slots: Sequence[Slot], rules: int, versions: int, params: int) -> None:
        self._slots(slots)
        self._pools(params)
        self._tests()
        self._conditions()
        self._rules(rules, versions)
        self._segments(versions)

    def _slots(self, slots: Sequence[Slot]) -> None:
        program = self._program
        kinds = integers("B", program.slot_kinds)
        strings = integers("B", program.slot_strings)
        _length("slot_kinds", kinds, len(slots))
        _length("slot_strings", strings, len(slots))
        _length("symbols", program.symbols, len(slots))
        _below("slot_kinds", kinds, len(SlotKind))
        _below("slot_strings", strings, 2)
        self._kinds = [SlotKind(kind) for kind in kinds]
        self._strings = [flag == 1 for flag in strings]
        for slot, kind, flag, symbols in zip(
            slots, self._kinds, self._strings, program.symbols, strict=True
        ):
            if kind not in _kinds_of(slot.type):
                raise ProgramError(f"slot `{slot.name}` cannot be held as {kind.name}")
            if symbols and kind in {SlotKind.FLAG, SlotKind.QUANTITY}:
                raise ProgramError(f"slot `{slot.name}` has symbols, and is held as {kind.name}")
            item = slot.type.item if isinstance(slot.type, SetOf) else slot.type
            if isinstance(item, Enum) and symbols != item.names:
                raise ProgramError(f"the symbols of slot `{slot.name}` are not those of its type")
            if len(set(symbols)) != len(symbols):
                raise ProgramError(f"slot `{slot.name}` has a symbol twice")
            if flag and kind not in _TEXTUAL:
                raise ProgramError(f"slot `{slot.name}` keeps no text, being held as {kind.name}")

    def _pools(self, params: int) -> None:
        program = self._program
        _length("origins", program.origins, self._constants)
        if not all(map(math.isfinite, floats(program.constants))):
            raise ProgramError("a constant is not finite")
        for origin in program.origins:
            if origin is not None:
                check_origin(origin, params)
        if any(not terms or "" in terms for terms in program.terms):
            raise ProgramError("a list of terms is empty, or has an empty term")
        if program.steps_bound < 0:
            raise ProgramError("the bound on steps is negative")

    def _tests(self) -> None:
        program = self._program
        op = integers("i", program.op)
        operands = [integers("i", column) for column in (program.a, program.b, program.c)]
        self._predicates = len(op)
        for name, column in zip("abc", operands, strict=True):
            _length(name, column, self._predicates)
        _below("op", op, len(Op))
        by_op: defaultdict[int, _Rows] = defaultdict(list)
        for number, *row in zip(op, *operands, strict=True):
            by_op[number].append((row[0], row[1], row[2]))
        self._quantities(by_op.pop(Op.QUANTITY, []))
        for number, rows in by_op.items():
            self._rows(Op(number), rows)

    def _rows(self, op: Op, rows: _Rows) -> None:
        """All predicates of one op whose first operand is a slot."""
        kinds, b_used, c_used = _OPERANDS[op]
        _below(f"a of {op.name}", [a for a, _, _ in rows], len(self._kinds))
        if not {self._kinds[a] for a, _, _ in rows} <= kinds:
            raise ProgramError(f"a predicate {op.name} is about a slot of another kind")
        if not b_used and any(b for _, b, _ in rows):
            raise ProgramError(f"a predicate {op.name} has an operand b")
        if not c_used and any(c for _, _, c in rows):
            raise ProgramError(f"a predicate {op.name} has an operand c")
        b_values = [b for _, b, _ in rows]
        name = f"b of {op.name}"
        match op:
            case Op.LT | Op.LE | Op.EQ:
                _below(name, b_values, self._constants)
            case Op.TERMS:
                _below(name, b_values, len(self._program.terms))
            case Op.PATTERN:
                _below(name, b_values, len(self._program.patterns))
            case Op.SAME:
                _below(name, b_values, len(self._kinds))
                if not all(self._strings[a] and self._strings[b] for a, b, _ in rows):
                    raise ProgramError("a predicate SAME is about a slot that keeps no text")
            case Op.CLOCK:
                _below(name, b_values, MINUTES * MINUTES)
                _below("c of CLOCK", [c for _, _, c in rows], len(self._program.zones))
            case Op.MEMBER | Op.ANY | Op.ALL:
                ends = [b + self._words(a) for a, b, _ in rows]
                if min(b_values) < 0 or max(ends) > self._masks:
                    raise ProgramError(f"a mask of a predicate {op.name} is not in the masks")
            case Op.IS | Op.HAS:
                first = int(op is Op.IS)
                symbols = self._program.symbols
                if not all(first <= b < first + len(symbols[a]) for a, b, _ in rows):
                    raise ProgramError(f"a predicate {op.name} names no symbol of its slot")
            case _:
                pass

    def _words(self, slot: int) -> int:
        return mask_words(self._kinds[slot], len(self._program.symbols[slot]))

    def _quantities(self, rows: _Rows) -> None:
        """The code of one predicate follows on that of the one before: each pair is used once."""
        starts = [a for a, _, _ in rows]
        ends = [b for _, b, _ in rows]
        if len(self._code) % 2 or [*starts, len(self._code) // 2] != [0, *ends]:
            raise ProgramError("the code of the predicates QUANTITY does not join up")
        if any(c for _, _, c in rows):
            raise ProgramError("a predicate QUANTITY has an operand c")
        for start, end in zip(starts, ends, strict=True):
            if start >= end:
                raise ProgramError("a predicate QUANTITY has no code")
            self._run(self._code[2 * start : 2 * end])

    def _run(self, code: array[int]) -> None:
        """Follow the height of the stack."""
        height = 0
        for index in range(0, len(code), 2):
            opcode, operand = code[index], code[index + 1]
            last = index + 2 == len(code)
            if not 0 <= opcode < len(Code):
                raise ProgramError(f"there is no opcode {opcode}")
            if (opcode in {Code.LT, Code.LE, Code.EQ}) != last:
                raise ProgramError("the code of a quantity does not end in its comparison")
            if opcode <= Code.COUNT:
                self._push(Code(opcode), operand)
                height += 1
            elif operand:
                raise ProgramError(f"opcode {Code(opcode).name} has an operand")
            elif height < 2:
                raise ProgramError("the code of a quantity lacks an operand on the stack")
            else:
                height -= 1
            if height > STACK_LIMIT:
                raise ProgramError(f"the code of a quantity needs more stack than {STACK_LIMIT}")
        if height != 1:
            raise ProgramError("the code of a quantity leaves operands on the stack")

    def _push(self, code: Code, operand: int) -> None:
        if code is Code.CONSTANT:
            _below("a constant in code", [operand], self._constants)
            return
        _below("a slot in code", [operand], len(self._kinds))
        wanted = SlotKind.QUANTITY if code is Code.READING else SlotKind.SET
        if self._kinds[operand] is not wanted:
            raise ProgramError(f"opcode {code.name} is about a slot of another kind")

    def _conditions(self) -> None:
        program = self._program
        kinds = integers("B", program.node_kind)
        firsts = integers("i", program.node_first)
        counts = integers("i", program.node_count)
        children = integers("i", program.children)
        self._nodes = len(kinds)
        _below("node_kind", kinds, len(NodeKind))
        _lists("children", firsts, counts, len(children), lists=self._nodes, shortest=1)
        _above("children", children, ~(2 * self._predicates))
        depths: list[int] = []
        for node, (first, count) in enumerate(zip(firsts, counts, strict=True)):
            items = children[first : first + count]
            top = max(items)
            if top >= node:
                raise ProgramError(f"node {node} has a child that does not come before it")
            # Most nodes have no node among their children, and are done here.
            inner = 0 if top < 0 else max([depths[ref] for ref in items if ref >= 0])
            depths.append(inner + 1)
        if depths and max(depths) > DEPTH_LIMIT:
            raise ProgramError(f"nodes are nested more than {DEPTH_LIMIT} deep")

    def _rules(self, rules: int, versions: int) -> None:
        program = self._program
        roots = integers("i", program.rule_root)
        _length("rule_root", roots, rules)
        refs = set(roots) - {ALWAYS, NEVER}
        _above("rule_root", refs, ~(2 * self._predicates))
        if refs and max(refs) >= self._nodes:
            raise ProgramError("the root of a rule is a node that does not exist")
        starts = integers("i", program.version_rules)
        _length("version_rules", starts, versions + 1)
        if starts[0] != 0 or starts[-1] != rules or not _ascending(starts, strictly=False):
            raise ProgramError("the rules of the versions do not join up")

    def _segments(self, versions: int) -> None:
        program = self._program
        boundaries = integers("q", program.boundaries)
        firsts = integers("i", program.segment_first)
        counts = integers("i", program.segment_count)
        members = integers("i", program.segment_versions)
        if not _ascending(boundaries, strictly=True):
            raise ProgramError("the boundaries of the segments do not ascend")
        _lists(
            "segment_versions", firsts, counts, len(members), lists=len(boundaries) + 1, shortest=0
        )
        _below("segment_versions", members, versions)
        for first, count in zip(firsts, counts, strict=True):
            if not _ascending(members[first : first + count], strictly=True):
                raise ProgramError("the versions in a segment do not ascend")


def check_origin(origin: Quantity, params: int) -> None:
    """Check that a quantity can be found from so many params alone.

    Raises:
        ProgramError: if it reads the event, or a param that does not exist.
    """
    pending = [origin]
    while pending:
        match pending.pop():
            case Constant(value=value, origin=None):
                if not math.isfinite(value):
                    raise ProgramError("the origin of a constant is not finite")
            case Param(index=index):
                _below("a param in an origin", [index], params)
            case Arithmetic(left=left, right=right):
                pending += [left, right]
            case _:
                raise ProgramError("the origin of a constant is not made of params and numbers")


def _kinds_of(type: Type) -> frozenset[SlotKind]:
    """How a slot of the type may be held."""
    match type:
        case Scalar(name="bool"):
            return frozenset({SlotKind.FLAG})
        case Scalar(name="string" | "text"):
            return _TEXTUAL
        case Scalar():
            return frozenset({SlotKind.QUANTITY})
        case Enum():
            return frozenset({SlotKind.SYMBOL})
        case SetOf():
            return frozenset({SlotKind.SET})
        case MapOf():
            return frozenset()
        case _:
            assert_never(type)


def _length(name: str, values: Sequence[object], wanted: int) -> None:
    if len(values) != wanted:
        raise ProgramError(f"`{name}` has {len(values)} elements, not {wanted}")


def _below(name: str, values: Sequence[int], limit: int) -> None:
    if values and not (min(values) >= 0 and max(values) < limit):
        raise ProgramError(f"`{name}` has a value that is not from 0 to {limit - 1}")


def _above(name: str, values: Iterable[int], limit: int) -> None:
    """Literals are negative: none may name a predicate that does not exist."""
    if min(values, default=0) <= limit:
        raise ProgramError(f"`{name}` has a literal of a predicate that does not exist")


def _lists(
    name: str, firsts: array[int], counts: array[int], length: int, *, lists: int, shortest: int
) -> None:
    """Check that lists lie end to end and fill their array."""
    if len(firsts) != lists or len(counts) != lists:
        raise ProgramError(f"`{name}` is not cut into {lists} lists")
    if counts and min(counts) < shortest:
        raise ProgramError(f"a list in `{name}` is shorter than {shortest}")
    if [*firsts, length] != list(accumulate(counts, initial=0)):
        raise ProgramError(f"the lists in `{name}` do not join up")


def _ascending(values: Sequence[int], *, strictly: bool) -> bool:
    if strictly:
        return all(one < other for one, other in pairwise(values))
    return all(one <= other for one, other in pairwise(values))
