"""What RFC 7644 makes of filters and of PATCH, on plain JSON: the judge of `chance.py`.

Nothing here reads a filter or a path: expressions are made as trees, and their text is written from
the tree. So a mistake in reading them is the server's alone.
"""

import copy

from compare import moment, plain

PROBE = "urn:ietf:params:scim:schemas:extension:probe:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

# Types: s a string without case, S one with case, b a boolean, i an integer, d a decimal,
# t a dateTime.
SINGULAR = {
    "title": "s", "nickName": "s", "displayName": "s", "userType": "s", "externalId": "S",
    "name.familyName": "s", "name.givenName": "s", "active": "b",
    f"{ENTERPRISE}:department": "s", f"{ENTERPRISE}:costCenter": "s",
    f"{PROBE}:label": "s", f"{PROBE}:code": "S", f"{PROBE}:level": "i", f"{PROBE}:score": "d",
    f"{PROBE}:flag": "b", f"{PROBE}:hired": "t",
    f"{PROBE}:office.building": "S", f"{PROBE}:office.floor": "i",
}
COMPLEX = {
    "emails": {"value": "s", "type": "s", "display": "s", "primary": "b"},
    "roles": {"value": "s", "type": "s", "display": "s"},
    "addresses": {"locality": "s", "region": "s", "type": "s"},
    f"{PROBE}:marks": {"value": "S", "rank": "i", "note": "s", "primary": "b"},
}
SIMPLE = {f"{PROBE}:tags": "S", f"{PROBE}:scores": "i"}

OPERATORS = {
    "s": ("eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"),
    "S": ("eq", "ne", "co", "sw", "ew"),  # which order of letters is case-sensitive is open
    "b": ("eq", "ne"),
    "i": ("eq", "ne", "gt", "ge", "lt", "le"),
    "d": ("eq", "ne", "gt", "ge", "lt", "le"),
    "t": ("gt", "ge", "lt", "le"),
}


# Reading and writing at a path ------------------------------------------------------------------


def split(path):
    """Extension (or ""), attribute and sub-attribute (or "") of a path."""
    extension, _, rest = path.rpartition(":") if path.startswith("urn:") else ("", "", path)
    attribute, _, part = rest.partition(".")
    return extension, attribute, part


def get(resource, path):
    extension, attribute, part = split(path)
    value = (resource.get(extension, {}) if extension else resource).get(attribute)
    return (value or {}).get(part) if part else value


def put(resource, path, value):
    """Assigns a value; None and [] unassign, and nothing empty is left behind."""
    extension, attribute, part = split(path)
    place = resource.setdefault(extension, {}) if extension else resource
    if part:
        inner = place.setdefault(attribute, {})
        inner[part] = value
        if value is None:
            del inner[part]
        value = inner
    if value is None or value == [] or value == {}:
        place.pop(attribute, None)
    else:
        place[attribute] = value
    if extension and not place:
        del resource[extension]


# Filters ----------------------------------------------------------------------------------------


def compare(kind, value, operator, operand):
    """One value against the operand (RFC 7644 Table 3)."""
    if kind == "s":
        value, operand = value.lower(), operand.lower()
    elif kind == "t":
        value, operand = moment(value), moment(operand)
    return {
        "eq": lambda: value == operand,
        "ne": lambda: value != operand,
        "co": lambda: operand in value,
        "sw": lambda: value.startswith(operand),
        "ew": lambda: value.endswith(operand),
        "gt": lambda: value > operand,
        "ge": lambda: value >= operand,
        "lt": lambda: value < operand,
        "le": lambda: value <= operand,
    }[operator]()


def holds(tree, resource):
    """Whether a filter matches: True, False, or None where the RFC leaves it open.

    Open is `ne` of what has no value, and anything about a `primary` that nobody has said.
    """
    word = tree[0]
    if word == "not":
        inner = holds(tree[1], resource)
        return None if inner is None else not inner
    if word in ("and", "or"):
        sides = [holds(one, resource) for one in tree[1]]
        decides = word == "or"
        if decides in sides:
            return decides
        return None if None in sides else not decides
    if word == "path":  # all conditions on the same value
        return any_of([holds(tree[2], one) for one in get(resource, tree[1]) or []])
    _, path, kind, operator, operand = tree
    values = values_at(resource, path)
    if not values or None in values:
        known = [one for one in values if one is not None]
        if path.endswith("primary") or operator == "ne":
            found = any(compare(kind, one, operator, operand) for one in known if operator != "pr")
            return found or None
        values = known
    if operator == "pr":
        return None if path.endswith("primary") else bool(values)
    return any(compare(kind, one, operator, operand) for one in values)


def values_at(resource, path):
    """The values a dotted path reaches; None for an element without the sub-attribute."""
    extension, attribute, part = split(path)
    value = (resource.get(extension, {}) if extension else resource).get(attribute)
    if isinstance(value, list):
        return [one.get(part) if part else one for one in value]
    value = (value or {}).get(part) if part else value
    return [] if value is None else [value]


def any_of(sides):
    return True if True in sides else None if None in sides else False


# PATCH ------------------------------------------------------------------------------------------


class Open(Exception):
    """The RFC does not say what becomes of this."""


def twins(elements):
    """Whether a (type, value) combination is there twice: a provider SHOULD NOT return that."""
    keys = [(str(one.get("value")).lower(), str(one.get("type")).lower()) for one in elements]
    return len(keys) != len(set(keys)) or len({str(plain(one)) for one in elements}) != len(keys)


def add_values(resource, path, values):
    """add on a multi-valued complex attribute: what is there changes nothing, primary moves."""
    elements = copy.deepcopy(get(resource, path) or [])
    for value in copy.deepcopy(values):
        if any(plain(value) == plain(one) for one in elements):
            continue
        if value.get("primary"):
            for one in elements:
                one.pop("primary", None)
        elements.append(value)
    if twins(elements):
        raise Open
    put(resource, path, elements)


def matching(resource, path, condition):
    """The elements a value path selects."""
    elements = get(resource, path) or []
    sides = [holds(condition, one) for one in elements]
    if None in sides:
        raise Open
    return [one for one, side in zip(elements, sides) if side]


def remove_values(resource, path, condition, part):
    """remove on a value path: the records, or one sub-attribute of each. False if none matched."""
    hit = matching(resource, path, condition)
    if not hit:
        return False
    elements = get(resource, path)
    if not part:
        put(resource, path, [one for one in elements if not any(one is other for other in hit)])
        return True
    for one in hit:
        one.pop(part, None)
        if not one:
            raise Open
    if twins(elements):
        raise Open
    return True


def set_values(resource, path, condition, part, value):
    """add or replace on a sub-attribute of a value path. False if none matched."""
    hit = matching(resource, path, condition)
    if not hit:
        return False
    elements = get(resource, path)
    if part == "primary":
        if len(hit) > 1:
            raise Open
        for one in elements:
            one.pop("primary", None)
    for one in hit:
        one[part] = value
    if twins(elements):
        raise Open
    return True
