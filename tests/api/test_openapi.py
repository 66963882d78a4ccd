"""The API document: valid, complete, and true to the code it is made from."""

from __future__ import annotations

import re
import sys
import warnings
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import marshmallow.class_registry
import pytest
from schemathesis.specs.openapi.definitions import OPENAPI_31
from support.client import BOTS, PASSWORD, Client

from dialogs.messages import parse
from dialogs.scenarios import load
from handlers.apidoc.document import make_document
from handlers.errors import Code
from handlers.routes import routes
from models.accounts.rules import USERNAME, problem
from runner.live.events import EventKind
from runner.states import BotState, Reason
from sandbox import Sandbox

Document = dict[str, Any]
METHODS = ("get", "post", "put", "patch", "delete")
PAGES = ("/", "/swagger", "/swagger/([a-z0-9.-]*)", r"/openapi\.json")
SIMULATION = ("POST /api/v1/telegram_data/{bot_id}/scenario/simulate/", "400")
PUBLIC = {
    "GET /api/v1/message.schema.json",
    "GET /api/v1/scenario.schema.json",
    "POST /rest-auth/registration/",
    "POST /rest-auth/login/",
    "POST /rest-auth/password/reset/",
    "POST /rest-auth/password/reset/confirm/",
    "POST /rest-auth/registration/verify-email/",
    "POST /rest-auth/registration/resend-email/",
    "GET /healthz/",
    "GET /readyz/",
    "GET /metrics/",
}
BOT = {
    "id",
    "token",
    "title",
    "history",
    "active",
    "telegram_id",
    "username",
    "created_at",
    "updated_at",
    "status",
}
UPLOAD = "POST /api/v1/telegram_data/{bot_id}/media/"
STATUS = {"state", "reason", "detail", "since"}


@pytest.fixture(scope="module")
def document() -> Document:
    """The document as the server makes it."""
    return make_document(routes, version="1.2.3")


@pytest.fixture(scope="module")
def schemas(document: Document) -> Document:
    """The schemas in it."""
    found: Document = document["components"]["schemas"]
    return found


def operations(document: Document) -> Iterator[tuple[str, Document]]:
    """Each operation with its name, such as `GET /healthz/`."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def bodies(operation: Document) -> Iterator[tuple[str, str, Document]]:
    """Each body that an operation takes or gives: whose, of which type, what."""
    for kind, media in operation.get("requestBody", {}).get("content", {}).items():
        yield "request", kind, media
    for status, answer in operation["responses"].items():
        for kind, media in answer.get("content", {}).items():
            yield status, kind, media


def validator(document: Document, schema: Document) -> jsonschema_rs.Validator:
    """What checks a value against a schema of the document."""
    root = schema | {"components": document["components"]}
    return jsonschema_rs.Draft202012Validator(root, validate_formats=True)


def test_the_document_is_valid_openapi(document: Document) -> None:
    validate = jsonschema_rs.Draft202012Validator(OPENAPI_31)
    assert [
        f"{error.instance_path}: {error.message}" for error in validate.iter_errors(document)
    ] == []
    assert document["openapi"].startswith("3.1.")
    assert document["info"]["version"] == "1.2.3"


def test_its_head_says_where_the_server_is_and_whose(document: Document) -> None:
    assert [server["url"] for server in document["servers"]] == ["/"]
    assert document["info"]["contact"]["name"]
    assert document["info"]["license"] == {"name": "MIT", "identifier": "MIT"}
    assert "end with `Z`" in document["info"]["description"]


def test_each_schema_is_valid_json_schema(document: Document, schemas: Document) -> None:
    for name, schema in schemas.items():
        jsonschema_rs.meta.validate(schema)
        assert schema["type"] == ("array" if name == "MessageContentAlbum" else "object"), name
        assert schema["description"], name
        for field, described in schema.get("properties", {}).items():
            assert {"type", "$ref", "anyOf", "oneOf"} & described.keys(), f"{name}.{field}"
        assert set(schema.get("required", [])) <= schema.get("properties", {}).keys(), name
        validator(document, schema)  # every $ref leads somewhere, every pattern compiles


def test_making_it_warns_of_nothing() -> None:
    """apispec warns when two schemas get the same name."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        first = make_document(routes, version="1")
        assert make_document(routes, version="1") == first


