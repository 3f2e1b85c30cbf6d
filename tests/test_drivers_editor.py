"""The editor's messages are framed, and one that does not speak is given up by name."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from drivers import editor
from drivers.editor import Editor, Frames, Mark
from drivers.errors import ServiceError
from foundation.cache import ROOT

SERVER = """
import json, sys

def send(message):
    body = json.dumps({"jsonrpc": "2.0", **message}).encode()
    sys.stdout.buffer.write(b"Content-Length: %d\\r\\n\\r\\n%s" % (len(body), body))
    sys.stdout.buffer.flush()

def read():
    length = int(sys.stdin.buffer.readline().split(b":")[1])
    sys.stdin.buffer.readline()
    return json.loads(sys.stdin.buffer.read(length))

while True:
    one = read()
    if one.get("method") == "initialize":
        send({"id": one["id"], "result": {}})
    elif one.get("method") == "initialized":
        asked = {"items": [{"section": "yaml"}, {"section": "http"}]}
        send({"id": 0, "method": "workspace/configuration", "params": asked})
        settings = read()["result"]
    elif one.get("method") == "textDocument/didOpen":
        uri = one["params"]["textDocument"]["uri"]
        words = ",".join([*settings[0]["schemas"], *map(str, settings[1:])])
        told = [{"range": {"start": {"line": 4}}, "message": words}]
        send({"method": "textDocument/publishDiagnostics", "params": {"uri": "other", "diagnostics": []}})
        send({"method": "textDocument/publishDiagnostics", "params": {"uri": uri, "diagnostics": told}})
    elif one.get("method") == "textDocument/completion":
        place = one["params"]["position"]
        if place["line"] == 9:
            send({"id": one["id"], "error": {"message": "no such line"}})
        else:
            send({"id": one["id"], "result": {"items": [{"label": f"{place['line']}:{place['character']}"}]}})
"""


def server(code: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
    )


def test_messages_are_read_however_they_are_cut() -> None:
    stream = Frames.framed({"id": 1, "result": "é"}) + Frames.framed({"method": "x"})
    frames = Frames()
    found = [message for byte in stream for message in frames.fed(bytes([byte]))]
    assert found == [{"jsonrpc": "2.0", "id": 1, "result": "é"}, {"jsonrpc": "2.0", "method": "x"}]
    assert list(Frames().fed(stream)) == found


def test_the_length_of_a_message_is_that_of_its_bytes() -> None:
    head, _, body = Frames.framed({"id": 1}).partition(b"\r\n\r\n")
    assert (head, json.loads(body)) == (b"Content-Length: %d" % len(body), {"jsonrpc": "2.0", "id": 1})


def test_a_header_without_a_length_is_refused() -> None:
    with pytest.raises(ServiceError, match="tell the length of a message and answered: Content-Type: x"):
        list(Frames().fed(b"Content-Type: x\r\n\r\n{}"))


def test_it_is_asked_as_an_editor_asks(tmp_path: Path) -> None:
    schema = tmp_path / "schema.json"
    with server(SERVER) as process:
        try:
            opened = Editor(process, schema, "floe.yaml")
            assert opened.marks("a: 1") == frozenset({Mark(5, f"{schema.as_uri()},{{}}")})
            assert opened.offers("a:\n  b: \nc: 1", 2) == frozenset({"1:5"})
            with pytest.raises(ServiceError, match="no such line"):
                opened.offers("\n" * 20, 10)
        finally:
            process.kill()


@pytest.mark.parametrize(
    ("code", "answer"), [("", "it ended"), ("import sys; sys.stdin.read()", "nothing after 1 s")]
)
def test_one_that_says_nothing_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, answer: str
) -> None:
    monkeypatch.setattr(editor, "ANSWER_SECONDS", 1.0)
    with server(code) as process:
        try:
            with pytest.raises(ServiceError, match=f"editor was asked to initialize and answered: {answer}"):
                Editor(process, tmp_path, "floe.yaml")
        finally:
            process.kill()


def test_the_lock_names_no_registry() -> None:
    lock = (ROOT / "editor" / "package-lock.json").read_text()
    assert ('"node_modules/yaml-language-server"' in lock, "resolved" in lock) == (True, False)
