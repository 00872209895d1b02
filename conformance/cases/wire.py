"""Requests to a SCIM server, and what comes back. Python's standard library only."""

import decimal
import http.client
import json
import ssl
import urllib.parse


class Broken(Exception):
    """The server failed in a way no reading allows: no answer, or a 5xx."""


class Answer:
    """An HTTP answer with its JSON body, `None` when there is none."""

    def __init__(self, request, status, headers, body):
        self.request, self.status, self.headers = request, status, headers
        self.text = body.decode("utf-8", "replace")
        try:
            self.json = json.loads(body, parse_float=decimal.Decimal) if body else None
        except (ValueError, RecursionError):
            self.json = None


class Server:
    """A SCIM server behind a bearer token, over one connection that is kept."""

    def __init__(self, base, token):
        self.base, self.token = base.rstrip("/"), token
        self.url = urllib.parse.urlsplit(self.base)
        self.connection = None

    def _connect(self, timeout):
        if self.url.scheme == "https":
            return http.client.HTTPSConnection(
                self.url.netloc, timeout=timeout, context=ssl.create_default_context()
            )
        return http.client.HTTPConnection(self.url.netloc, timeout=timeout)

    def send(self, method, path, body=None, headers=(), timeout=30):
        """One request. `body` is text that is sent as it is, or something to send as JSON."""
        if body is not None and not isinstance(body, (str, bytes)):
            body = json.dumps(body)
        payload = body.encode() if isinstance(body, str) else body
        sent = {"Authorization": f"Bearer {self.token}", "Accept": "application/scim+json"}
        if payload is not None:
            sent["Content-Type"] = "application/scim+json"
        sent.update(headers)
        sent = {name: value for name, value in sent.items() if value is not None}
        request = f"{method} {path}"
        shown = payload.decode("utf-8", "replace") if payload else ""
        if shown:
            request += f"\n{shown if len(shown) <= 1500 else shown[:1500] + ' …'}"
        target = self.url.path + path
        for attempt in (1, 2):
            kept = self.connection is not None
            if not kept:
                self.connection = self._connect(timeout)
            try:
                self.connection.request(method, target, payload, sent)
                answer = self.connection.getresponse()
                got = Answer(request, answer.status, answer.headers, answer.read())
                if answer.will_close:
                    self._close()
                return got
            except (OSError, http.client.HTTPException) as failure:
                self._close()
                # A connection that was kept may have been closed long ago.
                if attempt == 1 and kept and not isinstance(failure, TimeoutError):
                    continue
                raise Broken(f"{request}\nno answer: {failure!r}") from None
        raise AssertionError

    def _close(self):
        if self.connection is not None:
            self.connection.close()
        self.connection = None
