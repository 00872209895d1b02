"""Those who change the directory in conformance/chaos, and what they believe it holds.

Each has people and groups of their own, so that what the directory should say at the end is known.
An instance that gives no answer was killed: the other one is asked, and what may have been done is
looked for before it is done again.
"""

import http.client
import random
import threading
import time
import urllib.parse

import stage
from stage import CORE_GROUP, CORE_USER, ENTERPRISE, PATCH_OP, Failed

DEPARTMENTS = ("Field Service", "Support", "Sales", "Accounts", "Voyages")
TITLES = ("Technician", "Lead", "Clerk", "Guide", "Chief")


class Person:
    def __init__(self, name, number):
        self.name, self.id, self.active, self.manager = name, None, True, None
        self.given, self.family = f"Given{number}", f"Family{number % 50}"
        self.display, self.title = f"{self.given} {self.family}", TITLES[number % 5]
        self.department, self.groups = DEPARTMENTS[number % 5], set()

    def resource(self):
        return {
            "schemas": [CORE_USER, ENTERPRISE],
            "externalId": f"zylker|{self.given}",
            "userName": self.name,
            "name": {"givenName": self.given, "familyName": self.family},
            "displayName": self.display,
            "title": self.title,
            "emails": [{"value": f"{self.given}@zylker.example", "type": "work"}],
            "active": True,
            ENTERPRISE: {"department": self.department},
        }

    def believed(self):
        """What the directory should say, as `shown` reads it."""
        return {
            "userName": self.name,
            "givenName": self.given,
            "familyName": self.family,
            "displayName": self.display,
            "title": self.title,
            "e-mail": f"{self.given}@zylker.example",
            "department": self.department,
            "manager": self.manager,
            "active": self.active,
        }


def shown(user):
    """What a server says of a user."""
    work = user.get(ENTERPRISE) or {}
    mail = [mail["value"] for mail in user.get("emails", []) if mail.get("type") == "work"]
    return {
        "userName": user.get("userName"),
        "givenName": user.get("name", {}).get("givenName"),
        "familyName": user.get("name", {}).get("familyName"),
        "displayName": user.get("displayName"),
        "title": user.get("title"),
        "e-mail": mail[0] if len(mail) == 1 else mail,
        "department": work.get("department"),
        "manager": (work.get("manager") or {}).get("value"),
        "active": user.get("active"),
    }


class Doors:
    """The directory, behind all its instances: whoever gives an answer is asked."""

    def __init__(self, instances, token, chance):
        self.apis = [stage.Api(f"{one.url}/scim/v2", token) for one in instances]
        self.chance, self.unanswered, self.troubled = chance, 0, 0

    def ask(self, method, path, body=None):
        """The answer, and whether a request before it may have had its effect."""
        doubtful, begun, at = False, time.monotonic(), self.chance.randrange(len(self.apis))
        while time.monotonic() - begun < 60:
            try:
                answer = self.apis[at].send(method, path, body)
                if answer.status < 500:
                    return answer, doubtful
                self.troubled += 1
                told = f"{answer.status} {answer.text[:200]}"
            except (OSError, http.client.HTTPException) as error:
                self.unanswered += 1
                told = repr(error)
            doubtful = True
            at = (at + 1) % len(self.apis)
            time.sleep(0.05)
        raise Failed(f"{method} {path}: no instance could do it for a minute; the last said {told}")

    def call(self, method, path, body=None, expect=(200, 201, 204)):
        answer, doubtful = self.ask(method, path, body)
        if answer.status not in expect:
            raise Failed(f"{method} {path} was answered {answer.status}: {answer.text[:600]}")
        return answer.json, doubtful

    def make(self, path, resource, key):
        """Makes something once, however often it must be asked; answers its id."""
        answer, doubtful = self.ask("POST", path, resource)
        if answer.status == 201:
            return answer.json["id"]
        if doubtful and answer.status == 409:
            return self.by(path, key, resource[key])[0]["id"]
        raise Failed(f"POST {path} was answered {answer.status}: {answer.text[:600]}")

    def by(self, path, attribute, value):
        query = urllib.parse.quote(f'{attribute} eq "{value}"')
        return self.call("GET", f"{path}?filter={query}")[0].get("Resources", [])

    def patch(self, path, *operations):
        """Sets what is to be; done twice, it is what it was."""
        self.call("PATCH", path, {"schemas": [PATCH_OP], "Operations": list(operations)})

    def remove(self, path):
        answer, doubtful = self.ask("DELETE", path)
        if answer.status != 204 and not (doubtful and answer.status == 404):
            raise Failed(f"DELETE {path} was answered {answer.status}: {answer.text[:600]}")


def replace(path, value):
    return {"op": "replace", "path": path, "value": value}


class Changes:
    """Counts what was acknowledged, by what it was."""

    def __init__(self, wanted):
        self.wanted, self.done, self.lock = wanted, {}, threading.Lock()

    def count(self):
        return sum(self.done.values())

    def add(self, what):
        with self.lock:
            self.done[what] = self.done.get(what, 0) + 1


