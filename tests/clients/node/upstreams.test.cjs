// Each client against a provider of each dialect: two pairs are translated, two are passed through.
'use strict';

const assert = require('node:assert/strict');
const { before, describe, test } = require('node:test');
const Anthropic = require('@anthropic-ai/sdk').default;
const OpenAI = require('openai').default;
const { MASTER_KEY, startProxy, startUpstream } = require('./servers.cjs');
const { anthropicTools, openaiTools } = require('./tools.cjs');

const TEXT = 'The harbour lies quiet under a thin moon.';
const THOUGHT = 'They ask about the harbour.';
const CALLS = [
  ['get_weather', { place: 'harbour', days: 2 }],
  ['read_clock', { place: 'harbour', days: 2 }],
];
const PATHS = { 'up-openai': '/v1/chat/completions', 'up-anthropic': '/v1/messages' };

let upstream;
let openai;
let anthropic;

before(async () => {
  upstream = await startUpstream();
  const url = await startProxy(upstream.url);
  openai = new OpenAI({ apiKey: MASTER_KEY, baseURL: `${url}/v1`, maxRetries: 0, timeout: 30_000 });
  anthropic = new Anthropic({ apiKey: MASTER_KEY, baseURL: url, maxRetries: 0, timeout: 30_000 });
});

const user = (content) => [{ role: 'user', content }];

for (const model of Object.keys(PATHS)) {
  describe(`OpenAI client, ${model}`, () => {
    const request = (content, more = {}) => ({ model, messages: user(content), ...more });
    const called = (choice) =>
      choice.message.tool_calls.map((call) => [call.function.name, JSON.parse(call.function.arguments)]);

    test('gets the answer and its usage', async () => {
      const answer = await openai.chat.completions.create(request('how is it'));
      assert.equal(answer.choices[0].message.content, TEXT);
      assert.deepEqual([answer.usage.prompt_tokens, answer.usage.completion_tokens], [11, 7]);
      assert.equal((await upstream.lastRequest()).path, PATHS[model]);
    });

    test('gets the stream', async () => {
      const stream = openai.chat.completions.stream(request('how is it'));
      assert.equal(await stream.finalContent(), TEXT);
    });

    test('gets tool calls, streamed too', async () => {
      const asked = request('get_weather and read_clock', { tools: openaiTools });
      assert.deepEqual(called((await openai.chat.completions.create(asked)).choices[0]), CALLS);
      const final = await openai.chat.completions.stream(asked).finalChatCompletion();
      assert.deepEqual(called(final.choices[0]), CALLS);
    });

    test('gets reasoning', async () => {
      const answer = await openai.chat.completions.create(request('think hard'));
      assert.equal(answer.choices[0].message.reasoning_content, THOUGHT);
    });

    test('gets typed errors', async () => {
      await assert.rejects(openai.chat.completions.create(request('fail-429')), OpenAI.RateLimitError);
      await assert.rejects(openai.chat.completions.create(request('fail-400')), OpenAI.BadRequestError);
    });

    test('hangs up on the provider when it leaves', async () => {
      const stream = await openai.chat.completions.create(request('slowly', { stream: true }));
      for await (const chunk of stream) {
        assert.ok(chunk.id);
        break;
      }
      await upstream.hungUp();
    });
  });

  describe(`Anthropic client, ${model}`, () => {
    const request = (content, more = {}) => ({ model, max_tokens: 2000, messages: user(content), ...more });
    const called = (answer) =>
      answer.content.filter((block) => block.type === 'tool_use').map((block) => [block.name, block.input]);

    test('gets the answer and its usage', async () => {
      const answer = await anthropic.messages.create(request('how is it'));
      assert.equal(answer.content[0].text, TEXT);
      const { input_tokens, cache_read_input_tokens, output_tokens } = answer.usage;
      assert.deepEqual([input_tokens, cache_read_input_tokens, output_tokens], [6, 5, 7]);
      assert.equal((await upstream.lastRequest()).path, PATHS[model]);
    });

    test('gets the stream', async () => {
      const final = await anthropic.messages.stream(request('how is it')).finalMessage();
      assert.equal(final.content[0].text, TEXT);
      assert.equal(final.usage.output_tokens, 7);
    });

    test('gets tool calls, streamed too', async () => {
      const asked = request('get_weather and read_clock', { tools: anthropicTools });
      assert.deepEqual(called(await anthropic.messages.create(asked)), CALLS);
      assert.deepEqual(called(await anthropic.messages.stream(asked).finalMessage()), CALLS);
    });

    test('gets thinking', async () => {
      const answer = await anthropic.messages.create(request('think hard'));
      assert.equal(answer.content[0].thinking, THOUGHT);
    });

    test('gets typed errors', async () => {
      await assert.rejects(anthropic.messages.create(request('fail-429')), Anthropic.RateLimitError);
      await assert.rejects(anthropic.messages.create(request('fail-400')), Anthropic.BadRequestError);
    });

    test('hangs up on the provider when it leaves', async () => {
      const stream = await anthropic.messages.create(request('slowly', { stream: true }));
      for await (const event of stream) {
        assert.ok(event.type);
        break;
      }
      await upstream.hungUp();
    });
  });
}
