"""The official Cohere client against the built-in `echo` model and the scripted providers, and `cohere` as a
provider for the other clients."""

import json

import cohere
import pytest
import upstream as scripted
from cohere.core.api_error import ApiError
from cohere.core.request_options import RequestOptions
from proxy import UPSTREAM_KEY
from tools import ANTHROPIC_TOOLS, OPENAI_TOOLS, WEATHER_ARGUMENTS, WEATHER_SCHEMA

NO_RETRY = RequestOptions(max_retries=0)
EVERYWHERE = ["up-cohere", "up-openai", "up-anthropic"]


def user(content):
    return [{"role": "user", "content": content}]


def texts(answer):
    return "".join(part.text for part in answer.message.content or [] if part.type == "text")


def streamed(events):
    """The text, the arguments of each call and the last event of a stream."""
    text, calls, last = "", [], None
    for event in events:
        last = event
        if event.type == "content-delta":
            text += event.delta.message.content.text or ""
        elif event.type == "tool-call-start":
            calls.append("")
        elif event.type == "tool-call-delta":
            calls[-1] += event.delta.message.tool_calls.function.arguments
    return text, calls, last


class TestEcho:
    def test_answers_with_usage(self, cohere_client):
        answer = cohere_client.chat(model="echo", messages=user("one two three"))
        assert (texts(answer), answer.finish_reason) == ("one two three", "COMPLETE")
        billed = answer.usage.billed_units
        assert (billed.input_tokens, billed.output_tokens) == (3, 3)

    def test_streams(self, cohere_client):
        text, _, last = streamed(cohere_client.chat_stream(model="echo", messages=user("one two three")))
        assert (text, last.type, last.delta.finish_reason) == ("one two three", "message-end", "COMPLETE")

    def test_calls_tools(self, cohere_client):
        options = {"model": "echo", "messages": user("get_weather"), "tools": OPENAI_TOOLS}
        answer = cohere_client.chat(**options, tool_choice="REQUIRED")
        (call,) = answer.message.tool_calls
        assert call.function.name == "get_weather"
        assert json.loads(call.function.arguments) == WEATHER_ARGUMENTS
        _, (arguments,), last = streamed(cohere_client.chat_stream(**options))
        assert (json.loads(arguments), last.delta.finish_reason) == (WEATHER_ARGUMENTS, "TOOL_CALL")

    def test_follows_a_schema(self, cohere_client):
        form = {"type": "json_object", "json_schema": WEATHER_SCHEMA}
        answer = cohere_client.chat(model="echo", messages=user("x"), response_format=form)
        assert set(json.loads(texts(answer))) == set(WEATHER_SCHEMA["required"])

    def test_thinks_when_asked(self, cohere_client):
        thinking = cohere.Thinking(type="enabled", token_budget=100)
        answer = cohere_client.chat(model="echo", messages=user("x"), thinking=thinking)
        assert [part.type for part in answer.message.content] == ["thinking", "text"]

    def test_embeds(self, cohere_client):
        options = {"model": "echo", "input_type": "search_query", "texts": ["one two", "three"]}
        answer = cohere_client.embed(**options, embedding_types=["float"])
        assert [len(vector) for vector in answer.embeddings.float_] == [8, 8]
        assert answer.meta.billed_units.input_tokens == 3
        answer = cohere_client.embed(**options, embedding_types=["base64"], output_dimension=4)
        assert len(answer.embeddings.base64) == 2

    def test_ranks(self, cohere_client):
        documents = ["A town.", "Paris is the capital of France.", "The capital of Peru."]
        answer = cohere_client.rerank(model="echo", query="capital of France", documents=documents, top_n=2)
        assert [result.index for result in answer.results] == [1, 2]
        assert answer.meta.billed_units.search_units == 1

    def test_a_stream_that_breaks_ends_in_an_error(self, cohere_client):
        *_, last = cohere_client.chat_stream(model="echo-cut", messages=user("one two three four five"))
        assert (last.type, last.delta.finish_reason) == ("message-end", "ERROR")

    @pytest.mark.parametrize(("model", "status"), [("nobody", 404), ("echo-limited", 429), ("echo-broken", 500)])
    def test_errors_are_coheres(self, cohere_client, model, status):
        with pytest.raises(ApiError) as refused:
            cohere_client.chat(model=model, messages=user("x"), request_options=NO_RETRY)
        assert refused.value.status_code == status
        assert isinstance(refused.value.body["message"], str)