class Clerk(threading.Thread):
    """Changes people and groups of their own, until there were enough changes."""

    MOST = 90  # people

    def __init__(self, number, doors, changes, per_second, seed):
        super().__init__(name=f"clerk {number}", daemon=True)
        self.number, self.doors, self.changes = number, doors, changes
        self.chance, self.each = random.Random(f"{seed} clerk {number}"), 1 / per_second
        self.people, self.gone, self.groups, self.free, self.made = [], [], {}, [], 0
        self.colleagues, self.failure = [self], None

    def run(self):
        try:
            for number in range(5):
                self.found(f"Crew {self.number}.{number}")
            due = time.monotonic()
            while self.changes.count() < self.changes.wanted:
                due += self.each
                time.sleep(max(0.0, due - time.monotonic()))
                what = self.something()
                if what:
                    self.changes.add(what)
        except Exception as failure:  # told by who waits for the thread
            self.failure = failure

    def something(self):
        few = len(self.people) < 10
        if few or (len(self.people) < self.MOST and self.chance.random() < 0.25):
            return self.hire()
        person = self.chance.choice(self.people)
        deeds = {
            self.retitle: 14,
            self.move: 14,
            self.redisplay: 10,
            self.manage: 10,
            self.switch: 16,
            self.join: 16,
            self.rename: 6,
            self.leave: 7,
            self.regroup: 2,
        }
        return self.chance.choices([*deeds], [*deeds.values()])[0](person)

    def a_name(self):
        """A new name, or one that somebody had before, in other letters."""
        if self.free and self.chance.random() < 0.4:
            name = self.free.pop(self.chance.randrange(len(self.free)))
            return name.swapcase() if self.chance.random() < 0.3 else name
        self.made += 1
        return f"p{self.number}.{self.made}@zylker.example"

    def hire(self):
        self.made += 1
        person = Person(self.a_name(), self.number * 100_000 + self.made)
        person.id = self.doors.make("/Users", person.resource(), "userName")
        self.people.append(person)
        return "hired"

    def set(self, person, path, value):
        self.doors.patch(f"/Users/{person.id}", replace(path, value))

    def retitle(self, person):
        person.title = f"{self.chance.choice(TITLES)} {self.chance.randrange(100)}"
        self.set(person, "title", person.title)
        return "changed"

    def move(self, person):
        person.department = f"{self.chance.choice(DEPARTMENTS)} {self.chance.randrange(20)}"
        self.set(person, f"{ENTERPRISE}:department", person.department)
        return "changed"

    def redisplay(self, person):
        person.display = f"{person.given} {self.chance.choice('ABCDEFG')}. {person.family}"
        self.set(person, "displayName", person.display)
        return "changed"

    def manage(self, person):
        """Another manager, or none; it may be somebody who is about to go."""
        path = f"{ENTERPRISE}:manager"
        if person.manager and self.chance.random() < 0.3:
            person.manager = None
            self.doors.patch(f"/Users/{person.id}", {"op": "remove", "path": path})
            return "managed"
        others = [other for clerk in self.colleagues for other in clerk.people[:]]
        other = self.chance.choice([one for one in others if one.id and one is not person])
        person.manager = other.id
        self.set(person, path, {"value": other.id})
        return "managed"

    def switch(self, person):
        person.active = not person.active
        self.set(person, "active", person.active)
        return "reactivated" if person.active else "deactivated"

    def join(self, person):
        group = self.chance.choice([*self.groups])
        path = f"/Groups/{self.groups[group]}"
        if group in person.groups:
            person.groups.discard(group)
            self.doors.patch(path, {"op": "remove", "path": f'members[value eq "{person.id}"]'})
            return "left"
        person.groups.add(group)
        self.doors.patch(path, {"op": "add", "path": "members", "value": [{"value": person.id}]})
        return "joined"

    def rename(self, person):
        self.free.append(person.name)
        person.name = self.a_name()
        self.set(person, "userName", person.name)
        return "renamed"

    def leave(self, person):
        self.doors.remove(f"/Users/{person.id}")
        self.people.remove(person)
        self.gone.append(person)
        self.free.append(person.name)
        return "deleted"

    def found(self, name):
        resource = {"schemas": [CORE_GROUP], "displayName": name, "externalId": f"zylker|{name}"}
        # Two groups may have one name, so a group that may have been made is looked for first.
        answer, doubtful = None, False
        while answer is None:
            found = self.doors.by("/Groups", "displayName", name) if doubtful else []
            if found:
                self.groups[name] = found[0]["id"]
                return
            answer, doubtful = self.once("POST", "/Groups", resource)
        self.groups[name] = answer["id"]

    def once(self, method, path, body):
        """Asks one instance once: its answer, or that there may have been an effect."""
        try:
            api = self.chance.choice(self.doors.apis)
            return api.call(method, path, body, expect=(201,)), False
        except (OSError, http.client.HTTPException):
            self.doors.unanswered += 1
            time.sleep(0.1)
            return None, True

    def regroup(self, _):
        """A group gets another name, or goes and comes back empty."""
        old = self.chance.choice([*self.groups])
        self.made += 1
        new = f"{old.split(' no')[0]} no {self.made}"
        if self.chance.random() < 0.6:
            self.doors.patch(f"/Groups/{self.groups[old]}", replace("displayName", new))
            self.groups[new] = self.groups.pop(old)
            for person in self.people:
                if old in person.groups:
                    person.groups = person.groups - {old} | {new}
            return "group renamed"
        self.doors.remove(f"/Groups/{self.groups.pop(old)}")
        for person in self.people:
            person.groups.discard(old)
        self.found(new)
        return "group remade"
