#!/usr/bin/env node
'use strict';

const fs = require('fs');
const { join, resolve } = require('path');

const MAX_RETRIES = 3;
let counter = 0;
var legacy = true;

/**
 * Reads a file and parses it.
 *
 * @param {string} path where it is
 * @returns {Promise<object>}
 */
export async function readConfig(path, { encoding = 'utf8' } = {}) {
  const text = await fs.promises.readFile(join(__dirname, path), encoding);
  function reviver(key, value) {
    return key === 'date' ? new Date(value) : value;
  }
  return JSON.parse(text, reviver);
}

// An emitter of named events.
export default class Emitter extends Base {
  static instances = 0;
  #listeners = new Map();

  constructor(options) {
    super(options);
    Emitter.instances += 1;
  }

  /** How many listeners there are. */
  get size() {
    return this.#listeners.size;
  }

  static from(iterable) { return new Emitter({ iterable }); }

  async *[Symbol.asyncIterator]() {
    yield* this.#listeners;
  }

  handle = (event) => {
    this.#listeners.get(event.type)?.forEach((listener) => listener(event));
  };
}

/** Waits. */
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

const Mixin = class extends Emitter {
  mixed() {}
};

function* naturals(start = 0) {
  while (true) yield start++;
}

const routes = {
  index(request) {
    return request.url;
  },
  show: async function (request) {
    return readConfig(request.params.id);
  },
  'not-found': () => 404,
};

Emitter.prototype.emitLater = function (type, ...args) {
  queueMicrotask(() => this.emit(type, ...args));
};

module.exports = { sleep };
exports.größe = function (x) { return x; };

describe('Emitter', () => {
  beforeEach(() => { counter = 0; });

  it('calls listeners in order', async () => {
    expect(counter).toBe(0);
  });

  it.skip(`handles errors`, function () {
    throw new Error('no');
  });
});
