//! Has the linker collect the log's texts in a section of their own, which isn't loaded and which `defmt-print` reads.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let layout = concat!(env!("CARGO_MANIFEST_DIR"), "/layout.ld");
    for script in [layout, "defmt.x"] {
        println!("cargo::rustc-link-arg-bins=-T{script}");
    }
}
