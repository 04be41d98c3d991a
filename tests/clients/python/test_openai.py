"""The official OpenAI client against the built-in `echo` model."""

import json
import math

import openai
import pytest
from proxy import MASTER_KEY
from pydantic import BaseModel
from tools import CLOCK_ARGUMENTS, OPENAI_TOOLS, PIXEL_PNG, WEATHER_ARGUMENTS


def user(content):
    return [{"role": "user", "content": content}]


def ask(client, content, model="echo", **options):
    return client.chat.completions.create(model=model, messages=user(content), **options)


class TestChat:
    def test_answers_with_usage(self, openai_client):
        answer = ask(openai_client, "one two three")
        assert answer.object == "chat.completion"
        assert answer.model == "echo"
        assert answer.choices[0].message.role == "assistant"
        assert answer.choices[0].message.content == "one two three"
        assert answer.choices[0].finish_reason == "stop"
        assert (answer.usage.prompt_tokens, answer.usage.completion_tokens, answer.usage.total_tokens) == (3, 3, 6)

    def test_counts_every_message_and_answers_the_last_one(self, openai_client):
        history = [
            {"role": "system", "content": "Be brief"},
            {"role": "user", "content": "first"},
            {"role": "assistant", "content": "first"},
            {"role": "user", "content": "Grüße an 世界 🚀"},
        ]
        answer = openai_client.chat.completions.create(model="echo", messages=history)
        assert answer.choices[0].message.content == "Grüße an 世界 🚀"
        assert answer.usage.prompt_tokens == 8

    def test_sees_an_image_between_texts(self, openai_client):
        image = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL_PNG}"}}
        content = [{"type": "text", "text": "what is"}, image, {"type": "text", "text": "this"}]
        assert ask(openai_client, content).choices[0].message.content == "what is [image] this"

    def test_sees_a_file(self, openai_client):
        data = "data:application/pdf;base64,JVBERi0xLjQK"
        file = {"type": "file", "file": {"filename": "a.pdf", "file_data": data}}
        content = [{"type": "text", "text": "read"}, file]
        assert ask(openai_client, content).choices[0].message.content == "read [file]"

    def test_reasons_when_asked_to(self, openai_client):
        answer = ask(openai_client, "why", reasoning_effort="low")
        assert answer.choices[0].message.content == "why"
        assert answer.choices[0].message.reasoning_content == "Thinking about: why"

    def test_carries_a_call_id_in_a_header(self, openai_client):
        raw = openai_client.chat.completions.with_raw_response.create(model="echo", messages=user("hi"))
        assert raw.headers["x-litellm-call-id"]
        assert raw.parse().choices[0].message.content == "hi"

    @pytest.mark.parametrize("path", ["", "/v1", "/engines/echo", "/openai/deployments/echo"])
    def test_is_served_under_every_path(self, proxy, path):
        with openai.OpenAI(api_key=MASTER_KEY, base_url=proxy.url + path, max_retries=0) as client:
            assert ask(client, "hi").choices[0].message.content == "hi"

    def test_serves_the_azure_client(self, proxy):
        with openai.AzureOpenAI(
            api_key=MASTER_KEY, azure_endpoint=proxy.url, api_version="2025-01-01", max_retries=0
        ) as client:
            assert ask(client, "hi").choices[0].message.content == "hi"


class TestStream:
    def test_arrives_word_by_word(self, openai_client):
        with ask(openai_client, "one two three", stream=True) as stream:
            chunks = list(stream)
        words = [chunk.choices[0].delta.content for chunk in chunks if chunk.choices[0].delta.content]
        assert "".join(words) == "one two three"
        assert len(words) == 3
        assert chunks[0].choices[0].delta.role == "assistant"
        assert [c.choices[0].finish_reason for c in chunks if c.choices[0].finish_reason] == ["stop"]
        assert len({chunk.id for chunk in chunks}) == 1
        assert {chunk.model for chunk in chunks} == {"echo"}

    def test_hides_usage_that_was_not_asked_for(self, openai_client):
        with ask(openai_client, "one two", stream=True) as stream:
            chunks = list(stream)
        assert all(chunk.usage is None for chunk in chunks)
        assert all(chunk.choices for chunk in chunks)

    def test_ends_with_usage_that_was_asked_for(self, openai_client):
        options = {"include_usage": True}
        with ask(openai_client, "one two", stream=True, stream_options=options) as stream:
            *chunks, last = list(stream)
        assert last.choices == []
        assert (last.usage.prompt_tokens, last.usage.completion_tokens) == (2, 2)
        assert all(chunk.usage is None for chunk in chunks)

    def test_accumulates_in_the_clients_own_helper(self, openai_client):
        with openai_client.chat.completions.stream(model="echo", messages=user("one two")) as stream:
            kinds = [event.type for event in stream]
            final = stream.get_final_completion()
        assert "content.delta" in kinds and "content.done" in kinds
        assert final.choices[0].message.content == "one two"

    def test_streams_reasoning_before_the_answer(self, openai_client):
        with ask(openai_client, "why", stream=True, reasoning_effort="high") as stream:
            deltas = [chunk.choices[0].delta for chunk in stream if chunk.choices]
        thoughts = [getattr(delta, "reasoning_content", None) or "" for delta in deltas]
        texts = [delta.content or "" for delta in deltas]
        assert "".join(thoughts) == "Thinking about: why"
        assert "".join(texts) == "why"
        last_thought = max(index for index, thought in enumerate(thoughts) if thought)
        assert last_thought < min(index for index, text in enumerate(texts) if text)

    def test_reports_a_cut_stream_as_an_error(self, openai_client):
        with pytest.raises(openai.APIError):
            with ask(openai_client, "one two three four five six", "echo-cut", stream=True) as stream:
                list(stream)


