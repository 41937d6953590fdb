//! The C library's header, archives, man page and `pkg-config` file, and programs of a C and a C++ compiler that use them.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

const README: &str = include_str!("../README.md");
const HEADER: &str = include_str!("../targets/capi/update_lock.h");
const MAN_PAGE: &str = include_str!("../targets/capi/update_lock.3");

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The names of `ci/targets`.
fn devices() -> Vec<String> {
    let table = fs::read_to_string(root().join("ci/targets")).unwrap();
    let rows = table.lines().filter(|row| !row.starts_with('#'));
    let names = rows.filter_map(|row| row.split_whitespace().next());
    names.map(str::to_string).collect()
}

fn archive(device: &str) -> PathBuf {
    let archive = root()
        .join("target/devices")
        .join(device)
        .join("libupdate_lock.a");
    assert!(
        archive.exists(),
        "{} is missing: run ci/build",
        archive.display()
    );
    archive
}

/// The functions that a text names with a parenthesis behind.
fn functions(text: &str) -> BTreeSet<&str> {
    let words = text.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == '('));
    let names = words.filter_map(|word| word.split_once('(').map(|(name, _)| name));
    names
        .filter(|name| name.starts_with("update_lock_"))
        .collect()
}

#[track_caller]
fn run(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {output:?}");
    output
}

#[track_caller]
fn text(command: &mut Command) -> String {
    String::from_utf8(run(command).stdout).unwrap()
}

/// The checked-in header is what cbindgen makes of the sources.
#[test]
fn the_header_is_current() {
    let source = root().join("targets/capi");
    let config = cbindgen::Config::from_file(source.join("cbindgen.toml")).unwrap();
    let builder = cbindgen::Builder::new()
        .with_config(config)
        .with_crate(&source);
    let mut header = vec![];
    builder.generate().unwrap().write(&mut header);
    let new = root().join("target/update_lock.h");
    fs::write(&new, &header).unwrap();
    assert!(
        HEADER.as_bytes() == header,
        "out of date: cp {} targets/capi/",
        new.display()
    );
}

/// What a program's other parts can see, and could collide with: the functions of the header. They need nothing.
#[test]
fn an_archive_has_no_symbol_but_the_functions() {
    for device in devices() {
        let nm = |arguments: &[&str]| {
            let output = text(
                Command::new("llvm-nm")
                    .args(arguments)
                    .arg(archive(&device)),
            );
            let lines = output.lines().filter_map(|line| line.split_once(' '));
            lines
                .map(|(_, rest)| rest.trim().to_string())
                .collect::<BTreeSet<_>>()
        };
        let wanted = functions(HEADER);
        assert_eq!(wanted.len(), 9);
        let global: BTreeSet<_> = wanted.iter().map(|name| format!("T {name}")).collect();
        assert_eq!(nm(&["--extern-only", "--defined-only"]), global, "{device}");
        let mut undefined = nm(&["--undefined-only"]);
        // Each linker makes it, where code of i386 asks for it.
        undefined.remove("U _GLOBAL_OFFSET_TABLE_");
        assert_eq!(undefined, BTreeSet::new(), "{device}");
        let all = nm(&["--demangle"]);
        assert!(
            all.iter()
                .any(|symbol| symbol.contains("update_lock::adopt")),
            "{device}"
        );
        for symbol in all {
            let is_heavy = ["core::fmt", "alloc::"]
                .iter()
                .any(|part| symbol.contains(part));
            assert!(!is_heavy, "{device}: {symbol}");
        }
    }
}

/// Nothing whose name a program may have for itself, too.
#[test]
fn the_header_s_names_begin_with_its_own() {
    let words = HEADER.lines().filter(|line| !line.starts_with(' '));
    let words: Vec<_> = words.flat_map(str::split_whitespace).collect();
    assert!(!words.contains(&"typedef"));
    for pair in words.windows(2) {
        if let ["struct" | "#define", name] = pair {
            let name = name.to_lowercase();
            assert!(name.starts_with("update_lock"), "{name}");
        }
    }
}

/// Without a warning, in each language that includes it.
#[test]
fn compilers_take_the_header() {
    let directory = tempfile::tempdir().unwrap();
    let include = format!("-I{}", root().join("targets/capi").display());
    for (compiler, suffix, standards) in [
        ("cc", "c", &["c99", "c11", "c17"][..]),
        ("c++", "cc", &["c++98", "c++11", "c++17", "c++20"][..]),
    ] {
        let source = directory.path().join(format!("twice.{suffix}"));
        fs::write(
            &source,
            "#include <update_lock.h>\n#include <update_lock.h>\n",
        )
        .unwrap();
        for standard in standards {
            let mut command = Command::new(compiler);
            command.args([
                "-Wall",
                "-Wextra",
                "-Wpedantic",
                "-Werror",
                "-fsyntax-only",
                &include,
            ]);
            run(command.arg(format!("-std={standard}")).arg(&source));
        }
    }
}

/// Where the library has been installed, for `pkg-config`.
struct Installed {
    directory: TempDir,
}

