"""One case of a file: what is sent, and whether the answer is as it must be."""

import json
import random
import re
import string
import sys
import time
import urllib.parse

from compare import contains, content, difference, dumps, empty, look, moment, overlay, plain
from directory import PROBE
from wire import Broken

ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
BULK = "urn:ietf:params:scim:api:messages:2.0:BulkResponse"
LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
SEARCH = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"

# What a file may say; anything else is a slip of the pen.
STEP_KEYS = {
    "send", "body", "operations", "put", "post", "patch", "headers",
    "filter", "found", "found_one_of", "at", "via", "query",
    "status", "scimType", "answer", "present", "absent", "text_absent", "header", "no_body",
    "order", "within", "after", "unchanged", "changed", "schemas",
    "answer_one_of", "bulk", "walk", "cursor_walk", "size", "same_location", "equal",
}
CASE_KEYS = STEP_KEYS | {
    "name", "why", "rfc", "debatable", "needs", "only", "resource", "before", "step",
}


class Differs(Exception):
    """The server did something else than the case says. The text is for people."""


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
            if any("bulk" in step for step in self.steps):
                directory.sweep()
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
                self._back(answer, path, query, size, seen)
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

    def _back(self, answer, path, query, size, seen):
        """A previousCursor, where there is one, leads to the page before."""
        cursor = answer.json.get("previousCursor")
        if cursor is None:
            return
        page = self.server.send("GET", f"{path}?{query}cursor={cursor}&count={size}")
        got = [one["id"] for one in (page.json or {}).get("Resources") or []]
        here = len(answer.json.get("Resources") or [])
        if got != seen[: len(seen) - here][-size:]:
            raise Differs(f"previousCursor does not lead to the page before\n(of {answer.request})")

    def _judge(self, step, method, answer, took):
        if method == "POST" and answer.status == 201 and isinstance(answer.json, dict):
            made = f"/{self.endpoint}/{answer.json.get('id')}"
            self.directory.made.append(made)
            self.id = answer.json.get("id")
        if answer.status >= 500 and answer.status not in listed(step):
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
        if "bulk" in step and answer.status == 200:
            self._judge_bulk(step, answer)
        for name, pattern in step.get("header", {}).items():
            value = answer.headers.get(name)
            if pattern.startswith("="):
                wanted = self.fill(pattern[1:])
                if value != wanted:
                    raise Differs(f"expected the header {name}: {wanted}, not {value}")
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

    def _judge_bulk(self, step, answer):
        """The outcome of each operation, in `bulk` as "bulkId status", or the status alone."""
        body = answer.json
        if not isinstance(body, dict) or BULK not in body.get("schemas", []):
            raise Differs("expected a BulkResponse")
        told = []
        for one in body.get("Operations") or []:
            status, method = one.get("status"), str(one.get("method")).upper()
            if not isinstance(status, str):
                raise Differs("expected the status of an operation as a string")
            told.append(" ".join(filter(None, [one.get("bulkId"), status])))
            if status >= "400":
                error = one.get("response")
                if not isinstance(error, dict) or ERROR not in error.get("schemas", []):
                    raise Differs(f"expected a SCIM Error as `response` of {told[-1]}")
            if not one.get("location") and not (method == "POST" and status >= "400"):
                raise Differs(f"expected a location of {told[-1]}")
        wanted = step["bulk"]
        fits = len(told) == len(wanted) and all(map(re.fullmatch, wanted, told))
        if not fits:
            raise Differs(f"expected the outcomes {wanted}, not {told}")

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
        if choices == [None]:
            return
        got = sorted(names)
        if got not in [sorted(one) for one in choices]:
            want = sorted(choices[0])
            missing, extra = sorted(set(want) - set(got)), sorted(set(got) - set(want))
            raise Differs(
                f"expected to find {want}"
                + "".join(f" or {sorted(one)}" for one in choices[1:])
                + f"\nfound {got}\nmissing {missing}, too many {extra}"
            )
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
        if answer.status == 200 and method in ("PUT", "PATCH") and "query" not in step:
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


def listed(step):
    """The statuses a step names."""
    status = step.get("status", [])
    return [status] if isinstance(status, int) else status


def allowed(step, method):
    """The statuses a step may be answered with."""
    if "status" in step:
        return listed(step)
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
