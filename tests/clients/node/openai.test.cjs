// The official OpenAI client for Node against the built-in `echo` model.
'use strict';

const assert = require('node:assert/strict');
const { before, describe, test } = require('node:test');
const OpenAI = require('openai').default;
const { zodResponseFormat } = require('openai/helpers/zod');
const { z } = require('zod');
const { MASTER_KEY, startProxy } = require('./servers.cjs');
const { clockCall, openaiTools, pixelPng, weatherCall } = require('./tools.cjs');

let url;
let client;

before(async () => {
  url = await startProxy();
  client = new OpenAI({ apiKey: MASTER_KEY, baseURL: `${url}/v1`, maxRetries: 0, timeout: 30_000 });
});

const user = (content) => [{ role: 'user', content }];
const ask = (content, more = {}, options = {}) =>
  client.chat.completions.create({ model: 'echo', messages: user(content), ...more }, options);
const called = (choice) =>
  choice.message.tool_calls.map((call) => [call.function.name, JSON.parse(call.function.arguments)]);

async function collect(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
}

describe('chat', () => {
  test('answers with usage', async () => {
    const answer = await ask('one two three');
    assert.equal(answer.choices[0].message.content, 'one two three');
    assert.equal(answer.choices[0].finish_reason, 'stop');
    assert.equal(answer.usage.prompt_tokens, 3);
    assert.equal(answer.usage.total_tokens, 6);
  });

  test('sees an image', async () => {
    const image = { type: 'image_url', image_url: { url: `data:image/png;base64,${pixelPng}` } };
    const answer = await ask([{ type: 'text', text: 'what is' }, image]);
    assert.equal(answer.choices[0].message.content, 'what is [image]');
  });

  test('reasons when asked to', async () => {
    const answer = await ask('why', { reasoning_effort: 'low' });
    assert.equal(answer.choices[0].message.reasoning_content, 'Thinking about: why');
  });
});

describe('stream', () => {
  test('arrives word by word and hides usage that was not asked for', async () => {
    const chunks = await collect(await ask('one two three', { stream: true }));
    const words = chunks.map((chunk) => chunk.choices[0].delta.content).filter(Boolean);
    assert.equal(words.join(''), 'one two three');
    assert.equal(words.length, 3);
    assert.equal(chunks.at(-1).choices[0].finish_reason, 'stop');
    assert.ok(chunks.every((chunk) => chunk.usage == null));
  });

  test('ends with usage that was asked for', async () => {
    const chunks = await collect(await ask('one two', { stream: true, stream_options: { include_usage: true } }));
    assert.deepEqual(chunks.at(-1).choices, []);
    assert.equal(chunks.at(-1).usage.completion_tokens, 2);
  });

  test("accumulates in the client's own helper", async () => {
    const stream = client.chat.completions.stream({ model: 'echo', messages: user('one two') });
    assert.equal(await stream.finalContent(), 'one two');
  });

  test('reports a cut stream as an error', async () => {
    const read = async () => collect(await ask('one two three four five six', { model: 'echo-cut', stream: true }));
    await assert.rejects(read);
  });
});

describe('tools', () => {
  const call = async (content, more) => (await ask(content, { tools: openaiTools, ...more })).choices[0];

  test('are called by name, several at once', async () => {
    const choice = await call('read_clock and get_weather');
    assert.equal(choice.finish_reason, 'tool_calls');
    assert.deepEqual(called(choice), [weatherCall, clockCall]);
  });

  test('are chosen as required, forced and forbidden', async () => {
    assert.deepEqual(called(await call('hello', { tool_choice: 'required' })), [weatherCall]);
    const forced = { type: 'function', function: { name: 'read_clock' } };
    assert.deepEqual(called(await call('hello', { tool_choice: forced })), [clockCall]);
    const none = await call('get_weather', { tool_choice: 'none' });
    assert.equal(none.message.content, 'get_weather');
  });

  test('stream their arguments', async () => {
    const messages = user('read_clock and get_weather');
    const stream = client.chat.completions.stream({ model: 'echo', messages, tools: openaiTools });
    const final = await stream.finalChatCompletion();
    assert.deepEqual(called(final.choices[0]), [weatherCall, clockCall]);
  });

  test('are run by the client in a loop until the model answers', async () => {
    const run = client.chat.completions.runTools({
      model: 'echo',
      messages: user('get_weather'),
      tools: [
        {
          type: 'function',
          function: {
            ...openaiTools[0].function,
            parse: JSON.parse,
            function: ({ days }) => `${days} sunny day`,
          },
        },
      ],
    });
    assert.equal(await run.finalContent(), '1 sunny day');
  });
});

