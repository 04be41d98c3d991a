"""The official AWS client, and Anthropic's client for Bedrock, against the proxy."""

import base64
import datetime
import ipaddress
import json

import anthropic
import pytest
from botocore.exceptions import ClientError, EventStreamError
from conftest import bedrock_client_of
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from proxy import MASTER_KEY, Proxy
from tools import PIXEL_PNG, SCHEMAS, WEATHER_ARGUMENTS
from upstream import ARGUMENTS, CACHED_TOKENS, INPUT_TOKENS, OUTPUT_TOKENS, SIGNATURE, TEXT, THOUGHT

TOOLS = {
    "tools": [
        {"toolSpec": {"name": name, "description": "A tool.", "inputSchema": {"json": schema}}}
        for name, schema in SCHEMAS.items()
    ]
}
UPSTREAMS = ["up-openai", "up-anthropic"]


def says(text):
    return [{"role": "user", "content": [{"text": text}]}]


def text_of(answer):
    return "".join(block.get("text", "") for block in answer["output"]["message"]["content"])


def gather(stream):
    """The answer that a stream's events add up to."""
    text, reasoning, signature, calls, stop, usage = "", "", "", [], None, None
    for event in stream:
        if start := event.get("contentBlockStart"):
            calls.append([start["start"]["toolUse"]["name"], ""])
        elif delta := event.get("contentBlockDelta", {}).get("delta"):
            text += delta.get("text", "")
            reasoning += delta.get("reasoningContent", {}).get("text", "")
            signature += delta.get("reasoningContent", {}).get("signature", "")
            if "toolUse" in delta:
                calls[-1][1] += delta["toolUse"]["input"]
        elif "messageStop" in event:
            stop = event["messageStop"]["stopReason"]
        elif "metadata" in event:
            usage = event["metadata"]["usage"]
    calls = [(name, json.loads(arguments)) for name, arguments in calls]
    return {
        "text": text, "reasoning": reasoning, "signature": signature, "calls": calls, "stop": stop, "usage": usage
    }


def test_answers_with_usage(bedrock_client):
    answer = bedrock_client.converse(modelId="echo", messages=says("one two three"))
    assert (text_of(answer), answer["stopReason"]) == ("one two three", "end_turn")
    assert answer["usage"] == {"inputTokens": 3, "outputTokens": 3, "totalTokens": 6}
    assert answer["ResponseMetadata"]["RequestId"]


def test_the_key_may_be_a_bearer_token(upstream_server, tmp_path, monkeypatch):
    # The client sends one over HTTPS only.
    certificate = self_signed(tmp_path)
    proxy = Proxy(upstream_server.url, tmp_path, certificate)
    try:
        monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", MASTER_KEY)
        client = bedrock_client_of(proxy, verify=str(certificate))
        assert text_of(client.converse(modelId="echo", messages=says("hi"))) == "hi"
        said = gather(client.converse_stream(modelId="echo", messages=says("hi"))["stream"])
        assert said["text"] == "hi"
    finally:
        assert proxy.stop() == 0