@pytest.mark.parametrize("model", EVERYWHERE)
class TestEveryProvider:
    def test_is_told_the_same(self, cohere_client, upstream, model):
        answer = cohere_client.chat(model=model, messages=user("think and say"), max_tokens=100)
        assert texts(answer) == scripted.TEXT
        thought = "".join(part.thinking for part in answer.message.content if part.type == "thinking")
        assert thought == scripted.THOUGHT
        billed = answer.usage.billed_units
        assert (billed.input_tokens, billed.output_tokens) == (scripted.INPUT_TOKENS, scripted.OUTPUT_TOKENS)
        assert upstream.last_request()["body"]["model"] == "scripted"

    def test_streams(self, cohere_client, upstream, model):
        text, _, last = streamed(cohere_client.chat_stream(model=model, messages=user("say"), max_tokens=100))
        assert (text, last.delta.finish_reason) == (scripted.TEXT, "COMPLETE")

    def test_goes_through_a_tool_loop(self, cohere_client, upstream, model):
        messages = user("get_weather")
        answer = cohere_client.chat(model=model, messages=messages, tools=OPENAI_TOOLS, max_tokens=100)
        (call,) = answer.message.tool_calls
        assert json.loads(call.function.arguments) == scripted.ARGUMENTS
        document = {"type": "document", "document": {"data": {"wind": "weak"}}}
        messages = [
            *messages,
            answer.message.model_dump(exclude_none=True),
            {"role": "tool", "tool_call_id": call.id, "content": [document]},
        ]
        answer = cohere_client.chat(model=model, messages=messages, tools=OPENAI_TOOLS, max_tokens=100)
        assert texts(answer) == scripted.TEXT
        assert "weak" in json.dumps(upstream.last_request()["body"]["messages"])

    def test_documents_reach_the_model(self, cohere_client, upstream, model):
        documents = [{"id": "d", "data": {"title": "tides", "text": "The tide rises."}}]
        cohere_client.chat(model=model, messages=user("say"), documents=documents, max_tokens=100)
        assert "The tide rises." in json.dumps(upstream.last_request()["body"])

    def test_a_fault_is_a_cohere_error(self, cohere_client, upstream, model):
        with pytest.raises(ApiError) as refused:
            cohere_client.chat(model=model, messages=user("fail-429"), request_options=NO_RETRY)
        assert (refused.value.status_code, refused.value.body["message"]) == (429, "scripted fault 429")


class TestProvider:
    def test_serves_openais_client(self, openai_client, upstream):
        answer = openai_client.chat.completions.create(
            model="up-cohere", messages=user("think"), top_p=0.5, stop=["x"]
        )
        message = answer.choices[0].message
        assert (message.content, message.reasoning_content) == (scripted.TEXT, scripted.THOUGHT)
        assert answer.usage.prompt_tokens == scripted.INPUT_TOKENS
        request = upstream.last_request()
        assert (request["path"], request["headers"]["authorization"]) == ("/v2/chat", f"Bearer {UPSTREAM_KEY}")
        assert (request["body"]["p"], request["body"]["stop_sequences"]) == (0.5, ["x"])

    def test_streams_calls_to_openais_client(self, openai_client, upstream):
        options = {"model": "up-cohere", "messages": user("get_weather"), "tools": OPENAI_TOOLS}
        chunks = list(openai_client.chat.completions.create(**options, stream=True))
        deltas = [call for chunk in chunks if chunk.choices for call in chunk.choices[0].delta.tool_calls or []]
        assert json.loads("".join(delta.function.arguments or "" for delta in deltas)) == scripted.ARGUMENTS

    def test_serves_anthropics_client(self, anthropic_client, upstream):
        answer = anthropic_client.messages.create(
            model="up-cohere", max_tokens=100, messages=user("get_weather"), tools=ANTHROPIC_TOOLS
        )
        (call,) = [block for block in answer.content if block.type == "tool_use"]
        assert (call.input, answer.stop_reason) == (scripted.ARGUMENTS, "tool_use")
