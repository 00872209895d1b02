"""The suites of `conformance/run`: each examines a server and says what it found, one by one."""

import json
import os
import re
import subprocess
import sys
import tempfile
import unittest
import urllib.parse
from pathlib import Path

import dialogue
import stage

HERE = stage.ROOT / "conformance"
PASSED, FAILED, SKIPPED = "passed", "failed", "skipped"


class NotHere(Exception):
    """The suite cannot run on this machine. The text says what is missing."""


class Finding:
    """One check of a suite. `reason` is what the suite says about it, when it did not pass."""

    def __init__(self, outcome, title, reason=""):
        self.outcome, self.title, self.reason = outcome, title, " ".join(reason.split())


class Suite:
    """A name for the table, the version that is pinned, and the function that runs it."""

    def __init__(self, name, dialect, run, package=None, at_least=1, types=False, ours=False):
        self.name, self.dialect, self.run = name, dialect, run
        self.package, self.at_least = package, at_least
        self.types = types  # whether a Rollcall should have the resource types of conformance/types
        self.ours = ours  # whether it makes sense only where clients have dialects

    @property
    def version(self):
        """As it is pinned in requirements.txt."""
        pins = (HERE / "requirements.txt").read_text("utf-8")
        found = re.search(rf"^{self.package}==(\S+)", pins, re.MULTILINE) if self.package else None
        return found[1] if found else ""


def command(words, environment=None, seconds=300, stdin=None):
    """Runs a third party; its output, whatever its exit code."""
    done = subprocess.run(
        [str(word) for word in words],
        env={**os.environ, **(environment or {})},
        input=stdin,
        stdin=None if stdin is not None else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=seconds,
        check=False,
    )
    return done.stdout


# scim2-tester ----------------------------------------------------------------------------------

# Its words. A DEVIATION breaks a SHOULD of the RFCs, an ERROR or CRITICAL a MUST.
TESTER = {
    "SUCCESS": PASSED,
    "COMPLIANT": PASSED,
    "ACCEPTABLE": PASSED,
    "SKIPPED": SKIPPED,
    "DEVIATION": FAILED,
    "ERROR": FAILED,
    "CRITICAL": FAILED,
}


def tester(server, _):
    """scim2-tester through scim2-cli."""
    # The token is not for the process list.
    token = {"SCIM_CLI_HEADERS": f"Authorization: Bearer {server.token}"}
    said = command([stage.tools() / "scim2", "--url", server.url, "test"], token)
    found = []
    for line in said.splitlines():
        head = re.match(rf"({'|'.join(TESTER)}) (\S+)$", line)
        if head:
            found.append(Finding(TESTER[head[1]], head[2]))
        elif found and line.startswith("  "):
            found[-1].reason = f"{found[-1].reason} {line.strip()}".strip()
    stage.require(found, f"scim2-tester did not run:\n{said}")
    return found


# scim-sanity -----------------------------------------------------------------------------------

SANITY = {"pass": PASSED, "fail": FAILED, "error": FAILED, "warn": FAILED, "skip": SKIPPED}
# By its own function: its command takes the token only from the process list.
PROBE = """
import json, sys
from scim_sanity.probe.runner import run_probe_api
asked = json.load(sys.stdin)
print(json.dumps(run_probe_api(asked["url"], token=asked["token"], strict=True)))
"""


def sanity(server, _):
    """scim-sanity's probe, strict; a warning counts as a failure."""
    asked = json.dumps({"url": server.url, "token": server.token})
    said = command([stage.tools() / "python", "-c", PROBE], stdin=asked)
    try:
        results = json.loads(said.splitlines()[-1])["results"]
    except (ValueError, IndexError, KeyError):
        raise stage.Failed(f"scim-sanity did not run:\n{said}") from None
    return [
        Finding(
            SANITY[one["status"]],
            # Resources are named by ids that are new each time.
            re.sub(r"(DELETE /\w+/).+", r"\1{id}", one["name"]),
            one.get("message") or "",
        )
        for one in results
    ]


# Microsoft's collection ------------------------------------------------------------------------

COLLECTION = "microsoft-scim.postman_collection.json"


def collection():
    """Where Microsoft's collection is: it belongs to others, and is no part of this project."""
    folder = os.environ.get("CONFORMANCE_SUITES")
    if not folder:
        raise NotHere(f"CONFORMANCE_SUITES names no folder that has {COLLECTION}")
    path = Path(folder) / COLLECTION
    stage.require(path.is_file(), f"CONFORMANCE_SUITES names a folder without {COLLECTION}")
    return json.loads(path.read_text("utf-8"))


