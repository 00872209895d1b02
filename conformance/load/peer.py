"""What scim2-server spends on a filter and on a PATCH, in microseconds, as JSON.

The same calls as it makes to serve a request, and no others: nothing of HTTP, nothing of its store.
Run by conformance/load/protocol with the Python of conformance/prepare; the argument is asked.json.
"""

import itertools
import json
import statistics
import sys
import timeit

from scim2_models import Context, EnterpriseUser, PatchOp, ScimFilter, User

SECONDS = 0.4
asked = json.load(open(sys.argv[1], encoding="utf-8"))
Person = User[EnterpriseUser]


def cost(work):
    """The median of five measurements, in microseconds."""
    once = min(timeit.repeat(work, number=1, repeat=3))
    number = max(1, int(SECONDS / 5 / once))
    return statistics.median(timeit.repeat(work, number=number, repeat=5)) / number * 1e6


def filtered(text):
    """A filter that was not asked before, as look-ups by a value are, and one that was: it keeps
    what it has parsed."""
    # A filter is parsed and checked against the model as it is made.
    new = (ScimFilter[Person](text.replace("{n}", str(number))) for number in itertools.count())
    same = text.replace("{n}", "7")
    return {"new": cost(lambda: next(new)), "again": cost(lambda: ScimFilter[Person](same))}


def patched(operations):
    message = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations}
    body = json.dumps(message).encode()
    stored = Person.model_validate(asked["user"])

    def work():
        patch = PatchOp[Person].model_validate_json(body, scim_ctx=Context.RESOURCE_PATCH_REQUEST)
        person = stored.model_copy(deep=True)
        return patch.patch(person)

    assert work(), "it changes something"
    return cost(work)


print(
    json.dumps(
        {
            "filters": {name: filtered(text) for name, text in asked["filters"].items()},
            "patches": {name: patched(operations) for name, operations in asked["patches"].items()},
        }
    )
)
