'use strict';
// The locks of npm, by the words of benches/src/verbs.rs: npm.js NAME VERB PATH [COUNT].

const [name, verb, path, count] = process.argv.slice(2);

const lockfile = () => require('lockfile');
const proper = () => require('proper-lockfile');
const promised = (call) => new Promise((resolve, reject) =>
  call((error) => (error ? reject(error) : resolve())));

// take: one attempt, which throws where the lock is held. wait: until it is free, by the package's own interval.
const LOCKS = {
  'lockfile-sync': () => {
    const { lockSync, unlockSync, lock } = lockfile();
    return {
      take: () => lockSync(path),
      wait: () => promised((done) => lock(path, { wait: 1e9 }, done)),
      give: () => unlockSync(path),
    };
  },
  lockfile: () => {
    const { lock, unlock } = lockfile();
    return {
      take: () => promised((done) => lock(path, done)),
      wait: () => promised((done) => lock(path, { wait: 1e9 }, done)),
      give: () => promised((done) => unlock(path, done)),
    };
  },
  'proper-lockfile': () => {
    const { lock, unlock } = proper();
    // What is locked needn't be there; it is the lock, a directory, that is at our path.
    const options = { realpath: false, lockfilePath: path };
    const retries = { forever: true, minTimeout: 100, maxTimeout: 100 };
    return {
      take: () => lock(path, options),
      wait: () => lock(path, { ...options, retries }),
      give: () => unlock(path, options),
    };
  },
};

const now = () => process.hrtime.bigint();
const say = (word, value) => process.stdout.write(`${word} ${value}\n`);

async function repeat(attempt) {
  // A program of some age: compiled code.
  for (let i = 0; i < 200; i++) await attempt();
  const start = now();
  for (let i = 0; i < count; i++) await attempt();
  say('took', now() - start);
}

const endOfInput = () => new Promise((resolve) => process.stdin.on('end', resolve).resume());

const sleep = (ms) => new Promise((resolve) => (ms ? setTimeout(resolve, ms) : resolve()));

async function hold(take, give, until) {
  await take();
  say('held', now());
  await until();
  say('releases', now());
  await give();
}

async function fails(take) {
  try {
    await take();
  } catch (error) {
    return;
  }
  throw new Error('the lock should be held');
}

const { take, wait, give } = LOCKS[name]();
const VERBS = {
  cycle: () => repeat(async () => {
    await take();
    await give();
  }),
  fail: () => repeat(() => fails(take)),
  hold: () => hold(take, give, endOfInput),
  wait: () => hold(wait, give, () => sleep(Number(count))),
};
VERBS[verb]().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
