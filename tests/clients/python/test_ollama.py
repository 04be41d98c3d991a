"""The official Ollama client against the built-in `echo` model and the scripted providers, and `ollama` as a provider
for the other clients."""

import json

import ollama
import pytest
import upstream as scripted
from tools import ANTHROPIC_TOOLS, OPENAI_TOOLS, PIXEL_PNG, WEATHER_ARGUMENTS, WEATHER_SCHEMA

EVERYWHERE = ["up-ollama", "up-openai", "up-anthropic", "up-cohere"]


def user(content, **fields):
    return [{"role": "user", "content": content, **fields}]


class TestEcho:
    def test_answers_with_counts(self, ollama_client):
        answer = ollama_client.chat("echo", user("one two three"))
        assert (answer.message.content, answer.done, answer.done_reason) == ("one two three", True, "stop")
        assert (answer.model, answer.prompt_eval_count, answer.eval_count) == ("echo", 3, 3)

    def test_streams(self, ollama_client):
        chunks = list(ollama_client.chat("echo", user("one two three"), stream=True))
        assert "".join(chunk.message.content for chunk in chunks) == "one two three"
        assert [chunk.done for chunk in chunks[-2:]] == [False, True]
        assert chunks[-1].eval_count == 3

    def test_a_length_is_told(self, ollama_client):
        answer = ollama_client.chat("echo", user("one two three"), options={"num_predict": 1, "temperature": 0})
        assert answer.done_reason == "length"

    def test_generates(self, ollama_client):
        answer = ollama_client.generate("echo", "one two")
        assert (answer.response, answer.done_reason) == ("one two", "stop")
        chunks = list(ollama_client.generate("echo", "one two", stream=True))
        assert "".join(chunk.response for chunk in chunks) == "one two"

    def test_calls_tools(self, ollama_client):
        answer = ollama_client.chat("echo", user("get_weather"), tools=OPENAI_TOOLS)
        (call,) = answer.message.tool_calls
        assert (call.function.name, call.function.arguments) == ("get_weather", WEATHER_ARGUMENTS)

    def test_follows_a_schema(self, ollama_client):
        answer = ollama_client.chat("echo", user("x"), format=WEATHER_SCHEMA)
        assert set(json.loads(answer.message.content)) == set(WEATHER_SCHEMA["required"])

    def test_thinks_when_asked(self, ollama_client):
        assert ollama_client.chat("echo", user("x"), think=True).message.thinking
        assert not ollama_client.chat("echo", user("x"), think=False).message.thinking

    def test_embeds(self, ollama_client):
        answer = ollama_client.embed("echo", ["one two", "three"], dimensions=4)
        assert [len(vector) for vector in answer.embeddings] == [4, 4]
        assert answer.prompt_eval_count == 3
        assert len(ollama_client.embeddings("echo", "one").embedding) == 8

    def test_lists_and_shows_models(self, ollama_client):
        listed = {model.model for model in ollama_client.list().models}
        assert {"echo", "up-ollama"} <= listed
        assert "tools" in ollama_client.show("echo").capabilities
        assert ollama_client.ps().models == []

    def test_a_stream_that_breaks_is_an_error(self, ollama_client):
        with pytest.raises(ollama.ResponseError):
            list(ollama_client.chat("echo-cut", user("one two three four five six"), stream=True))

    @pytest.mark.parametrize(("model", "status"), [("nobody", 404), ("echo-limited", 429), ("echo-broken", 500)])
    def test_errors_are_ollamas(self, ollama_client, model, status):
        for stream in (False, True):
            with pytest.raises(ollama.ResponseError) as refused:
                list(ollama_client.chat(model, user("x"), stream=stream))
            assert refused.value.status_code == status
            assert refused.value.error

    def test_an_unknown_model_cannot_be_shown(self, ollama_client):
        with pytest.raises(ollama.ResponseError) as refused:
            ollama_client.show("nobody")
        assert refused.value.status_code == 404


@pytest.mark.parametrize("model", EVERYWHERE)
class TestEveryProvider:
    def test_is_told_the_same(self, ollama_client, upstream, model):
        answer = ollama_client.chat(model, user("think and say"), options={"num_predict": 100})
        assert (answer.message.content, answer.message.thinking) == (scripted.TEXT, scripted.THOUGHT)
        assert (answer.prompt_eval_count, answer.eval_count) == (scripted.INPUT_TOKENS, scripted.OUTPUT_TOKENS)
        assert upstream.last_request()["body"]["model"] == "scripted"

    def test_streams(self, ollama_client, upstream, model):
        chunks = list(ollama_client.chat(model, user("say"), stream=True, options={"num_predict": 100}))
        assert "".join(chunk.message.content for chunk in chunks) == scripted.TEXT
        assert (chunks[-1].done, chunks[-1].eval_count) == (True, scripted.OUTPUT_TOKENS)

    def test_goes_through_a_tool_loop(self, ollama_client, upstream, model):
        options = {"tools": OPENAI_TOOLS, "options": {"num_predict": 100}}
        messages = user("get_weather")
        answer = ollama_client.chat(model, messages, **options)
        (call,) = answer.message.tool_calls
        assert call.function.arguments == scripted.ARGUMENTS
        messages += [answer.message, {"role": "tool", "tool_name": call.function.name, "content": "weak wind"}]
        answer = ollama_client.chat(model, messages, **options)
        assert answer.message.content == scripted.TEXT
        assert "weak wind" in json.dumps(upstream.last_request()["body"]["messages"])

    def test_shows_images(self, ollama_client, upstream, model):
        ollama_client.chat(model, user("say", images=[PIXEL_PNG]), options={"num_predict": 100})
        assert PIXEL_PNG in json.dumps(upstream.last_request()["body"])

    def test_a_fault_is_an_ollama_error(self, ollama_client, upstream, model):
        with pytest.raises(ollama.ResponseError) as refused:
            ollama_client.chat(model, user("fail-429"), options={"num_predict": 100})
        assert (refused.value.status_code, refused.value.error) == (429, "scripted fault 429")


class TestProvider:
    def test_serves_openais_client(self, openai_client, upstream):
        answer = openai_client.chat.completions.create(
            model="up-ollama", messages=user("think"), max_tokens=9, extra_body={"num_ctx": 4096}
        )
        message = answer.choices[0].message
        assert (message.content, message.reasoning_content) == (scripted.TEXT, scripted.THOUGHT)
        assert answer.usage.completion_tokens == scripted.OUTPUT_TOKENS
        request = upstream.last_request()
        assert request["path"] == "/api/chat"
        assert request["body"]["options"] == {"num_predict": 9, "num_ctx": 4096}

    def test_streams_calls_to_openais_client(self, openai_client, upstream):
        options = {"model": "up-ollama", "messages": user("get_weather"), "tools": OPENAI_TOOLS}
        chunks = list(openai_client.chat.completions.create(**options, stream=True))
        deltas = [call for chunk in chunks if chunk.choices for call in chunk.choices[0].delta.tool_calls or []]
        assert deltas[0].id
        assert json.loads("".join(delta.function.arguments or "" for delta in deltas)) == scripted.ARGUMENTS

    def test_serves_anthropics_client(self, anthropic_client, upstream):
        answer = anthropic_client.messages.create(
            model="up-ollama", max_tokens=100, messages=user("get_weather"), tools=ANTHROPIC_TOOLS
        )
        (call,) = [block for block in answer.content if block.type == "tool_use"]
        assert (call.input, answer.stop_reason) == (scripted.ARGUMENTS, "tool_use")
