"""What Schemathesis is told about Rollcall: loaded by the fuzzer itself, from conformance/admin-api.

It makes sure that what a request is about is there however often it is deleted, and writes down what
every operation answered. No request is made valid or invalid here.
"""

import json
import os
import random

import requests
import schemathesis

SEED = json.loads(os.environ["ROLLCALL_SEED"])
ANSWERS = open(os.environ["ROLLCALL_ANSWERS"], "a", buffering=1, encoding="utf-8")
chance = random.Random(1)
FORMS = {
    "GET /apps/{app}/mapping": "application/yaml",
    "GET /apps/{app}/mapping/versions/{version}": "application/yaml",
    "POST /apps/{app}/mapping/impact": "application/x-ndjson",
}
admin = requests.Session()
admin.headers["Authorization"] = f"Bearer {SEED['token']}"


def ask(method, path, body=None):
    """As the administrator; what comes of it is for the request that follows to find out."""
    return admin.request(method, SEED["base"] + path, json=body, timeout=30)


@schemathesis.hook
def before_load_schema(_, document):
    """A document that leaves a property out is not true: for the check, every object is complete."""

    def close(shape):
        if isinstance(shape, dict):
            if isinstance(shape.get("properties"), dict):
                shape.setdefault("additionalProperties", False)
            for part in shape.values():
                close(part)
        elif isinstance(shape, list):
            for part in shape:
                close(part)

    close(document["components"]["schemas"])


def app_to_delete():
    name = f"gone-{chance.randrange(10**9)}"
    return ask("POST", "/apps", {"name": name, "adapter": "sandbox"}).json()["id"]


def notification_to_delete():
    """There is a most of them: what a fuzzer made goes first."""
    made = [one["id"] for one in ask("GET", "/notifications").json()["items"]]
    spare = [one for one in made if one not in SEED["notifications"]]
    if spare:
        return chance.choice(spare)
    name = f"gone-{chance.randrange(10**9)}"
    return ask("POST", "/notifications", {"name": name, "url": SEED["closed"]}).json()["id"]


def assign(app, resource):
    """Whatever the mapping has become meanwhile."""
    if ask("POST", f"/apps/{app}/assignments", {"resource": resource}).status_code == 422:
        ask("POST", f"/apps/{app}/mapping/reset?approve=1000&reason=fuzzing")
        ask("POST", f"/apps/{app}/assignments", {"resource": resource})


@schemathesis.hook
def before_call(_, case, kwargs):
    operation, at = case.operation.label, case.path_parameters or {}
    if operation == "DELETE /apps/{app}" and at.get("app") in ("sandbox", *SEED["apps"]):
        case.path_parameters["app"] = app_to_delete()
    elif operation == "DELETE /notifications/{notification}":
        if at.get("notification") in ("on-call", *SEED["notifications"]):
            case.path_parameters["notification"] = notification_to_delete()
    elif operation == "DELETE /schemas/{urn}" and at.get("urn") == SEED["urn"]:
        ask("PUT", f"/schemas/{SEED['urn']}", SEED["schema"])
    elif operation.startswith("DELETE /apps/{app}/assignments"):
        for resource in (at.get("resource"), (case.query or {}).get("resource")):
            if resource in SEED["resources"]:
                assign(at.get("app"), resource)
    elif operation == "POST /runs/{run}/approve" and at.get("run") in SEED["runs"]:
        case.path_parameters["run"] = SEED["held"]
    elif operation == "POST /runs/{run}/confirm" or "/provision/" in operation:
        # Whoever holds an app by hand lets it go by hand.
        ask("PATCH", f"/apps/{SEED['apps'][0]}", {"paused": False})
        ask("PUT", f"/apps/{SEED['apps'][0]}/provisioning", {"enabled": True})
    # Mostly the version that is edited is the one in force.
    if operation == "PUT /apps/{app}/mapping" and "If-Match" in (case.headers or {}):
        if chance.random() < 0.8:
            case.headers["If-Match"] = "*"
    # What no header can hold gets no further than the client or the parser of HTTP.
    for name, value in (case.headers or {}).items():
        case.headers[name] = "".join(c for c in str(value) if " " <= c <= "~" or "\xa0" <= c <= "\xff")
    # Nobody's server is called but one on this machine that is not there.
    if isinstance(case.body, dict) and isinstance(case.body.get("settings"), dict):
        if "url" in case.body["settings"]:
            case.body["settings"]["url"] = SEED["closed"]
    if isinstance(case.body, dict) and "/notifications" in operation:
        if str(case.body.get("url")).startswith("http"):
            case.body["url"] = f"{SEED['closed']}/hook"
        # The one that is there keeps its name.
        if case.method == "PATCH" and at.get("notification") == "on-call":
            case.body.pop("name", None)
    # Some answers have a form that is asked for.
    form = next((form for end, form in FORMS.items() if operation.endswith(end)), None)
    if form and chance.random() < 0.3:
        case.headers = {**(case.headers or {}), "Accept": form}


@schemathesis.hook
def after_call(_, case, response):
    path = response.request.path_url.split("?")[0]
    ANSWERS.write(f"{case.operation.label}\t{path}\t{response.status_code}\n")
