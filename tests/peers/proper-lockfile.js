// The same by npm's `proper-lockfile`, whose lock is a directory.

const fs = require('fs');
const lockfile = require('proper-lockfile');

const path = process.argv[2];
const options = { lockfilePath: path, realpath: false };
try {
  lockfile.lockSync(path, options);
} catch (error) {
  // The second: it takes an old file for a stale lock, and can't remove it.
  if (error.code !== 'ELOCKED' && error.code !== 'ENOTDIR') throw error;
  process.exit(75);
}
fs.writeFileSync('taken', 'taken\n');
fs.readFileSync(0);
lockfile.unlockSync(path, options);
