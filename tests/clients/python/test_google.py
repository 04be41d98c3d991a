"""The official Google client against the built-in `echo` model."""

import pytest
import upstream as scripted
from google.genai import errors, types

WEATHER = types.Tool(
    function_declarations=[
        types.FunctionDeclaration(
            name="get_weather",
            parameters=types.Schema(type="OBJECT", properties={"city": types.Schema(type="STRING")}),
        )
    ]
)


def test_answers_with_usage(google_client):
    answer = google_client.models.generate_content(model="echo", contents="one two three")
    assert answer.text == "one two three"
    assert answer.candidates[0].finish_reason == types.FinishReason.STOP
    usage = answer.usage_metadata
    assert (usage.prompt_token_count, usage.candidates_token_count) == (3, 3)


def test_streams(google_client):
    chunks = list(google_client.models.generate_content_stream(model="echo", contents="one two three"))
    assert "".join(chunk.text or "" for chunk in chunks) == "one two three"
    assert chunks[-1].candidates[0].finish_reason == types.FinishReason.STOP


def test_calls_tools(google_client):
    calling = types.FunctionCallingConfig(mode="ANY")
    config = types.GenerateContentConfig(
        tools=[WEATHER], tool_config=types.ToolConfig(function_calling_config=calling)
    )
    answer = google_client.models.generate_content(model="echo", contents="weather?", config=config)
    assert [call.name for call in answer.function_calls] == ["get_weather"]


def test_structured_output(google_client):
    schema = {
        "type": "object",
        "properties": {"harbour": {"type": "string"}, "days": {"type": "integer"}},
        "required": ["harbour", "days"],
    }
    config = {"response_mime_type": "application/json", "response_json_schema": schema}
    answer = google_client.models.generate_content(model="echo", contents="plan it", config=config)
    assert answer.parsed == {"harbour": "text", "days": 1}


@pytest.mark.parametrize("model", ["up-openai", "up-anthropic", "up-cohere", "up-ollama"])
def test_another_providers_answer(google_client, model):
    answer = google_client.models.generate_content(model=model, contents="how is it")
    assert answer.text == scripted.TEXT
    chunks = google_client.models.generate_content_stream(model=model, contents="how is it")
    assert "".join(chunk.text or "" for chunk in chunks) == scripted.TEXT
    config = types.GenerateContentConfig(tools=[WEATHER])
    called = google_client.models.generate_content(model=model, contents="get_weather now", config=config)
    assert [call.args for call in called.function_calls] == [scripted.ARGUMENTS]


@pytest.mark.parametrize(
    ("model", "error", "code"),
    [("echo-limited", errors.ClientError, 429), ("echo-broken", errors.ServerError, 500)],
)
def test_failures_have_their_status(google_client, model, error, code):
    with pytest.raises(error) as failed:
        google_client.models.generate_content(model=model, contents="x")
    assert failed.value.code == code


def test_counts_tokens(google_client):
    assert google_client.models.count_tokens(model="echo", contents="one two three").total_tokens == 3


def test_an_unknown_model_is_googles_error(google_client):
    with pytest.raises(errors.ClientError) as refused:
        google_client.models.generate_content(model="nobody", contents="x")
    assert (refused.value.code, refused.value.status) == (404, "NOT_FOUND")


def test_embeds_one_text_and_several(google_client):
    one = google_client.models.embed_content(model="echo", contents="hello")
    assert len(one.embeddings) == 1 and one.embeddings[0].values
    config = {"output_dimensionality": 8, "task_type": "RETRIEVAL_QUERY"}
    several = google_client.models.embed_content(model="echo", contents=["a", "b"], config=config)
    assert [len(embedding.values) for embedding in several.embeddings] == [8, 8]


def test_lists_models(google_client):
    names = [model.name for model in google_client.models.list()]
    assert "models/echo" in names
    assert google_client.models.get(model="echo").name == "models/echo"
