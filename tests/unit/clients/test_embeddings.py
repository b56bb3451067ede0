"""Vectors from an endpoint: by the way of every call, bounded, and refused where they are none."""

from __future__ import annotations

import json
from typing import Any

import pytest
from chat_help import PLACE, Wire, pool, refusal, reply, run

from pytest_genaiops.clients.bound import bound_of
from pytest_genaiops.clients.embeddings import LONGEST, EmbeddingEndpoint, vector_of
from pytest_genaiops.clients.endpoint import Endpoint
from pytest_genaiops.clients.request import Answer, RefusedError, Request


def payload(vector: object, **fields: Any) -> dict[str, Any]:
    """As https://platform.openai.com/docs/api-reference/embeddings/object has it."""
    data = [{"object": "embedding", "index": 0, "embedding": vector}]
    return {"object": "list", "data": data, "model": "vec", "usage": {"prompt_tokens": 3, "total_tokens": 3}, **fields}


def endpoint(url: str, **model: Any) -> EmbeddingEndpoint:
    return EmbeddingEndpoint(Endpoint.of({"name": "vec", "base_url": url, **model}, PLACE))


async def asked(service: EmbeddingEndpoint, text: str = "héllo") -> Answer:
    connections = pool()
    try:
        body = service.request_body(text)
        return await service.answer(Request(service=service.identity, body=body), connections)
    finally:
        await connections.close()


def answered(body: object, **model: Any) -> tuple[Answer, Wire]:
    async def within() -> tuple[Answer, Wire]:
        async with Wire(reply(body)) as wire:
            return await asked(endpoint(wire.url, **model)), wire

    return run(within())


def refused(body: object, **model: Any) -> RefusedError:
    async def within() -> RefusedError:
        async with Wire(reply(body)) as wire:
            return await refusal(asked(endpoint(wire.url, **model)))

    return run(within())


def test_a_text_becomes_its_vector() -> None:
    answer, wire = answered(payload([0.5, -1, 2e-3]))
    assert vector_of(answer.response) == [0.5, -1, 0.002]
    assert answer.response.usage == {"input_tokens": 3, "output_tokens": 0}
    assert (answer.response.model, answer.response.deployment) == ("vec", "vec")
    assert wire.heads[0].startswith("POST /v1/embeddings HTTP/1.1")
    assert json.loads(wire.bodies[0]) == {"model": "vec", "input": "héllo", "encoding_format": "float"}


@pytest.mark.parametrize(
    "base", ["http://h/v1", "http://h/v1/", "http://h/v1/embeddings", "http://h/v1/chat/completions"]
)
def test_the_address_is_the_one_of_embeddings(base: str) -> None:
    assert endpoint(base).identity["url"] == "http://h/v1/embeddings"


def test_a_deployment_of_azure() -> None:
    model = {"deployment": "d", "azure_endpoint": "https://r.openai.azure.com", "api_version": "2024-06-01"}
    service = EmbeddingEndpoint(Endpoint.of({"provider": "azure", **model}, PLACE))
    assert service.identity["url"] == "https://r.openai.azure.com/openai/deployments/d/embeddings"
    assert service._place().url.endswith("/embeddings?api-version=2024-06-01")


@pytest.mark.parametrize(
    "vector", [None, [], "0.1", [0.1, None], [0.1, "b"], [True], [0.1] * (LONGEST + 1), "AACAPw==", [[0.1]]]
)
def test_what_is_no_vector_is_asked_for_again(vector: object) -> None:
    error = refused(payload(vector))
    assert error.again
    assert "without a vector of numbers in data[0].embedding" in error.message


@pytest.mark.parametrize("body", [{}, {"data": []}, {"data": [3]}, {"data": {"embedding": [1]}}])
def test_a_body_without_data(body: object) -> None:
    assert refused(body).again


def test_numbers_that_json_does_not_have() -> None:
    assert "without a vector" in refused(b'{"data": [{"embedding": [NaN, 1.0]}]}').message
    assert "without a vector" in refused(b'{"data": [{"embedding": [1e999]}]}').message


def test_an_error_in_place_of_the_vector() -> None:
    assert "sent an error" in refused({"error": {"message": "no such model"}}).message


def test_another_model_is_not_taken_for_the_one_that_was_asked_for() -> None:
    assert refused(payload([1.0], model="other")).kind == "model"


def test_a_budget_knows_the_most_that_it_takes() -> None:
    body = endpoint("http://h/v1").request_body("x" * 1000)
    assert bound_of(body).output == 0
    assert 1000 <= bound_of(body).input < 1500
