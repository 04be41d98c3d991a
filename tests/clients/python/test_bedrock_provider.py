"""Official clients of every dialect, through the proxy, to a Bedrock that checks signatures as AWS does."""

import anthropic
import openai
import pytest
from bedrock_upstream import ACCESS_KEY, REGION, SECRET_KEY, Bedrock
from conftest import bedrock_client_of
from proxy import MASTER_KEY, Proxy
from test_bedrock import gather, says, text_of
from upstream import INPUT_TOKENS, OUTPUT_TOKENS, SIGNATURE, TEXT, THOUGHT

CONFIG = f"""
model_list:
  - model_name: "*"
    litellm_params:
      model: bedrock/*
      aws_region_name: {REGION}
      aws_access_key_id: {ACCESS_KEY}
      aws_secret_access_key: {SECRET_KEY}
      aws_bedrock_runtime_endpoint: URL
general_settings: {{ master_key: os.environ/LLMUX_TEST_MASTER_KEY }}
router_settings: {{ num_retries: 0 }}
"""
NOVA, CLAUDE = "us.amazon.nova-scripted-v1:0", "us.anthropic.claude-scripted-v1:0"


@pytest.fixture(scope="module")
def bedrock():
    server = Bedrock()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def proxy(bedrock, tmp_path_factory):
    folder = tmp_path_factory.mktemp("bedrock")
    config = folder / "proxy.yaml"
    config.write_text(CONFIG.replace("URL", bedrock.url))
    proxy = Proxy(bedrock.url, folder, config=config)
    yield proxy
    assert proxy.stop() == 0
    assert SECRET_KEY not in proxy.log()


@pytest.fixture(scope="module")
def to_openai(proxy):
    with openai.OpenAI(api_key=MASTER_KEY, base_url=f"{proxy.url}/v1", max_retries=0, timeout=30) as client:
        yield client


@pytest.fixture(scope="module")
def to_anthropic(proxy):
    with anthropic.Anthropic(api_key=MASTER_KEY, base_url=proxy.url, max_retries=0, timeout=30) as client:
        yield client


@pytest.mark.parametrize("model", [NOVA, CLAUDE, f"converse/{CLAUDE}", "arn:aws:bedrock:eu-central-1:1:p/scripted"])
def test_an_openai_client_is_answered_through_converse(to_openai, bedrock, model):
    messages = [{"role": "user", "content": "hi"}]
    answer = to_openai.chat.completions.create(model=model, messages=messages)
    assert (answer.choices[0].message.content, answer.choices[0].finish_reason) == (TEXT, "stop")
    assert answer.choices[0].message.reasoning_content == THOUGHT
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (INPUT_TOKENS, OUTPUT_TOKENS)
    assert bedrock.kept[-1]["path"].endswith("/converse") and bedrock.kept[-1]["path"].count("/") == 3
    chunks = to_openai.chat.completions.create(
        model=model, messages=messages, stream=True, stream_options={"include_usage": True}
    )
    chunks = list(chunks)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == TEXT
    assert chunks[-1].usage.total_tokens == INPUT_TOKENS + OUTPUT_TOKENS


def test_an_anthropic_client_talks_to_claude_in_its_own_dialect(to_anthropic, bedrock):
    ask = {"model": CLAUDE, "max_tokens": 50, "messages": [{"role": "user", "content": "think"}]}
    answer = to_anthropic.messages.create(**ask)
    assert (answer.content[0].signature, answer.content[1].text) == (SIGNATURE, TEXT)
    sent = bedrock.kept[-1]
    assert sent["path"].endswith("/invoke") and "model" not in sent["body"]
    assert sent["body"]["anthropic_version"] == "bedrock-2023-05-31"
    with to_anthropic.messages.stream(**ask) as stream:
        assert "".join(stream.text_stream) == TEXT
    counted = to_anthropic.messages.count_tokens(model=CLAUDE, messages=ask["messages"])
    assert counted.input_tokens == INPUT_TOKENS
    assert bedrock.kept[-1]["path"] == "/model/anthropic.claude-scripted-v1%3A0/count-tokens"
    nova = to_anthropic.messages.create(**ask | {"model": NOVA})
    assert nova.content[-1].text == TEXT


def test_a_client_of_bedrocks_passes(proxy, bedrock):
    client = bedrock_client_of(proxy, aws_access_key_id=MASTER_KEY, aws_secret_access_key="any")
    answer = client.converse(modelId=NOVA, messages=says("hi"), inferenceConfig={"maxTokens": 9})
    assert (text_of(answer), answer["metrics"]["latencyMs"]) == (TEXT, 7)
    assert bedrock.kept[-1]["body"] == {"messages": says("hi"), "inferenceConfig": {"maxTokens": 9}}
    assert gather(client.converse_stream(modelId=NOVA, messages=says("hi"))["stream"])["text"] == TEXT
    with pytest.raises(client.exceptions.ThrottlingException):
        client.converse_stream(modelId=NOVA, messages=says("fail-first"))
    with pytest.raises(Exception, match="lost the thread"):
        gather(client.converse_stream(modelId=NOVA, messages=says("fail-late"))["stream"])


def test_failures_are_told_in_the_clients_words(to_openai, to_anthropic):
    def ask(text, model=NOVA, **options):
        return to_openai.chat.completions.create(
            model=model, messages=[{"role": "user", "content": text}], **options
        )

    with pytest.raises(openai.BadRequestError) as refused:
        ask("too-long")
    assert refused.value.code == "context_length_exceeded"
    with pytest.raises(openai.RateLimitError):
        ask("fail-first", stream=True)
    with pytest.raises(openai.APIError, match="lost the thread"):
        list(ask("fail-late", stream=True))
    with pytest.raises(openai.APIStatusError, match="offered in the deployment's region"):
        ask("hi", model="us.amazon.nova-unknown")
    with pytest.raises(anthropic.APIError, match="Input is too long"):
        to_anthropic.messages.create(
            model=CLAUDE, max_tokens=5, messages=[{"role": "user", "content": "too-long"}]
        )


def test_a_fixed_address_is_asked_in_the_deployments_region(to_openai):
    answer = to_openai.chat.completions.create(
        model="us-east-1/amazon.nova-scripted", messages=[{"role": "user", "content": "hi"}]
    )
    assert answer.choices[0].message.content == TEXT
