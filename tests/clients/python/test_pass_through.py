"""The official clients against providers' own APIs, through the proxy's pass-through routes."""

import anthropic
import openai
import pytest
import upstream as scripted
from proxy import MASTER_KEY, UPSTREAM_KEY


def user(content):
    return [{"role": "user", "content": content}]


class TestOpenAI:
    def test_gets_the_answer_with_the_providers_key(self, passing_openai_client, upstream):
        answer = passing_openai_client.chat.completions.create(model="any-model", messages=user("hi"))
        assert answer.choices[0].message.content == scripted.TEXT
        assert answer.usage.prompt_tokens == scripted.INPUT_TOKENS
        request = upstream.last_request()
        assert request["path"] == "/v1/chat/completions"
        assert request["body"]["model"] == "any-model"
        assert request["headers"]["authorization"] == f"Bearer {UPSTREAM_KEY}"
        assert MASTER_KEY not in str(request)

    def test_gets_the_stream(self, passing_openai_client, upstream):
        with passing_openai_client.chat.completions.create(model="m", messages=user("hi"), stream=True) as stream:
            text = "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)
        assert text == scripted.TEXT

    def test_gets_the_providers_errors(self, passing_openai_client, upstream):
        with pytest.raises(openai.NotFoundError, match="nothing is scripted"):
            passing_openai_client.post("/novelties", body={}, cast_to=object)


class TestAnthropic:
    def test_gets_the_answer_with_the_providers_key(self, passing_anthropic_client, upstream):
        answer = passing_anthropic_client.messages.create(model="any-model", max_tokens=9, messages=user("hi"))
        assert answer.content[0].text == scripted.TEXT
        request = upstream.last_request()
        assert (request["path"], request["body"]["model"]) == ("/v1/messages", "any-model")
        assert request["headers"]["x-api-key"] == UPSTREAM_KEY
        assert MASTER_KEY not in str(request)

    def test_gets_the_stream(self, passing_anthropic_client, upstream):
        with passing_anthropic_client.messages.stream(model="m", max_tokens=9, messages=user("hi")) as stream:
            assert stream.get_final_text() == scripted.TEXT

    def test_gets_the_gateways_refusal_in_its_own_words(self, proxy):
        stranger = anthropic.Anthropic(api_key="sk-wrong", base_url=f"{proxy.url}/anthropic", max_retries=0)
        with pytest.raises(anthropic.AuthenticationError):
            stranger.messages.create(model="m", max_tokens=9, messages=user("hi"))