class TestTools:
    def call(self, client, content, **options):
        return ask(client, content, tools=OPENAI_TOOLS, **options).choices[0]

    def called(self, choice):
        return [(call.function.name, json.loads(call.function.arguments)) for call in choice.message.tool_calls]

    def test_calls_the_tool_that_is_named(self, openai_client):
        choice = self.call(openai_client, "use get_weather please")
        assert choice.finish_reason == "tool_calls"
        assert self.called(choice) == [("get_weather", WEATHER_ARGUMENTS)]
        assert choice.message.tool_calls[0].type == "function"

    def test_calls_several_tools_at_once(self, openai_client):
        choice = self.call(openai_client, "read_clock and get_weather")
        assert self.called(choice) == [("get_weather", WEATHER_ARGUMENTS), ("read_clock", CLOCK_ARGUMENTS)]
        assert len({call.id for call in choice.message.tool_calls}) == 2

    def test_obeys_a_required_call(self, openai_client):
        choice = self.call(openai_client, "hello", tool_choice="required")
        assert self.called(choice) == [("get_weather", WEATHER_ARGUMENTS)]

    def test_obeys_a_forced_tool(self, openai_client):
        forced = {"type": "function", "function": {"name": "read_clock"}}
        choice = self.call(openai_client, "hello", tool_choice=forced)
        assert self.called(choice) == [("read_clock", CLOCK_ARGUMENTS)]

    def test_calls_nothing_when_told_not_to(self, openai_client):
        choice = self.call(openai_client, "get_weather", tool_choice="none")
        assert choice.finish_reason == "stop"
        assert choice.message.tool_calls is None
        assert choice.message.content == "get_weather"

    def test_streams_arguments(self, openai_client):
        messages = user("read_clock and get_weather")
        with openai_client.chat.completions.stream(model="echo", messages=messages, tools=OPENAI_TOOLS) as stream:
            final = stream.get_final_completion()
        assert final.choices[0].finish_reason == "tool_calls"
        expected = [("get_weather", WEATHER_ARGUMENTS), ("read_clock", CLOCK_ARGUMENTS)]
        assert self.called(final.choices[0]) == expected

    def test_answers_from_the_result(self, openai_client):
        asked = self.call(openai_client, "get_weather").message
        messages = [
            *user("get_weather"),
            asked.model_dump(exclude_none=True),
            {"role": "tool", "tool_call_id": asked.tool_calls[0].id, "content": "21 degrees"},
        ]
        answer = openai_client.chat.completions.create(model="echo", messages=messages, tools=OPENAI_TOOLS)
        assert answer.choices[0].message.content == "21 degrees"
        assert answer.choices[0].finish_reason == "stop"


class Stop(BaseModel):
    name: str
    nights: int


class Trip(BaseModel):
    title: str
    price: float
    booked: bool
    stops: list[Stop]


class TestStructuredOutput:
    expected = Trip(title="text", price=1.5, booked=True, stops=[Stop(name="text", nights=1)])

    def test_parses_into_a_model(self, openai_client):
        answer = openai_client.chat.completions.parse(model="echo", messages=user("plan"), response_format=Trip)
        assert answer.choices[0].message.parsed == self.expected

    def test_parses_a_stream_into_a_model(self, openai_client):
        with openai_client.chat.completions.stream(
            model="echo", messages=user("plan"), response_format=Trip
        ) as stream:
            final = stream.get_final_completion()
        assert final.choices[0].message.parsed == self.expected

    def test_answers_in_any_json(self, openai_client):
        answer = ask(openai_client, "some json", response_format={"type": "json_object"})
        assert json.loads(answer.choices[0].message.content) == {"echo": "some json"}