def test_every_method_of_every_route_is_in_it(document: Document) -> None:
    documented = {name for name, _ in operations(document)}
    implemented = set()
    for route in routes:
        pattern = route.regex.pattern.removesuffix("$")
        if pattern in PAGES:
            continue
        methods = set(route.target.allowed_methods()) - {"HEAD", "OPTIONS"}
        matching = [path for path in document["paths"] if route.regex.match(_filled(path))]
        assert len(matching) == 1, f"{pattern}: {matching}"
        implemented |= {f"{method} {matching[0]}" for method in methods}
    assert documented == implemented


def _filled(path: str) -> str:
    return re.sub(r"\{\w+\}", "1", path.replace("{conversation_id}", "1.1.0"))


def test_every_path_ends_in_a_slash(document: Document) -> None:
    paths = [path for path in document["paths"] if not path.endswith("/")]
    assert paths == [f"/api/v1/{name}.schema.json" for name in ("message", "scenario")], "files"


def test_each_operation_says_what_it_does(document: Document) -> None:
    tags = {tag["name"] for tag in document["tags"]}
    assert all(tag["description"] for tag in document["tags"])
    for name, operation in operations(document):
        assert operation["summary"], name
        assert operation["description"], name
        assert "---" not in operation["description"], name
        assert len(operation["tags"]) == 1, name
        assert set(operation["tags"]) <= tags, f"{name}: add its tag, with a description"


def test_no_docstring_is_broken_yaml(document: Document) -> None:
    """tornado-swagger says so with a tag, and with nothing else."""
    assert all(operation["tags"] != ["Invalid Swagger"] for _, operation in operations(document))


def test_operation_ids_are_unique_names(document: Document) -> None:
    ids = [operation["operationId"] for _, operation in operations(document)]
    assert sorted(set(ids)) == sorted(ids)
    assert all(identifier.isidentifier() for identifier in ids)
    assert {"list_telegram_data", "create_telegram_data", "update_telegram_data", "login"} <= set(
        ids
    )


def test_only_the_public_operations_need_no_key(document: Document) -> None:
    assert {name for name, made in operations(document) if made["security"] == []} == PUBLIC
    for name, operation in operations(document):
        if name not in PUBLIC:
            unsafe = not name.startswith("GET ")
            cookie: Document = {"cookie": []} | ({"xsrf": []} if unsafe else {})
            nothing: list[Document] = [{}] if name == "POST /rest-auth/logout/" else []
            assert operation["security"] == [{"bearer": []}, cookie, *nothing], name
    assert document["components"]["securitySchemes"].keys() == {"bearer", "cookie", "xsrf"}


def test_each_path_parameter_is_described(document: Document) -> None:
    for path, methods in document["paths"].items():
        wanted = {part.partition("}")[0] for part in path.split("{")[1:]}
        for method, operation in methods.items():
            parameters = {
                parameter["name"]: parameter
                for parameter in operation.get("parameters", [])
                if parameter["in"] == "path"
            }
            assert parameters.keys() == wanted, f"{method} {path}"
            for parameter in parameters.values():
                assert parameter["required"]
                assert parameter["description"]
                assert parameter["schema"]["type"] in ("integer", "string")


def test_each_operation_documents_what_any_such_can_answer(document: Document) -> None:
    for name, operation in operations(document):
        answers = operation["responses"]
        expected = set()
        if name not in PUBLIC:
            expected |= {"401", "503"}
            if not name.startswith("GET "):
                expected |= {"403"}
        if "{" in name:
            expected |= {"404"}
        if "requestBody" in operation:
            expected |= {"400", "413", "415"}
        assert answers.keys() >= expected, name
        assert any(status.startswith("2") for status in answers), name
        assert all(answer["description"] for answer in answers.values()), name