test('structured output parses into a schema', async () => {
  const Trip = z.object({
    title: z.string(),
    price: z.number(),
    booked: z.boolean(),
    stops: z.array(z.object({ name: z.string(), nights: z.int() })),
  });
  const answer = await client.chat.completions.parse({
    model: 'echo',
    messages: user('plan'),
    response_format: zodResponseFormat(Trip, 'trip'),
  });
  const { title, price, booked, stops } = answer.choices[0].message.parsed;
  assert.deepEqual([title, price, booked], ['text', 1.5, true]);
  assert.equal(stops.length, 1);
  assert.equal(stops[0].name, 'text');
});

test('embeddings are unit vectors that depend on the text alone', async () => {
  const { data } = await client.embeddings.create({ model: 'echo', input: ['one', 'two', 'one'] });
  assert.deepEqual(data[0].embedding, data[2].embedding);
  assert.notDeepEqual(data[0].embedding, data[1].embedding);
  assert.equal(data[0].embedding.length, 8);
  assert.ok(Math.abs(Math.hypot(...data[0].embedding) - 1) < 1e-5);
  const short = await client.embeddings.create({ model: 'echo', input: 'one', dimensions: 5 });
  assert.equal(short.data[0].embedding.length, 5);
});

test('legacy completions answer and stream', async () => {
  const answer = await client.completions.create({ model: 'echo', prompt: 'one two' });
  assert.equal(answer.choices[0].text, 'one two');
  const chunks = await collect(await client.completions.create({ model: 'echo', prompt: 'one two', stream: true }));
  assert.equal(chunks.map((chunk) => chunk.choices[0].text).join(''), 'one two');
});

test('models are listed and retrieved', async () => {
  const names = (await collect(await client.models.list())).map((model) => model.id);
  assert.ok(names.includes('echo'));
  assert.equal((await client.models.retrieve('echo')).id, 'echo');
});

describe('errors', () => {
  test('wrong key', async () => {
    const stranger = new OpenAI({ apiKey: 'sk-wrong', baseURL: `${url}/v1`, maxRetries: 0 });
    await assert.rejects(
      stranger.chat.completions.create({ model: 'echo', messages: user('hi') }),
      OpenAI.AuthenticationError,
    );
  });

  test('unknown model', async () => {
    await assert.rejects(ask('hi', { model: 'ecko' }), (error) => {
      assert.ok(error instanceof OpenAI.NotFoundError);
      assert.equal(error.code, 'model_not_found');
      assert.match(error.message, /echo/);
      return true;
    });
  });

  test('wrong type', async () => {
    await assert.rejects(ask('hi', { messages: 'not a list' }), (error) => {
      assert.ok(error instanceof OpenAI.BadRequestError);
      assert.match(error.message, /messages/);
      return true;
    });
  });

  test('rate limit', async () => {
    await assert.rejects(ask('hi', { model: 'echo-limited' }), (error) => {
      assert.ok(error instanceof OpenAI.RateLimitError);
      assert.equal(error.headers.get('retry-after'), '1');
      return true;
    });
  });

  test('fault of the provider', async () => {
    await assert.rejects(ask('hi', { model: 'echo-broken' }), OpenAI.InternalServerError);
  });
});

describe('impatience', () => {
  const stillThere = async () => {
    assert.equal((await ask('still there')).choices[0].message.content, 'still there');
  };

  test('leaving a stream leaves the proxy well', async () => {
    const stream = await ask('word '.repeat(200), { model: 'echo-slow', stream: true });
    for await (const chunk of stream) {
      assert.ok(chunk.id);
      break;
    }
    await stillThere();
  });

  test('aborting a request is an abort', async () => {
    const controller = new AbortController();
    const asked = ask('hi', { model: 'echo-late' }, { signal: controller.signal });
    controller.abort();
    await assert.rejects(asked, OpenAI.APIUserAbortError);
    await stillThere();
  });

  test('giving up is a timeout', async () => {
    await assert.rejects(ask('hi', { model: 'echo-late' }, { timeout: 300 }), OpenAI.APIConnectionTimeoutError);
    await stillThere();
  });
});
