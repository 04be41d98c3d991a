// Starts the real proxy, and the scripted provider behind it, for one file of tests.
'use strict';

const { spawn } = require('node:child_process');
const path = require('node:path');
const { after } = require('node:test');

const MASTER_KEY = 'sk-client-tests';
const UPSTREAM_KEY = 'sk-upstream-tests';
const CLIENTS = path.dirname(__dirname);
// Far above what a start takes; reached only by a server that will never answer.
const PATIENCE_MS = 30_000;

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function waitFor(condition, complaint) {
  const deadline = Date.now() + PATIENCE_MS;
  while (Date.now() < deadline) {
    const result = await condition();
    if (result) return result;
    await pause(50);
  }
  throw new Error(complaint());
}

const running = [];

// Registered while the file of tests is loaded: inside a hook it would belong to that hook.
after(async () => {
  for (const { child, ended } of running.reverse()) {
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS);
    await ended;
    clearTimeout(timer);
  }
});

// Starts a program that says where it listens; it is stopped after the tests.
async function start(program, args, env = {}) {
  const child = spawn(program, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = new Promise((resolve) => child.once('close', resolve));
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (output += data));
  child.on('error', (error) => (output += `${error}`));
  running.push({ child, ended });
  return waitFor(
    () => {
      if (child.exitCode !== null) throw new Error(`${program} ended with ${child.exitCode}:\n${output}`);
      return /listening on (http:\/\/[\w.:[\]]+)/.exec(output)?.[1];
    },
    () => `${program} never said where it listens:\n${output}`,
  );
}

async function startUpstream() {
  const script = path.join(CLIENTS, 'python', 'upstream.py');
  const url = await start('python3', ['-u', '-B', script]);
  const take = async () => (await fetch(`${url}/requests`)).json();
  // Whether the provider has seen the other side close a stream early.
  const hungUp = () =>
    waitFor(
      async () => (await take()).some((entry) => entry.hung_up),
      () => 'the provider was never hung up on',
    );
  return { url, take, lastRequest: async () => (await take()).at(-1), hungUp };
}

async function startProxy(upstreamUrl = 'http://127.0.0.1:9') {
  const config = path.join(CLIENTS, 'proxy.yaml');
  const url = await start(
    process.env.LLMUX_PROXY_BIN,
    ['--config', config, '--host', '127.0.0.1', '--port', '0'],
    {
      LLMUX_TEST_MASTER_KEY: MASTER_KEY,
      LLMUX_TEST_UPSTREAM_KEY: UPSTREAM_KEY,
      LLMUX_TEST_OPENAI_BASE: `${upstreamUrl}/v1`,
      LLMUX_TEST_ANTHROPIC_BASE: upstreamUrl,
    },
  );
  await waitFor(
    async () => (await fetch(`${url}/health/readiness`)).ok,
    () => 'the proxy never became ready',
  );
  return url;
}

module.exports = { MASTER_KEY, UPSTREAM_KEY, startProxy, startUpstream };
