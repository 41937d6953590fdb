//! The C library's header, its archives, and C and C++ programs that use them.

use std::fs;
use std::path::Path;

/// The checked-in header is what cbindgen makes of the sources.
#[test]
fn the_header_is_current() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let source = root.join("targets/capi");
    let config = cbindgen::Config::from_file(source.join("cbindgen.toml")).unwrap();
    let mut header = vec![];
    cbindgen::Builder::new()
        .with_config(config)
        .with_crate(&source)
        .generate()
        .unwrap()
        .write(&mut header);
    let new = root.join("target/update_lock.h");
    fs::write(&new, &header).unwrap();
    let checked_in = source.join("update_lock.h");
    assert!(
        fs::read(&checked_in).is_ok_and(|old| old == header),
        "the header is out of date: cp {} {}",
        new.display(),
        checked_in.display()
    );
}
