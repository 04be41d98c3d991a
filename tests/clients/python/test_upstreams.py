"""Each client against a provider of each dialect: two pairs are translated, two are passed through."""

import json

import anthropic
import openai
import pytest
import upstream as scripted
from proxy import UPSTREAM_KEY
from tools import ANTHROPIC_TOOLS, OPENAI_TOOLS, PIXEL_PNG

BOTH = ["up-openai", "up-anthropic"]
PATHS = {"up-openai": "/v1/chat/completions", "up-anthropic": "/v1/messages"}


def user(content):
    return [{"role": "user", "content": content}]


def chat(client, model, content, **options):
    return client.chat.completions.create(model=model, messages=user(content), **options)


def message(client, model, content, **options):
    return client.messages.create(model=model, max_tokens=2000, messages=user(content), **options)


@pytest.mark.parametrize("model", BOTH)
class TestOpenAIClient:
    def test_gets_the_answer_and_its_usage(self, openai_client, upstream, model):
        answer = chat(openai_client, model, "how is it")
        assert answer.choices[0].message.content == scripted.TEXT
        assert answer.choices[0].finish_reason == "stop"
        assert answer.usage.prompt_tokens == scripted.INPUT_TOKENS
        assert answer.usage.completion_tokens == scripted.OUTPUT_TOKENS
        assert answer.usage.prompt_tokens_details.cached_tokens == scripted.CACHED_TOKENS
        assert upstream.last_request()["path"] == PATHS[model]

    def test_gets_the_stream_without_usage(self, openai_client, upstream, model):
        with chat(openai_client, model, "how is it", stream=True) as stream:
            chunks = list(stream)
        assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == scripted.TEXT
        assert chunks[-1].choices[0].finish_reason == "stop"
        assert all(chunk.usage is None for chunk in chunks)
        assert upstream.last_request()["body"]["stream"] is True

    def test_gets_the_usage_of_a_stream_when_asked(self, openai_client, upstream, model):
        with chat(openai_client, model, "hi", stream=True, stream_options={"include_usage": True}) as stream:
            last = list(stream)[-1]
        assert last.choices == []
        assert last.usage.prompt_tokens == scripted.INPUT_TOKENS
        assert last.usage.completion_tokens == scripted.OUTPUT_TOKENS

    def test_gets_tool_calls(self, openai_client, upstream, model):
        answer = chat(openai_client, model, "get_weather and read_clock", tools=OPENAI_TOOLS)
        calls = answer.choices[0].message.tool_calls
        assert [call.function.name for call in calls] == ["get_weather", "read_clock"]
        assert [json.loads(call.function.arguments) for call in calls] == [scripted.ARGUMENTS] * 2
        assert answer.choices[0].finish_reason == "tool_calls"

    def test_gets_streamed_tool_calls(self, openai_client, upstream, model):
        messages = user("get_weather and read_clock")
        with openai_client.chat.completions.stream(model=model, messages=messages, tools=OPENAI_TOOLS) as stream:
            choice = stream.get_final_completion().choices[0]
        calls = choice.message.tool_calls
        assert [call.function.name for call in calls] == ["get_weather", "read_clock"]
        assert [json.loads(call.function.arguments) for call in calls] == [scripted.ARGUMENTS] * 2

    def test_gets_reasoning(self, openai_client, upstream, model):
        answer = chat(openai_client, model, "think hard")
        assert answer.choices[0].message.reasoning_content == scripted.THOUGHT
        assert answer.choices[0].message.content == scripted.TEXT

    def test_gets_streamed_reasoning(self, openai_client, upstream, model):
        with chat(openai_client, model, "think hard", stream=True) as stream:
            deltas = [chunk.choices[0].delta for chunk in stream]
        thoughts = [getattr(delta, "reasoning_content", None) or "" for delta in deltas]
        assert "".join(thoughts) == scripted.THOUGHT

    @pytest.mark.parametrize(
        ("status", "error"), [(400, openai.BadRequestError), (429, openai.RateLimitError), (500, openai.InternalServerError)]
    )
    def test_gets_typed_errors_with_the_providers_words(self, openai_client, upstream, model, status, error):
        with pytest.raises(error, match=f"scripted fault {status}"):
            chat(openai_client, model, f"fail-{status}")

    def test_hangs_up_on_the_provider_when_it_leaves(self, openai_client, upstream, model):
        with chat(openai_client, model, "slowly", stream=True) as stream:
            next(iter(stream))
        assert upstream.hung_up(within=10)


