// Vercel's AI SDK against the built-in `echo` model, and against providers of other dialects.
'use strict';

const assert = require('node:assert/strict');
const { before, describe, test } = require('node:test');
const { createAnthropic } = require('@ai-sdk/anthropic');
const { createGoogleGenerativeAI } = require('@ai-sdk/google');
const { createOpenAI } = require('@ai-sdk/openai');
const { APICallError, Output, embedMany, generateText, stepCountIs, streamText, tool } = require('ai');
const { z } = require('zod');
const { MASTER_KEY, startProxy, startUpstream } = require('./servers.cjs');

// About models that the SDK does not know.
globalThis.AI_SDK_LOG_WARNINGS = false;

const TEXT = 'The harbour lies quiet under a thin moon.';
const KINDS = ['chat', 'responses', 'messages', 'google'];
const ARGUMENTS = { place: 'text', days: 1.5 };

let clients;
let openai;

before(async () => {
  const upstream = await startUpstream();
  const url = await startProxy(upstream.url);
  openai = createOpenAI({ apiKey: MASTER_KEY, baseURL: `${url}/v1` });
  const anthropic = createAnthropic({ apiKey: MASTER_KEY, baseURL: `${url}/v1` });
  const google = createGoogleGenerativeAI({ apiKey: MASTER_KEY, baseURL: `${url}/v1beta` });
  clients = { chat: openai.chat, responses: openai.responses, messages: anthropic, google };
});

const options = (kind, model = 'echo') => ({ model: clients[kind](model), maxRetries: 0 });
const weather = (execute) =>
  tool({
    description: 'The weather at a place.',
    inputSchema: z.object({ place: z.string(), days: z.number() }),
    execute,
  });

// Everything that a stream brings; an error among it is thrown.
async function parts(stream) {
  const all = [];
  for await (const part of stream.fullStream) {
    if (part.type === 'error') throw part.error;
    all.push(part);
  }
  return all;
}

for (const kind of KINDS) {
  describe(kind, () => {
    test('answers with usage', async () => {
      const answer = await generateText({ ...options(kind), system: 'be kind', prompt: 'one two three' });
      assert.equal(answer.text, 'one two three');
      assert.equal(answer.finishReason, 'stop');
      assert.equal(answer.usage.outputTokens, 3);
      assert.ok(answer.usage.inputTokens >= 3);
    });

    test('streams', async () => {
      const stream = streamText({ ...options(kind), prompt: 'one two three', onError: () => {} });
      const all = await parts(stream);
      const words = all.filter((part) => part.type === 'text-delta').map((part) => part.text);
      assert.equal(words.join(''), 'one two three');
      assert.equal(words.length, 3);
      assert.equal(all.at(-1).finishReason, 'stop');
      assert.equal(all.at(-1).totalUsage.outputTokens, 3);
    });

    test('calls tools, and goes on with their results', async () => {
      const seen = [];
      const tools = { get_weather: weather(async (input) => (seen.push(input), 'fine')) };
      // The first step must call; the second one answers.
      const prepareStep = ({ stepNumber }) => ({ toolChoice: stepNumber === 0 ? 'required' : 'none' });
      const answer = await generateText({
        ...options(kind),
        prompt: 'weather?',
        tools,
        prepareStep,
        stopWhen: stepCountIs(2),
      });
      assert.deepEqual(seen, [ARGUMENTS]);
      assert.equal(answer.steps.length, 2);
      assert.ok(answer.text);
    });

    test('streams calls', async () => {
      const tools = { get_weather: weather() };
      const asked = { prompt: 'weather?', tools, toolChoice: 'required', onError: () => {} };
      const all = await parts(streamText({ ...options(kind), ...asked }));
      const calls = all.filter((part) => part.type === 'tool-call');
      assert.deepEqual(calls.map((call) => [call.toolName, call.input]), [['get_weather', ARGUMENTS]]);
      assert.equal(all.at(-1).finishReason, 'tool-calls');
    });

    test('gives structured output', async () => {
      const schema = z.object({ harbour: z.string(), days: z.number() });
      const output = Output.object({ schema });
      const answer = await generateText({ ...options(kind), prompt: 'plan it', output });
      assert.deepEqual(answer.output, { harbour: 'text', days: 1.5 });
    });

    test('tells errors with their status', async () => {
      for (const [model, status] of [['nobody', 404], ['echo-limited', 429], ['echo-broken', 500]]) {
        await assert.rejects(generateText({ ...options(kind, model), prompt: 'x' }), (error) => {
          assert.ok(APICallError.isInstance(error), `${error}`);
          assert.equal(error.statusCode, status);
          return true;
        });
      }
    });

    test('reports a stream that is cut short', async () => {
      const stream = streamText({ ...options(kind, 'echo-cut'), prompt: 'one two three four', onError: () => {} });
      await assert.rejects(parts(stream));
    });

    for (const model of ['up-openai', 'up-anthropic', 'up-cohere', 'up-ollama']) {
      // OpenAI would make the response itself, which is not scripted.
      if (kind === 'responses' && model === 'up-openai') continue;
      test(`is answered by ${model}`, async () => {
        const asked = { ...options(kind, model), onError: () => {} };
        assert.equal((await generateText({ ...asked, prompt: 'how is it' })).text, TEXT);
        const all = await parts(streamText({ ...asked, prompt: 'how is it' }));
        const words = all.filter((part) => part.type === 'text-delta').map((part) => part.text);
        assert.equal(words.join(''), TEXT);
        const tools = { get_weather: weather() };
        const called = await generateText({ ...asked, prompt: 'get_weather, please', tools });
        assert.deepEqual(called.toolCalls.map((call) => call.input), [{ place: 'harbour', days: 2 }]);
      });
    }
  });
}

test('embeds', async () => {
  const { embeddings } = await embedMany({ model: openai.embeddingModel('echo'), values: ['a', 'b'] });
  assert.equal(embeddings.length, 2);
});
