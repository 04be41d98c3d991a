// The official Anthropic client for Node against the built-in `echo` model.
'use strict';

const assert = require('node:assert/strict');
const { before, describe, test } = require('node:test');
const Anthropic = require('@anthropic-ai/sdk').default;
const { zodOutputFormat } = require('@anthropic-ai/sdk/helpers/zod');
const { z } = require('zod');
const { MASTER_KEY, startProxy } = require('./servers.cjs');
const { anthropicTools, clockCall, pixelPng, weatherCall } = require('./tools.cjs');

let url;
let client;

before(async () => {
  url = await startProxy();
  client = new Anthropic({ apiKey: MASTER_KEY, baseURL: url, maxRetries: 0, timeout: 30_000 });
});

const user = (content) => [{ role: 'user', content }];
const request = (content, more = {}) => ({ model: 'echo', max_tokens: 4096, messages: user(content), ...more });
const ask = (content, more, options = {}) => client.messages.create(request(content, more), options);
const called = (answer) =>
  answer.content.filter((block) => block.type === 'tool_use').map((block) => [block.name, block.input]);

async function collect(stream) {
  const events = [];
  for await (const event of stream) events.push(event);
  return events;
}

describe('messages', () => {
  test('are answered with usage', async () => {
    const answer = await ask('one two three');
    assert.equal(answer.content[0].text, 'one two three');
    assert.equal(answer.stop_reason, 'end_turn');
    assert.deepEqual([answer.usage.input_tokens, answer.usage.output_tokens], [3, 3]);
  });

  test('may hold images', async () => {
    const image = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: pixelPng } };
    const answer = await ask([{ type: 'text', text: 'what is' }, image]);
    assert.equal(answer.content[0].text, 'what is [image]');
  });

  test('are thought about when asked to', async () => {
    const answer = await ask('why', { thinking: { type: 'enabled', budget_tokens: 1024 } });
    assert.deepEqual(
      answer.content.map((block) => block.thinking ?? block.text),
      ['Thinking about: why', 'why'],
    );
  });

  test('are counted', async () => {
    const counted = await client.messages.countTokens({ model: 'echo', messages: user('one two three') });
    assert.equal(counted.input_tokens, 3);
  });
});

describe('stream', () => {
  test('sends its events in order', async () => {
    const events = await collect(await ask('one two', { stream: true }));
    assert.deepEqual(
      events.map((event) => event.type).filter((type) => type !== 'ping'),
      [
        'message_start',
        'content_block_start',
        'content_block_delta',
        'content_block_delta',
        'content_block_stop',
        'message_delta',
        'message_stop',
      ],
    );
  });

  test("accumulates in the client's own helper", async () => {
    const final = await client.messages.stream(request('one two three')).finalMessage();
    assert.equal(final.content[0].text, 'one two three');
    assert.equal(final.usage.output_tokens, 3);
  });

  test('reports a cut stream as an error', async () => {
    const read = async () => collect(await ask('one two three four five six', { model: 'echo-cut', stream: true }));
    await assert.rejects(read);
  });
});

describe('tools', () => {
  const call = (content, more) => ask(content, { tools: anthropicTools, ...more });

  test('are called by name, several at once', async () => {
    const answer = await call('read_clock and get_weather');
    assert.equal(answer.stop_reason, 'tool_use');
    assert.deepEqual(called(answer), [weatherCall, clockCall]);
  });

  test('are chosen as required, forced and forbidden', async () => {
    assert.deepEqual(called(await call('hello', { tool_choice: { type: 'any' } })), [weatherCall]);
    const forced = { type: 'tool', name: 'read_clock' };
    assert.deepEqual(called(await call('hello', { tool_choice: forced })), [clockCall]);
    assert.deepEqual(called(await call('get_weather', { tool_choice: { type: 'none' } })), []);
  });

  test('stream their arguments', async () => {
    const asked = request('read_clock and get_weather', { tools: anthropicTools });
    assert.deepEqual(called(await client.messages.stream(asked).finalMessage()), [weatherCall, clockCall]);
  });

  test('are answered from their results', async () => {
    const asked = await call('get_weather');
    const id = asked.content.find((block) => block.type === 'tool_use').id;
    const answer = await client.messages.create({
      ...request(''),
      tools: anthropicTools,
      messages: [
        ...user('get_weather'),
        { role: 'assistant', content: asked.content },
        ...user([{ type: 'tool_result', tool_use_id: id, content: '21 degrees' }]),
      ],
    });
    assert.equal(answer.content[0].text, '21 degrees');
  });
});

test('structured output parses into a schema', async () => {
  const Trip = z.object({ title: z.string(), price: z.number(), tags: z.array(z.string()) });
  const format = zodOutputFormat(Trip);
  const answer = await client.messages.parse(request('plan', { output_config: { format } }));
  assert.deepEqual(answer.parsed_output, { title: 'text', price: 1.5, tags: ['text'] });
});

test('models are listed', async () => {
  const names = (await collect(client.models.list())).map((model) => model.id);
  assert.ok(names.includes('echo'));
});

describe('errors', () => {
  const rejects = (asked, type, kind) =>
    assert.rejects(asked, (error) => {
      assert.ok(error instanceof type, `${error}`);
      assert.equal(error.error.error.type, kind);
      return true;
    });

  test('wrong key', async () => {
    const stranger = new Anthropic({ apiKey: 'sk-wrong', baseURL: url, maxRetries: 0 });
    await rejects(stranger.messages.create(request('hi')), Anthropic.AuthenticationError, 'authentication_error');
  });

  test('unknown model', () => rejects(ask('hi', { model: 'ecko' }), Anthropic.NotFoundError, 'not_found_error'));

  test('wrong type', () =>
    rejects(ask('hi', { messages: 'not a list' }), Anthropic.BadRequestError, 'invalid_request_error'));

  test('rate limit', () =>
    rejects(ask('hi', { model: 'echo-limited' }), Anthropic.RateLimitError, 'rate_limit_error'));

  test('fault of the provider', () =>
    rejects(ask('hi', { model: 'echo-broken' }), Anthropic.InternalServerError, 'api_error'));
});

describe('impatience', () => {
  const stillThere = async () => assert.equal((await ask('still there')).content[0].text, 'still there');

  test('leaving a stream leaves the proxy well', async () => {
    const stream = await ask('word '.repeat(200), { model: 'echo-slow', stream: true });
    for await (const event of stream) {
      assert.ok(event.type);
      break;
    }
    await stillThere();
  });

  test('aborting a request is an abort', async () => {
    const controller = new AbortController();
    const asked = ask('hi', { model: 'echo-late' }, { signal: controller.signal });
    controller.abort();
    await assert.rejects(asked, Anthropic.APIUserAbortError);
    await stillThere();
  });

  test('giving up is a timeout', async () => {
    await assert.rejects(ask('hi', { model: 'echo-late' }, { timeout: 300 }), Anthropic.APIConnectionTimeoutError);
    await stillThere();
  });
});