def microsoft(server, place):
    """The collection of Microsoft's reference code, through newman."""
    whole = collection()
    newman = stage.tools("newman") / "newman"
    found = []
    # Its first request asks for a token, and throws away the one it has when it gets none.
    for part in (whole["item"][:1], whole["item"][1:]):
        found += _newman(newman, {**whole, "item": part}, server, place)
    return found


def _newman(newman, part, server, place):
    names = {}
    part = {**part, "item": _named(part["item"], "", names)}
    with tempfile.TemporaryDirectory(dir=place) as folder:
        folder = Path(folder)
        at = urllib.parse.urlsplit(server.url)
        variables = {
            "Protocol": at.scheme,
            "Server": at.hostname,
            "Port": f":{at.port}" if at.port else "",
            "Api": at.path.strip("/"),
            "token": server.token,
        }
        values = [{"key": key, "value": value} for key, value in variables.items()]
        files = {"collection": part, "environment": {"name": "here", "values": values}}
        for name, content in files.items():
            (folder / name).write_text(json.dumps(content), "utf-8")
        said = command(
            [
                *(newman, "run", folder / "collection", "--environment", folder / "environment"),
                *("--reporters", "json", "--reporter-json-export", folder / "report"),
            ]
        )
        stage.require((folder / "report").is_file(), f"newman did not run:\n{said}")
        report = json.loads((folder / "report").read_text("utf-8"))
    found = []
    for execution in report["run"]["executions"]:
        for one in execution.get("assertions", []):
            error = one.get("error")
            title = f"{names[execution['item']['id']]} / {one['assertion']}"
            found.append(
                Finding(FAILED, title, error["message"]) if error else Finding(PASSED, title)
            )
    return found


def _named(items, folder, names):
    """The requests with ids of ours, and in `names` the name of each with that of its folder."""
    told = []
    for item in items:
        name = f"{folder}{item['name']}"
        if "item" in item:
            told.append({**item, "item": _named(item["item"], f"{name} / ", names)})
        else:
            identity = f"request-{len(names) + 1}"
            names[identity] = name
            told.append({**item, "id": identity})
    return told


# Our own ---------------------------------------------------------------------------------------


def dialogues(server, _):
    """The recorded dialogues; each speaks as a client of the dialect it names."""
    found = []
    for path in sorted((HERE / "dialogues").rglob("*.http")):
        one = dialogue.Dialogue(path)
        name = path.relative_to(HERE / "dialogues").with_suffix("")
        caller = dialogue.Caller(server.url, server.token_of(one.dialect))
        for result in dialogue.play(one, caller):
            title, reason = f"{name}: {result.exchange.title}", "; ".join(result.wrong)
            found.append(Finding(FAILED if reason else PASSED, title, reason))
    return found


def cases(server, place):
    """The cases from the text of the RFCs, with their own runner."""
    runner = HERE / "cases/run.py"
    if not runner.is_file():
        raise NotHere("conformance/cases is not there")
    outcomes = place / "cases.json"
    words = [sys.executable, runner, server.url, server.token, "--dialect", server.dialect]
    words += ["--json", outcomes]
    if server.admin_token:
        words += ["--admin-token", server.admin_token]
    said = command(words, seconds=900)
    stage.require(outcomes.is_file(), f"the cases did not run:\n{said}")
    told = dict(re.findall(r"^(?:FAILED|DIFFERS) (\S+)\n((?:    .*\n)+)", said, re.MULTILINE))
    kinds = {"not applicable": SKIPPED, "differ": SKIPPED, "failed": FAILED}
    why = "the server lacks what the case needs, or the case is of another dialect"
    return [
        Finding(kinds.get(outcome, PASSED), name, told.get(name, why))
        for name, outcome in json.loads(outcomes.read_text("utf-8")).items()
    ]


def instruments(_, __):
    """The checks of the checks: a dialogue that cannot fail would prove nothing."""
    import test_dialogue

    found = []

    class Kept(unittest.TestResult):
        """Keeps what passed, too."""

        def addSuccess(self, test):
            super().addSuccess(test)
            found.append(Finding(PASSED, test.id()))

    result = Kept()
    unittest.defaultTestLoader.loadTestsFromModule(test_dialogue).run(result)
    found += [Finding(FAILED, test.id(), text) for test, text in (*result.failures, *result.errors)]
    return found


SUITES = {
    "instruments": Suite("our instruments", "standard", instruments),
    "tester": Suite("scim2-tester", "standard", tester, "scim2-tester", 100, types=True),
    "sanity": Suite("scim-sanity, strict", "okta", sanity, "scim-sanity", 20, types=True),
    "microsoft": Suite("Microsoft's collection", "entra", microsoft, at_least=80),
    "dialogues": Suite("recorded dialogues", "standard", dialogues),
    "cases-strict": Suite("cases from the RFCs", "strict", cases),
    "cases-standard": Suite("the same, leniently", "standard", cases, ours=True),
}
