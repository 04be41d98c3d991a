"""The official Anthropic client against the built-in `echo` model."""

import anthropic
import pytest
from proxy import MASTER_KEY
from pydantic import BaseModel
from tools import ANTHROPIC_TOOLS, CLOCK_ARGUMENTS, PIXEL_PNG, WEATHER_ARGUMENTS


def user(content):
    return [{"role": "user", "content": content}]


def request(content, model="echo", **options):
    return {"model": model, "max_tokens": 4096, "messages": user(content), **options}


def ask(client, content, model="echo", **options):
    return client.messages.create(**request(content, model, **options))


class TestMessages:
    def test_answers_with_usage(self, anthropic_client):
        answer = ask(anthropic_client, "one two three")
        assert (answer.type, answer.role, answer.model) == ("message", "assistant", "echo")
        assert [block.type for block in answer.content] == ["text"]
        assert answer.content[0].text == "one two three"
        assert answer.stop_reason == "end_turn"
        assert (answer.usage.input_tokens, answer.usage.output_tokens) == (3, 3)

    def test_takes_a_system_prompt_and_a_history(self, anthropic_client):
        answer = anthropic_client.messages.create(
            model="echo",
            max_tokens=100,
            system=[{"type": "text", "text": "Be brief", "cache_control": {"type": "ephemeral"}}],
            messages=[*user("first"), {"role": "assistant", "content": "first"}, *user("Grüße 世界 🚀")],
        )
        assert answer.content[0].text == "Grüße 世界 🚀"

    def test_sees_images_and_documents(self, anthropic_client):
        png = {"type": "base64", "media_type": "image/png", "data": PIXEL_PNG}
        pdf = {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0xLjQK"}
        content = [
            {"type": "text", "text": "compare"},
            {"type": "image", "source": png},
            {"type": "document", "source": pdf},
        ]
        assert ask(anthropic_client, content).content[0].text == "compare [image] [file]"

    def test_thinks_when_asked_to(self, anthropic_client):
        thinking = {"type": "enabled", "budget_tokens": 1024}
        thought, text = ask(anthropic_client, "why", thinking=thinking).content
        assert (thought.type, thought.thinking) == ("thinking", "Thinking about: why")
        assert (text.type, text.text) == ("text", "why")

    def test_takes_the_key_as_a_bearer_token(self, proxy):
        with anthropic.Anthropic(auth_token=MASTER_KEY, base_url=proxy.url, max_retries=0) as client:
            assert ask(client, "hi").content[0].text == "hi"

    def test_counts_tokens(self, anthropic_client):
        counted = anthropic_client.messages.count_tokens(model="echo", messages=user("one two three"))
        assert counted.input_tokens == 3

    def test_lists_models(self, anthropic_client):
        assert "echo" in [model.id for model in anthropic_client.models.list(limit=100)]


class TestStream:
    def test_sends_its_events_in_order(self, anthropic_client):
        with ask(anthropic_client, "one two", stream=True) as stream:
            events = [event for event in stream if event.type != "ping"]
        assert [event.type for event in events] == [
            "message_start",
            "content_block_start",
            "content_block_delta",
            "content_block_delta",
            "content_block_stop",
            "message_delta",
            "message_stop",
        ]
        assert events[0].message.model == "echo"
        assert events[-2].delta.stop_reason == "end_turn"
        assert events[-2].usage.output_tokens == 2

    def test_accumulates_in_the_clients_own_helper(self, anthropic_client):
        with anthropic_client.messages.stream(**request("one two three")) as stream:
            words = list(stream.text_stream)
            final = stream.get_final_message()
        assert "".join(words) == "one two three" == final.content[0].text
        assert len(words) == 3
        assert (final.stop_reason, final.usage.output_tokens) == ("end_turn", 3)

    def test_streams_thinking_before_the_answer(self, anthropic_client):
        thinking = {"type": "enabled", "budget_tokens": 1024}
        with anthropic_client.messages.stream(**request("why", thinking=thinking)) as stream:
            final = stream.get_final_message()
        assert [block.type for block in final.content] == ["thinking", "text"]
        assert final.content[0].thinking == "Thinking about: why"

    def test_reports_a_cut_stream_as_an_error(self, anthropic_client):
        with pytest.raises(anthropic.APIError):
            with ask(anthropic_client, "one two three four five six", "echo-cut", stream=True) as stream:
                list(stream)


class TestTools:
    def call(self, client, content, **options):
        return ask(client, content, tools=ANTHROPIC_TOOLS, **options)

    def called(self, answer):
        return [(block.name, block.input) for block in answer.content if block.type == "tool_use"]

    def test_calls_the_tool_that_is_named(self, anthropic_client):
        answer = self.call(anthropic_client, "use get_weather please")
        assert answer.stop_reason == "tool_use"
        assert self.called(answer) == [("get_weather", WEATHER_ARGUMENTS)]

    def test_calls_several_tools_at_once(self, anthropic_client):
        answer = self.call(anthropic_client, "read_clock and get_weather")
        assert self.called(answer) == [("get_weather", WEATHER_ARGUMENTS), ("read_clock", CLOCK_ARGUMENTS)]
        assert len({block.id for block in answer.content if block.type == "tool_use"}) == 2

    def test_obeys_the_choice(self, anthropic_client):
        any_tool = self.call(anthropic_client, "hello", tool_choice={"type": "any"})
        assert self.called(any_tool) == [("get_weather", WEATHER_ARGUMENTS)]
        forced = self.call(anthropic_client, "hello", tool_choice={"type": "tool", "name": "read_clock"})
        assert self.called(forced) == [("read_clock", CLOCK_ARGUMENTS)]
        none = self.call(anthropic_client, "get_weather", tool_choice={"type": "none"})
        assert self.called(none) == [] and none.stop_reason == "end_turn"

    def test_streams_arguments(self, anthropic_client):
        asked = request("read_clock and get_weather", tools=ANTHROPIC_TOOLS)
        with anthropic_client.messages.stream(**asked) as stream:
            kinds = {event.type for event in stream}
            final = stream.get_final_message()
        assert "input_json" in kinds
        assert self.called(final) == [("get_weather", WEATHER_ARGUMENTS), ("read_clock", CLOCK_ARGUMENTS)]

    def test_answers_from_the_result(self, anthropic_client):
        asked = self.call(anthropic_client, "get_weather")
        call = next(block for block in asked.content if block.type == "tool_use")
        result = {"type": "tool_result", "tool_use_id": call.id, "content": "21 degrees"}
        content = [block.model_dump(exclude_none=True) for block in asked.content]
        messages = [*user("get_weather"), {"role": "assistant", "content": content}, *user([result])]
        answer = anthropic_client.messages.create(
            model="echo", max_tokens=100, messages=messages, tools=ANTHROPIC_TOOLS
        )
        assert answer.content[0].text == "21 degrees"


class Stop(BaseModel):
    name: str
    nights: int


class Trip(BaseModel):
    title: str
    price: float
    booked: bool
    stops: list[Stop]


class TestStructuredOutput:
    def test_parses_into_a_model(self, anthropic_client):
        answer = anthropic_client.messages.parse(**request("plan"), output_format=Trip)
        expected = Trip(title="text", price=1.5, booked=True, stops=[Stop(name="text", nights=1)])
        assert answer.parsed_output == expected


class TestErrors:
    def test_wrong_key(self, proxy):
        with anthropic.Anthropic(api_key="sk-wrong", base_url=proxy.url, max_retries=0) as client:
            with pytest.raises(anthropic.AuthenticationError) as caught:
                ask(client, "hi")
        assert caught.value.body["type"] == "error"
        assert caught.value.body["error"]["type"] == "authentication_error"
        assert "sk-wrong" not in str(caught.value)

    def test_unknown_model_names_close_ones(self, anthropic_client):
        with pytest.raises(anthropic.NotFoundError, match="echo") as caught:
            ask(anthropic_client, "hi", "ecko")
        assert caught.value.body["error"]["type"] == "not_found_error"

    def test_wrong_type_names_the_field(self, anthropic_client):
        with pytest.raises(anthropic.BadRequestError, match="messages") as caught:
            anthropic_client.messages.create(model="echo", max_tokens=10, messages="not a list")
        assert caught.value.body["error"]["type"] == "invalid_request_error"

    def test_rate_limit_tells_when_to_come_back(self, anthropic_client):
        with pytest.raises(anthropic.RateLimitError) as caught:
            ask(anthropic_client, "hi", "echo-limited")
        assert caught.value.response.headers["retry-after"] == "1"
        assert caught.value.body["error"]["type"] == "rate_limit_error"

    def test_fault_of_the_provider(self, anthropic_client):
        with pytest.raises(anthropic.InternalServerError) as caught:
            ask(anthropic_client, "hi", "echo-broken")
        assert caught.value.body["error"]["type"] == "api_error"


class TestImpatience:
    def test_leaving_a_stream_leaves_the_proxy_well(self, anthropic_client):
        for _ in range(3):
            with ask(anthropic_client, "word " * 200, "echo-slow", stream=True) as stream:
                next(iter(stream))
        assert ask(anthropic_client, "still there").content[0].text == "still there"

    def test_giving_up_is_a_timeout(self, anthropic_client):
        with pytest.raises(anthropic.APITimeoutError):
            ask(anthropic_client, "hi", "echo-late", timeout=0.3)
        assert ask(anthropic_client, "still there").content[0].text == "still there"