def test_errors_are_problem_documents_with_their_codes(document: Document) -> None:
    for name, operation in operations(document):
        for status, kind, media in bodies(operation):
            if not status.startswith(("4", "5")) or kind == "application/json":
                continue
            assert kind == "application/problem+json", f"{name} {status}"
            own = "Problem" if (name, status) != SIMULATION else "SimulationProblem"
            assert media["schema"] == {"$ref": f"#/components/schemas/{own}"}, f"{name} {status}"
            assert media["examples"], f"{name} {status} names no code"
            for code, example in media["examples"].items():
                assert example["value"]["code"] == Code(code)
                assert example["value"]["status"] == int(status)


def test_every_code_is_listed(document: Document, schemas: Document) -> None:
    assert schemas["Problem"]["properties"]["code"]["enum"] == [str(code) for code in Code]


def test_every_code_is_documented_where_it_can_come(document: Document) -> None:
    named = {
        code
        for _, operation in operations(document)
        for _, _, media in bodies(operation)
        for code in media.get("examples", {})
    }
    # a method that is not there is no operation, nobody plans a 500, whoever reads the document
    # has used a right name for the server, and proxies answer any path when no server does
    elsewhere = {"method_not_allowed", "internal_error", "host_not_allowed", "server_unavailable"}
    assert named == {str(code) for code in Code} - elsewhere


def test_headers_that_a_client_acts_on_are_documented(document: Document) -> None:
    for name, operation in operations(document):
        for status, answer in operation["responses"].items():
            headers = answer.get("headers", {}).keys()
            wanted = {"401": {"WWW-Authenticate"}, "429": {"Retry-After"}, "503": {"Retry-After"}}
            assert headers >= wanted.get(status, set()), f"{name} {status}"
    paths = document["paths"]
    assert "Location" in paths[BOTS]["post"]["responses"]["201"]["headers"]
    assert "Set-Cookie" in paths["/rest-auth/login/"]["post"]["responses"]["200"]["headers"]


def test_bodies_are_json_and_forms_are_told_in_words(document: Document) -> None:
    """Generated clients of an operation with the same schema for three types do not compile."""
    forms = set()
    for name, operation in operations(document):
        if body := operation.get("requestBody"):
            if name == UPLOAD:
                assert body["content"].keys() == {"multipart/form-data"}
                continue
            assert body["content"].keys() == {"application/json"}, name
            if "multipart/form-data" in body.get("description", ""):
                forms.add(name)
    assert forms >= {"POST /rest-auth/login/", "POST /rest-auth/registration/"}
    assert not {name for name in forms if BOTS in name}


async def test_forms_are_taken_where_the_document_says_so(anonymous: Client) -> None:
    form = {"username": "ann", "password": PASSWORD}
    for path in ("/rest-auth/registration/", "/rest-auth/login/"):
        answer = await anonymous.request("POST", path, data=form)
        assert answer.json["user"]["username"] == "ann", answer.text


def test_a_bot_is_what_the_contract_says(document: Document, schemas: Document) -> None:
    bot = schemas["Bot"]
    assert bot["properties"].keys() == BOT
    assert set(bot["required"]) == BOT
    read_only = {name for name, field in bot["properties"].items() if field.get("readOnly")}
    assert read_only == BOT - {"token", "title", "active", "history"}
    status = schemas["BotStatus"]
    assert set(status["required"]) == status["properties"].keys() >= STATUS
    listed = document["paths"][BOTS]["get"]["responses"]["200"]["content"]["application/json"]
    assert listed["schema"] == {"type": "array", "items": {"$ref": "#/components/schemas/Bot"}}


