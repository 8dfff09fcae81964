"""What a document cannot tell the tester about the twins."""

import os
import uuid

import requests
import schemathesis

BASE = os.environ["TWIN_URL"]
AUTHORIZATION = {"Authorization": os.environ["TWIN_AUTHORIZATION"]}
# The parameter that names a token, how to make one, and where its id is.
MAKE = {
    "id": ("/api/v2/tokens", "_id", {"role": "reader", "name": "schema check"}),
    "token_id": ("/sts/v1/personal-access-tokens", "id", {"name": "schema check"}),
}
turn = 0


def make(path, body):
    made = requests.post(BASE + path, json=body, headers=AUTHORIZATION, timeout=10)
    made.raise_for_status()
    return made


def existing_ids():
    """The tokens from before the run, the one that it uses itself among them; nothing may happen to
    them."""
    for path, member, _ in MAKE.values():
        listed = requests.get(BASE + path, headers=AUTHORIZATION, timeout=10)
        if listed.status_code == 200:
            tokens = listed.json()
            tokens = tokens if isinstance(tokens, list) else tokens["items"]
            return {token[member] for token in tokens}
    return set()


OWN = existing_ids()


@schemathesis.hook
def before_call(context, case, kwargs):
    """Lets half of the requests meet a token that exists: what is made up never would."""
    global turn
    turn += 1
    names = case.path_parameters or {}
    for parameter, (path, member, body) in MAKE.items():
        if parameter in names and (turn % 2 or names[parameter] in OWN):
            names[parameter] = make(path, body).json()[member]
    if turn % 2 and case.operation.path.startswith("/_/token"):
        name = f"schema check {uuid.uuid4()}"
        make("/_/token", {"name": name})
        if isinstance(case.query, dict) and "name" in case.query:
            case.query["name"] = name
        elif case.method.upper() != "POST" and isinstance(case.body, dict) and "name" in case.body:
            case.body["name"] = name


@schemathesis.hook
def after_call(context, case, response):
    """Query Server sends no content type, and the document tells how to read the bytes."""
    if case.operation.path.startswith("/_/token"):
        assert "content-type" not in response.headers, "Query Server sends no content type"
        if response.content:
            kind = "application/json" if response.status_code == 200 else "text/plain"
            response.headers["content-type"] = [kind]