@pytest.mark.parametrize("model", BOTH)
class TestAnthropicClient:
    def test_gets_the_answer_and_its_usage(self, anthropic_client, upstream, model):
        answer = message(anthropic_client, model, "how is it")
        assert answer.content[0].text == scripted.TEXT
        assert answer.stop_reason == "end_turn"
        assert answer.usage.input_tokens == scripted.INPUT_TOKENS - scripted.CACHED_TOKENS
        assert answer.usage.cache_read_input_tokens == scripted.CACHED_TOKENS
        assert answer.usage.output_tokens == scripted.OUTPUT_TOKENS
        assert upstream.last_request()["path"] == PATHS[model]

    def test_gets_the_stream_with_usage(self, anthropic_client, upstream, model):
        with anthropic_client.messages.stream(model=model, max_tokens=100, messages=user("how is it")) as stream:
            text = "".join(stream.text_stream)
            final = stream.get_final_message()
        assert text == scripted.TEXT
        assert (final.stop_reason, final.usage.output_tokens) == ("end_turn", scripted.OUTPUT_TOKENS)

    def test_gets_tool_calls(self, anthropic_client, upstream, model):
        answer = message(anthropic_client, model, "get_weather and read_clock", tools=ANTHROPIC_TOOLS)
        calls = [block for block in answer.content if block.type == "tool_use"]
        assert [call.name for call in calls] == ["get_weather", "read_clock"]
        assert [call.input for call in calls] == [scripted.ARGUMENTS] * 2
        assert answer.stop_reason == "tool_use"

    def test_gets_streamed_tool_calls(self, anthropic_client, upstream, model):
        asked = {"model": model, "max_tokens": 100, "messages": user("get_weather and read_clock")}
        with anthropic_client.messages.stream(**asked, tools=ANTHROPIC_TOOLS) as stream:
            final = stream.get_final_message()
        calls = [block for block in final.content if block.type == "tool_use"]
        assert [call.name for call in calls] == ["get_weather", "read_clock"]
        assert [call.input for call in calls] == [scripted.ARGUMENTS] * 2

    def test_gets_thinking(self, anthropic_client, upstream, model):
        answer = message(anthropic_client, model, "think hard")
        assert [block.type for block in answer.content] == ["thinking", "text"]
        assert answer.content[0].thinking == scripted.THOUGHT

    def test_gets_streamed_thinking(self, anthropic_client, upstream, model):
        with anthropic_client.messages.stream(model=model, max_tokens=100, messages=user("think hard")) as stream:
            final = stream.get_final_message()
        assert [block.type for block in final.content] == ["thinking", "text"]
        assert final.content[0].thinking == scripted.THOUGHT

    @pytest.mark.parametrize(
        ("status", "error"),
        [
            (400, anthropic.BadRequestError),
            (429, anthropic.RateLimitError),
            (500, anthropic.InternalServerError),
        ],
    )
    def test_gets_typed_errors_with_the_providers_words(
        self, anthropic_client, upstream, model, status, error
    ):
        with pytest.raises(error, match=f"scripted fault {status}"):
            message(anthropic_client, model, f"fail-{status}")

    def test_hangs_up_on_the_provider_when_it_leaves(self, anthropic_client, upstream, model):
        with message(anthropic_client, model, "slowly", stream=True) as stream:
            next(iter(stream))
        assert upstream.hung_up(within=10)


