"""Whether our twins of standard modules have every name, and say which are theirs."""

from __future__ import annotations

import importlib
from types import ModuleType

import pytest

import eventlet.greensocket
import eventlet.util

NAMES = ["socket", "ssl", "select", "selectors"]


@pytest.fixture(params=NAMES)
def modules(request: pytest.FixtureRequest) -> tuple[ModuleType, ModuleType]:
    green = importlib.import_module(f"eventlet.greensocket.{request.param}")
    return green, importlib.import_module(request.param)


def test_every_public_name_is_there(modules: tuple[ModuleType, ModuleType]) -> None:
    green, standard = modules
    names = getattr(standard, "__all__", None) or [n for n in vars(standard) if n[0] != "_"]
    assert [name for name in names if not hasattr(green, name)] == []


def test_lists_are_true(modules: tuple[ModuleType, ModuleType]) -> None:
    green, standard = modules
    for name in green.__implements__:
        assert getattr(green, name) is not getattr(standard, name), name
    for name in green.__imports__:
        assert getattr(green, name) is getattr(standard, name), name
    for name in green.__extensions__:
        assert not hasattr(standard, name), name
    assert {*green.__all__} >= {*green.__implements__, *green.__imports__, *green.__extensions__}


def test_other_names_are_the_standard_ones(modules: tuple[ModuleType, ModuleType]) -> None:
    green, standard = modules
    private = [name for name in vars(standard) if name[0] == "_" and name[:2] != "__"]
    for name in private:
        assert hasattr(green, name), name
    with pytest.raises(AttributeError, match="no_such_name"):
        green.no_such_name  # noqa: B018 - for its error


def test_openssl_has_every_name_of_its_original() -> None:
    standard = importlib.import_module("OpenSSL.SSL")
    green = importlib.import_module("eventlet.greensocket.openssl.SSL")
    assert [name for name in standard.__all__ if not hasattr(green, name)] == []
    assert green.Connection is not standard.Connection
    assert green.Context is standard.Context
    assert green.OP_NO_TICKET == standard.OP_NO_TICKET


def test_public_names_say_where_they_are_from() -> None:
    for name in eventlet.greensocket.__all__:
        value = getattr(eventlet.greensocket, name)
        assert getattr(value, "__module__", "eventlet.greensocket") == "eventlet.greensocket"
    assert sorted(eventlet.greensocket.__all__, key=str.lower)
    with pytest.raises(AttributeError, match="no_such_name"):
        eventlet.greensocket.no_such_name  # noqa: B018 - for its error
    for name in eventlet.util.__all__:
        assert hasattr(eventlet.util, name)
