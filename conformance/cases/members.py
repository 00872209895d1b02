"""Random changes of one group's members, against a set: part of `chance.py`."""

import sys
import urllib.parse

from case import PATCH_OP
from compare import dumps

WRONG = (
    {"op": "remove"},
    {"op": "remove", "path": "displayName"},
    {"op": "replace", "path": "id", "value": "another"},
    {"op": "add", "path": "favouriteColour", "value": "blue"},
    {"op": "add", "path": "members", "value": [5]},
)


class Members:
    """A group that has nobody at first; its members are people, and another group."""

    def __init__(self, run):
        self.server, self.chance, self.fail = run.server, run.chance, run.fail
        people = list(run.people)
        inside = self._values(people[:1])
        inner = self._make(run, {"displayName": "chance-inner", "members": inside})
        self.group = self._make(run, {"displayName": "chance-outer"})
        self.known = [*people, inner]
        self.members = set()

    def _make(self, run, resource):
        answer = self.server.send("POST", "/Groups", run.directory.shape("Groups", resource))
        if answer.status != 201:
            sys.exit(f"{answer.request}\nwas answered {answer.status} {answer.text[:500]}")
        run.directory.made.append(f"/Groups/{answer.json['id']}")
        return answer.json["id"]

    def _values(self, identities):
        return [{"value": one} for one in identities]

    def _some(self):
        return self.chance.random.sample(self.known, self.chance.pick(1, 1, 2, 4, 8))

    def _condition(self):
        """A filter over members, and whom it matches."""
        one, other = self.chance.random.sample(self.known, 2)
        word, joint = self.chance.case("value"), self.chance.case(" or ")
        several = self._some()
        return self.chance.pick(
            (f'{word} eq "{one}"', {one}),
            (f'{word} eq "{one}"', {one}),
            (joint.join(f'{word} eq "{each}"' for each in several), set(several)),
            (f'not ({word} eq "{one}")', set(self.known) - {one}),
            (f'{word} ne "{one}"', set(self.known) - {one}),
            (f"{word} pr", set(self.known)),
            (f'{word} eq "{one}" and {word} eq "{other}"', set()),
        )

    def _operation(self, members):
        """One operation, and the members after it."""
        path, some = self.chance.case("members"), self._some()
        values = self._values(some)
        condition, hit = self._condition()
        removed = {"op": "remove", "path": f"{path}[{condition}]"}, members - hit
        return self.chance.pick(
            ({"op": "add", "path": path, "value": values}, members | set(some)),
            ({"op": "add", "path": path, "value": values}, members | set(some)),
            ({"op": "add", "value": {path: values}}, members | set(some)),
            ({"op": "replace", "path": path, "value": values}, set(some)),
            ({"op": "replace", "path": path, "value": []}, set()),
            ({"op": "replace", "path": "displayName", "value": "chance-outer-2"}, members),
            removed,
            removed,
            removed,
        )

    def patch(self):
        """One PATCH of one or several operations, and what GETs and filters show afterwards."""
        operations, members = [], set(self.members)
        for _ in range(self.chance.pick(1, 1, 2, 3, 6)):
            operation, members = self._operation(members)
            operations.append(operation)
        wrong = self.chance.likely(0.12)
        if wrong:
            place = self.chance.random.randrange(len(operations) + 1)
            operations.insert(place, self.chance.pick(*WRONG))
        before = self.server.send("GET", f"/Groups/{self.group}").json
        body = dumps({"schemas": [PATCH_OP], "Operations": operations})
        answer = self.server.send("PATCH", f"/Groups/{self.group}", body)
        now = self.server.send("GET", f"/Groups/{self.group}").json
        told = f"{answer.request}\n    was answered {answer.status} {answer.text[:300]}"
        if wrong:
            if answer.status != 400 or now != before:
                self.fail(told, "expected 400, and everything as it was")
            return
        have = [one["value"] for one in now.get("members") or []]
        self.members = set(have)
        if answer.status not in (200, 204) or sorted(have) != sorted(members):
            extra, missing = sorted(self.members - members), sorted(members - self.members)
            self.fail(told, f"too many {extra}, missing {missing}, before {dumps(before)}")
            return
        adds = len(operations) == 1 and operations[0]["op"] == "add"
        if adds and self.members == {one["value"] for one in before.get("members") or []}:
            if now["meta"] != before["meta"]:
                self.fail(told, "nothing was added; expected meta as it was")
        self._seen()

    def _seen(self):
        """The same, as filters tell it."""
        one = self.chance.pick(*self.known)
        query = urllib.parse.quote(f'id eq "{self.group}" and members[value eq "{one}"]')
        total = self.server.send("GET", f"/Groups?filter={query}&count=1").json["totalResults"]
        if bool(total) != (one in self.members):
            self.fail(f"a filter finds {one} {'' if total else 'not '}to be a member; a GET differs")
