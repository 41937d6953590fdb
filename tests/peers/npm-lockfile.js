// Tries once to take the lock by npm's `lockfile`, keeps it until its input ends, and gives it back. 75: it is held.

const fs = require('fs');
const lockfile = require('lockfile');

const path = process.argv[2];
try {
  lockfile.lockSync(path);
} catch (error) {
  if (error.code !== 'EEXIST') throw error;
  process.exit(75);
}
fs.writeFileSync('taken', 'taken\n');
fs.readFileSync(0);
lockfile.unlockSync(path);
