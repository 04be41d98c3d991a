// The official OpenAI client's Responses API against the built-in `echo` model.
'use strict';

const assert = require('node:assert/strict');
const { before, describe, test } = require('node:test');
const OpenAI = require('openai').default;
const { zodTextFormat } = require('openai/helpers/zod');
const { z } = require('zod');
const { MASTER_KEY, startProxy } = require('./servers.cjs');
const { clockCall, openaiTools, weatherCall } = require('./tools.cjs');

let client;

before(async () => {
  const url = await startProxy();
  client = new OpenAI({ apiKey: MASTER_KEY, baseURL: `${url}/v1`, maxRetries: 0, timeout: 30_000 });
});

const tools = openaiTools.map(({ function: tool }) => ({ type: 'function', strict: true, ...tool }));
const ask = (input, more = {}) => client.responses.create({ model: 'echo', input, ...more });
const calls = (response) => response.output.filter((item) => item.type === 'function_call');
const called = (response) => calls(response).map((call) => [call.name, JSON.parse(call.arguments)]);

async function collect(stream) {
  const events = [];
  for await (const event of stream) events.push(event);
  return events;
}

test('a response answers with usage', async () => {
  const answer = await ask('one two three');
  assert.equal(answer.output_text, 'one two three');
  assert.equal(answer.status, 'completed');
  assert.equal(answer.usage.total_tokens, 6);
});

test('what is not kept is refused by name', async () => {
  const refused = await ask('hi', { previous_response_id: 'resp_1' }).catch((error) => error);
  assert.ok(refused instanceof OpenAI.BadRequestError);
  assert.equal(refused.param, 'previous_response_id');
});

describe('stream', () => {
  test('arrives word by word in order', async () => {
    const events = await collect(await ask('one two three', { stream: true }));
    assert.deepEqual(events.map((event) => event.sequence_number), [...events.keys()]);
    const deltas = events.filter((event) => event.type === 'response.output_text.delta');
    assert.deepEqual(deltas.map((event) => event.delta), ['one ', 'two ', 'three']);
    assert.equal(events.at(-1).response.usage.total_tokens, 6);
  });

  test("accumulates in the client's own helper", async () => {
    const stream = client.responses.stream({ model: 'echo', input: 'why', reasoning: { effort: 'low' } });
    const final = await stream.finalResponse();
    assert.equal(final.output_text, 'why');
    assert.equal(final.output[0].summary[0].text, 'Thinking about: why');
  });

  test('reports a cut stream as an error', async () => {
    const read = async () => collect(await ask('one two three four five', { model: 'echo-cut', stream: true }));
    await assert.rejects(read);
  });
});

describe('tools', () => {
  test('are called by name, several at once, streamed or not', async () => {
    const input = 'read_clock and get_weather';
    assert.deepEqual(called(await ask(input, { tools })), [weatherCall, clockCall]);
    const stream = client.responses.stream({ model: 'echo', input, tools });
    assert.deepEqual(called(await stream.finalResponse()), [weatherCall, clockCall]);
  });

  test('are answered from the result', async () => {
    const first = await ask('get_weather', { tools });
    const output = { type: 'function_call_output', call_id: calls(first)[0].call_id, output: '21 degrees' };
    const history = [{ role: 'user', content: 'get_weather' }, ...first.output, output];
    assert.equal((await ask(history, { tools })).output_text, '21 degrees');
  });
});

test('structured output parses into a schema', async () => {
  const Trip = z.object({ title: z.string(), price: z.number(), booked: z.boolean() });
  const text = { format: zodTextFormat(Trip, 'trip') };
  const answer = await client.responses.parse({ model: 'echo', input: 'plan', text });
  assert.deepEqual(answer.output_parsed, { title: 'text', price: 1.5, booked: true });
});
