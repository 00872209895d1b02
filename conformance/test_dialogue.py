#!/usr/bin/env python3
"""Checks of the checks: a dialogue has to notice what is wrong, and only that."""

import http.server
import json
import sys
import tempfile
import threading
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
import dialogue
import pattern
from pattern import MISSING, differences

MEMBER = {"value": "7", "$ref": "https://x.example/Users/7", "type": "User"}
META = {
    "resourceType": "User",
    "created": "2026-01-02T03:04:05Z",
    "lastModified": "2026-01-02T03:04:05.678+01:00",
    "location": "https://x.example/Users/7",
}


class Patterns(unittest.TestCase):
    """(pattern, what fits, what does not)"""

    TABLE = [
        ("a", ["a"], ["A", "", None, MISSING, ["a"]]),
        ("{{user}}", ["u1"], ["u2", "{{user}}"]),
        (1, [1], [1.0, "1", True, None, MISSING]),
        (True, [True], ["True", 1, False, None]),
        (False, [False], [0, "False", None, MISSING]),
        ([], [[]], [None, MISSING, {}, ["a"]]),
        (["a", "b"], [["a", "b"], ["b", "a"]], [["a"], ["a", "a"], ["a", "b", "c"], "a"]),
        (["<in order>", "a", "b"], [["a", "b"]], [["b", "a"], ["a"]]),
        (["a", "..."], [["a"], ["c", "a", "b"]], [[], ["b"]]),
        (["<text>", "a"], [["a", "b"], ["b", "a"]], [["a"], ["a", 1], ["b", "c"]]),
        (
            {"a": 1},
            [{"a": 1}, {"a": 1, "b": None}, {"a": 1, "b": []}],
            [{}, {"a": 2}, {"a": 1, "b": 0}, [1]],
        ),
        ({"a": 1, "...": ""}, [{"a": 1}, {"a": 1, "b": 2}], [{"b": 2}]),
        ({"a": {"b": "x"}}, [{"a": {"b": "x"}}], [{"a": {"b": "y"}}, {"a": "x"}]),
        ({"a": "<absent>"}, [{}], [{"a": None}, {"a": []}, {"a": 1}]),
        ({"a": "<unassigned>"}, [{}, {"a": None}, {"a": []}], [{"a": ""}, {"a": False}, {"a": {}}]),
        ("<any>", ["", 0, False, {}], [None, MISSING]),
        (
            "<without null>",
            [{"a": [{"b": 1}]}, [], 0],
            [None, MISSING, [None], {"a": [{"b": None}]}],
        ),
        ("<text>", ["x"], ["", 1, None, MISSING]),
        ("<integer>", [0, 7], [True, "7", 7.0]),
        ("<boolean>", [True, False], ["True", 0, None]),
        ("<dateTime>", [META["created"], META["lastModified"]], ["2026-01-02", "now", 1, None]),
        ("<not: {{user}}>", ["u2", 1], ["u1", MISSING]),
        ("<like: ^a+$>", ["a", "aaa"], ["b", "", None]),
        ("<optional: False>", [MISSING, None, False], [True, "no"]),
        (
            "<reference: 7>",
            [MEMBER, {"value": "7"}],
            [{"value": "8"}, {**MEMBER, "$ref": "/Users/8"}, "7", {**MEMBER, "x": 1}],
        ),
        (
            "<meta: User>",
            [META, {**META, "version": 'W/"1"'}],
            [
                {**META, "resourceType": "Group"},
                {**META, "created": ""},
                {**META, "location": "/Users/7"},
                {**META, "x": 1},
                None,
            ],
        ),
    ]

    def test_what_fits_and_what_does_not(self):
        for wanted, right, wrong in self.TABLE:
            for value in right:
                with self.subTest(wanted=wanted, fits=value):
                    self.assertEqual(differences(wanted, value, {"user": "u1"})[0], [])
            for value in wrong:
                with self.subTest(wanted=wanted, fits_not=value):
                    self.assertNotEqual(differences(wanted, value, {"user": "u1"})[0], [])

    def test_a_capture_is_known_afterwards_and_only_when_it_fits(self):
        wanted = {"id": "<capture: it: text>", "self": "{{it}}"}
        self.assertEqual(differences(wanted, {"id": "a", "self": "a"}, {}), ([], {"it": "a"}))
        self.assertNotEqual(differences(wanted, {"id": "a", "self": "b"}, {})[0], [])
        self.assertEqual(differences("<capture: it: integer>", "a", {})[1], {})

    def test_elements_in_any_order_keep_their_captures(self):
        wanted = [{"type": "work", "value": "<capture: work>"}, {"type": "home", "value": "<text>"}]
        value = [{"type": "home", "value": "h"}, {"type": "work", "value": "w"}]
        self.assertEqual(differences(wanted, value, {}), ([], {"work": "w"}))

    def test_a_mistake_in_a_dialogue_is_no_mistake_of_the_server(self):
        for wanted in ("{{nobody}}", "<nonsense>", "<like>"):
            with self.subTest(wanted), self.assertRaises(pattern.Unknown):
                differences(wanted, "a", {})

    def test_a_difference_is_named_by_its_place(self):
        lines, _ = differences({"a": {"b": [{"c": 1}]}}, {"a": {"b": [{"c": 2}]}}, {})
        self.assertIn("a.b[0].c: 2 instead of 1", lines)


