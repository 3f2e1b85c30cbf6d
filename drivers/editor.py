"""What an editor shows of a YAML file: yaml-language-server, spoken to on its standard input as they do."""

from __future__ import annotations

import itertools
import json
import os
import select
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from drivers import traffic
from drivers.errors import ServiceError, brief
from foundation import npm
from foundation.cache import ROOT
from reports import evidence

ANSWER_SECONDS = 30.0
"""How long an answer may take; the first takes a second on two cores."""

_SERVER = Path("yaml-language-server") / "bin" / "yaml-language-server"
_CHUNK = 1 << 16

Message = dict[str, Any]


@dataclass(frozen=True, order=True)
class Mark:
    """What an editor underlines.

    Attributes:
        line: from 1.
        words: what it says when the person points there.
    """

    line: int
    words: str


class Frames:
    """Messages of the language server protocol in a stream of bytes: a header, an empty line, a body."""

    def __init__(self) -> None:
        self._unread = b""

    @staticmethod
    def framed(message: Message) -> bytes:
        """A message as it is sent."""
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        return b"Content-Length: %d\r\n\r\n%s" % (len(body), body)

    def fed(self, chunk: bytes) -> Iterator[Message]:
        """The messages that this chunk completes.

        Raises:
            ServiceError: a header tells no length.
        """
        self._unread += chunk
        while b"\r\n\r\n" in self._unread:
            head, _, rest = self._unread.partition(b"\r\n\r\n")
            length = _length(head)
            if len(rest) < length:
                return
            self._unread = rest[length:]
            yield json.loads(rest[:length])


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length" and value.strip().isdigit():
            return int(value)
    raise ServiceError(
        "tell the length of a message", of="the editor", answer=brief(head.decode(errors="replace"))
    )


class Editor:
    """An editor with a schema for the files of one name.

    Args:
        server: the language server, started.
        schema: a JSON Schema's file.
        named: what the files are called that it is for.
    """

    def __init__(self, server: subprocess.Popen[bytes], schema: Path, named: str) -> None:
        self._server = server
        self._named = named
        self._frames = Frames()
        self._waiting: list[Message] = []
        self._numbers = itertools.count(1)
        # Only this schema: without it the server would look for one in the network.
        self._settings = {
            "yaml": {
                "schemas": {schema.as_uri(): [named]},
                "schemaStore": {"enable": False},
                "validate": True,
                "completion": True,
            }
        }
        self._ask("initialize", {"processId": os.getpid(), "rootUri": None, "capabilities": _ABILITIES})
        self._send({"method": "initialized", "params": {}})
        self._await(lambda one: one.get("method") == "workspace/configuration", "ask for its settings")

    def marks(self, text: str) -> frozenset[Mark]:
        """What it marks in a file that is opened with this text."""
        uri = self._opened(text)
        told = self._await(
            lambda one: (
                one.get("method") == "textDocument/publishDiagnostics" and one["params"]["uri"] == uri
            ),
            "check a file",
        )
        return frozenset(
            Mark(one["range"]["start"]["line"] + 1, one["message"]) for one in told["params"]["diagnostics"]
        )

    def offers(self, text: str, line: int) -> frozenset[str]:
        """The words that it offers to complete the end of a line, counted from 1."""
        place = {"line": line - 1, "character": len(text.split("\n")[line - 1])}
        document = {"uri": self._opened(text)}
        answer = self._ask("textDocument/completion", {"textDocument": document, "position": place})
        return frozenset(one["label"] for one in answer["result"]["items"])

    def _opened(self, text: str) -> str:
        uri = f"file:///team-{next(self._numbers)}/{self._named}"
        document = {"uri": uri, "languageId": "yaml", "version": 1, "text": text}
        self._send({"method": "textDocument/didOpen", "params": {"textDocument": document}})
        return uri

    def _ask(self, method: str, params: Mapping[str, Any]) -> Message:
        number = next(self._numbers)
        self._send({"id": number, "method": method, "params": params})
        answer = self._await(lambda one: "method" not in one and one.get("id") == number, method)
        if "error" in answer:
            raise ServiceError(method, of="the editor", answer=brief(answer["error"]))
        return answer

    def _send(self, message: Message) -> None:
        _stream(self._server.stdin).write(Frames.framed(message))

    def _await(self, wanted: Any, asked: str) -> Message:
        deadline = time.monotonic() + ANSWER_SECONDS
        with traffic.asking("editor", asked):
            while True:
                for position, message in enumerate(self._waiting):
                    if wanted(message):
                        del self._waiting[: position + 1]
                        return message
                self._waiting += self._heard(deadline - time.monotonic(), asked)

    def _heard(self, within: float, asked: str) -> list[Message]:
        stream = _stream(self._server.stdout)
        ready, _, _ = select.select([stream], [], [], max(within, 0))
        chunk = os.read(stream.fileno(), _CHUNK) if ready else b""
        if not chunk:
            answer = f"nothing after {ANSWER_SECONDS:.0f} s" if not ready else "it ended"
            raise ServiceError(asked, of="the editor", answer=answer)
        messages = list(self._frames.fed(chunk))
        for message in messages:
            if "method" in message and "id" in message:
                self._send({"id": message["id"], "result": self._answer(message)})
        return messages

    def _answer(self, message: Message) -> Any:
        """What an editor answers to its server's own questions: its settings, else nothing."""
        if message["method"] != "workspace/configuration":
            return None
        return [self._settings.get(item.get("section"), {}) for item in message["params"]["items"]]


_ABILITIES = {"workspace": {"configuration": True}, "textDocument": {"publishDiagnostics": {}}}


def _stream(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise ServiceError("be spoken to", of="the editor", answer="it has no such pipe")
    return pipe


@contextmanager
def opened(schema: Path, named: str) -> Iterator[Editor]:
    """An editor for files of this name, ended when the block is left.

    Raises:
        UserError: Node.js is missing or too old.
        ServiceError: the server does not answer in time.
    """
    evidence.touched("editor")
    words: list[str | Path] = [npm.node(), npm.modules("editor", ROOT / "editor") / _SERVER, "--stdio"]
    with subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0
    ) as server:
        try:
            yield Editor(server, schema, named)
        finally:
            server.kill()
