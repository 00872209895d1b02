#!/usr/bin/env python3
"""Starts a server of its own and runs the cases there: conformance/cases/start.py SERVER [OPTIONS]

The options are those of `run.py`; with the word `chance` among them, those of `chance.py`, which is
run instead.

SERVER is `scim2-server` (from PyPI, with the probe extension) or a `rollcall` program. With
`--dialect standard` Rollcall's client speaks that dialect; without, it is strict. Rollcall keeps an
SQLite file in a new folder, or what it holds in the empty database that `CASES_DATABASE_URL` names.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
sys.dont_write_bytecode = True
import stage


class ProbedApp(stage.App):
    """scim2-server, serving the probe extension beside its own schemas."""

    def __init__(self, place):
        plain = stage.App(place)
        schemas = plain.api.call("GET", "/Schemas")["Resources"]
        types = plain.api.call("GET", "/ResourceTypes")["Resources"]
        plain.process.kill()
        probe = json.loads((HERE / "probe.json").read_text("utf-8"))
        for one in types:
            if one["name"] == "User":
                one["schemaExtensions"].append({"schema": probe["id"], "required": False})
        files = {"schema": [*schemas, probe], "resource-type": types}
        options = []
        for name, content in files.items():
            file = place / f"{name}.json"
            file.write_text(json.dumps(content), "utf-8")
            options += [f"--{name}", file]
        self.port = stage.free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        command = [stage.tools() / "scim2-server", "--port", self.port]
        command += ["--bearer-token", self.TOKEN, *options]
        self.process = stage.start(command, place / "app.log")
        self.api = stage.Api(self.url, self.TOKEN)
        stage.until("the app does not answer", 20, self._ready)


def run():
    stage.require(len(sys.argv) > 1, __doc__)
    place, options = stage.folder(), sys.argv[2:]
    if sys.argv[1] == "scim2-server":
        app = ProbedApp(place)
        url, token = app.url, app.TOKEN
    else:
        rollcall = stage.Rollcall(stage.binary(sys.argv[1]), place)
        if os.environ.get("CASES_DATABASE_URL"):
            rollcall.environment["ROLLCALL_DATABASE_URL"] = os.environ["CASES_DATABASE_URL"]
        rollcall.start()
        dialect = "standard" if "standard" in options else "strict"
        words = ("token", "create", "cases", "--scope", "scim.write", "--dialect", dialect)
        url, token = f"{rollcall.url}/scim/v2", rollcall.command(*words).strip()
        options += ["--admin-token", rollcall.token("cases-admin", "admin")]
    script = "run.py"
    if "chance" in options:
        options.remove("chance")
        script = "chance.py"
    done = subprocess.run(
        [sys.executable, HERE / script, url, token, *options], timeout=900, check=False
    )
    sys.exit(done.returncode)


stage.play(run)
