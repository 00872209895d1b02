#!/usr/bin/env python3
"""Random filters and PATCHes against a running SCIM server: conformance/cases/chance.py URL TOKEN

Forty random people are made; random filters must find whom `model.py` finds, and after random
PATCHes, of people and of a group's members, a GET must show what the model has. Where the RFC leaves
room nothing is asked. The last line names the seed, and the same seed makes the same run. Needs a server that has the probe extension,
or an `--admin-token` of Rollcall to bring it there.
"""

import argparse
import copy
import datetime
import json
import random
import sys
import urllib.parse

sys.dont_write_bytecode = True
import model
from case import PATCH_OP
from compare import content, difference, dumps
from directory import Directory
from members import Members
from wire import Server

TEXTS = (
    "a", "B", "ab", "AB", "abc", "Ba", "%", "_", "a_c", "a%", "\\", '"', "é", "É", "ö", "工", "z",
    " a", "a ", "10", "9", "Z", "a]b", "(a)", "not (a)",
)
TYPES = ("work", "home", "Work", "other")


class Chance:
    """Random values, people, filters and operations, all from one seed."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def pick(self, *choices):
        return self.random.choice(choices)

    def likely(self, share):
        return self.random.random() < share

    def case(self, word):
        """The word as it is, or with its letters in any case: names and operators have none."""
        if not self.likely(0.2):
            return word
        return "".join(one.upper() if self.likely(0.5) else one.lower() for one in word)

    def value(self, kind):
        if kind in "sS":
            return self.pick(*TEXTS)
        if kind == "b":
            return self.likely(0.5)
        if kind == "i":
            return self.pick(-10, -1, 0, 1, 2, 7, 10, 100)
        if kind == "d":
            return self.pick(-1.5, 0.5, 0.1, 1.5, 9.75, 10.25)
        when = datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc)
        when += datetime.timedelta(minutes=30 * self.random.randrange(6))
        when += datetime.timedelta(milliseconds=self.pick(0, 0, 0, 250))
        zone = datetime.timezone(datetime.timedelta(minutes=self.pick(0, 0, 60, -90, 330)))
        text = when.astimezone(zone).isoformat(timespec="milliseconds")
        return text.replace("+00:00", "Z").replace(".000", "")

    def element(self, path):
        """A value of a multi-valued complex attribute."""
        kinds = model.COMPLEX[path]
        one = {part: self.value(kind) for part, kind in kinds.items() if self.likely(0.7)}
        one.pop("primary", None)
        if "type" in kinds:
            one["type"] = self.pick(*TYPES)
        if not one:
            one["value"] = "only"
        if "primary" in kinds and self.likely(0.3):
            one["primary"] = True
        return one

    def elements(self, path):
        """Several, of which one at most is primary and no two are alike."""
        out = []
        for one in [self.element(path) for _ in range(self.pick(0, 0, 1, 2, 3))]:
            if any(other.get("primary") for other in out):
                one.pop("primary", None)
            if not model.twins([*out, one]):
                out.append(one)
        return out

    def person(self, name):
        one = {"userName": name, "active": self.likely(0.6)}
        for path, kind in model.SINGULAR.items():
            if path != "active" and self.likely(0.5):
                model.put(one, path, self.value(kind))
        for path in model.COMPLEX:
            model.put(one, path, self.elements(path))
        for path, kind in model.SIMPLE.items():
            values = [self.value(kind) for _ in range(self.pick(0, 0, 1, 2, 3))]
            model.put(one, path, list(dict.fromkeys(values)))
        return one

    # Filters: a tree, and its text

    def comparison(self, kinds, prefix=""):
        name = self.pick(*kinds)
        kind, path = kinds[name], prefix + name
        if self.likely(0.15):
            return ("is", path, kind, "pr", None)
        operand = self.pick(*TYPES) if name == "type" else self.value(kind)
        return ("is", path, kind, self.pick(*model.OPERATORS[kind]), operand)

    def leaf(self):
        """A comparison of a whole filter, or a value path."""
        share = self.random.random()
        if share < 0.5:
            return self.comparison(model.SINGULAR)
        if share < 0.6:
            return self.comparison(model.SIMPLE)
        path = self.pick(*model.COMPLEX)
        if share < 0.75:
            return self.comparison(model.COMPLEX[path], f"{path}.")
        return ("path", path, self.condition(path))

    def condition(self, path):
        return self.tree(lambda: self.comparison(model.COMPLEX[path]), self.pick(0, 1, 1, 2))

    def tree(self, leaf, depth):
        if depth == 0:
            return leaf()
        share = self.random.random()
        if share < 0.3:
            return ("not", self.tree(leaf, depth - 1))
        sides = [self.tree(leaf, depth - 1) for _ in range(self.pick(2, 2, 3))]
        return ("and" if share < 0.65 else "or", sides)

    def text(self, tree):
        """A filter as people write it: brackets where they are needed, and sometimes where not."""
        word = tree[0]
        if word == "not":
            return f"{self.case('not')} ({self.text(tree[1])})"
        if word in ("and", "or"):
            sides = []
            for side in tree[1]:
                needed = word == "and" and side[0] == "or"
                text = self.text(side)
                sides.append(f"({text})" if needed or self.likely(0.15) else text)
            return f" {self.case(word)} ".join(sides)
        if word == "path":
            return f"{self.case(tree[1])}[{self.text(tree[2])}]"
        _, path, _, operator, operand = tree
        if operator == "pr":
            return f"{self.case(path)} {self.case('pr')}"
        literal = json.dumps(operand, ensure_ascii=self.likely(0.5))
        return f"{self.case(path)} {self.case(operator)} {literal}"

    # PATCH: an operation, and what becomes of the person

    def operation(self, person):
        """One operation, applied to `person`; None when it must fail with noTarget."""
        share = self.random.random()
        if share < 0.35:
            return self._singular(person)
        if share < 0.45:
            return self._without_path(person)
        path = self.pick(*model.COMPLEX)
        if share < 0.6:
            values = self.elements(path) or [self.element(path)]
            there = model.get(person, path)
            if there and self.likely(0.3):
                values.append({k: v for k, v in self.pick(*there).items() if k != "primary"})
            model.add_values(person, path, values)
            return {"op": "add", "path": self.case(path), "value": values}
        if share < 0.68:
            values = self.elements(path)
            model.put(person, path, copy.deepcopy(values))
            return {"op": "replace", "path": self.case(path), "value": values}
        return self._value_path(person, path)

    def _singular(self, person):
        path = self.pick(*model.SINGULAR)
        word = self.pick("add", "replace", "remove", "null")
        if word in ("add", "replace"):
            value = self.value(model.SINGULAR[path])
            model.put(person, path, value)
            return {"op": word, "path": self.case(path), "value": value}
        if model.get(person, path) is None or path == "active":
            raise model.Open
        model.put(person, path, None)
        if word == "remove":
            return {"op": "remove", "path": self.case(path)}
        return {"op": "replace", "path": self.case(path), "value": None}

    def _without_path(self, person):
        value = {}
        plain = [path for path in model.SINGULAR if not model.split(path)[2]]
        for path in self.random.sample(plain, 3):
            one = self.value(model.SINGULAR[path])
            model.put(value, path, one)
            model.put(person, path, one)
        return {"op": self.pick("add", "replace"), "value": value}

    def _value_path(self, person, path):
        condition = self.condition(path)
        target = f"{self.case(path)}[{self.text(condition)}]"
        part = self.pick(*model.COMPLEX[path])
        if self.likely(0.5):
            part = self.pick("", part)
            if not model.remove_values(person, path, condition, part):
                raise model.Open
            return {"op": "remove", "path": f"{target}.{part}" if part else target}
        value = True if part == "primary" else self.value(model.COMPLEX[path][part])
        word = self.pick("add", "replace", "replace")
        found = model.set_values(person, path, condition, part, value)
        if not found and word == "add":
            raise model.Open
        operation = {"op": word, "path": f"{target}.{part}", "value": value}
        return operation if found else {**operation, "fails": True}


WRONG = (
    {"op": "remove"},
    {"op": "remove", "path": "userName"},
    {"op": "replace", "path": "id", "value": "another"},
    {"op": "add", "path": "favouriteColour", "value": "blue"},
    {"op": "replace", "path": "active", "value": {"a": "b"}},
)


class Run:
    """Forty random people on the server."""

    def __init__(self, directory, seed):
        self.directory, self.server, self.chance = directory, directory.server, Chance(seed)
        self.people, self.failed, self.asked = {}, 0, 0
        for number in range(40):
            person = self.chance.person(f"chance-{number:02}")
            answer = self.server.send("POST", "/Users", directory.shape("Users", person))
            if answer.status != 201:
                sys.exit(f"{answer.request}\nwas answered {answer.status} {answer.text[:500]}")
            directory.made.append(f"/Users/{answer.json['id']}")
            self.people[answer.json["id"]] = person
            self.expect(answer.json, person, answer.request)

    def fail(self, *lines):
        self.failed += 1
        print("FAILED", *lines, "", sep="\n    ")

    def expect(self, resource, person, request):
        if content(resource) != content(person):
            told = difference(content(person), content(resource))
            self.fail(request, *told.splitlines())

    def filter(self):
        tree = self.chance.tree(self.chance.leaf, self.chance.pick(0, 1, 1, 2, 2, 3))
        text = self.chance.text(tree)
        query = f"count=200&filter={urllib.parse.quote(text, safe='')}"
        answer = self.server.send("GET", f"/Users?{query}")
        if answer.status != 200:
            self.fail(text, f"was answered {answer.status} {answer.text[:300]}")
            return
        found = {one["id"] for one in answer.json.get("Resources") or []}
        for identity, person in self.people.items():
            wanted = model.holds(tree, person)
            if wanted is not None:
                self.asked += 1
                if wanted != (identity in found):
                    verb = "should find" if wanted else "should not find"
                    self.fail(text, f"{verb} {dumps(person)}")
                    return

    def patch(self):
        identity = self.chance.pick(*self.people)
        person = copy.deepcopy(self.people[identity])
        try:
            times = self.chance.pick(1, 1, 2, 3, 5)
            operations = [self.chance.operation(person) for _ in range(times)]
        except model.Open:
            return
        if self.chance.likely(0.15):
            operations.append({**self.chance.pick(*WRONG), "fails": True})
        fails = any(one.pop("fails", False) for one in operations)
        before = self.server.send("GET", f"/Users/{identity}").json
        body = dumps({"schemas": [PATCH_OP], "Operations": operations})
        answer = self.server.send("PATCH", f"/Users/{identity}", body)
        now = self.server.send("GET", f"/Users/{identity}").json
        self.asked += 1
        told = f"{answer.request}\n    was answered {answer.status} {answer.text[:300]}"
        if fails:
            if answer.status != 400 or now != before:
                self.fail(told, "expected 400, and everything as it was", dumps(before))
            return
        if answer.status not in (200, 204):
            self.fail(told, "expected success, with", dumps(before))
            return
        self.expect(now, person, f"{told}\n    before: {dumps(before)}")
        same = content(before) == content(person)
        if not same and now["meta"].get("version") == before["meta"].get("version", object()):
            self.fail(told, "expected another version")
        self.people[identity] = person if content(now) == content(person) else self.bare(now)

    def bare(self, resource):
        return {k: v for k, v in resource.items() if k not in ("id", "meta", "schemas", "groups")}


def main():
    parser = argparse.ArgumentParser(description="Random filters and PATCHes, judged by a model.")
    parser.add_argument("url", help="SCIM base, such as http://127.0.0.1:8080/scim/v2")
    parser.add_argument("token", help="bearer token that may read and write")
    parser.add_argument(
        "--admin-token", help="token of Rollcall's admin API, to bring the probe extension there"
    )
    parser.add_argument("--indexed", action="store_true", help="ask Rollcall to index the probe")
    parser.add_argument("--dialect", choices=("strict", "standard"), default="strict")
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    parser.add_argument("--filters", type=int, default=1000)
    parser.add_argument("--patches", type=int, default=1000)
    parser.add_argument("--groups", type=int, default=500, help="PATCHes of a group's members")
    options = parser.parse_args()
    directory = Directory(Server(options.url, options.token), options)
    directory.capabilities()
    if "probe" not in directory.can:
        sys.exit("this server has no probe extension")
    try:
        run = Run(directory, options.seed)
        for _ in range(options.filters):
            run.filter()
        for _ in range(options.patches):
            run.patch()
        for _ in range(options.filters // 4):
            run.filter()  # what the PATCHes have made of the indexes
        members = Members(run)
        for _ in range(options.groups):
            members.patch()
            run.asked += 1
    finally:
        directory.clean()
    print(f"seed {options.seed}: {run.asked} answers looked at, {run.failed} failed")
    sys.exit(1 if run.failed or not run.asked else 0)


if __name__ == "__main__":
    main()