USER = {
    "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
    "id": "7",
    "userName": "a",
    "meta": {**META, "location": "{base}/Users/7", "version": 'W/"1"'},
}
ERROR = {"schemas": [dialogue.ERROR], "status": "404", "detail": "there is no such user"}
HEADERS = {
    "Content-Type": "application/scim+json; charset=utf-8",
    "ETag": 'W/"1"',
    "Location": "{base}/Users/7",
    "Content-Location": "{base}/Users/7",
}
TEXT = """# A dialogue of the tests.
@name = a
User-Agent: Tests
Content-Type: application/scim+json

### made
POST /Users?x=a b

{ "userName": "{{name}}" }

HTTP 201
Location: {{base}}/Users/{{made}}

{ "schemas": "<any>", "id": "<capture: made>", "userName": "{{name}}", "meta": "<meta: User>" }

### looked for
GET /Users/{{made}}
Authorization: <none>

HTTP 404

{ "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"], "status": "404", "detail": "<text>" }

### deleted
DELETE /Users/{{made}}

HTTP 204
"""


class Server(http.server.BaseHTTPRequestHandler):
    """Says what it is told to say, and remembers what it was asked."""

    protocol_version, answers, asked = "HTTP/1.1", [], []

    def log_message(self, *_):
        pass

    def answer(self):
        length = int(self.headers.get("Content-Length") or 0)
        self.asked.append((self.command, self.path, dict(self.headers), self.rfile.read(length)))
        status, headers, body = self.answers.pop(0) if self.answers else (204, {}, None)
        base = f"http://{self.headers['Host']}/v2"
        content = b"" if body is None else json.dumps(body).replace("{base}", base).encode()
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name, value.replace("{base}", base))
        if status != 204:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer


