"""What a recorded dialogue expects of a JSON answer: `conformance/dialogues/README.md` explains it.

`differences` is a function of its arguments: it compares, and talks to nobody.
"""

import re

# xsd:dateTime, which is what SCIM calls a dateTime (RFC 7643 §2.3.5).
DATE_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?")
MORE = "..."


class Unknown(Exception):
    """A pattern or a variable that nobody has defined: a mistake in the dialogue itself."""


class Missing:
    """Stands for a value that is not there; it is not `null`, which can be there."""

    def __repr__(self):
        return "nothing"


MISSING = Missing()


def shown(value):
    """A value as a line of a report can hold it."""
    text = repr(value)
    return text if len(text) <= 160 else f"{text[:150]}… ({len(text)} characters)"


def unassigned(value):
    """Whether a value is the same as none at all: absent, null or `[]` (RFC 7643 §2.5)."""
    return value is MISSING or value is None or value == []


def filled(text, known):
    """`text` with every `{{name}}` replaced by what is known under that name."""

    def value(found):
        name = found[1].strip()
        if name not in known:
            raise Unknown(f"{{{{{name}}}}} is not known here")
        return str(known[name])

    return re.sub(r"\{\{([^{}]+)\}\}", value, text)


def differences(pattern, value, known, at=""):
    """Where `value` is not as `pattern` says, one line each; and what it captured on the way.

    The second part of the answer is `known` with the captures added.
    """
    if isinstance(pattern, str):
        return _text(pattern, value, known, at)
    if isinstance(pattern, dict):
        return _object(pattern, value, known, at)
    if isinstance(pattern, list):
        return _array(pattern, value, known, at)
    # In Python, `True == 1` and `1 == 1.0`; in JSON they are different answers.
    same = type(pattern) is type(value) and pattern == value
    return ([] if same else [f"{at or 'the body'}: {shown(value)} instead of {pattern!r}"]), known


def _join(at, name):
    return f"{at}.{name}" if at else name


def _object(pattern, value, known, at):
    if not isinstance(value, dict):
        return [f"{at or 'the body'}: {shown(value)} instead of an object"], known
    lines = []
    for name, wanted in pattern.items():
        if name == MORE:
            continue
        name = filled(name, known)
        found, known = differences(wanted, value.get(name, MISSING), known, _join(at, name))
        lines += found
    if MORE not in pattern:
        names = {filled(name, known) for name in pattern}
        for name, extra in value.items():
            if name not in names and not unassigned(extra):
                lines.append(f"{_join(at, name)}: {shown(extra)}, which nobody asked for")
    return lines, known


def _array(pattern, value, known, at):
    if pattern == [] and value == []:
        return [], known
    if not isinstance(value, list):
        return [f"{at or 'the body'}: {shown(value)} instead of an array"], known
    wanted = list(pattern)
    in_order = wanted[:1] == ["<in order>"]
    if in_order:
        wanted.pop(0)
    more = wanted[-1:] == [MORE]
    if more:
        wanted.pop()
    if len(value) != len(wanted) and not (more and len(value) > len(wanted)):
        number = f"at least {len(wanted)}" if more else len(wanted)
        return [f"{at}: {len(value)} elements instead of {number}: {shown(value)}"], known
    if in_order:
        lines = []
        for number, (one, element) in enumerate(zip(wanted, value)):
            found, known = differences(one, element, known, f"{at}[{number}]")
            lines += found
        return lines, known
    matched = _assign(wanted, value, known)
    if matched is not None:
        return [], matched
    # Told for the reader: what stands in the way of the first element that has no match.
    for number, one in enumerate(wanted):
        tries = [
            differences(one, element, known, f"{at}[{place}]")[0]
            for place, element in enumerate(value)
        ]
        if all(tries):
            near = min(tries, key=len)
            head = f"{at}: no element is as number {number + 1} of the dialogue; the nearest:"
            return [head, *near], known
    return [f"{at}: each element fits, but not all of them at once: {shown(value)}"], known


def _assign(wanted, values, known):
    """Gives each pattern a value of its own, in any order; what is known then, or `None`."""
    if not wanted:
        return known
    for place, value in enumerate(values):
        found, more = differences(wanted[0], value, known)
        if not found:
            rest = _assign(wanted[1:], values[:place] + values[place + 1 :], more)
            if rest is not None:
                return rest
    return None


def _text(pattern, value, known, at):
    at = at or "the body"
    special = re.fullmatch(r"<([^<>:]+)(?:: ?(.*))?>", pattern, re.DOTALL)
    if not special:
        wanted = filled(pattern, known)
        return ([] if value == wanted else [f"{at}: {shown(value)} instead of {wanted!r}"]), known
    kind, argument = special[1].strip(), special[2]
    if kind == "capture":
        name, _, inner = argument.partition(":")
        found, known = _text(f"<{inner.strip() or 'any'}>", value, known, at)
        return (found, known) if found else ([], {**known, name.strip(): value})
    if kind not in KINDS:
        raise Unknown(f"{pattern} is no pattern: there are {', '.join(sorted(KINDS))}, capture")
    if argument is None and kind in ("not", "like", "optional", "reference", "meta"):
        raise Unknown(f"{pattern} lacks what comes after the colon")
    argument = None if argument is None else filled(argument, known)
    holds = KINDS[kind](value, argument)
    wanted = kind if argument is None else f"{kind} {argument}"
    return ([] if holds else [f"{at}: {shown(value)} instead of <{wanted}>"]), known


def _reference(value, wanted):
    """A member of a group, a group of a user: `value` is the id, the rest must agree with it."""
    if not isinstance(value, dict) or value.get("value") != wanted:
        return False
    place = value.get("$ref")
    return (
        (place is None or (isinstance(place, str) and place.endswith(f"/{wanted}")))
        and value.get("type", "User") in ("User", "Group", "direct", "indirect")
        and isinstance(value.get("display", ""), str)
        and set(value) <= {"value", "$ref", "type", "display"}
    )


def _meta(value, kind):
    """`meta` as RFC 7643 §3.1 has it, of a resource of this kind."""
    return (
        isinstance(value, dict)
        and value.get("resourceType") == kind
        and all(
            isinstance(value.get(name), str) and DATE_TIME.fullmatch(value[name])
            for name in ("created", "lastModified")
        )
        and isinstance(value.get("location"), str)
        and value["location"].startswith(("http://", "https://"))
        and isinstance(value.get("version", ""), str)
        and set(value) <= {"resourceType", "created", "lastModified", "location", "version"}
    )


def _without_null(value):
    """Whether there is something, and nowhere in it a `null`."""
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return value is not MISSING and value is not None and all(map(_without_null, parts))


def _is_text(value):
    return isinstance(value, str) and value != ""


KINDS = {
    "any": lambda value, _: value is not MISSING and value is not None,
    "without null": lambda value, _: _without_null(value),
    "absent": lambda value, _: value is MISSING,
    "unassigned": lambda value, _: unassigned(value),
    "text": lambda value, _: _is_text(value),
    "integer": lambda value, _: type(value) is int,
    "boolean": lambda value, _: isinstance(value, bool),
    "dateTime": lambda value, _: isinstance(value, str) and bool(DATE_TIME.fullmatch(value)),
    "not": lambda value, wanted: value is not MISSING and value != wanted,
    "like": lambda value, wanted: isinstance(value, str) and bool(re.search(wanted, value)),
    "optional": lambda value, wanted: unassigned(value) or str(value) == wanted,
    "reference": _reference,
    "meta": _meta,
}
