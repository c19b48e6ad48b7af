from __future__ import annotations

import pytest

from eventlet.httpc import Headers, InvalidRequest


def test_is_a_mapping_without_regard_to_case() -> None:
    headers = Headers({"Content-Type": "a", "X": "1"})
    assert headers["content-TYPE"] == "a"
    assert "x" in headers
    assert 1 not in headers  # type: ignore[comparison-overlap]
    assert headers.get("y") is None
    with pytest.raises(KeyError):
        headers["y"]
    assert list(headers) == ["Content-Type", "X"]
    assert len(headers) == 2
    assert headers == {"content-type": "a", "x": "1"}
    assert headers != 1


def test_keeps_several_values_of_one_name_in_order() -> None:
    headers = Headers([("a", "1"), ("B", "2")])
    headers.add("A", "3")
    assert headers["a"] == "1, 3"
    assert headers.get_list("A") == ["1", "3"]
    assert headers.multi_items() == [("a", "1"), ("B", "2"), ("A", "3")]
    assert list(headers) == ["a", "B"]
    assert repr(headers) == "Headers([('a', '1'), ('B', '2'), ('A', '3')])"


def test_assigning_replaces_and_deleting_removes_all() -> None:
    headers = Headers([("a", "1"), ("A", "2"), ("b", "3")])
    headers["A"] = "4"
    assert headers.multi_items() == [("b", "3"), ("A", "4")]
    del headers["a"]
    assert headers.multi_items() == [("b", "3")]
    with pytest.raises(KeyError):
        del headers["a"]


def test_replace_and_extend_and_copy() -> None:
    headers = Headers([("a", "1"), ("b", "2")])
    twin = headers.copy()
    twin.replace([("A", "3"), ("a", "4")])
    twin.extend(None)
    assert twin.multi_items() == [("b", "2"), ("A", "3"), ("a", "4")]
    assert headers.multi_items() == [("a", "1"), ("b", "2")]
    assert Headers(headers) == headers


def test_received_headers_are_decoded_as_they_are() -> None:
    headers = Headers.received([(b"X", b"\xe9 \t"), (b"x", b"")])
    assert headers.get_list("x") == ["\xe9", ""]


@pytest.mark.parametrize("name", ["", "a b", "a:", "a\r\n", "é", "a\0", 1])
def test_refuses_names_that_are_none(name: str) -> None:
    with pytest.raises(InvalidRequest, match="header name"):
        Headers({name: "x"})


@pytest.mark.parametrize("value", ["a\r\nb: c", "a\nb", "a\rb", "a\0b", "\x7f"])
def test_refuses_values_that_end_the_line(value: str) -> None:
    for put in (Headers().add, Headers().__setitem__):
        with pytest.raises(InvalidRequest, match="control characters"):
            put("X", value)


def test_refuses_values_that_cannot_be_written() -> None:
    with pytest.raises(InvalidRequest, match="beyond Latin-1"):
        Headers({"X": "€"})
    with pytest.raises(InvalidRequest, match="must be text"):
        Headers({"X": 1})  # type: ignore[arg-type]


def test_surrounding_blanks_are_no_part_of_a_value() -> None:
    assert Headers({"X": " a\tb "})["x"] == "a\tb"
