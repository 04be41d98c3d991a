"""The asynchronous clients: many requests at once, and tasks that are cancelled."""

import asyncio

import anthropic
import openai
import pytest
from proxy import MASTER_KEY


def user(content):
    return [{"role": "user", "content": content}]


def run(proxy, test):
    async def with_clients():
        options = {"api_key": MASTER_KEY, "max_retries": 0, "timeout": 30}
        async with (
            openai.AsyncOpenAI(base_url=f"{proxy.url}/v1", **options) as chat,
            anthropic.AsyncAnthropic(base_url=proxy.url, **options) as messages,
        ):
            await test(chat, messages)

    asyncio.run(with_clients())


def test_many_requests_at_once_get_their_own_answers(proxy):
    async def test(chat, messages):
        async def by_chat(number):
            answer = await chat.chat.completions.create(model="echo", messages=user(f"chat {number}"))
            return answer.choices[0].message.content

        async def by_messages(number):
            asked = user(f"message {number}")
            answer = await messages.messages.create(model="echo", max_tokens=100, messages=asked)
            return answer.content[0].text

        answers = await asyncio.gather(*map(by_chat, range(25)), *map(by_messages, range(25)))
        assert answers == [f"chat {n}" for n in range(25)] + [f"message {n}" for n in range(25)]

    run(proxy, test)


def test_streams_interleave(proxy):
    async def test(chat, messages):
        async def by_chat(text):
            stream = await chat.chat.completions.create(model="echo-slow", messages=user(text), stream=True)
            return "".join([chunk.choices[0].delta.content or "" async for chunk in stream])

        async def by_messages(text):
            async with messages.messages.stream(
                model="echo-slow", max_tokens=100, messages=user(text)
            ) as stream:
                return "".join([word async for word in stream.text_stream])

        texts = [f"one two three {number}" for number in range(5)]
        answers = await asyncio.gather(*map(by_chat, texts), *map(by_messages, texts))
        assert answers == texts * 2

    run(proxy, test)


def test_a_cancelled_task_leaves_the_proxy_well(proxy):
    async def test(chat, messages):
        begun = asyncio.Event()

        async def read():
            asked = user("word " * 200)
            stream = await chat.chat.completions.create(model="echo-slow", messages=asked, stream=True)
            async for _ in stream:
                begun.set()

        task = asyncio.create_task(read())
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        answer = await messages.messages.create(model="echo", max_tokens=10, messages=user("still there"))
        assert answer.content[0].text == "still there"

    run(proxy, test)


def test_errors_are_typed(proxy):
    async def test(chat, messages):
        with pytest.raises(openai.NotFoundError):
            await chat.chat.completions.create(model="nothing-like-it", messages=user("hi"))
        with pytest.raises(anthropic.RateLimitError):
            await messages.messages.create(model="echo-limited", max_tokens=10, messages=user("hi"))
        with pytest.raises(openai.APITimeoutError):
            await chat.chat.completions.create(model="echo-late", messages=user("hi"), timeout=0.3)

    run(proxy, test)
