"""When two representations of a resource say the same (RFC 7643 §2)."""

import datetime
import decimal
import json
import re

MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?$")


def moment(text):
    """The instant a dateTime names; without an offset it is taken as UTC."""
    text = text.replace("Z", "+00:00")
    head, _, rest = text.partition(".")
    if rest:
        digits = re.match(r"\d+", rest)[0]
        text = f"{head}.{digits[:6].ljust(6, '0')}{rest[len(digits):]}"
    when = datetime.datetime.fromisoformat(text)
    return when if when.tzinfo else when.replace(tzinfo=datetime.timezone.utc)


def empty(value):
    return value is None or value == [] or value == {}


def plain(value, parent=""):
    """A value in the form in which two representations of one state are equal.

    Unassigned, null and [] are one state (RFC 7643 §2.5), `primary` is assumed to be false
    (§2.4), the order of values and of sub-attributes means nothing, names have no case (§2.1),
    and a dateTime is an instant. What a server computes of its own accord is left out: `$ref`,
    and the labels of members and managers.
    """
    if isinstance(value, dict):
        out = {}
        for name, inner in value.items():
            name = name.lower()
            if name == "$ref" or (name == "primary" and inner is False):
                continue
            if parent in ("members", "groups") and name in ("display", "type"):
                continue
            if parent == "manager" and name == "displayname":
                continue
            inner = plain(inner, name)
            if not empty(inner):
                out[name] = inner
        return out
    if isinstance(value, list):
        inner = [plain(one, parent) for one in value]
        return sorted((one for one in inner if not empty(one)), key=dumps)
    if isinstance(value, str) and MOMENT.match(value):
        try:
            return moment(value).astimezone(datetime.timezone.utc).isoformat()
        except ValueError:
            return value
    if isinstance(value, decimal.Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value


def dumps(value):
    return json.dumps(value, sort_keys=True, ensure_ascii=False, default=float)


def content(resource):
    """What clients wrote: everything but id, meta and schemas."""
    bare = {k: v for k, v in resource.items() if k.lower() not in ("id", "meta", "schemas")}
    return plain(bare)


def overlay(state, after):
    """`state` with the attributes of `after` in place of its own; null takes one away."""
    out = dict(state)
    for name, value in after.items():
        name = name.lower()
        if name.startswith("urn:") and isinstance(value, dict):
            value = overlay(out.get(name, {}), value)
        else:
            value = plain(value, name)
        if empty(value):
            out.pop(name, None)
        else:
            out[name] = value
    return out


def look(resource, path):
    """The value at a path such as `name.givenName` or `urn:…:User:department`, in any case."""
    if not isinstance(resource, dict):
        return None
    lower = {k.lower(): v for k, v in resource.items()}
    path = path.lower()
    if path in lower:
        return lower[path]
    for name, value in lower.items():
        if path.startswith(f"{name}:"):
            return look(value, path[len(name) + 1 :])
    head, dot, rest = path.partition(".")
    if not dot or head not in lower:
        return None
    value = lower[head]
    if isinstance(value, list):
        found = [look(one, rest) for one in value]
        return [one for one in found if one is not None] or None
    return look(value, rest)


def contains(whole, part):
    """Whether `part` is in `whole`: objects by member, lists by some element each, else equal."""
    if isinstance(part, dict):
        if not isinstance(whole, dict):
            return False
        lower = {k.lower(): v for k, v in whole.items()}
        return all(
            (k.lower() not in lower or empty(lower[k.lower()]))
            if v is None
            else k.lower() in lower and contains(lower[k.lower()], v)
            for k, v in part.items()
        )
    if isinstance(part, list):
        if not isinstance(whole, list):
            return False
        return all(any(contains(one, wanted) for one in whole) for wanted in part)
    if isinstance(part, bool) or isinstance(whole, bool):
        return part is whole
    return plain(whole) == plain(part)


def difference(want, have):
    """Both sides of what differs, attribute by attribute."""
    lines = []
    for name in sorted(set(want) | set(have)):
        if want.get(name) != have.get(name):
            lines.append(f"{name}: expected {dumps(want.get(name))}, is {dumps(have.get(name))}")
    return "\n".join(lines) or "they differ"
