"""What the type checker says about Go code, as plain data.

Positions are (absolute path, byte offset). ``Facts`` is what a transform's ``decide`` is given; the
implementation that asks the Go program is :mod:`gocodemod.golang.types`.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True)
class Object:
    """A declared thing. ``id`` is its identity: position of its declaration and its name.

    ``kind``: ``var`` (local or package variable), ``param``, ``result``, ``receiver``, ``field``,
    ``func``, ``method``, ``interface-method``, ``const``, ``type``, ``package``, ``builtin``, ``nil``, ``label``.
    ``type`` and ``underlying`` are written with full package paths (``context.Context``,
    ``<-chan struct{}``, ``*github.com/x/y.T``); unknown types are ``""``.
    ``scope``: ``universe``, ``package``, ``file`` (imports), ``function``, ``member`` (fields and methods).
    ``path``/``start`` is where the declaring identifier stands (``""``/-1 for the universe and for packages).
    ``package`` is the import path of the declaring package; for the kind ``package``, of the package it names.
    ``in_interface``: for methods, some interface visible in the package has a method of that name.
    """

    id: str
    name: str
    kind: str
    type: str
    underlying: str
    package: str
    scope: str
    path: str
    start: int
    exported: bool
    in_interface: bool = False


@dataclass(frozen=True)
class Ref:
    """One identifier that stands for an object.

    ``start``/``end``: the identifier; ``outer_start``/``outer_end``: the longest selector expression
    that ends with it (``s.done`` for ``done``), parentheses included.
    ``role`` is how that outer expression is used:
    ``define`` (``:=``, ``var``), ``assign``, ``update`` (``+=``, ``++``), ``declare`` (parameter, field, function),
    ``receive`` (``<-x``), ``select-receive`` (``case <-x:``), ``range``, ``send``, ``close``, ``address``,
    ``call``, ``go-call``, ``defer-call``, ``argument``, ``key`` (composite literal key), ``return``,
    ``compare``, ``base`` (of a longer selector, ``selected`` names the member), ``read`` (anything else).
    In ``<-x.Done()``, where x is a context, both the method's name and ``x`` have the role ``receive`` or
    ``select-receive``; ``x`` then has ``selected`` = ``Done``, so one look at its refs finds where it is waited for.
    So has a method without arguments whose result is received from in place (``Stopping`` in ``<-s.Stopping()``), and one
    whose context is (``Context`` in ``<-r.Context().Done()``, ``selected`` = ``Done``; ``Err`` in ``r.Context().Err()``).
    ``value_start``/``value_end``/``value_index``: for ``define``, ``assign`` and ``key``, the expression
    assigned and which of its results (-1 where there is none).
    ``leaves``: for receives, the statements that follow leave the function or an enclosing loop: the select
    clause ends so, or a later statement of the same block does, or the receive ends the function's body.
    ``in_loop``: a loop of the same function is around it.
    ``function``: name of the enclosing function declaration (``T.Method`` for methods, ``""`` at package level);
    ``literals``: starts of the enclosing function literals, outermost first.
    """

    object: str
    name: str
    path: str
    start: int
    end: int
    outer_start: int
    outer_end: int
    role: str
    selected: str
    value_start: int
    value_end: int
    value_index: int
    leaves: bool
    in_loop: bool
    function: str
    literals: tuple[int, ...]


@dataclass(frozen=True)
class Call:
    """One call expression (conversions excluded).

    ``name``: ``time.Sleep``, ``(*sync.Mutex).Lock``, ``(net.Listener).Accept``, ``close`` (builtin), ``""`` if unknown.
    ``kind``: ``function``, ``method``, ``interface-method``, ``builtin``, ``literal``, ``value`` (of function type,
    its ``name`` is ``""``), ``unknown``.
    ``object``: id of the callee where there is one. ``receiver_start``/``receiver_end``: the expression
    before the method's name, -1 if none. ``holder``: id of the variable or field whose method is called (``mu`` in
    ``s.mu.Lock()``; the embedded field where the method is promoted from one), ``""`` where it is some other value.
    ``returns_error``: the last result is ``error``.
    ``statement``: ``expr``, ``go``, ``defer`` or ``""`` (part of something larger).
    ``literals``: starts of the enclosing function literals, outermost first.
    """

    start: int
    end: int
    name: str
    kind: str
    object: str
    receiver_start: int
    receiver_end: int
    returns_error: bool
    statement: str
    literals: tuple[int, ...]
    holder: str = ""


@dataclass(frozen=True)
class Expr:
    """Type and constant value of an expression; in ``v, ok := <-ch`` and its like, of ``v``.

    ``constant`` is Go's exact text (``100000000``) or None. ``written``: the type as Go text valid at that place, None
    if it has no spelling there. ``closes``: it, its elements or a field of its struct has a method ``Close()``.
    """

    type: str
    underlying: str
    constant: str | None
    written: str | None = None
    closes: bool = False


@dataclass(frozen=True)
class Result:
    """One result of a function. ``zero``: its zero value as Go text valid at that place, None if it has no spelling."""

    name: str
    type: str
    zero: str | None
    is_error: bool


@dataclass(frozen=True)
class Function:
    """A function declaration or literal around a position.

    ``start``/``end``: the whole declaration or literal; ``body_start``/``body_end``: its block with braces.
    ``kind``: ``declaration`` or ``literal``. ``name``: ``T.Method``, ``function``, ``""`` for literals.
    ``object``: id of the declared function, ``""`` for literals.
    ``started`` (literals): ``go``, ``defer``, ``call`` (called in place), ``argument`` (then ``callee`` is the
    full name of the function it is passed to), ``assigned`` (then ``variable`` is the variable's id), ``other``.
    """

    start: int
    end: int
    body_start: int
    body_end: int
    kind: str
    name: str
    object: str
    params: tuple[Object, ...]
    results: tuple[Result, ...]
    started: str
    callee: str
    variable: str


@dataclass(frozen=True)
class Visible:
    """An expression that is valid at the position asked for, and whose type was asked for.

    ``family``: ``context`` (exactly context.Context), ``channel`` (of struct{} or bool, may be received from),
    ``testing`` (*testing.T, *testing.B, *testing.F or testing.TB).
    ``place``: ``local`` or ``param`` of the innermost function, ``captured`` (of an enclosing function),
    ``field`` (``base`` is then the variable it hangs on), ``package``. ``request-local``, ``request-param``...: the
    context of a request or a gRPC stream that stands there (``r.Context()``; ``object`` is the method, ``base`` is ``r``).
    """

    text: str
    family: str
    place: str
    object: Object
    base: Object | None


@dataclass(frozen=True)
class File:
    """``parse_error``: what go/parser says, ``""`` if it accepts the file. ``package``: "" if not loaded.

    ``complete``: every import of its package resolved, direct or not, so that a type check of it means something.
    ``excluded``: it is in no package of this build configuration (build constraints, or ``fault`` says why).
    ``go_version`` is the language version of the file (``go1.25``: the module's, or what its //go:build line
    makes of it), ``module_go`` the module's go line (``1.25.0``).
    """

    package: str
    package_name: str
    parse_error: str
    go_version: str
    generated: bool
    complete: bool
    excluded: bool = False
    module_go: str = ""
    fault: str = ""


@dataclass(frozen=True)
class Construction:
    """A place that makes a value of a struct; ``sets``: it gives one field (the one asked about) a value.

    ``kind``: ``literal``, ``new``, ``zero`` (``var x T``, a slice of T), ``test`` (by syntax, in a test file that was
    not checked along).
    """

    path: str
    start: int
    kind: str
    sets: bool


@dataclass(frozen=True)
class Constructions:
    """``assigned``: where the field's identifier stands in assignments to a value that was just made."""

    made: tuple[Construction, ...]
    assigned: frozenset[int]


@dataclass(frozen=True)
class Members:
    """What ``x.name`` may name for a variable (or a variable of a type): embedded ones too, sorted."""

    fields: tuple[str, ...]
    methods: tuple[str, ...]


@dataclass(frozen=True)
class Place:
    """An offset in a file."""

    path: str
    start: int


@dataclass(frozen=True)
class Struct:
    """A defined struct type, and what the package that declares it does with its values.

    ``path``/``start``/``end``: the braces around its fields. ``object``: id of the type's name. ``methods``: its own.
    ``taken``: every name that ``x.name`` may have already. ``no_copy``: ``go vet`` reports copies of it as it is (it
    holds a lock). ``positional``: composite literals without field names; ``compared``: ``==``, map keys, switches;
    ``copied``: wherever a value moves (receivers, parameters and results by value, assignments, range variables),
    also as part of another value.
    """

    path: str
    start: int
    end: int
    name: str
    object: str
    exported: bool
    generic: bool
    fields: tuple[Object, ...]
    methods: tuple[Object, ...]
    taken: tuple[str, ...]
    no_copy: bool
    positional: tuple[Place, ...]
    compared: tuple[Place, ...]
    copied: tuple[Place, ...]


@dataclass(frozen=True)
class Everywhere:
    """A function of a main module, in all packages that import the one that declares it, tests included.

    ``refs``: its declaration and every use. ``bound``: what ties its signature to something that is no call of Go's
    (``linkname``, ``export``, ``assembly``), ``""`` if nothing does. ``unloaded``: files of other build configurations, or of
    modules beside this one, that may use it. ``iface``: an interface through which a method may be called, ``""`` if none.
    """

    refs: tuple[Ref, ...]
    bound: str
    unloaded: tuple[str, ...]
    iface: str


@dataclass(frozen=True)
class Literal:
    """A composite literal: ``start``/``end`` are its braces. ``keyed``: with field names, or empty. ``outside``: in another
    package than the type's.
    """

    path: str
    start: int
    end: int
    keyed: bool
    outside: bool


@dataclass(frozen=True)
class Zero:
    """Where a type's zero value comes to be, or may; ``how`` for people (``by new``, ``as a field``)."""

    path: str
    start: int
    how: str


@dataclass(frozen=True)
class Instances:
    """What all packages of the main modules, tests included, do with the values of a defined struct type.

    ``copied``, ``compared``: as for :class:`Struct`. ``embedded``: it is a field without a name, by pointer too.
    ``measured``: converted to another struct, or looked at by unsafe. ``unloaded``: files of other build configurations,
    or of modules beside this one, that may use it.
    """

    literals: tuple[Literal, ...]
    zero: tuple[Zero, ...]
    copied: tuple[Place, ...]
    compared: tuple[Place, ...]
    embedded: tuple[Place, ...]
    measured: tuple[Place, ...]
    unloaded: tuple[str, ...]


class Facts(Protocol):
    """Answers about one module in one build configuration. Raises TypesUnavailable for files it has not loaded."""

    @property
    def derived(self) -> dict[Hashable, Any]:
        """A place for what was found out from these answers and is costly to find out again; emptied when code changes."""
        ...

    def file(self, path: str) -> File: ...

    def expr(self, path: str, start: int, end: int) -> Expr | None: ...

    def holds(self, path: str, start: int, end: int) -> tuple[str, ...]:
        """What in the type of each value of an expression (a call may have several) can refer to something that lives on.

        The first interface, channel, function or unsafe pointer in it, ``""`` for plain data (numbers, strings, errors,
        messages of protoc-gen-go, and what is made of them), ``"?"`` where the type is unknown. Empty: no such expression.
        """
        ...

    def refs(self, path: str, start: int, end: int) -> tuple[Ref, ...]:
        """Every identifier in the range, in source order."""
        ...

    def uses(self, object_id: str) -> tuple[Ref, ...]:
        """Every identifier for the object in the package that declares it, its declaration included.

        Its test files belong to it if one of them was loaded. Other packages of the module are not looked at.
        Not seen: fields set without their names (``T{x}``, ``*t = u``).
        """
        ...

    def object(self, object_id: str) -> Object | None: ...

    def calls(self, path: str, start: int, end: int) -> tuple[Call, ...]:
        """Every call in the range, in source order of their start."""
        ...

    def functions(self, path: str, offset: int) -> tuple[Function, ...]:
        """The functions around the offset, innermost first."""
        ...

    def visible(self, path: str, offset: int) -> tuple[Visible, ...]:
        """Contexts, struct{} and bool channels, testing values, contexts of requests that can be named there.

        Shadowing is respected. Innermost scope first, later declarations first within a scope; fields come after the plain
        variables of their base's scope. Fields of receiver, parameters and captured receivers or
        parameters are included, promoted ones too.
        """
        ...

    def lookup(self, path: str, offset: int, name: str) -> Object | None:
        """What the bare name stands for at the offset; None if nothing."""
        ...

    def constructions(self, field_id: str) -> Constructions:
        """Every place of the declaring package that makes the struct a field belongs to."""
        ...

    def members(self, object_id: str) -> Members | None:
        """The fields and methods of the type that an object has, or for a type is; None if nothing is known of it."""
        ...

    def structure(self, object_id: str) -> Struct | None:
        """The struct type that an object has, points to, or is; None if that is no defined struct of the module."""
        ...

    def implemented(self, method_id: str) -> tuple[Object, ...]:
        """The methods of the package's own interface types through which a method may be called."""
        ...

    def implementations(self, method_id: str) -> tuple[Object, ...]:
        """The methods that a call of an interface's method may come to, of types of the package that declares it."""
        ...

    def everywhere(self, function_id: str) -> Everywhere:
        """What the main modules do with a function or method. Raises TypesUnavailable for one that is not theirs."""
        ...

    def instances(self, type_id: str) -> Instances:
        """What the main modules do with a struct type's values. Raises TypesUnavailable for one that is not theirs."""
        ...