def self_signed(folder):
    """A file with a key and a certificate for the local address."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "llmux tests")])
    now = datetime.datetime.now(datetime.timezone.utc)
    day = datetime.timedelta(days=1)
    local = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now - day, now + day)
        .add_extension(x509.SubjectAlternativeName([local]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    file = folder / "certificate.pem"
    secret = key.private_bytes(pem, pkcs8, serialization.NoEncryption())
    file.write_bytes(certificate.public_bytes(pem) + secret)
    return file


def test_a_model_with_slashes_and_colons_is_found(bedrock_client):
    answer = bedrock_client.converse(modelId="vendor/harbour:v1", messages=says("hi"))
    assert text_of(answer) == "hi"


def test_streams(bedrock_client):
    answer = bedrock_client.converse_stream(modelId="echo", messages=says("one two three"))
    said = gather(answer["stream"])
    assert (said["text"], said["stop"]) == ("one two three", "end_turn")
    assert said["usage"] == {"inputTokens": 3, "outputTokens": 3, "totalTokens": 6}


def test_calls_tools_and_takes_their_results(bedrock_client):
    messages = says("get_weather please")
    answer = bedrock_client.converse(modelId="echo", messages=messages, toolConfig=TOOLS)
    assert answer["stopReason"] == "tool_use"
    message = answer["output"]["message"]
    call = next(block["toolUse"] for block in message["content"] if "toolUse" in block)
    assert (call["name"], call["input"]) == ("get_weather", WEATHER_ARGUMENTS)
    result = {"toolUseId": call["toolUseId"], "content": [{"json": {"sky": "grey"}}], "status": "success"}
    messages += [message, {"role": "user", "content": [{"toolResult": result}]}]
    answer = bedrock_client.converse(modelId="echo", messages=messages, toolConfig=TOOLS)
    assert answer["stopReason"] == "end_turn"
    chosen = TOOLS | {"toolChoice": {"tool": {"name": "read_clock"}}}
    streamed = bedrock_client.converse_stream(modelId="echo", messages=says("hm"), toolConfig=chosen)
    assert [name for name, _ in gather(streamed["stream"])["calls"]] == ["read_clock"]


def test_structured_output(bedrock_client):
    schema = {"name": "weather", "schema": json.dumps(SCHEMAS["get_weather"])}
    config = {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": schema}}}
    answer = bedrock_client.converse(modelId="echo", messages=says("hm"), outputConfig=config)
    assert set(json.loads(text_of(answer))) == {"place", "unit", "days"}


def test_counts_tokens(bedrock_client):
    counted = bedrock_client.count_tokens(
        modelId="echo", input={"converse": {"messages": says("one two three")}}
    )
    assert counted["inputTokens"] == 3


@pytest.mark.parametrize("model", UPSTREAMS)
def test_another_providers_answer(bedrock_client, upstream, model):
    pixel = {"image": {"format": "png", "source": {"bytes": base64.b64decode(PIXEL_PNG)}}}
    messages = [{"role": "user", "content": [{"text": "think of the harbour"}, pixel]}]
    answer = bedrock_client.converse(
        modelId=model, messages=messages, system=[{"text": "Be brief."}], inferenceConfig={"maxTokens": 50}
    )
    assert (text_of(answer), answer["stopReason"]) == (TEXT, "end_turn")
    usage = answer["usage"]
    assert usage["inputTokens"] + usage["cacheReadInputTokens"] == INPUT_TOKENS
    assert (usage["cacheReadInputTokens"], usage["outputTokens"]) == (CACHED_TOKENS, OUTPUT_TOKENS)
    reasoning = next(b["reasoningContent"] for b in answer["output"]["message"]["content"] if "reasoningContent" in b)
    assert reasoning["reasoningText"]["text"] == THOUGHT
    assert PIXEL_PNG in json.dumps(upstream.take_requests()[-1])


@pytest.mark.parametrize("model", UPSTREAMS)
def test_another_providers_stream(bedrock_client, model):
    answer = bedrock_client.converse_stream(
        modelId=model, messages=says("think and get_weather"), toolConfig=TOOLS, inferenceConfig={"maxTokens": 50}
    )
    said = gather(answer["stream"])
    assert (said["calls"], said["stop"]) == ([("get_weather", ARGUMENTS)], "tool_use")
    assert said["reasoning"] == THOUGHT
    assert said["signature"] == (SIGNATURE if model == "up-anthropic" else "")
    assert said["usage"]["outputTokens"] == OUTPUT_TOKENS


def test_reasoning_goes_back_with_its_signature(bedrock_client, upstream):
    messages = says("think and get_weather")
    answer = bedrock_client.converse(
        modelId="up-anthropic", messages=messages, toolConfig=TOOLS, inferenceConfig={"maxTokens": 50}
    )
    message = answer["output"]["message"]
    call = next(block["toolUse"] for block in message["content"] if "toolUse" in block)
    result = {"toolResult": {"toolUseId": call["toolUseId"], "content": [{"text": "grey"}]}}
    messages += [message, {"role": "user", "content": [result, {"cachePoint": {"type": "default"}}]}]
    upstream.take_requests()
    bedrock_client.converse(
        modelId="up-anthropic", messages=messages, toolConfig=TOOLS, inferenceConfig={"maxTokens": 50}
    )
    sent = json.dumps(upstream.take_requests()[-1])
    assert SIGNATURE in sent and "cache_control" in sent


@pytest.mark.parametrize(
    ("model", "name", "status"),
    [("nobody", "ResourceNotFoundException", 404), ("echo-limited", "ThrottlingException", 429),
     ("echo-broken", "InternalServerException", 500)],
)
def test_errors_are_the_services_exceptions(bedrock_client, model, name, status):
    for ask in (bedrock_client.converse, bedrock_client.converse_stream):
        with pytest.raises(getattr(bedrock_client.exceptions, name)) as refused:
            ask(modelId=model, messages=says("hi"))
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
        assert refused.value.response["Error"]["Message"]


def test_a_wrong_key_is_refused(proxy):
    client = bedrock_client_of(proxy, aws_access_key_id="sk-wrong", aws_secret_access_key="any")
    with pytest.raises(client.exceptions.AccessDeniedException) as refused:
        client.converse(modelId="echo", messages=says("hi"))
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 401


def test_a_stream_that_is_cut_ends_in_an_exception(bedrock_client):
    answer = bedrock_client.converse_stream(modelId="echo-cut", messages=says("one two three four five"))
    with pytest.raises(EventStreamError) as broken:
        gather(answer["stream"])
    assert broken.value.response["Error"]["Code"] == "serviceUnavailableException"


@pytest.mark.parametrize("model", ["echo", *UPSTREAMS])
def test_invoke_takes_anthropics_bodies(bedrock_client, model):
    body = {
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": 50,
        "messages": [{"role": "user", "content": "hello there"}],
    }
    expected = "hello there" if model == "echo" else TEXT
    answer = bedrock_client.invoke_model(modelId=model, body=json.dumps(body))
    assert json.loads(answer["body"].read())["content"][-1]["text"] == expected
    answer = bedrock_client.invoke_model_with_response_stream(modelId=model, body=json.dumps(body))
    events = [json.loads(event["chunk"]["bytes"]) for event in answer["body"]]
    assert (events[0]["type"], events[-1]["type"]) == ("message_start", "message_stop")
    deltas = [event["delta"].get("text", "") for event in events if event["type"] == "content_block_delta"]
    assert "".join(deltas) == expected
    wrong = {"messages": [{"role": "user", "content": "fail-400"}]} if model in UPSTREAMS else {"messages": 3}
    with pytest.raises(ClientError) as refused:
        bedrock_client.invoke_model(modelId=model, body=json.dumps(body | wrong))
    assert refused.value.response["Error"]["Code"] == "ValidationException"


def test_anthropics_own_client_for_bedrock(anthropic_bedrock_client):
    ask = {"model": "up-anthropic", "max_tokens": 50, "messages": [{"role": "user", "content": "hello"}]}
    message = anthropic_bedrock_client.messages.create(**ask)
    assert message.content[0].text == TEXT
    with anthropic_bedrock_client.messages.stream(**ask) as stream:
        assert "".join(stream.text_stream) == TEXT
    with pytest.raises(anthropic.NotFoundError):
        anthropic_bedrock_client.messages.create(**ask | {"model": "nobody"})