class Playing(unittest.TestCase):
    """A whole dialogue with a server that answers rightly, and with one that does not."""

    RIGHT = [(201, HEADERS, USER), (404, HEADERS, ERROR), (204, {}, None)]

    def setUp(self):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)
        self.caller = dialogue.Caller(f"http://127.0.0.1:{self.server.server_port}/v2", "secret")

    def play(self, answers, text=TEXT):
        Server.answers, Server.asked = list(answers), []
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "one.http"
            path.write_text(text, "utf-8")
            return list(dialogue.play(dialogue.Dialogue(path), self.caller))

    def test_right_answers_are_right(self):
        results = self.play(self.RIGHT)
        self.assertEqual([result.wrong for result in results], [[], [], []])

    def test_what_is_sent_is_what_the_dialogue_says(self):
        self.play(self.RIGHT)
        post, get, delete = Server.asked
        self.assertEqual(post[:2], ("POST", "/v2/Users?x=a%20b"))
        self.assertEqual(json.loads(post[3]), {"userName": "a"})
        self.assertEqual(post[2]["User-Agent"], "Tests")
        self.assertEqual(post[2]["Authorization"], "Bearer secret")
        self.assertEqual(get[1], "/v2/Users/7")
        self.assertNotIn("Authorization", get[2])
        self.assertNotIn("Content-Type", get[2])
        self.assertEqual(delete[:2], ("DELETE", "/v2/Users/7"))

    def test_what_is_made_and_left_is_deleted(self):
        self.play(self.RIGHT[:1], TEXT.split("### looked for")[0])
        self.assertEqual([asked[:2] for asked in Server.asked[1:]], [("DELETE", "/v2/Users/7")])

    def test_each_lie_is_noticed(self):
        without = {name: value for name, value in HEADERS.items() if name != "Location"}
        lies = [
            (0, (200, HEADERS, USER)),
            (0, (201, without, USER)),
            (0, (201, {**HEADERS, "Location": "{base}/Users/8"}, USER)),
            (0, (201, {**HEADERS, "Content-Location": "{base}/Users/8"}, USER)),
            (0, (201, {**HEADERS, "ETag": 'W/"2"'}, USER)),
            (0, (201, {**HEADERS, "Content-Type": "text/plain"}, USER)),
            (0, (201, {**HEADERS, "Content-Type": "application/json"}, USER)),
            (0, (201, HEADERS, None)),
            (0, (201, HEADERS, {**USER, "userName": "A"})),
            (0, (201, HEADERS, {**USER, "password": "x"})),
            (0, (201, HEADERS, {**USER, "title": "whence?"})),
            (0, (201, HEADERS, {**USER, "id": "8"})),
            (0, (201, HEADERS, {name: value for name, value in USER.items() if name != "meta"})),
            (1, (404, HEADERS, {**ERROR, "status": 404})),
            (1, (404, HEADERS, {**ERROR, "status": "400"})),
            (1, (404, HEADERS, {**ERROR, "schemas": []})),
            (1, (404, HEADERS, {**ERROR, "scimType": "invented"})),
            (1, (200, HEADERS, USER)),
            (2, (200, HEADERS, USER)),
            (2, (404, HEADERS, ERROR)),
        ]
        for place, lie in lies:
            answers = [*self.RIGHT]
            answers[place] = lie
            with self.subTest(place=place, lie=lie):
                self.assertTrue(self.play(answers)[place].wrong)

    def test_one_of_several_answers_has_to_fit(self):
        text = TEXT.replace(
            "HTTP 204\n", 'HTTP 204\n\nHTTP 200\n\n{ "id": "{{made}}", "...": "" }\n'
        )
        for last, fits in (
            ((204, {}, None), True),
            ((200, HEADERS, USER), True),
            ((200, HEADERS, None), False),
            ((200, HEADERS, {**USER, "id": "8"}), False),
        ):
            with self.subTest(last=last):
                self.assertEqual(not self.play([*self.RIGHT[:2], last], text)[2].wrong, fits)

    def test_an_exchange_that_cannot_be_sent_has_failed(self):
        results = self.play([(500, HEADERS, {**ERROR, "status": "500"})])
        self.assertTrue(all(result.wrong for result in results))
        self.assertIn("not sent", results[1].wrong[0])

    def test_what_is_no_dialogue_is_refused(self):
        for text in (
            "",
            "### nothing\n",
            "### a\nGET /x\n",
            "### a\nFETCH /x\n\nHTTP 200\n",
            "### a\nGET /x\n\nHTTP 200\n\n{,}\n",
        ):
            with self.subTest(text), self.assertRaises(dialogue.Wrong):
                self.play([], text)


if __name__ == "__main__":
    unittest.main()