def test_what_is_written_has_no_read_only_fields(schemas: Document) -> None:
    assert schemas["BotInput"]["properties"].keys() == {"token", "title", "active", "history"}
    assert schemas["BotInput"]["required"] == ["token"]
    assert schemas["BotInput"]["properties"]["active"]["default"] is True
    user = schemas["User"]["properties"].keys()
    assert schemas["UserReplacement"]["properties"].keys() == user - {"pk"}


def test_a_change_has_no_defaults(document: Document, schemas: Document) -> None:
    """A generated client that fills defaults in would switch a bot on by changing its title."""
    assert schemas["BotChanges"]["properties"].keys() == schemas["BotInput"]["properties"].keys()
    for kind, required in (("Changes", {}), ("Replacement", {"Bot": "token", "User": "username"})):
        for name in ("Bot", "User"):
            schema = schemas[name + kind]
            assert schema.get("required", []) == ([required[name]] if required else [])
            assert all("default" not in field for field in schema["properties"].values())
    put = document["paths"][f"{BOTS}{{bot_id}}/"]["put"]["requestBody"]
    body = put["content"]["application/json"]["schema"]
    assert body == {"$ref": "#/components/schemas/BotReplacement"}


def test_answers_may_get_more_fields_and_frontends_send_more(schemas: Document) -> None:
    ignored = ("Login", "Registration", "PasswordChange")  # as with dj-rest-auth
    for name in (*ignored, "Bot", "User", "LoginAnswer", "Session", "Problem"):
        assert "additionalProperties" not in schemas[name]


async def test_read_only_fields_are_ignored_as_the_document_says(
    ann: Client, schemas: Document, telegram: Sandbox
) -> None:
    made = await ann.add_bot(telegram.add_bot())
    for name in ("BotInput", "BotReplacement", "BotChanges"):
        assert "additionalProperties" not in schemas[name]
        assert "`id`, `status`, " in schemas[name]["description"]
        assert "any other field is an error" in schemas[name]["description"]
    path = f"{BOTS}{made['id']}/"
    for method in ("PUT", "PATCH"):
        answer = await ann.request(method, path, made | {"id": 0, "status": "x"})
        assert (answer.status, answer.json["id"]) == (200, made["id"]), answer.text
        answer = await ann.request(method, path, made | {"colour": "red"})
        assert answer.json["errors"] == {"colour": ["Unknown field."]}


def test_the_events_of_the_stream_have_schemas(document: Document, schemas: Document) -> None:
    operation = document["paths"]["/api/v1/events/"]["get"]
    stream = operation["responses"]["200"]["content"]["text/event-stream"]["schema"]
    names = [reference["$ref"].rpartition("/")[2] for reference in stream["anyOf"]]
    assert names == [
        "BotStateEvent",
        "BotCountersEvent",
        "BotDeletedEvent",
        "MessageEvent",
        "MessageStateEvent",
        "ChatEvent",
    ]
    for kind, name in zip(EventKind, names, strict=True):
        assert f"`{kind}`" in schemas[name]["description"]
        assert f"`{kind}`" in operation["description"]
        assert "id" in schemas[name]["required"]
    for word in ("curl -N", "fetch", "EventSource", "Last-Event-ID"):
        assert word in operation["description"]


def test_enumerations_say_their_type_and_null(schemas: Document) -> None:
    status = schemas["BotStatus"]["properties"]
    assert status["state"] == {"type": "string", "enum": [str(state) for state in BotState]}
    assert status["reason"]["type"] == ["string", "null"]
    assert status["reason"]["enum"] == [*(str(reason) for reason in Reason), None]
    assert schemas["LoginAnswer"]["properties"]["token_type"] == {
        "type": "string",
        "const": "Bearer",
    }


@pytest.mark.parametrize(
    ("username", "valid"),
    [("ann", True), ("Анна.2", True), ("a n n", False), ("ann\n", False), ("", False)],
)
def test_patterns_mean_in_the_document_what_they_mean_in_the_code(
    document: Document, schemas: Document, username: str, valid: bool
) -> None:
    assert validator(document, schemas["UserChanges"]).is_valid({"username": username}) is valid