class TestTranslatedRequests:
    def test_from_chat_to_messages(self, openai_client, upstream):
        openai_client.chat.completions.create(
            model="up-anthropic",
            max_tokens=300,
            temperature=0.5,
            stop=["END"],
            tools=OPENAI_TOOLS,
            tool_choice="required",
            messages=[
                {"role": "system", "content": "Be brief"},
                {
                    "role": "user",
                    "content": [
                        {"type": "text", "text": "look"},
                        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL_PNG}"}},
                    ],
                },
                {
                    "role": "assistant",
                    "tool_calls": [
                        {"id": "c1", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}
                    ],
                },
                {"role": "tool", "tool_call_id": "c1", "content": "21 degrees"},
            ],
        )
        sent = upstream.last_request()
        assert sent["headers"]["x-api-key"] == UPSTREAM_KEY
        assert sent["headers"]["anthropic-version"]
        body = sent["body"]
        assert body["model"] == "scripted"
        assert (body["max_tokens"], body["temperature"], body["stop_sequences"]) == (300, 0.5, ["END"])
        assert "Be brief" in json.dumps(body["system"])
        assert body["tool_choice"] == {"type": "any"}
        assert [tool["name"] for tool in body["tools"]] == ["get_weather", "read_clock"]
        assert [turn["role"] for turn in body["messages"]] == ["user", "assistant", "user"]
        image = body["messages"][0]["content"][1]["source"]
        assert (image["type"], image["media_type"], image["data"]) == ("base64", "image/png", PIXEL_PNG)
        assert body["messages"][1]["content"][-1]["id"] == "c1"
        result = body["messages"][2]["content"][0]
        assert (result["type"], result["tool_use_id"]) == ("tool_result", "c1")

    def test_from_messages_to_chat(self, anthropic_client, upstream):
        anthropic_client.messages.create(
            model="up-openai",
            max_tokens=300,
            # This release of the client has no argument for it; older ones and other clients send it.
            extra_body={"temperature": 0.5},
            stop_sequences=["END"],
            system="Be brief",
            tools=ANTHROPIC_TOOLS,
            tool_choice={"type": "tool", "name": "read_clock"},
            messages=[
                {
                    "role": "user",
                    "content": [
                        {"type": "text", "text": "look"},
                        {
                            "type": "image",
                            "source": {"type": "base64", "media_type": "image/png", "data": PIXEL_PNG},
                        },
                    ],
                },
                {
                    "role": "assistant",
                    "content": [{"type": "tool_use", "id": "t1", "name": "get_weather", "input": {"a": 1}}],
                },
                {
                    "role": "user",
                    "content": [{"type": "tool_result", "tool_use_id": "t1", "content": "21 degrees"}],
                },
            ],
        )
        sent = upstream.last_request()
        assert sent["headers"]["authorization"] == f"Bearer {UPSTREAM_KEY}"
        body = sent["body"]
        assert body["model"] == "scripted"
        assert body.get("max_completion_tokens", body.get("max_tokens")) == 300
        assert body["stop"] in ("END", ["END"])
        assert body["tool_choice"] == {"type": "function", "function": {"name": "read_clock"}}
        roles = [turn["role"] for turn in body["messages"]]
        assert roles == ["system", "user", "assistant", "tool"]
        assert body["messages"][1]["content"][1]["image_url"]["url"] == f"data:image/png;base64,{PIXEL_PNG}"
        call = body["messages"][2]["tool_calls"][0]
        assert (call["id"], json.loads(call["function"]["arguments"])) == ("t1", {"a": 1})
        assert body["messages"][3]["tool_call_id"] == "t1"


class TestPassThrough:
    def test_keeps_what_it_does_not_know_in_chat(self, openai_client, upstream):
        unknown = {"x_future": {"b": 1, "a": [None, 1e3]}}
        answer = chat(openai_client, "up-openai", "hi", extra_body=unknown)
        assert answer.x_tide == "rising"
        assert upstream.last_request()["body"]["x_future"] == unknown["x_future"]

    def test_keeps_what_it_does_not_know_in_messages(self, anthropic_client, upstream):
        unknown = {"x_future": {"b": 1, "a": [None, 1e3]}}
        answer = message(anthropic_client, "up-anthropic", "hi", extra_body=unknown)
        assert answer.x_tide == "rising"
        assert upstream.last_request()["body"]["x_future"] == unknown["x_future"]

    def test_keeps_the_signature_of_a_thought(self, anthropic_client, upstream):
        thought = message(anthropic_client, "up-anthropic", "think hard").content[0]
        assert thought.signature == scripted.SIGNATURE

    def test_asks_for_the_usage_of_every_stream(self, openai_client, upstream):
        with chat(openai_client, "up-openai", "hi", stream=True) as stream:
            list(stream)
        assert upstream.last_request()["body"]["stream_options"] == {"include_usage": True}
