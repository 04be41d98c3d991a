"""The official OpenAI client's Responses API against the built-in `echo` model."""

import json

import openai
import pytest
from proxy import MASTER_KEY
from pydantic import BaseModel
from tools import CLOCK_ARGUMENTS, PIXEL_PNG, SCHEMAS, WEATHER_ARGUMENTS

TOOLS = [
    {"type": "function", "name": name, "description": "A tool.", "parameters": schema, "strict": True}
    for name, schema in SCHEMAS.items()
]


def ask(client, content, model="echo", **options):
    return client.responses.create(model=model, input=content, **options)


def called(response):
    calls = [item for item in response.output if item.type == "function_call"]
    return [(call.name, json.loads(call.arguments)) for call in calls]


class TestResponse:
    def test_answers_with_usage(self, openai_client):
        answer = ask(openai_client, "one two three")
        assert (answer.object, answer.model, answer.status) == ("response", "echo", "completed")
        assert answer.output_text == "one two three"
        assert (answer.usage.input_tokens, answer.usage.output_tokens, answer.usage.total_tokens) == (3, 3, 6)
        assert answer.error is None and answer.incomplete_details is None

    def test_repeats_what_was_asked(self, openai_client):
        answer = ask(openai_client, "hi", instructions="be kind", temperature=0.5, metadata={"a": "b"})
        assert (answer.instructions, answer.temperature, answer.metadata) == ("be kind", 0.5, {"a": "b"})
        assert answer.store is True

    def test_sees_an_image_and_a_file(self, openai_client):
        content = [
            {"type": "input_text", "text": "what is"},
            {"type": "input_image", "image_url": f"data:image/png;base64,{PIXEL_PNG}", "detail": "auto"},
            {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi0xLjQK"},
        ]
        assert ask(openai_client, [{"role": "user", "content": content}]).output_text == "what is [image] [file]"

    def test_says_that_it_was_cut_off(self, openai_client):
        answer = ask(openai_client, "one two three", max_output_tokens=2)
        assert (answer.status, answer.incomplete_details.reason) == ("incomplete", "max_output_tokens")

    @pytest.mark.parametrize("path", ["", "/v1", "/openai/v1"])
    def test_is_served_under_every_path(self, proxy, path):
        with openai.OpenAI(api_key=MASTER_KEY, base_url=proxy.url + path, max_retries=0) as client:
            assert ask(client, "hi").output_text == "hi"

    def test_goes_on_from_a_kept_response_and_reads_lists_and_deletes_it(self, openai_client):
        first = ask(openai_client, "one")
        second = ask(openai_client, "two", previous_response_id=first.id)
        assert second.previous_response_id == first.id
        assert openai_client.responses.retrieve(second.id) == second
        items = openai_client.responses.input_items.list(second.id, order="asc")
        assert [item.content[0].text for item in items] == ["one", "one", "two"]
        openai_client.responses.delete(first.id)
        with pytest.raises(openai.NotFoundError):
            openai_client.responses.retrieve(first.id)
        with pytest.raises(openai.BadRequestError) as refused:
            ask(openai_client, "three", previous_response_id=second.id)
        assert refused.value.code == "previous_response_not_found"

    def test_takes_part_in_a_conversation(self, openai_client):
        conversation = openai_client.conversations.create(metadata={"a": "b"})
        ask(openai_client, "one", conversation=conversation.id)
        with openai_client.responses.stream(model="echo", input="two", conversation=conversation.id) as stream:
            stream.until_done()
        items = openai_client.conversations.items.list(conversation.id, order="asc")
        assert [item.content[0].text for item in items] == ["one", "one", "two", "two"]
        assert openai_client.conversations.delete(conversation.id).deleted is True

    def test_refuses_by_name_what_is_not_kept(self, openai_client):
        with pytest.raises(openai.BadRequestError) as refused:
            ask(openai_client, "hi", previous_response_id="resp_1")
        assert refused.value.param == "previous_response_id"

    def test_raises_the_errors_of_the_client(self, openai_client):
        with pytest.raises(openai.RateLimitError):
            ask(openai_client, "hi", "echo-limited")


class TestStream:
    def test_arrives_word_by_word_in_order(self, openai_client):
        with ask(openai_client, "one two three", stream=True) as stream:
            events = list(stream)
        assert [event.sequence_number for event in events] == list(range(len(events)))
        deltas = [event.delta for event in events if event.type == "response.output_text.delta"]
        assert deltas == ["one ", "two ", "three"]
        assert events[0].type == "response.created"
        assert events[-1].type == "response.completed"
        assert events[-1].response.usage.total_tokens == 6

    def test_accumulates_in_the_clients_own_helper(self, openai_client):
        with openai_client.responses.stream(model="echo", input="one two") as stream:
            for _ in stream:
                pass
            final = stream.get_final_response()
        assert final.output_text == "one two"

    def test_streams_reasoning_before_the_answer(self, openai_client):
        with ask(openai_client, "why", stream=True, reasoning={"effort": "high", "summary": "auto"}) as stream:
            events = list(stream)
        thoughts = [event.delta for event in events if event.type == "response.reasoning_summary_text.delta"]
        assert "".join(thoughts) == "Thinking about: why"
        assert [item.type for item in events[-1].response.output] == ["reasoning", "message"]

    def test_reports_a_cut_stream_as_an_error(self, openai_client):
        with pytest.raises(openai.APIError):
            with ask(openai_client, "one two three four five six", "echo-cut", stream=True) as stream:
                list(stream)


class TestTools:
    def test_calls_several_tools_at_once(self, openai_client):
        answer = ask(openai_client, "read_clock and get_weather", tools=TOOLS)
        assert called(answer) == [("get_weather", WEATHER_ARGUMENTS), ("read_clock", CLOCK_ARGUMENTS)]

    def test_obeys_the_choice(self, openai_client):
        forced = ask(openai_client, "hello", tools=TOOLS, tool_choice={"type": "function", "name": "read_clock"})
        assert called(forced) == [("read_clock", CLOCK_ARGUMENTS)]
        assert called(ask(openai_client, "get_weather", tools=TOOLS, tool_choice="none")) == []

    def test_streams_arguments(self, openai_client):
        with openai_client.responses.stream(
            model="echo", input="read_clock and get_weather", tools=TOOLS
        ) as stream:
            for _ in stream:
                pass
            final = stream.get_final_response()
        assert called(final) == [("get_weather", WEATHER_ARGUMENTS), ("read_clock", CLOCK_ARGUMENTS)]

    def test_answers_from_the_result(self, openai_client):
        options = {"tools": TOOLS, "reasoning": {"effort": "low"}}
        first = ask(openai_client, "get_weather", **options)
        call = next(item for item in first.output if item.type == "function_call")
        history = [{"role": "user", "content": "get_weather"}, *first.output]
        history.append({"type": "function_call_output", "call_id": call.call_id, "output": "21 degrees"})
        assert ask(openai_client, history, **options).output_text == "21 degrees"


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
        answer = openai_client.responses.parse(model="echo", input="plan", text_format=Trip)
        assert answer.output_parsed == self.expected

    def test_parses_a_stream_into_a_model(self, openai_client):
        with openai_client.responses.stream(model="echo", input="plan", text_format=Trip) as stream:
            for _ in stream:
                pass
            final = stream.get_final_response()
        assert final.output_parsed == self.expected
