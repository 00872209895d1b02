"""Recorded dialogues: reads them, plays them against a server, and says where it answers otherwise.

`conformance/dialogues/README.md` describes the format for people who write one.
"""

import http.client
import json
import re
import time
import urllib.parse
from pathlib import Path

import pattern

ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
# RFC 7644 §3.12, table 9; RFC 9865 §3.
SCIM_TYPES = {
    *("invalidFilter", "tooMany", "uniqueness", "mutability", "invalidSyntax", "invalidPath"),
    *("noTarget", "invalidValue", "invalidVers", "sensitive"),
    *("invalidCursor", "expiredCursor", "invalidCount"),
}
METHODS = "GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS"


class Wrong(Exception):
    """A dialogue that cannot be read. The text names the file and the line."""


class Expected:
    """One answer that would be right."""

    def __init__(self, statuses, milliseconds):
        self.statuses, self.milliseconds = statuses, milliseconds
        self.headers, self.body = [], None


class Exchange:
    """A request and the answers that would be right."""

    def __init__(self, title, line):
        self.title, self.line = title, line
        self.method = self.target = self.body = None
        self.headers, self.expected = [], []

    def __str__(self):
        return f"{self.title} (line {self.line})"


class Dialogue:
    """A file: what is the same in all requests, and the exchanges in their order."""

    def __init__(self, path):
        self.path, self.variables, self.headers, self.exchanges = Path(path), {}, [], []
        self._read(self.path.read_text("utf-8").splitlines())
        if not self.exchanges:
            raise Wrong(f"{path}: no exchange in it")

    @property
    def dialect(self):
        """How the client that talks here speaks SCIM; a server of another make may ignore it."""
        return self.variables["dialect"]

    def _read(self, lines):
        exchange, part, text = None, "top", []

        def close(number):
            """Ends the JSON that was being read."""
            body = "\n".join(text).strip()
            text.clear()
            if not body:
                return
            if part == "request body":
                exchange.body = body
                return
            try:
                exchange.expected[-1].body = json.loads(body)
            except ValueError as wrong:
                raise Wrong(f"{self.path}:{number}: above this line is no JSON: {wrong}") from None

        for number, line in enumerate(lines, 1):
            if line.startswith("###"):
                close(number)
                exchange, part = Exchange(line.lstrip("# ").strip(), number), "request"
                self.exchanges.append(exchange)
            elif line.lstrip().startswith("#"):
                continue
            elif part.endswith("body") and not re.match(r"HTTP \d", line):
                text.append(line)
            elif exchange and re.match(r"HTTP \d", line):
                close(number)
                exchange.expected.append(self._status(line, number))
                part = "answer"
            elif not line.strip():
                part = {"request headers": "request body", "answer": "answer body"}.get(part, part)
            elif part == "top":
                self._top(line, number)
            elif part == "request":
                words = re.fullmatch(rf"({METHODS}) (/.*)", line)
                if not words:
                    raise Wrong(f"{self.path}:{number}: a request begins with METHOD /path")
                exchange.method, exchange.target = words[1], words[2].strip()
                part = "request headers"
            else:
                of = exchange if part == "request headers" else exchange.expected[-1]
                of.headers.append(self._header(line, number))
        close(len(lines))
        self.variables.setdefault("dialect", "standard")
        for one in self.exchanges:
            if not one.method or not one.expected:
                raise Wrong(f"{self.path}:{one.line}: a request and an answer are wanted")

    def _top(self, line, number):
        variable = re.fullmatch(r"@([\w.-]+) *= *(.*)", line)
        if variable:
            self.variables[variable[1]] = pattern.filled(variable[2].strip(), self.variables)
        else:
            self.headers.append(self._header(line, number))

    def _header(self, line, number):
        name, colon, value = line.partition(":")
        if not colon or " " in name.strip():
            raise Wrong(f"{self.path}:{number}: `Name: value` is wanted, not {line!r}")
        return name.strip(), value.strip()

    def _status(self, line, number):
        words = re.fullmatch(r"HTTP (\d{3}(?: or \d{3})*)(?: within (\d+) ms)?", line.strip())
        if not words:
            forms = "`HTTP 200`, `HTTP 200 or 204`, `HTTP 200 within 600 ms`"
            raise Wrong(f"{self.path}:{number}: an answer begins with one of {forms}")
        return Expected([int(code) for code in words[1].split(" or ")], words[2] and int(words[2]))


