// Tools the tests offer to models, in both dialects, and the arguments that `echo` makes up for them.
'use strict';

const schemas = {
  get_weather: {
    type: 'object',
    properties: {
      place: { type: 'string' },
      unit: { type: 'string', enum: ['celsius', 'fahrenheit'] },
      days: { type: 'integer' },
    },
    required: ['place', 'unit', 'days'],
    additionalProperties: false,
  },
  read_clock: {
    type: 'object',
    properties: { zones: { type: 'array', items: { type: 'string' } }, precise: { type: 'boolean' } },
    required: ['zones', 'precise'],
    additionalProperties: false,
  },
};

module.exports = {
  weatherCall: ['get_weather', { place: 'text', unit: 'celsius', days: 1 }],
  clockCall: ['read_clock', { zones: ['text'], precise: true }],
  openaiTools: Object.entries(schemas).map(([name, parameters]) => ({
    type: 'function',
    function: { name, description: 'A tool.', parameters },
  })),
  anthropicTools: Object.entries(schemas).map(([name, input_schema]) => ({
    name,
    description: 'A tool.',
    input_schema,
  })),
  // One grey pixel.
  pixelPng: 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg==',
};