def strings(part: Any, name: str) -> Iterator[str]:
    """Each string of a name in a part of the document."""
    if isinstance(part, list):
        for inner in part:
            yield from strings(inner, name)
    elif isinstance(part, dict):
        if isinstance(part.get(name), str):
            yield part[name]
        for inner in part.values():
            yield from strings(inner, name)


def test_no_schema_has_a_title(schemas: Document) -> None:
    """Generators make a type's name of it, which may be the name of another schema."""
    for name, schema in schemas.items():
        assert list(strings(schema | {"examples": []}, "title")) == [], name


def test_patterns_are_valid_without_flags(document: Document) -> None:
    r"""`\p{L}` needs the flag u, which validators and the attribute `pattern` of HTML lack."""
    patterns = set(strings(document, "pattern"))
    assert len(patterns) > 3
    escapes = {escape for pattern in patterns for escape in re.findall(r"\\(.)", pattern)}
    assert escapes <= set("xu-.")


def test_the_pattern_of_user_names_rejects_none_that_the_server_accepts(schemas: Document) -> None:
    pattern = re.compile(schemas["User"]["properties"]["username"]["pattern"])
    accepted = [chr(n) for n in range(sys.maxunicode + 1) if not problem(USERNAME, chr(n))]
    assert len(accepted) > 100_000
    assert [char for char in accepted if not pattern.match(char)] == []


def test_the_pattern_of_user_names_rejects_what_people_mistype(schemas: Document) -> None:
    pattern = re.compile(schemas["User"]["properties"]["username"]["pattern"])
    rejected = [chr(n) for n in range(170) if problem(USERNAME, chr(n))]
    assert [char for char in rejected if pattern.match(char)] == []


def test_formats_are_those_of_json_schema(document: Document) -> None:
    formats = set(strings(document, "format"))
    # "binary" is OpenAPI's own: without it, no page and no generated client offers to choose a file
    assert formats == {"date", "date-time", "password", "uri", "binary"}


def test_path_parameters_are_told_by_the_field_that_has_them(document: Document) -> None:
    told = {
        one["name"]: one["description"]
        for methods in document["paths"].values()
        for operation in methods.values()
        for one in operation.get("parameters", [])
        if one["in"] == "path"
    }
    assert told["version_id"] == "The number of the version: its `n`."
    assert told["template_name"] == "The `name` of the template."
    assert told["chat_id"] == "The `chat_id` of the chat."
    assert told["bot_id"] == "The `id` of the bot."


def test_examples_are_what_the_schemas_describe(document: Document, schemas: Document) -> None:
    for name, schema in schemas.items():
        if name != "Problem":
            assert schema["examples"], f"{name}: add one to handlers/static/examples.json"
        for example in schema.get("examples", []):
            errors = validator(document, {"$ref": f"#/components/schemas/{name}"}).iter_errors(
                example
            )
            assert [f"{name}: {error.message}" for error in errors] == []


def test_examples_of_requests_are_accepted(document: Document, schemas: Document) -> None:
    """What the Swagger page fills in works as it stands."""
    for name, operation in operations(document):
        if (body := operation.get("requestBody")) and name != UPLOAD:
            kind = body["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
            if kind == "MessageContent":
                assert all(parse(example) for example in schemas[kind]["examples"])
                continue
            if kind == "ScenarioContent":
                assert all(load(example) for example in schemas[kind]["examples"])
                continue
            found = re.sub("(Input|Changes|Replacement)$", "", kind) + "Schema"
            schema_class = marshmallow.class_registry.get_class(found)
            assert isinstance(schema_class, type), name
            for example in schemas[kind]["examples"]:
                assert schema_class(partial=kind.endswith("Changes")).load(example), name


async def test_the_server_hands_it_out_to_anybody(anonymous: Client) -> None:
    answer = await anonymous.get("/openapi.json")
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json["paths"].keys() == make_document(routes, version="1")["paths"].keys()
    assert answer.json["info"]["title"] == "Botyard"
