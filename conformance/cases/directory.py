"""The people and groups of `directory.json` on a server, and what the server says it can do."""

import json
import re
import sys
import urllib.parse
from pathlib import Path

from wire import Broken, Server

HERE = Path(__file__).resolve().parent

CORE = {
    "Users": "urn:ietf:params:scim:schemas:core:2.0:User",
    "Groups": "urn:ietf:params:scim:schemas:core:2.0:Group",
}
PROBE = "urn:ietf:params:scim:schemas:extension:probe:2.0:User"


class Directory:
    """The fixed people and groups, and what the server says it can do."""

    def __init__(self, server, options):
        self.server, self.options = server, options
        self.made, self.ids, self.names = [], {}, {}
        self.can = set()

    def prepare(self):
        self.capabilities()
        if self.options.replace:
            self.sweep()
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

    def sweep(self):
        """Deletes everybody whom a case has made: those who are called `case-…`."""
        for endpoint, attribute in (("Users", "userName"), ("Groups", "displayName")):
            query = urllib.parse.quote(f'{attribute} sw "case-"')
            found = self.server.send("GET", f"/{endpoint}?filter={query}&count=500").json
            for old in found.get("Resources") or []:
                self.server.send("DELETE", f"/{endpoint}/{old['id']}")

    def capabilities(self):
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
        """Puts values in place of {{id:NAME}}, {{created:NAME}}, {{self}} and the like."""

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