# Playing ---------------------------------------------------------------------------------------


class Answer:
    """What the server said, and how long it took to say it."""

    def __init__(self, status, headers, content, milliseconds):
        self.status, self.headers, self.milliseconds = status, headers, milliseconds
        self.text = content.decode("utf-8", "replace")
        try:
            self.json = json.loads(self.text) if self.text else pattern.MISSING
        except ValueError:
            self.json = pattern.MISSING


class Caller:
    """A client of one server. Sends what a dialogue says, and nothing of its own but the token."""

    def __init__(self, base, token):
        self.base, self.token = base.rstrip("/"), token
        parts = urllib.parse.urlsplit(self.base)
        secure = parts.scheme == "https"
        kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        self.connect, self.prefix = lambda: kind(parts.netloc, timeout=65), parts.path

    def send(self, method, target, headers, body):
        # `%` and `+` stay: whoever wrote them meant them.
        target = urllib.parse.quote(self.prefix + target, safe="/?&=%+,:;@!$'()*~-._")
        connection, begun = self.connect(), time.monotonic()
        try:
            connection.putrequest(method, target, skip_accept_encoding=True)
            sent = {"Authorization": f"Bearer {self.token}"}
            for name, value in headers:
                kept = next((known for known in sent if known.lower() == name.lower()), name)
                sent.pop(kept, None)
                sent[name] = value
            content = None if body is None else body.encode()
            if content is not None:
                sent["Content-Length"] = str(len(content))
            for name, value in sent.items():
                if value != "<none>":
                    connection.putheader(name, value)
            connection.endheaders(content)
            answer = connection.getresponse()
            content = answer.read()
            return Answer(answer.status, answer.headers, content, (time.monotonic() - begun) * 1000)
        finally:
            connection.close()


class Result:
    """How an exchange went: `wrong` has a line for each thing that is not as it should be."""

    def __init__(self, exchange, request, answer, wrong):
        self.exchange, self.request, self.answer, self.wrong = exchange, request, answer, wrong


def play(dialogue, caller):
    """Plays a dialogue, yields a `Result` per exchange, and deletes what it made and left."""
    known = {**dialogue.variables, "base": caller.base, "token": caller.token}
    made = []
    try:
        for exchange in dialogue.exchanges:
            result, known = _exchange(dialogue, exchange, caller, known)
            _remember(result, caller, made)
            yield result
    finally:
        for target in reversed(made):
            caller.send("DELETE", target, [], None)


def _remember(result, caller, made):
    """Keeps in mind what exists because of this dialogue."""
    answer = result.answer
    if answer is None:
        return
    if answer.status == 201 and isinstance(answer.json, dict):
        kind, identity = result.request.split()[1].split("?")[0].strip("/"), answer.json.get("id")
        if identity:
            made.append(f"/{kind}/{identity}")
    elif answer.status == 204 and result.exchange.method == "DELETE":
        gone = result.request.split()[1]
        made[:] = [target for target in made if target != gone]


def _exchange(dialogue, exchange, caller, known):
    target = exchange.target
    try:
        target = pattern.filled(exchange.target, known)
        request = f"{exchange.method} {target}"
        headers = {name.lower(): (name, value) for name, value in dialogue.headers}
        if exchange.body is None:
            headers.pop("content-type", None)
        headers |= {name.lower(): (name, value) for name, value in exchange.headers}
        headers = [(name, pattern.filled(value, known)) for name, value in headers.values()]
        body = exchange.body
        if body is not None:
            escaped = {name: json.dumps(str(value))[1:-1] for name, value in known.items()}
            body = pattern.filled(body, escaped)
        answer = caller.send(exchange.method, target, headers, body)
    except pattern.Unknown as unknown:
        return Result(
            exchange, f"{exchange.method} {target}", None, [f"not sent: {unknown}"]
        ), known
    except (OSError, http.client.HTTPException) as failure:
        return Result(exchange, request, None, [f"no answer: {failure!r}"]), known
    always = _always(exchange, answer, caller, dict(headers))
    tries = []
    for expected in exchange.expected:
        wrong, more = _compare(expected, answer, known)
        if not wrong:
            return Result(exchange, request, answer, always), more
        # When several answers would be right, the one of this status is the one that was meant.
        tries.append((answer.status not in expected.statuses, len(wrong), wrong, more))
    # What was captured is kept, so that the rest of the dialogue can be tried.
    _, _, wrong, more = min(tries, key=lambda one: one[:2])
    return Result(exchange, request, answer, wrong + always), more


