"""The real proxy, the scripted provider behind it, and the official clients in front of it."""

import anthropic
import boto3
import cohere
import ollama
import openai
import pytest
from botocore.config import Config
from google import genai
from proxy import MASTER_KEY
from servers import proxy, upstream_server  # noqa: F401


@pytest.fixture
def upstream(upstream_server):
    """The scripted provider with an empty memory."""
    upstream_server.take_requests()
    return upstream_server


@pytest.fixture(scope="session")
def openai_client(proxy):
    with openai.OpenAI(api_key=MASTER_KEY, base_url=f"{proxy.url}/v1", max_retries=0, timeout=30) as client:
        yield client


@pytest.fixture(scope="session")
def anthropic_client(proxy):
    with anthropic.Anthropic(api_key=MASTER_KEY, base_url=proxy.url, max_retries=0, timeout=30) as client:
        yield client


@pytest.fixture(scope="session")
def passing_openai_client(proxy):
    """Asks the provider itself, through the proxy."""
    base = f"{proxy.url}/openai"
    with openai.OpenAI(api_key=MASTER_KEY, base_url=base, max_retries=0, timeout=30) as client:
        yield client


@pytest.fixture(scope="session")
def passing_anthropic_client(proxy):
    """Asks the provider itself, through the proxy."""
    base = f"{proxy.url}/anthropic"
    with anthropic.Anthropic(api_key=MASTER_KEY, base_url=base, max_retries=0, timeout=30) as client:
        yield client


@pytest.fixture(scope="session")
def google_client(proxy):
    options = genai.types.HttpOptions(base_url=proxy.url, timeout=30_000)
    return genai.Client(api_key=MASTER_KEY, http_options=options)


@pytest.fixture(scope="session")
def cohere_client(proxy):
    return cohere.ClientV2(api_key=MASTER_KEY, base_url=proxy.url, timeout=30)


@pytest.fixture(scope="session")
def ollama_client(proxy):
    return ollama.Client(proxy.url, headers={"authorization": f"Bearer {MASTER_KEY}"}, timeout=30)


def bedrock_client_of(proxy, **options):
    config = Config(retries={"total_max_attempts": 1}, read_timeout=30)
    return boto3.client(
        "bedrock-runtime", endpoint_url=proxy.url, region_name="us-east-1", config=config, **options
    )


@pytest.fixture(scope="session")
def bedrock_client(proxy):
    """With the key as the id of an access key."""
    return bedrock_client_of(proxy, aws_access_key_id=MASTER_KEY, aws_secret_access_key="any")


@pytest.fixture(scope="session")
def anthropic_bedrock_client(proxy):
    options = {"aws_access_key": MASTER_KEY, "aws_secret_key": "any", "aws_region": "us-east-1"}
    with anthropic.AnthropicBedrock(base_url=proxy.url, max_retries=0, timeout=30, **options) as client:
        yield client