impl Installed {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        for part in ["include", "lib/pkgconfig"] {
            fs::create_dir_all(directory.path().join(part)).unwrap();
        }
        let installed = Self { directory };
        for (from, to) in [
            (root().join("targets/capi/update_lock.h"), "include"),
            (root().join("targets/capi/update_lock.pc"), "lib/pkgconfig"),
            (archive("amd64"), "lib"),
        ] {
            let to = installed.path(to).join(from.file_name().unwrap());
            fs::copy(from, to).unwrap();
        }
        installed
    }

    fn path(&self, part: &str) -> PathBuf {
        self.directory.path().join(part)
    }

    fn pkg_config(&self, arguments: &[&str]) -> String {
        let mut command = Command::new("pkg-config");
        command.env("PKG_CONFIG_PATH", self.path("lib/pkgconfig"));
        text(command.args(arguments).arg("update_lock"))
    }

    /// Compiles a program as the README says, and gives its file.
    fn compile(&self, compiler: &str, options: &[&str], source: &Path) -> PathBuf {
        let program = self.path("program");
        let flags = self.pkg_config(&["--cflags", "--libs"]);
        let mut command = Command::new(compiler);
        command.args(["-Wall", "-Wextra", "-Werror"]).args(options);
        command.arg("-o").arg(&program).arg(source);
        run(command.args(flags.split_whitespace()));
        program
    }

    /// Runs a program with the lock in the directory, and sees the lock gone.
    fn play(&self, program: &Path) -> Output {
        let lock = self.path("updates.lock");
        let output = run(Command::new(program).env("UPDATE_LOCK_PATH", &lock));
        assert!(!lock.exists());
        output
    }
}

#[test]
fn pkg_config_knows_the_library() {
    let version = Installed::new().pkg_config(&["--modversion"]);
    assert_eq!(version.trim(), env!("CARGO_PKG_VERSION"));
}

/// The example of the man page, and those of the README.
fn examples() -> Vec<String> {
    let (_, example) = MAN_PAGE.split_once(".Bd -literal\n").unwrap();
    let (example, _) = example.split_once(".Ed\n").unwrap();
    let blocks = README.split("\n```c\n").skip(1);
    let blocks = blocks.filter_map(|rest| rest.split_once("\n```\n"));
    let blocks = blocks.map(|(block, _)| format!("{block}\n"));
    [example.replace("\\en", "\\n")]
        .into_iter()
        .chain(blocks)
        .collect()
}

/// In C and in C++, as a program that is loaded anywhere, and as one that isn't.
#[test]
fn the_examples_take_the_lock() {
    let installed = Installed::new();
    for example in examples() {
        for (compiler, name) in [("cc", "example.c"), ("c++", "example.cc")] {
            let source = installed.path(name);
            fs::write(&source, &example).unwrap();
            for options in [
                &["-pie", "-fPIE"][..],
                &["-no-pie"],
                &["-static"],
                &["-static-pie", "-fPIE"],
            ] {
                let program = installed.compile(compiler, options, &source);
                let output = installed.play(&program);
                assert_eq!(output.stdout, b"flashing the modem\n");
            }
        }
    }
}

/// ARMv6 code of the hard float ABI, as Raspbian's, and of the soft one, in a program without a libc: Debian's are ARMv7.
#[test]
fn the_archive_for_armv6_goes_with_either_float_abi() {
    let directory = tempfile::tempdir().unwrap();
    let program = directory.path().join("program");
    for (compiler, abi) in [
        (
            "arm-linux-gnueabihf-gcc",
            &["-march=armv6+fp", "-mfloat-abi=hard"][..],
        ),
        ("arm-linux-gnueabi-gcc", &["-march=armv6"]),
    ] {
        let mut command = Command::new(compiler);
        let include = format!("-I{}", root().join("targets/capi").display());
        command.args(abi).args(["-marm", "-ffreestanding"]);
        command.args(["-nostdlib", "-static", &include, "-o"]);
        command
            .arg(&program)
            .arg(root().join("tests/c/collisions.c"));
        run(command.arg(archive("rpi")));
        let mut command = Command::new("qemu-arm");
        command.args(["-cpu", "arm1176"]).arg(&program);
        run(command.current_dir(directory.path()));
    }
}

/// As for a module of an interpreter.
#[test]
fn a_shared_object_takes_the_library_in() {
    let installed = Installed::new();
    let source = installed.path("module.c");
    let calls: String = functions(HEADER)
        .iter()
        .map(|name| format!("    (void *){name},\n"))
        .collect();
    fs::write(
        &source,
        format!("#include <update_lock.h>\nvoid *const functions[] = {{\n{calls}}};\n"),
    )
    .unwrap();
    let module = installed.compile("cc", &["-shared", "-fPIC", "-Wl,-z,defs,-z,text"], &source);
    assert!(module.exists());
}

#[test]
fn the_man_page_has_every_function_and_no_error() {
    let page = root().join("targets/capi/update_lock.3");
    run(Command::new("mandoc")
        .args(["-Tlint", "-Wwarning"])
        .arg(&page));
    let synopsis = MAN_PAGE
        .lines()
        .filter_map(|line| line.strip_prefix(".Fo "));
    assert_eq!(synopsis.collect::<BTreeSet<_>>(), functions(HEADER));
    for name in functions(HEADER) {
        assert!(MAN_PAGE.contains(&format!(".Fn {name}\n")), "{name}");
    }
    for line in HEADER.lines() {
        if let Some(constant) = line.strip_prefix("#define UPDATE_LOCK_") {
            let name = constant.split(' ').next().unwrap();
            assert!(
                name == "H" || MAN_PAGE.contains(&format!(" UPDATE_LOCK_{name}")),
                "{name}"
            );
        }
    }
}
