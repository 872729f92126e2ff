"""The named definitions that a file has."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class SymbolKind(StrEnum):
    """What a symbol is, in the terms that languages share; `REGION` is code or text outside any symbol."""

    FUNCTION = "function"
    METHOD = "method"
    CLASS = "class"
    STRUCT = "struct"
    INTERFACE = "interface"
    TRAIT = "trait"
    PROTOCOL = "protocol"
    ENUM = "enum"
    ENUM_MEMBER = "enum_member"
    UNION = "union"
    TYPE = "type"
    MODULE = "module"
    NAMESPACE = "namespace"
    OBJECT = "object"
    IMPLEMENTATION = "implementation"
    CONSTANT = "constant"
    VARIABLE = "variable"
    FIELD = "field"
    PROPERTY = "property"
    CONSTRUCTOR = "constructor"
    MACRO = "macro"
    TEST = "test"
    TABLE = "table"
    RULE = "rule"
    TARGET = "target"
    STAGE = "stage"
    ELEMENT = "element"
    MESSAGE = "message"
    SERVICE = "service"
    RESOURCE = "resource"
    SECTION = "section"
    KEY = "key"
    CELL = "cell"
    REGION = "region"


TYPE_KINDS = frozenset(
    {
        SymbolKind.CLASS,
        SymbolKind.STRUCT,
        SymbolKind.INTERFACE,
        SymbolKind.TRAIT,
        SymbolKind.PROTOCOL,
        SymbolKind.ENUM,
        SymbolKind.UNION,
        SymbolKind.OBJECT,
    }
)
"""Kinds that are types in every sense: they have a name of their own, and may have members."""


class Symbol(msgspec.Struct, frozen=True, gc=False):
    """A named definition in a file.

    Spans are bytes in the decoded text's UTF-8 form, end exclusive, and 1-based lines, end inclusive; both include
    decorators and the leading comment that `doc` was taken from; `line` is the one that its name stands on. `parent` is
    the enclosing symbol's qualified name.
    """

    kind: SymbolKind
    name: str
    qualified_name: str
    signature: str
    doc: str
    parent: str
    start_byte: int
    end_byte: int
    start_line: int
    end_line: int
    line: int
