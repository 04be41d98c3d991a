"""LangChain's models against the built-in `echo` model, and against providers of other dialects."""

import anthropic
import openai
import pytest
import upstream as scripted
from langchain_anthropic import ChatAnthropic
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import tool
from langchain_google_genai import ChatGoogleGenerativeAI
from langchain_google_genai.chat_models import ChatGoogleGenerativeAIError
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from proxy import MASTER_KEY
from pydantic import BaseModel

CLIENTS = ["openai", "responses", "anthropic", "google"]


def build(proxy, kind, model="echo"):
    common = {"model": model, "api_key": MASTER_KEY, "max_retries": 0, "timeout": 30}
    if kind == "anthropic":
        return ChatAnthropic(base_url=proxy.url, **common)
    if kind == "google":
        # One attempt: zero would mean the default number.
        return ChatGoogleGenerativeAI(base_url=proxy.url, **common | {"max_retries": 1})
    return ChatOpenAI(base_url=f"{proxy.url}/v1", use_responses_api=kind == "responses", **common)


@pytest.fixture(params=CLIENTS)
def kind(request):
    return request.param


@tool
def get_weather(place: str, days: int) -> str:
    """The weather at a place."""
    return f"{place}: fine for {days} days"


class Voyage(BaseModel):
    """Where a ship goes."""

    harbour: str
    days: int


def test_answers_with_usage(proxy, kind):
    answer = build(proxy, kind).invoke([SystemMessage("be kind"), HumanMessage("one two three")])
    assert answer.text == "one two three"
    assert answer.usage_metadata["output_tokens"] == 3
    assert answer.usage_metadata["input_tokens"] >= 3


def test_streams(proxy, kind):
    chunks = list(build(proxy, kind).stream("one two three"))
    assert "".join(chunk.text for chunk in chunks) == "one two three"
    assert len([chunk for chunk in chunks if chunk.text]) == 3


def test_calls_tools_and_takes_their_results(proxy, kind):
    model = build(proxy, kind).bind_tools([get_weather], tool_choice="any")
    asked = HumanMessage("weather?")
    answer = model.invoke([asked])
    (call,) = answer.tool_calls
    assert (call["name"], call["args"]) == ("get_weather", {"place": "text", "days": 1})
    told = ToolMessage(get_weather.invoke(call["args"]), tool_call_id=call["id"])
    again = build(proxy, kind).bind_tools([get_weather]).invoke([asked, answer, told])
    assert again.text and not again.tool_calls


def test_streamed_calls_come_together(proxy, kind):
    model = build(proxy, kind).bind_tools([get_weather], tool_choice="any")
    whole = None
    for chunk in model.stream("weather?"):
        whole = chunk if whole is None else whole + chunk
    assert [(call["name"], call["args"]) for call in whole.tool_calls] == [
        ("get_weather", {"place": "text", "days": 1})
    ]


@pytest.mark.parametrize("method", ["json_schema", "function_calling"])
def test_structured_output(proxy, kind, method):
    voyage = build(proxy, kind).with_structured_output(Voyage, method=method).invoke("plan it")
    assert voyage == Voyage(harbour="text", days=1)


def test_errors_are_the_clients_own(proxy):
    for kind, model, error in [
        ("openai", "nobody", openai.NotFoundError),
        ("responses", "nobody", openai.NotFoundError),
        ("openai", "echo-limited", openai.RateLimitError),
        ("anthropic", "nobody", anthropic.NotFoundError),
        ("anthropic", "echo-limited", anthropic.RateLimitError),
        ("google", "nobody", ChatGoogleGenerativeAIError),
        ("google", "echo-limited", ChatGoogleGenerativeAIError),
    ]:
        with pytest.raises(error):
            build(proxy, kind, model).invoke("x")


@pytest.mark.parametrize("model", ["up-openai", "up-anthropic", "up-cohere", "up-ollama"])
def test_another_providers_answer(proxy, kind, model):
    if (kind, model) == ("responses", "up-openai"):
        pytest.skip("it would make the response itself, which is not scripted")
    client = build(proxy, kind, model)
    answer = client.invoke("how is it")
    assert isinstance(answer, AIMessage) and answer.text == scripted.TEXT
    assert "".join(chunk.text for chunk in client.stream("how is it")) == scripted.TEXT
    called = client.bind_tools([get_weather]).invoke("get_weather, please")
    assert [(call["name"], call["args"]) for call in called.tool_calls] == [
        ("get_weather", scripted.ARGUMENTS)
    ]


def test_embeds(proxy):
    embeddings = OpenAIEmbeddings(
        model="echo", base_url=f"{proxy.url}/v1", api_key=MASTER_KEY, check_embedding_ctx_length=False
    )
    assert len(embeddings.embed_documents(["a", "b"])) == 2
