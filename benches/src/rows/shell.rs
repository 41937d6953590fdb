//! Acquire and release from a shell script.

use crate::Outcome;
use crate::command_line::{self, CommandLine};
use crate::contender::{CREATE_AND_UNLINK, OURS};
use crate::places::{self, Places};
use crate::settings::Settings;
use crate::table::Row;

const PYTHON: &str = "PYTHONPATH=\"$1\" \"$3\" -c \
    'import sys, lockfile; lock = lockfile.LockFile(sys.argv[1]); lock.acquire(); lock.release()' \"$2\"";

const NODE: &str = "NODE_PATH=\"$1\" node -e \
    'const { lockSync, unlockSync } = require(\"lockfile\"); const [path] = process.argv.slice(1); \
    lockSync(path); unlockSync(path)' \"$2\"";

pub(crate) fn measure(places: &Places, settings: &Settings) -> Outcome<Vec<Row>> {
    let python = places::python()?;
    let repeated = |times, name, script, program| {
        let arguments = [program, places.lock(name), python.clone()];
        CommandLine::in_shell(name, times, script, arguments)
    };
    let line = |name, script, program| repeated(settings.starts, name, script, program);
    // They take so long that a few are enough.
    let slow =
        |name, script, program| repeated(settings.starts.div_ceil(25), name, script, program);
    let none = Default::default;
    let lines = [
        line(
            CREATE_AND_UNLINK,
            "\"$1\" take \"$2\"; \"$1\" give \"$2\"",
            places.floor("cycle"),
        ),
        line(
            OURS,
            "\"$1\" --lock \"$2\" acquire >/dev/null; \"$1\" --lock \"$2\" release >/dev/null",
            places.update_lock(),
        ),
        line("flock(1)", "exec 9>\"$2\"; flock 9; exec 9>&-", none()),
        line(
            "procmail lockfile",
            "lockfile -r 0 \"$2\"; rm -f \"$2\"",
            none(),
        ),
        line(
            "dotlockfile",
            "dotlockfile -l \"$2\"; dotlockfile -u \"$2\"",
            none(),
        ),
        slow("PyPI lockfile", PYTHON, places.file("target/peers/python")),
        slow(
            "npm lockfile",
            NODE,
            places.file("target/peers/node_modules"),
        ),
    ];
    let samples = command_line::measure(&lines, settings)?;
    Ok(vec![
        Row::new("shell", "Acquire and release from a shell", "ns", &samples)
            .against(CREATE_AND_UNLINK, OURS),
    ])
}
