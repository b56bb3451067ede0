"""What a ``.prompty`` file says of the model, in the library's own words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pytest_genaiops.dataset.text import quoted
from pytest_genaiops.variants.fields import Fields

_NAMES = ("id", "azure_deployment", "deployment_name", "deployment", "model", "name")
"""Where the model's name is found, the first that is there: beside ``connection`` (v2), else in it (v1)."""
_COMPATIBLE = ("openai", "serverless", "azure_serverless")
"""Providers whose endpoint is one of OpenAI's kind."""
_SECRETS = frozenset(
    {"apikey", "subscriptionkey", "ocpapimsubscriptionkey", "accesskey", "secretkey", "clientsecret", "secret"}
    | {"password", "accesstoken", "authorization"}
)
_ENV = re.compile(r"\$\{env:([^:}]+)(?::[^}]*)?\}")


def settings(tree: Mapping[str, Any], fields: Fields) -> tuple[dict[str, Any], Mapping[str, Any]]:
    """Model and parameters: ``name``, ``provider``, ``api``, ``base_url``, ``api_key_env``, and the rest as written.

    ``configuration`` and ``parameters`` (v1) are read as ``connection`` and ``options`` (v2). A key
    to a model is refused unless it is the name of an environment variable, ``${env:NAME}``, which is not looked up.
    Raises VariantError with the place.
    """
    written = tree.get("model")
    if isinstance(written, str):
        return {"name": written, **_rest(tree, fields)}, {}
    model = dict(fields.mapping(tree, "model"))
    within = replace(fields, prefix=(*fields.prefix, "model"))
    options = {**within.mapping(model, "options"), **within.mapping(model, "parameters")}
    extra = within.mapping({"options": options.pop("additionalProperties", None)}, "options")
    for name in ("options", "parameters"):
        model.pop(name, None)
    parameters = within.parameters({"parameters": _without_secrets({**extra, **options}, within, "parameters")})
    return {**_model(model, within), **_rest(tree, fields)}, parameters


def _model(written: dict[str, Any], fields: Fields) -> dict[str, Any]:
    old = "configuration" if written.get("configuration") is not None else "connection"
    connection = written.pop(old, None)
    written.pop("configuration", None)
    if isinstance(connection, str):
        connection = {"name": connection}
    connection = dict(fields.mapping({old: connection}, old))
    found: dict[str, Any] = {}
    name = written.pop("id", None) or _name(connection, named="kind" not in connection)
    provider = written.pop("provider", None) or connection.get("type")
    api = written.pop("apiType", None) or written.pop("api", None)
    endpoint = connection.get("base_url") or connection.get("endpoint")
    key = _key(connection, fields, old)
    for known, value in (("name", name), ("provider", provider), ("api", api), ("api_key_env", key)):
        if value is not None:
            found[known] = value
    if endpoint and str(provider).lower() in _COMPATIBLE:
        found["base_url"] = endpoint
    rest = _without_secrets(connection, fields, old)
    return {**_without_secrets(written, fields), **({"connection": rest} if rest else {}), **found}


def _name(connection: dict[str, Any], *, named: bool) -> Any:
    names = _NAMES if named else _NAMES[:-1]  # v2: the name of a connection that others know
    return next((connection[name] for name in names if connection.get(name)), None)


def _key(connection: dict[str, Any], fields: Fields, at: str) -> str | None:
    """Name of the environment variable that holds the key, taken out of the connection."""
    for name in [name for name in connection if _letters(name) in ("apikey", "key")]:
        value = connection.pop(name)
        if value:
            return _environment(name, value, fields, at, name)
    return None


def _environment(name: str, value: Any, fields: Fields, *at: str) -> str:
    found = _ENV.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        mend = "name the environment variable that holds it: ${env:<NAME>}"
        fields.refuse(f"{quoted(name)} would put a key into a file that is shared; {mend}", *at)
    return found[1]


def _rest(tree: Mapping[str, Any], fields: Fields) -> dict[str, Any]:
    """What changes an answer beside the model: tools and the shape of the output, as written."""
    outputs = tree.get("outputs", tree.get("outputSchema"))
    rest = {"tools": tree.get("tools"), "outputs": outputs}
    found: dict[str, Any] = _without_secrets({key: value for key, value in rest.items() if value}, fields)
    return found


def _without_secrets(value: Any, fields: Fields, *at: Any) -> Any:
    """The value with no more of a key than the name of its environment variable."""
    if isinstance(value, (list, tuple)):
        return [_without_secrets(item, fields, *at, number) for number, item in enumerate(value)]
    if not isinstance(value, Mapping):
        return value
    kept: dict[str, Any] = {}
    for name, item in value.items():
        if _letters(name) in _SECRETS and isinstance(item, str) and item:
            if _ENV.search(item) is None:
                _environment(str(name), item, fields, *at, name)
            kept[name] = _ENV.sub(lambda found: f"${{env:{found[1]}}}", item)
        else:
            kept[name] = _without_secrets(item, fields, *at, name)
    return kept


def _letters(name: object) -> str:
    return re.sub(r"[^a-z]", "", str(name).lower())