class TestEmbeddings:
    def embed(self, client, texts, **options):
        answer = client.embeddings.create(model="echo", input=texts, **options)
        assert [item.index for item in answer.data] == list(range(len(answer.data)))
        return answer

    def test_are_unit_vectors_that_depend_on_the_text_alone(self, openai_client):
        answer = self.embed(openai_client, ["one two", "three", "one two"])
        first, second, third = (item.embedding for item in answer.data)
        assert len(first) == 8
        assert first == third != second
        assert math.isclose(math.hypot(*first), 1.0, rel_tol=1e-5)
        assert answer.usage.prompt_tokens == 5

    def test_have_as_many_dimensions_as_asked_for(self, openai_client):
        assert len(self.embed(openai_client, "one", dimensions=5).data[0].embedding) == 5

    def test_are_the_same_as_floats_and_as_base64(self, openai_client):
        packed = self.embed(openai_client, "one").data[0].embedding
        plain = self.embed(openai_client, "one", encoding_format="float").data[0].embedding
        assert plain == pytest.approx(packed, rel=1e-5)


class TestLegacyCompletions:
    def test_answers(self, openai_client):
        answer = openai_client.completions.create(model="echo", prompt="one two three")
        assert answer.object == "text_completion"
        assert answer.choices[0].text == "one two three"
        assert answer.choices[0].finish_reason == "stop"
        assert answer.usage.completion_tokens == 3

    def test_streams(self, openai_client):
        with openai_client.completions.create(model="echo", prompt="one two", stream=True) as stream:
            texts = [chunk.choices[0].text for chunk in stream]
        assert "".join(texts) == "one two"


class TestModels:
    def test_lists_what_is_configured(self, openai_client):
        names = [model.id for model in openai_client.models.list()]
        assert {"echo", "echo-slow", "up-openai", "up-anthropic"} <= set(names)

    def test_retrieves_one(self, openai_client):
        model = openai_client.models.retrieve("echo")
        assert (model.id, model.object) == ("echo", "model")

    def test_does_not_know_another(self, openai_client):
        with pytest.raises(openai.NotFoundError):
            openai_client.models.retrieve("nothing-like-it")


class TestErrors:
    def test_wrong_key(self, proxy):
        with openai.OpenAI(api_key="sk-wrong", base_url=f"{proxy.url}/v1", max_retries=0) as client:
            with pytest.raises(openai.AuthenticationError) as caught:
                ask(client, "hi")
        assert caught.value.status_code == 401
        assert "sk-wrong" not in str(caught.value)

    def test_unknown_model_names_close_ones(self, openai_client):
        with pytest.raises(openai.NotFoundError, match="echo") as caught:
            ask(openai_client, "hi", "ecko")
        assert caught.value.code == "model_not_found"

    def test_wrong_type_names_the_field(self, openai_client):
        with pytest.raises(openai.BadRequestError, match="messages") as caught:
            openai_client.chat.completions.create(model="echo", messages="not a list")
        assert caught.value.type == "invalid_request_error"

    def test_missing_messages(self, openai_client):
        with pytest.raises(openai.BadRequestError, match="messages"):
            openai_client.post("/chat/completions", body={"model": "echo"}, cast_to=object)

    def test_rate_limit_tells_when_to_come_back(self, openai_client):
        with pytest.raises(openai.RateLimitError) as caught:
            ask(openai_client, "hi", "echo-limited")
        assert caught.value.response.headers["retry-after"] == "1"

    def test_rate_limit_of_a_stream_comes_before_it_begins(self, openai_client):
        with pytest.raises(openai.RateLimitError):
            ask(openai_client, "hi", "echo-limited", stream=True)

    def test_fault_of_the_provider(self, openai_client):
        with pytest.raises(openai.InternalServerError):
            ask(openai_client, "hi", "echo-broken")


class TestImpatience:
    def test_leaving_a_stream_leaves_the_proxy_well(self, openai_client):
        for _ in range(3):
            with ask(openai_client, "word " * 200, "echo-slow", stream=True) as stream:
                next(iter(stream))
        assert ask(openai_client, "still there").choices[0].message.content == "still there"

    def test_giving_up_is_a_timeout(self, openai_client):
        with pytest.raises(openai.APITimeoutError):
            ask(openai_client, "hi", "echo-late", timeout=0.3)
        assert ask(openai_client, "still there").choices[0].message.content == "still there"
