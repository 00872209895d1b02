#!/usr/bin/env python3
"""Cases from the text of RFC 7643 and RFC 7644 against a running SCIM server.

    conformance/cases/run.py URL TOKEN [--dialect strict|standard] [--admin-token TOKEN]

URL is the SCIM base, such as http://127.0.0.1:8080/scim/v2. The directory of `directory.json` is
made there, every case of the `*.toml` files is run, and what was made is deleted again. Python's
standard library only; README.md says what the files mean.
"""

import argparse
import datetime
import decimal
import http.client
import json
import random
import re
import ssl
import string
import sys
import time
import tomllib
import urllib.parse
from pathlib import Path

HERE = Path(__file__).resolve().parent

CORE = {
    "Users": "urn:ietf:params:scim:schemas:core:2.0:User",
    "Groups": "urn:ietf:params:scim:schemas:core:2.0:Group",
}
PROBE = "urn:ietf:params:scim:schemas:extension:probe:2.0:User"
ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
SEARCH = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"

# What a file may say; anything else is a slip of the pen.
STEP_KEYS = {
    "send", "body", "operations", "put", "post", "patch", "headers", "content_type", "repeat",
    "filter", "found", "found_one_of", "at", "via", "query",
    "status", "scimType", "answer", "present", "absent", "text_absent", "header", "no_body",
    "order", "within", "after", "unchanged", "changed", "not_found", "schemas", "same_as_get",
    "answer_one_of", "walk", "cursor_walk", "size", "same_location", "equal",
}
CASE_KEYS = STEP_KEYS | {
    "name", "why", "rfc", "debatable", "needs", "only", "resource", "before", "step",
}


class Differs(Exception):
    """The server did something else than the case says. The text is for people."""


class Broken(Exception):
    """The server failed in a way no reading allows: no answer, or a 5xx."""


# Talking HTTP ---------------------------------------------------------------------------------


class Answer:
    """An HTTP answer with its JSON body, `None` when there is none."""

    def __init__(self, request, status, headers, body):
        self.request, self.status, self.headers = request, status, headers
        self.text = body.decode("utf-8", "replace")
        try:
            self.json = json.loads(body, parse_float=decimal.Decimal) if body else None
        except (ValueError, RecursionError):
            self.json = None


class Server:
    """A SCIM server behind a bearer token, over one connection that is kept."""

    def __init__(self, base, token):
        self.base, self.token = base.rstrip("/"), token
        self.url = urllib.parse.urlsplit(self.base)
        self.connection = None

    def _connect(self, timeout):
        if self.url.scheme == "https":
            return http.client.HTTPSConnection(
                self.url.netloc, timeout=timeout, context=ssl.create_default_context()
            )
        return http.client.HTTPConnection(self.url.netloc, timeout=timeout)

    def send(self, method, path, body=None, headers=(), timeout=30):
        """One request. `body` is text that is sent as it is, or something to send as JSON."""
        if body is not None and not isinstance(body, (str, bytes)):
            body = json.dumps(body)
        payload = body.encode() if isinstance(body, str) else body
        sent = {"Authorization": f"Bearer {self.token}", "Accept": "application/scim+json"}
        if payload is not None:
            sent["Content-Type"] = "application/scim+json"
        sent.update(headers)
        sent = {name: value for name, value in sent.items() if value is not None}
        request = f"{method} {path}"
        shown = payload.decode("utf-8", "replace") if payload else ""
        if shown:
            request += f"\n{shown if len(shown) <= 1500 else shown[:1500] + ' …'}"
        target = self.url.path + path
        for attempt in (1, 2):
            kept = self.connection is not None
            if not kept:
                self.connection = self._connect(timeout)
            try:
                self.connection.request(method, target, payload, sent)
                answer = self.connection.getresponse()
                got = Answer(request, answer.status, answer.headers, answer.read())
                if answer.will_close:
                    self._close()
                return got
            except (OSError, http.client.HTTPException) as failure:
                self._close()
                # A connection that was kept may have been closed long ago.
                if attempt == 1 and kept and not isinstance(failure, TimeoutError):
                    continue
                raise Broken(f"{request}\nno answer: {failure!r}") from None
        raise AssertionError

    def _close(self):
        if self.connection is not None:
            self.connection.close()
        self.connection = None


# Comparing resources --------------------------------------------------------------------------

MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?$")


def moment(text):
    """The instant a dateTime names; without an offset it is taken as UTC."""
    text = text.replace("Z", "+00:00")
    head, _, rest = text.partition(".")
    if rest:
        digits = re.match(r"\d+", rest)[0]
        text = f"{head}.{digits[:6].ljust(6, '0')}{rest[len(digits):]}"
    when = datetime.datetime.fromisoformat(text)
    return when if when.tzinfo else when.replace(tzinfo=datetime.timezone.utc)


def empty(value):
    return value is None or value == [] or value == {}


def plain(value, parent=""):
    """A value in the form in which two representations of one state are equal.

    Unassigned, null and [] are one state (RFC 7643 §2.5), `primary` is assumed to be false
    (§2.4), the order of values and of sub-attributes means nothing, names have no case (§2.1),
    and a dateTime is an instant. What a server computes of its own accord is left out: `$ref`,
    and the labels of members and managers.
    """
    if isinstance(value, dict):
        out = {}
        for name, inner in value.items():
            name = name.lower()
            if name == "$ref" or (name == "primary" and inner is False):
                continue
            if parent in ("members", "groups") and name in ("display", "type"):
                continue
            if parent == "manager" and name == "displayname":
                continue
            inner = plain(inner, name)
            if not empty(inner):
                out[name] = inner
        return out
    if isinstance(value, list):
        inner = [plain(one, parent) for one in value]
        return sorted((one for one in inner if not empty(one)), key=dumps)
    if isinstance(value, str) and MOMENT.match(value):
        try:
            return moment(value).astimezone(datetime.timezone.utc).isoformat()
        except ValueError:
            return value
    if isinstance(value, decimal.Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value


def dumps(value):
    return json.dumps(value, sort_keys=True, ensure_ascii=False, default=float)


def content(resource):
    """What clients wrote: everything but id, meta and schemas."""
    bare = {k: v for k, v in resource.items() if k.lower() not in ("id", "meta", "schemas")}
    return plain(bare)


def overlay(state, after):
    """`state` with the attributes of `after` in place of its own; null takes one away."""
    out = dict(state)
    for name, value in after.items():
        name = name.lower()
        if name.startswith("urn:") and isinstance(value, dict):
            value = overlay(out.get(name, {}), value)
        else:
            value = plain(value, name)
        if empty(value):
            out.pop(name, None)
        else:
            out[name] = value
    return out


def look(resource, path):
    """The value at a path such as `name.givenName` or `urn:…:User:department`; names have no case."""
    if not isinstance(resource, dict):
        return None
    lower = {k.lower(): v for k, v in resource.items()}
    path = path.lower()
    if path in lower:
        return lower[path]
    for name, value in lower.items():
        if path.startswith(f"{name}:"):
            return look(value, path[len(name) + 1 :])
    head, dot, rest = path.partition(".")
    if not dot or head not in lower:
        return None
    value = lower[head]
    if isinstance(value, list):
        found = [look(one, rest) for one in value]
        return [one for one in found if one is not None] or None
    return look(value, rest)


def contains(whole, part):
    """Whether `part` is in `whole`: objects by member, lists by some element each, else equal."""
    if isinstance(part, dict):
        if not isinstance(whole, dict):
            return False
        lower = {k.lower(): v for k, v in whole.items()}
        return all(
            (k.lower() not in lower or empty(lower[k.lower()]))
            if v is None
            else k.lower() in lower and contains(lower[k.lower()], v)
            for k, v in part.items()
        )
    if isinstance(part, list):
        if not isinstance(whole, list):
            return False
        return all(any(contains(one, wanted) for one in whole) for wanted in part)
    if isinstance(part, bool) or isinstance(whole, bool):
        return part is whole
    return plain(whole) == plain(part)


# The directory --------------------------------------------------------------------------------


class Directory:
    """The fixed people and groups, and what the server says it can do."""

    def __init__(self, server, options):
        self.server, self.options = server, options
        self.made, self.ids, self.names = [], {}, {}
        self.can = set()

    def prepare(self):
        self._capabilities()
        data = json.loads((HERE / "directory.json").read_text("utf-8"))
        for endpoint, key in (("Users", "userName"), ("Groups", "displayName")):
            for resource in data[endpoint]:
                made = self._make(endpoint, resource, resource[key])
                self.ids[resource[key]] = (endpoint, made["id"])
                self.names[made["id"]] = resource[key]
        endpoint, identity = self.ids["bjensen"]
        if self.server.send("GET", f"/{endpoint}/{identity}").json.get("groups"):
            self.can.add("groups")  # RFC 7643 §4.1.2: the server tells whose groups these are
        totals = [self.server.send("GET", f"/{one}?count=0").json for one in ("Users", "Groups")]
        if [total.get("totalResults") for total in totals] == [len(data[one]) for one in CORE]:
            self.can.add("alone")  # nobody else is in the directory

    def _capabilities(self):
        config = self.server.send("GET", "/ServiceProviderConfig")
        if config.status != 200 or not isinstance(config.json, dict):
            sys.exit(f"{self.server.base}/ServiceProviderConfig was answered {config.status}")
        for feature in ("patch", "bulk", "filter", "sort", "etag"):
            if (config.json.get(feature) or {}).get("supported") is True:
                self.can.add(feature)
        if (config.json.get("pagination") or {}).get("cursor") is True:
            self.can.add("cursor")
        if self.options.admin_token:
            self._bring_probe()
        known = self.server.send("GET", f"/Schemas/{PROBE}")
        if known.status == 200:
            self.can.add("probe")
        if self.server.send("GET", "/?count=0").status == 200:
            self.can.add("root")
        self.can.add(self.options.dialect)

    def _bring_probe(self):
        """Puts the probe extension on a Rollcall, by its admin API."""
        base = re.sub(r"(/o/[^/]+)?/scim/v2$", "", self.server.base)
        admin = Server(base, self.options.admin_token)
        document = json.loads((HERE / "probe.json").read_text("utf-8"))
        if self.options.indexed:
            for one in document["attributes"]:
                for part in one.get("subAttributes", [one]):
                    part["indexed"] = part["type"] != "binary"
        json_kind = {"Content-Type": "application/json", "Accept": "application/json"}
        answer = admin.send(
            "PUT", f"/api/v1/schemas/{PROBE}", {**document, "extends": "User"}, json_kind
        )
        if answer.status not in (200, 201, 204):
            print(f"The probe extension was not accepted: {answer.status} {answer.text[:500]}")

    def _make(self, endpoint, resource, name):
        body = self.fill(json.dumps(self.shape(endpoint, resource)))
        answer = self.server.send("POST", f"/{endpoint}", body)
        if answer.status == 409 and self.options.replace:
            attribute = "userName" if endpoint == "Users" else "displayName"
            query = urllib.parse.quote(f"{attribute} eq {json.dumps(name)}")
            for old in self.server.send("GET", f"/{endpoint}?filter={query}").json["Resources"]:
                self.server.send("DELETE", f"/{endpoint}/{old['id']}")
            answer = self.server.send("POST", f"/{endpoint}", body)
        if answer.status != 201 or not isinstance(answer.json, dict) or "id" not in answer.json:
            self.clean()
            sys.exit(
                f"{name} of directory.json could not be made: {answer.status} {answer.text[:800]}\n"
                "(--replace deletes what an earlier run left behind)"
            )
        self.made.append(f"/{endpoint}/{answer.json['id']}")
        return answer.json

    def shape(self, endpoint, resource):
        """A resource as it is posted: with `schemas`, and without what the server does not know."""
        out = {k: v for k, v in resource.items() if k != PROBE or "probe" in self.can}
        if "schemas" not in out:
            extensions = [name for name in out if name.lower().startswith("urn:")]
            out = {"schemas": [CORE[endpoint], *extensions], **out}
        return out

    def clean(self):
        for path in reversed(self.made):
            try:
                self.server.send("DELETE", path)
            except Broken:
                pass
        self.made.clear()

    def fill(self, text, case=None):
        """Puts values in place of {{id:NAME}}, {{created:NAME}}, {{self}}, {{version}} and the like."""

        def one(match):
            word, _, name = match[1].partition(":")
            if word == "base":
                return self.server.base
            if word == "self":
                return case.id
            if word == "version":
                return case.state["meta"]["version"]
            if word == "opaque":
                return case.state["meta"]["version"].removeprefix("W/")
            if word == "first":
                return case.first["meta"]["version"]
            if word == "resource":
                return json.dumps(case.state, default=float)
            endpoint, identity = self.ids[name]
            if word == "id":
                return identity
            resource = self.server.send("GET", f"/{endpoint}/{identity}").json
            return str(resource["meta"][word])

        return re.sub(r"\{\{([^{}]+)\}\}", one, text)


# Running a case -------------------------------------------------------------------------------


class Case:
    """One case of a file: its steps, and the resource it works on."""

    def __init__(self, file, table):
        self.file, self.table, self.name = file, table, table["name"]
        unknown = set(table) - CASE_KEYS
        if unknown:
            sys.exit(f"{file.name}: {self.name}: unknown keys {sorted(unknown)}")
        for word in ("why", "rfc"):
            if not table.get(word):
                sys.exit(f"{file.name}: {self.name}: `{word}` is missing")
        self.debatable = table.get("debatable")
        self.steps = table.get("step") or [{k: v for k, v in table.items() if k in STEP_KEYS}]
        for step in self.steps:
            unknown = set(step) - STEP_KEYS
            if unknown:
                sys.exit(f"{file.name}: {self.name}: unknown keys {sorted(unknown)} in a step")
        self.endpoint = table.get("resource", "Users")
        self.id = self.state = self.first = None

    def missing(self, directory):
        """What the server lacks for this case."""
        needs = set(self.table.get("needs", []))
        if any("patch" in step or step.get("send", "").startswith("PATCH") for step in self.steps):
            needs.add("patch")
        if any("filter" in step for step in self.steps):
            needs.add("filter")
        only = self.table.get("only")
        if only and only not in directory.can:
            needs.add(f"the {only} dialect")
        return sorted(needs - directory.can)

    def run(self, directory):
        self.directory, self.server = directory, directory.server
        first = len(directory.made)
        try:
            if "before" in self.table:
                self._before()
            for step in self.steps:
                self._step(step)
        finally:
            for path in reversed(directory.made[first:]):
                self.server.send("DELETE", path)
            del directory.made[first:]

    def _before(self):
        resource = json.loads(self.fill(self.table["before"]))
        key = "userName" if self.endpoint == "Users" else "displayName"
        resource.setdefault(key, f"case-{self.name}")
        answer = self.server.send(
            "POST", f"/{self.endpoint}", self.directory.shape(self.endpoint, resource)
        )
        if answer.status != 201:
            raise Differs(
                f"{answer.request}\nwas answered {answer.status} {answer.text[:500]}\n"
                "the resource of `before` should have been made"
            )
        self.id = answer.json["id"]
        self.directory.made.append(f"/{self.endpoint}/{self.id}")
        self.state = self.first = self._read()

    def _read(self):
        answer = self.server.send("GET", f"/{self.endpoint}/{self.id}")
        if answer.status != 200:
            raise Differs(f"{answer.request}\nwas answered {answer.status}; the resource is gone")
        return answer.json

    def fill(self, text):
        return self.directory.fill(text, self)

    def _request(self, step):
        """Method, path and body of a step."""
        own = f"/{self.endpoint}/{self.id}"
        query = self.fill(step.get("query", ""))
        if "filter" in step and self.directory.options.beside:
            query = f"{query}&{self.directory.options.beside}".lstrip("&")
        if query:
            query = "?" + urllib.parse.quote(query, safe="=&,:.$%+-_~*/@!")
        if "filter" in step:
            text = self.fill(spread(step["filter"]))
            at = step.get("at", "/Users")
            via = step.get("via") or ("search" if self.directory.options.search else "get")
            if via == "search":
                at = "" if at == "/" else at
                return "POST", f"{at}/.search", dumps(
                    {"schemas": [SEARCH], "filter": text, "count": 500}
                )
            joint = "&" if query else "?"
            coded = urllib.parse.quote(text, safe="")
            if via == "plus":
                coded = coded.replace("%20", "+")
            return "GET", f"{at}{query}{joint}filter={coded}&count=500", None
        if "patch" in step:
            operations = self.fill(spread(step["patch"]))
            return "PATCH", own + query, f'{{"schemas":["{PATCH_OP}"],"Operations":{operations}}}'
        if "put" in step:
            return "PUT", own + query, self._whole(step["put"])
        if "post" in step:
            return "POST", f"/{self.endpoint}{query}", self._whole(step["post"])
        method, _, path = self.fill(step["send"]).partition(" ")
        body = self.fill(spread(step["body"])) if "body" in step else None
        return method, path + query, body

    def _whole(self, text):
        """A whole resource: `schemas` is added when the case does not say it."""
        text = self.fill(spread(text))
        try:
            resource = json.loads(text)
        except (ValueError, RecursionError):
            return text
        if not isinstance(resource, dict) or any(k.lower() == "schemas" for k in resource):
            return text
        return dumps(self.directory.shape(self.endpoint, resource))

    def _step(self, step):
        if "walk" in step or "cursor_walk" in step:
            return self._walk(step)
        pages = self.directory.options.pages
        if pages and "found" in step and "filter" in step and "status" not in step:
            walk = f"{step.get('at', '/Users')}?filter={self.fill(spread(step['filter']))}"
            self._walk({"walk": walk, "size": pages, "found": step["found"]})
        method, path, body = self._request(step)
        headers = {k: self.fill(v) or None for k, v in step.get("headers", {}).items()}
        began = time.monotonic()
        answer = self.server.send(method, path, body, headers)
        took = time.monotonic() - began
        try:
            self._judge(step, method, answer, took)
        except Differs as difference:
            raise Differs(
                f"{answer.request}\nwas answered {answer.status} {short(answer)}\n{difference}"
            ) from None

    def _walk(self, step):
        """Page by page from the first to the last: each one once, and never more than asked for."""
        by_cursor = "cursor_walk" in step
        path, size = self.fill(step["cursor_walk" if by_cursor else "walk"]), step["size"]
        path, _, query = path.partition("?")
        name, sign, value = query.partition("=")
        if name == "filter":
            query = f"{name}={urllib.parse.quote(value, safe='')}"
        elif sign:
            query = urllib.parse.quote(query, safe="=&,:.$%+-_~*/@!")
        query = f"{query}&" if query else ""
        seen, totals, cursor = [], set(), ""
        for number in range(100):
            place = f"cursor={cursor}" if by_cursor else f"startIndex={len(seen) + 1}"
            answer = self.server.send("GET", f"{path}?{query}{place}&count={size}")
            tail = f"\n(page {number + 1} of {answer.request})"
            if answer.status != 200:
                raise Differs(f"was answered {answer.status} {short(answer)}{tail}")
            page = answer.json.get("Resources") or []
            totals.add(answer.json.get("totalResults"))
            if len(page) > size:
                raise Differs(f"{len(page)} resources where at most {size} were asked for{tail}")
            if page and answer.json.get("itemsPerPage") != len(page) and not by_cursor:
                raise Differs(f"itemsPerPage is not the number of resources, {len(page)}{tail}")
            if page and not by_cursor and answer.json.get("startIndex") != len(seen) + 1:
                raise Differs(f"startIndex is not {len(seen) + 1}{tail}")
            seen += [one.get("id") for one in page]
            if len(seen) != len(set(seen)):
                raise Differs(f"a resource is on two pages{tail}")
            if by_cursor:
                cursor = answer.json.get("nextCursor")
                if number == 0 and "previousCursor" in answer.json:
                    raise Differs(f"the first page has a previousCursor{tail}")
                if cursor is not None and not re.fullmatch(r"[A-Za-z0-9._~-]+", cursor):
                    raise Differs(f"a cursor holds only unreserved characters{tail}")
                if cursor is None:
                    break
            elif not page or len(seen) >= answer.json["totalResults"]:
                break
        else:
            raise Differs("a hundred pages, and no end")
        if not by_cursor and totals != {len(seen)}:
            raise Differs(f"totalResults was {totals}, and {len(seen)} resources were there")
        names = [self.directory.names[one] for one in seen if one in self.directory.names]
        wanted = step.get("order") or step["found"]
        if names != wanted if "order" in step else sorted(names) != sorted(wanted):
            raise Differs(f"expected {wanted} on all pages, not {names}")

    def _judge(self, step, method, answer, took):
        if method == "POST" and answer.status == 201 and isinstance(answer.json, dict):
            made = f"/{self.endpoint}/{answer.json.get('id')}"
            self.directory.made.append(made)
            self.id = answer.json.get("id")
        if answer.status >= 500 and answer.status not in allowed(step, method, [501]):
            raise Broken(f"{answer.request}\nwas answered {answer.status} {answer.text[:500]}")
        wanted = allowed(step, method)
        if answer.status not in wanted:
            raise Differs(f"expected status {' or '.join(map(str, wanted))}{told(step)}")
        if took > step.get("within", 30):
            raise Differs(f"took {took:.1f} s; expected at most {step['within']} s")
        if answer.status >= 400:
            self._judge_error(step, answer)
        elif step.keys() & {"filter", "order", "found", "found_one_of"}:
            self._judge_list(step, answer)
        if answer.status < 300:
            self._judge_body(step, answer)
        for name, pattern in step.get("header", {}).items():
            value = answer.headers.get(name)
            if pattern.startswith("="):
                if value != self.fill(pattern[1:]):
                    raise Differs(f"expected the header {name}: {self.fill(pattern[1:])}, not {value}")
            elif pattern == "":
                if value is not None:
                    raise Differs(f"expected no header {name}, there is {value!r}")
            elif value is None or not re.search(self.fill(pattern), value):
                raise Differs(f"expected a header {name} that matches {pattern!r}, not {value!r}")
        if step.get("no_body") and answer.text:
            raise Differs("expected no body")
        if method == "DELETE" and answer.status < 300:
            self.state = None
        elif self.state is not None:
            self._judge_state(step, method, answer)
        elif method == "POST" and self.id and answer.status == 201:
            self.state = self.first = self._read()
            if step.get("same_location"):
                self._location(answer)
            if "after" in step:
                self._named(json.loads(self.fill(spread(step["after"]))), self.state)

    def _location(self, answer):
        """Location, meta.location and the resource are one (RFC 7644 §3.3, RFC 7643 §3.1)."""
        where = answer.headers.get("Location")
        if not where or where != answer.json["meta"].get("location"):
            raise Differs(f"the Location header, {where}, is not meta.location")
        url = urllib.parse.urlsplit(where)
        if not url.scheme or not url.path.endswith(f"/{self.endpoint}/{self.id}"):
            raise Differs(f"the Location header, {where}, does not name the resource")

    def _judge_error(self, step, answer):
        body = answer.json
        if not isinstance(body, dict) or ERROR not in body.get("schemas", []):
            raise Differs("expected a SCIM Error as the body (RFC 7644 §3.12)")
        if body.get("status") != str(answer.status):
            raise Differs(f'expected "status":"{answer.status}" in the body, as a string')
        kinds = step.get("scimType")
        kinds = [kinds] if isinstance(kinds, str) else kinds
        if kinds and body.get("scimType") not in kinds and answer.status in (400, 409):
            raise Differs(f"expected scimType {' or '.join(kinds)}")

    def _judge_list(self, step, answer):
        body = answer.json
        if not isinstance(body, dict) or LIST not in body.get("schemas", []):
            raise Differs("expected a ListResponse")
        resources = body.get("Resources") or []
        names = [self.directory.names.get(one.get("id")) for one in resources]
        names = [name for name in names if name is not None]
        if len(names) != len(set(names)):
            raise Differs("a resource is in the list more than once")
        if "order" in step:
            wanted = step["order"]
            names = [name for name in names if name in wanted]
            if names != wanted:
                raise Differs(f"expected the order {wanted}, not {names}")
            return
        choices = step.get("found_one_of") or [step.get("found")]
        if choices == [None] and "not_found" not in step:
            return
        got = sorted(names)
        if choices != [None] and got not in [sorted(one) for one in choices]:
            want = sorted(choices[0])
            raise Differs(
                f"expected to find {want}"
                + "".join(f" or {sorted(one)}" for one in choices[1:])
                + f"\nfound {got}"
                + f"\nmissing {sorted(set(want) - set(got))}, too many {sorted(set(got) - set(want))}"
            )
        wrong = sorted(set(step.get("not_found", [])) & set(got))
        if wrong:
            raise Differs(f"expected not to find {wrong}")
        if not isinstance(body.get("totalResults"), int) or body["totalResults"] < len(resources):
            raise Differs("totalResults is no number, or smaller than the number of Resources")

    def _judge_body(self, step, answer):
        choices = step.get("answer_one_of") or [step[one] for one in ["answer"] if one in step]
        choices = [json.loads(self.fill(one)) for one in choices]
        if choices and not any(contains(answer.json, one) for one in choices):
            raise Differs(f"expected in the answer: {' or '.join(map(dumps, choices))}")
        for first, second in [step["equal"]] if "equal" in step else []:
            if look(answer.json, first) != look(answer.json, second):
                raise Differs(f"expected {first} and {second} to be the same")
        if answer.status == 204:
            return
        targets = [answer.json]
        if isinstance(answer.json, dict) and LIST in answer.json.get("schemas", []):
            targets = answer.json.get("Resources") or []
            if not targets and (step.get("present") or step.get("absent")):
                raise Differs("expected Resources in the answer")
        for target in targets:
            for path in step.get("present", []):
                if empty(look(target, path)):
                    raise Differs(f"expected {path} in the answer")
            for path in step.get("absent", []):
                if not empty(look(target, path)):
                    raise Differs(f"expected no {path} in the answer")
        for text in step.get("text_absent", []):
            if self.fill(text) in answer.text:
                raise Differs(f"expected nowhere in the answer: {text}")

    def _named(self, after, state):
        """Each attribute of `after` is as it says."""
        have = content(state)
        want = overlay(have, after)
        if have != want:
            raise Differs(difference(want, have))

    def _judge_state(self, step, method, answer):
        before, now = self.state, self._read()
        self.state = now
        if answer.status >= 300 or step.get("unchanged") or method == "GET":
            if now != before:
                raise Differs(
                    "expected the resource, its version and lastModified unchanged\n"
                    + difference(plain(before), plain(now))
                )
            return
        if method == "PATCH" or "patch" in step:
            want = overlay(content(before), json.loads(self.fill(spread(step.get("after", "{}")))))
            if content(now) != want:
                raise Differs(difference(want, content(now)))
        elif "after" in step:
            self._named(json.loads(self.fill(spread(step["after"]))), now)
        if step.get("changed"):
            if before["meta"]["version"] == now["meta"]["version"]:
                raise Differs("expected another meta.version")
            if moment(before["meta"]["lastModified"]) > moment(now["meta"]["lastModified"]):
                raise Differs("meta.lastModified went back")
        self._schemas(step, now)
        if answer.status == 200 and step.get("same_as_get", "query" not in step):
            told_now = content(answer.json)
            # returned=request: in the answer to who wrote it, not in the answer to a GET
            told_now.get(PROBE.lower(), {}).pop("hint", None)
            told_now = {name: value for name, value in told_now.items() if not empty(value)}
            if told_now != content(now):
                raise Differs(
                    "the answer is not the resource that a GET shows afterwards\n"
                    + difference(content(now), told_now)
                )

    def _schemas(self, step, now):
        listed = {one.lower() for one in now.get("schemas", [])}
        if len(listed) != len(now.get("schemas", [])):
            raise Differs("`schemas` holds a value twice (RFC 7643 §3)")
        for name in content(now):
            if name.startswith("urn:") and name not in listed:
                raise Differs(f"`schemas` lacks {name}, which the resource has (RFC 7643 §3)")
        for urn in step.get("schemas", []):
            if urn.lower() not in listed:
                raise Differs(f"`schemas` lacks {urn}")


def spread(value):
    """Text, or a list of parts of a text that would be too long to write down.

    A part is a text, or a [text, times] pair, or {random = N}: N letters no compression shortens.
    """
    if isinstance(value, str):
        return value
    out = []
    for part in value:
        if isinstance(part, dict):
            letters = random.Random(7)  # the same at every place and in every run
            out.append("".join(letters.choices(string.ascii_lowercase, k=part["random"])))
        else:
            out.append(part if isinstance(part, str) else part[0] * part[1])
    return "".join(out)


def allowed(step, method, otherwise=None):
    """The statuses a step may be answered with."""
    status = step.get("status")
    if status is not None:
        return [status] if isinstance(status, int) else status
    if otherwise is not None:
        return []
    if "scimType" in step:
        return [409] if step["scimType"] == "uniqueness" else [400]
    if method == "POST" and "post" in step:
        return [201]
    return {"PATCH": [200, 204], "DELETE": [204]}.get(method, [200])


def told(step):
    kinds = step.get("scimType")
    kinds = [kinds] if isinstance(kinds, str) else kinds or []
    return f" with scimType {' or '.join(kinds)}" if kinds else ""


def short(answer):
    """The answer as people want to read it: of a long list, only how long it is."""
    if len(answer.text) <= 1200:
        return answer.text
    if isinstance(answer.json, dict) and "totalResults" in answer.json:
        return f"with a list of {answer.json['totalResults']}"
    return answer.text[:1200] + " …"


def difference(want, have):
    """Both sides of what differs, attribute by attribute."""
    lines = []
    for name in sorted(set(want) | set(have)):
        if want.get(name) != have.get(name):
            lines.append(f"{name}: expected {dumps(want.get(name))}, is {dumps(have.get(name))}")
    return "\n".join(lines) or "they differ"


# The run --------------------------------------------------------------------------------------


def read(names):
    """The cases of the files, in the order of the files."""
    cases, seen = [], set()
    for file in sorted(HERE.glob("*.toml")):
        if names and file.stem not in names:
            continue
        for table in tomllib.loads(file.read_text("utf-8")).get("case", []):
            case = Case(file, table)
            if (file, case.name) in seen:
                sys.exit(f"{file.name}: there are two cases {case.name}")
            seen.add((file, case.name))
            cases.append(case)
    return cases


def indent(text):
    return "\n".join(f"    {line}" for line in text.splitlines())


def arguments():
    parser = argparse.ArgumentParser(
        description="Run the cases from the text of RFC 7643 and RFC 7644 against a SCIM server."
    )
    parser.add_argument("url", help="SCIM base, such as http://127.0.0.1:8080/scim/v2")
    parser.add_argument("token", help="bearer token that may read and write")
    parser.add_argument(
        "--dialect", choices=("strict", "standard"), default="strict",
        help="how the token's client speaks: the RFC alone, or with Rollcall's leniencies",
    )
    parser.add_argument(
        "--admin-token", help="token of Rollcall's admin API, to bring the probe extension there"
    )
    parser.add_argument(
        "--indexed", action="store_true", help="ask Rollcall to index the probe extension"
    )
    parser.add_argument("--file", action="append", help="only this file, such as `filter`; repeat")
    parser.add_argument("--case", action="append", help="only cases with this in their name; repeat")
    parser.add_argument(
        "--search", action="store_true", help="send filters by POST to /.search instead of GET"
    )
    parser.add_argument(
        "--pages", type=int, help="walk through the answer to every filter too, so many at a time"
    )
    parser.add_argument(
        "--beside", help="send this beside every filter, such as `sortBy=title&attributes=id`"
    )
    parser.add_argument(
        "--replace", action="store_true", help="delete what an earlier run left behind"
    )
    parser.add_argument("--json", help="write every case's outcome to this file")
    return parser.parse_args()


def main():
    options = arguments()
    cases = read(options.file)
    if options.case:
        cases = [one for one in cases if any(word in one.name for word in options.case)]
    directory = Directory(Server(options.url, options.token), options)
    counts = {"passed": 0, "failed": 0, "not applicable": 0, "agree": 0, "differ": 0}
    outcomes = {}
    try:
        directory.prepare()
        for case in cases:
            outcome, text = judge(case, directory)
            counts[outcome] += 1
            outcomes[f"{case.file.stem}/{case.name}"] = outcome
            if outcome in ("failed", "differ"):
                tell(case, outcome, text)
    finally:
        directory.clean()
    if options.json:
        Path(options.json).write_text(json.dumps(outcomes, indent=1) + "\n", "utf-8")
    print(f"debatable: {counts['agree']} agree, {counts['differ']} differ")
    print(
        f"{counts['passed']} passed, {counts['failed']} failed, "
        f"{counts['not applicable']} not applicable"
    )
    sys.exit(1 if counts["failed"] or not counts["passed"] else 0)


def judge(case, directory):
    """The outcome of a case, and what to say about it."""
    if case.missing(directory):
        return "not applicable", ""
    try:
        case.run(directory)
    except Differs as failure:
        return ("differ" if case.debatable else "failed"), str(failure)
    except Broken as failure:
        return "failed", str(failure)
    return ("agree" if case.debatable else "passed"), ""


def tell(case, outcome, text):
    print(f"{'FAILED' if outcome == 'failed' else 'DIFFERS'} {case.file.stem}/{case.name}")
    print(f"    {case.table['why']} (RFC {case.table['rfc']})")
    if case.debatable:
        print(f"    debatable: {case.debatable}")
    print(indent(text))
    print()


if __name__ == "__main__":
    main()