def _compare(expected, answer, known):
    wrong = []
    if answer.status not in expected.statuses:
        codes = " or ".join(map(str, expected.statuses))
        wrong.append(f"status {answer.status} instead of {codes}: {answer.text[:300]}")
        return wrong, known
    if expected.milliseconds and answer.milliseconds > expected.milliseconds:
        wrong.append(f"it took {answer.milliseconds:.0f} ms, not {expected.milliseconds}")
    try:
        if expected.body is None:
            if answer.text:
                wrong.append(f"a body where none is expected: {answer.text[:300]}")
        elif answer.json is pattern.MISSING:
            wrong.append(f"no JSON in the body: {answer.text[:300]!r}")
        else:
            found, known = pattern.differences(expected.body, answer.json, known)
            wrong += found
        for name, wanted in expected.headers:
            value = answer.headers.get(name, pattern.MISSING)
            if name.lower() == "content-type" and value is not pattern.MISSING:
                value = value.partition(";")[0].strip()
            found, known = pattern.differences(wanted, value, known, f"header {name}")
            wrong += found
    except pattern.Unknown as unknown:
        wrong.append(str(unknown))
    return wrong, known


# What holds of every answer --------------------------------------------------------------------


def _always(exchange, answer, caller, sent):
    """The rules of RFC 7644 that no dialogue need repeat."""
    wrong = []
    kind = (answer.headers.get("Content-Type") or "").partition(";")[0].strip()
    accepted = {"application/scim+json"}
    if "application/json" in sent.get("Accept", ""):
        accepted.add("application/json")
    if answer.text and kind not in accepted:
        wrong.append(f"Content-Type is {kind or 'missing'} (RFC 7644 §3.8)")
    if answer.status in (204, 304) and answer.text:
        wrong.append(f"{answer.status} with a body")
    if answer.status == 201 and answer.headers.get("Location") is None:
        wrong.append("201 without Location (RFC 7644 §3.3)")
    body = answer.json
    if not isinstance(body, dict):
        return wrong
    if answer.status >= 400:
        return wrong + _error(body, answer.status)
    meta = body.get("meta") if isinstance(body.get("meta"), dict) else {}
    equal = {"Location": "location", "Content-Location": "location", "ETag": "version"}
    for header, name in equal.items():
        value, kept = answer.headers.get(header), meta.get(name)
        if value is not None and kept is not None and value != kept:
            wrong.append(f"{header} is {value}, meta.{name} is {kept} (RFC 7643 §3.1)")
    for resource in [body, *(r for r in body.get("Resources") or [] if isinstance(r, dict))]:
        wrong += _resource(resource, caller)
    return wrong


def _error(body, status):
    wrong = []
    if body.get("schemas") != [ERROR]:
        wrong.append(f"schemas of an error is {body.get('schemas')!r} (RFC 7644 §3.12)")
    if body.get("status") != str(status):
        wrong.append(f"status in the error is {body.get('status')!r}, not {str(status)!r}")
    if body.get("scimType") is not None and body["scimType"] not in SCIM_TYPES:
        wrong.append(f"scimType {body['scimType']!r} is in no RFC")
    if not isinstance(body.get("detail", ""), str):
        wrong.append("detail is no text")
    return wrong


def _resource(resource, caller):
    wrong = []
    identity, meta = resource.get("id"), resource.get("meta") or {}
    location, kind = meta.get("location"), meta.get("resourceType")
    if "password" in resource:
        wrong.append("a password in an answer (RFC 7643 §4.1.1)")
    if kind in ("User", "Group") and location is not None:
        at = f"{caller.base}/{kind}s/{identity}"
        if location != at:
            wrong.append(f"meta.location is {location}, the resource is at {at}")
    return wrong
