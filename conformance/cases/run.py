#!/usr/bin/env python3
"""Cases from the text of RFC 7643 and RFC 7644 against a running SCIM server.

    conformance/cases/run.py URL TOKEN [--dialect strict|standard] [--admin-token TOKEN]

URL is the SCIM base, such as http://127.0.0.1:8080/scim/v2. The directory of `directory.json` is
made there, every case of the `*.toml` files is run, and what was made is deleted again. Python's
standard library only; README.md says what the files mean.
"""

import argparse
import json
import sys
import tomllib
from pathlib import Path

sys.dont_write_bytecode = True
from case import Case, Differs
from directory import Directory
from wire import Broken, Server

HERE = Path(__file__).resolve().parent


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
    parser.add_argument("--case", action="append", help="only names with this in them; repeat")
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
